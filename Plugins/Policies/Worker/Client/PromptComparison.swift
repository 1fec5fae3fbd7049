// SPDX-License-Identifier: Apache-2.0
import ModelInput
import PipelineCore

/// Compares, once at start-up, the tokens and pixels that this side makes with those of the model's own processor.
struct PromptComparison {
  let codec: PromptCodec
  let connection: WorkerConnection
  let limit: Double

  private static let (width, height) = (93, 61)
  private static let words = "What is 3 × 27? It's\n\n  a naïve question, isn't IT?"

  /// Asks the worker.
  ///
  /// - Throws: What differs, with what to do.
  func run() async throws {
    let original = Self.image
    let isSeeing = codec.config.vision != nil
    let processor = ImageProcessor(codec.images)
    let (resized, grid) = try isSeeing ? processor.resized(original) : (original, ImageGrid(height: 1, width: 1))
    let names = ["comparison, original", "comparison, resized"]
    _ = try await connection.ask(
      .init(
        kind: "images", members: [.init("drop", [])],
        payloads: zip(names, [original, resized]).map { ($0, Self.payload($1)) }, limit: limit))
    var members: [JSONValue.Member] = [
      .init("images", .array(names.map { .string($0) })),
      .init(
        "bounds",
        ["min_pixels": .number(codec.images.minPixels), "max_pixels": .number(codec.images.maxPixels)]),
    ]
    var payloads: [(String, WirePayload)] = []
    if codec.facts(parameterCount: 0).tokenizer == .present {
      let messages = Self.messages(isSeeing)
      // A template that is no template for messages makes every record fail, with its own reason.
      if let text = try? codec.text(of: messages) {
        let encoded = try codec.encode(PolicyPrompt(.messages(messages))) { _, _ in grid }
        members += [.init("messages", .array(messages.map(\.wire))), .init("text", .string(text))]
        payloads = [("tokens", WirePayload(encoded.tokens))]
      }
    }
    _ = try await connection.ask(.init(kind: "compare", members: members, payloads: payloads, limit: limit))
    _ = try await connection.ask(
      .init(kind: "images", members: [.init("drop", .array(names.map { .string($0) }))], limit: limit))
  }

  private static func messages(_ isSeeing: Bool) -> [ChatMessage] {
    let content: ChatMessage.Content =
      isSeeing ? .parts([.image(ChatImage("comparison")), .text(words)]) : .text(words)
    return [ChatMessage(role: "user", content: content)]
  }

  /// A pattern in which every pixel differs from its neighbours.
  private static var image: RGBImage {
    let pixels = (0..<width * height).flatMap { place -> [UInt8] in
      let (x, y) = (place % width, place / width)
      return [UInt8((x * 7 + y * 3) % 256), UInt8((x * y) % 256), UInt8((x * x + 5 * y) % 256)]
    }
    return RGBImage(width: width, height: height, pixels: pixels)
  }

  private static func payload(_ image: RGBImage) -> WirePayload {
    WirePayload(bytes: image.pixels, shape: [image.height, image.width, 3])
  }
}
