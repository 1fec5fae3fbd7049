// SPDX-License-Identifier: Apache-2.0
public import Foundation

/// What tells one input file from another of the same name: its size, and a hash of its first and last 64 KiB.
///
/// Cheap for a file of any size, and it notices what happens in practice: another file in its place, lines added.
public struct InputFingerprint: Sendable, Hashable {
  /// The size in bytes.
  public let bytes: UInt64
  /// 32 hexadecimal digits: two FNV-1a (64 bit) over the first and last 64 KiB.
  public let hash: String

  private static let sample: UInt64 = 64 << 10

  /// Looks at a file; nil where it is no regular file.
  ///
  /// - Throws: When it cannot be read.
  public init?(path: String) throws {
    let attributes = try FileManager.default.attributesOfItem(
      atPath: URL(fileURLWithPath: path).resolvingSymlinksInPath().path)
    guard attributes[.type] as? FileAttributeType == .typeRegular else { return nil }
    let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
    defer { try? file.close() }
    bytes = try file.seekToEnd()
    var hash = StableHash()
    for start in [0, bytes > Self.sample ? bytes - Self.sample : 0] {
      try file.seek(toOffset: start)
      hash.add(try file.read(upToCount: Int(Self.sample)) ?? Data())
    }
    self.hash = [hash.high, hash.low].map { word in
      let digits = String(word, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }
}
