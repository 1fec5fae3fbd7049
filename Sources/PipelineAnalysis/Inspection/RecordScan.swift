// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineIO

/// What an inspection needs of one record, found in one walk over its line without decoding long texts.
struct RecordScan {
  /// The keys that have a value other than null.
  private(set) var keys: [String] = []
  /// A hash of the encoded response.
  private(set) var responseHash: UInt64?
  /// The number of Unicode scalars of the response, with escapes resolved.
  private(set) var responseCharacters: Int?
  private(set) var tokenCount: Int?
  private(set) var finish: String?
  private(set) var hasImages = false

  /// Walks over a trajectory that was just read.
  init(_ trajectory: Trajectory) throws {
    try trajectory.record.withBytes { line in
      try RecordWalk.forEachMember(in: line) { key, range in
        take(key, UnsafeRawBufferPointer(rebasing: line[range]))
        return true
      }
    }
    tokenCount = try trajectory.tokenCount
  }

  private mutating func take(_ key: String, _ value: UnsafeRawBufferPointer) {
    guard let first = value.first, ![UInt8(ascii: "n"), UInt8(ascii: "N"), UInt8(ascii: "I")].contains(first)
    else {
      return
    }
    keys.append(key)
    switch key {
    case Field.response.rawValue where first == UInt8(ascii: "\""): measure(value)
    case Field.finish.rawValue: finish = (try? JSONValue(parsing: value))?.stringValue
    case Field.images.rawValue:
      hasImages = hasImages || (try? JSONValue(parsing: value))?.arrayValue?.isEmpty == false
    case Field.prompt.rawValue where first == UInt8(ascii: "["):
      hasImages = hasImages || Self.holdsImage(value)
    default: break
    }
  }

  /// Hashes a JSON string and counts its characters.
  private mutating func measure(_ string: UnsafeRawBufferPointer) {
    let inside = UnsafeRawBufferPointer(rebasing: string.dropFirst().dropLast())
    responseHash = ContentHash.of(inside)
    responseCharacters = RecordWalk.scalarCount(inside: inside)
  }

  /// Whether a list of messages has a part of type image, `{"type": "image", …}` or `{"image_url": …}`.
  private static func holdsImage(_ prompt: UnsafeRawBufferPointer) -> Bool {
    imageNames.contains { $0.first(in: prompt) != nil }
  }

  private static let imageNames = [ByteSearch("\"image\""), ByteSearch("\"image_url\"")]
}
