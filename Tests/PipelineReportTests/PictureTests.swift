// SPDX-License-Identifier: Apache-2.0
import Foundation
import ModelInput
import PipelineCore
import PipelineReport
import Testing

@Suite("images of a report", .timeLimit(.minutes(15)))
struct PictureTests {
  let scratch: Scratch
  let sink = MemorySink()

  init() throws { scratch = try Scratch() }

  private func column(_ images: [String]) async throws -> [String] {
    let lines = images.enumerated().map { index, image in
      #"{"id":"a/\#(index)","group":"a","response":"r","prompt":[{"role":"user","content":[{"type":"image","image":"\#(image)"},{"type":"text","text":"what?"}]}]}"#
    }
    let file = try scratch.write("data/rollouts.jsonl", lines.joined(separator: "\n"))
    try await report([file], into: sink).advance()
    return try sink.column("pictures").map { $0.stringValue ?? "" }
  }

  @Test("an image is kept once, under a name made of its bytes, with its size")
  func once() async throws {
    try scratch.write("data/a.png", smallPNG)
    try scratch.write("data/b.png", smallPNG)
    let found = try await column(["a.png", "b.png", "data:image/png;base64," + smallPNG.base64EncodedString()])
    #expect(Set(found).count == 1)
    let name = try #require(sink.pictures.keys.first)
    #expect(found[0] == "\(name):2:1:\(name)")
    #expect(sink.pictures == [name: [UInt8](smallPNG)])
    #expect(try sink.column("question") == ["what?", "what?", "what?"])
  }

  @Test("what is no image, lies elsewhere or would have to be fetched is not kept, and the reason is")
  func refused() async throws {
    try scratch.write("secret.png", smallPNG)
    try scratch.write("data/text.png", "this is no image")
    try scratch.write("data/page.svg", "<svg onload='x'/>")
    try FileManager.default.createSymbolicLink(
      atPath: scratch.path + "/data/link.png", withDestinationPath: "../secret.png")
    let found = try await column([
      "../secret.png", "text.png", "page.svg", "link.png", "http://example.org/x.png", "gone.png", "javascript:x",
    ])
    #expect(found.allSatisfy { $0.hasPrefix("!") })
    #expect(found[0].contains("lies outside") && found[3].contains("lies outside"))
    #expect(sink.pictures.isEmpty)
  }

  @Test("a large image gets a small copy, and long data URIs are cut in the lines")
  func large() async throws {
    let pixels = (0..<400 * 200 * 3).map { UInt8(truncatingIfNeeded: $0 / 97) }
    let jpeg = try RGBImage(width: 400, height: 200, pixels: pixels).jpeg(quality: 90)
    try scratch.write("data/large.jpg", Data(jpeg))
    let uri = "data:image/jpeg;base64," + Data(jpeg).base64EncodedString()
    let found = try await column(["large.jpg", uri])
    #expect(found[0] == found[1] && sink.pictures.count == 2)
    let small = try #require(sink.pictures.first { $0.key.hasSuffix("-small.jpg") })
    let image = try RGBImage(decoding: small.value, name: "small")
    #expect(image.width == 160 && image.height == 80)
    #expect(sink.text("bodies/0-0").contains("… (\(uri.utf8.count) characters, left out of the report)"))
    #expect(!sink.text("bodies/0-0").contains(uri))
  }

  @Test("JPEG keeps the colours of a picture nearly")
  func encoding() throws {
    var pixels: [UInt8] = []
    for index in 0..<64 * 48 { pixels += [UInt8(index % 64 * 4), UInt8(index / 64 * 5), 128] }
    let image = RGBImage(width: 64, height: 48, pixels: pixels)
    let again = try RGBImage(decoding: try image.jpeg(quality: 95), name: "again")
    #expect(again.width == 64 && again.height == 48)
    var worst = 0
    for (before, after) in zip(image.pixels, again.pixels) { worst = max(worst, abs(Int(before) - Int(after))) }
    // A step of the quantization of quality 95 is a few grey levels, and there are three rounded transforms.
    #expect(worst < 24)
    #expect(throws: PipelineError.self) {
      try RGBImage(width: 70_000, height: 1, pixels: Array(repeating: 0, count: 210_000)).jpeg(quality: 80)
    }
  }
}
