// SPDX-License-Identifier: Apache-2.0

/// The size that a record asks of one of its images, before the policy's own limits apply.
///
/// Its keys stand in the image's part of the prompt, or in its entry of `images`. They are those of qwen-vl-utils.
public enum ImageSizing: Sendable, Hashable {
  /// Nothing: the policy's limits alone apply.
  case unstated
  /// A number of pixels in a range, by `min_pixels` and `max_pixels`, of which one may be missing.
  case pixels(atLeast: Int?, atMost: Int?)
  /// A size, by `resized_height` and `resized_width`; each side is rounded to what the policy takes.
  case size(height: Int, width: Int)

  /// The keys that say it.
  public static let keys = ["min_pixels", "max_pixels", "resized_height", "resized_width"]
  private static let limit = 1 << 31

  /// What to lower so that the images of all prompts take fewer tokens, for messages.
  package static let remedyForAll = "'max_pixels' of the policy (policy.with.max_pixels, --max-pixels)"

  /// Those of an object's members that say it.
  public static func details(among members: [JSONValue.Member]) -> [JSONValue.Member] {
    members.filter { keys.contains($0.key) && $0.value != .null }
  }

  /// Reads the keys among what a part says of its image; `null` counts as absent.
  ///
  /// - Throws: When a value is no whole number from 1 on, the range is empty, or a size has one side only; the message
  ///   begins with the key.
  public init(_ details: [JSONValue.Member]) throws {
    var values: [String: Int] = [:]
    for detail in details where Self.keys.contains(detail.key) && detail.value != .null {
      guard let value = detail.value.intValue, (1...Self.limit).contains(value) else {
        throw PipelineError(
          .invalidData,
          "'\(detail.key)' is \(detail.value.json.shortenedForMessage), it must be a whole number in 1…\(Self.limit)")
      }
      values[detail.key] = value
    }
    let (least, most) = (values["min_pixels"], values["max_pixels"])
    if let least, let most, least > most {
      throw PipelineError(.invalidData, "'min_pixels' is \(least), more than 'max_pixels', \(most); swap them")
    }
    switch (values["resized_height"], values["resized_width"]) {
    case (let height?, let width?): self = .size(height: height, width: width)
    case (nil, nil): self = least == nil && most == nil ? .unstated : .pixels(atLeast: least, atMost: most)
    case (let height, _):
      let (given, missing) = height == nil ? ("width", "height") : ("height", "width")
      throw PipelineError(
        .invalidData, "'resized_\(given)' is given without 'resized_\(missing)'; give both, or 'max_pixels'")
    }
  }
}
