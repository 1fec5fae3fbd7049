// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation

/// Identifies the contents of an input file: its size, and a hash of its first and last 64 KiB.
///
/// It is cheap for a file of any size, and detects what happens in practice: a replaced file, or added lines.
package struct InputFingerprint: Sendable, Hashable {
  /// The size in bytes.
  package let bytes: UInt64
  /// 32 hexadecimal digits: two FNV-1a (64 bit) over the first and last 64 KiB.
  package let hash: String

  private static let sample: UInt64 = 64 << 10

  /// Reads a file's fingerprint; nil if it is not a regular file.
  ///
  /// - Throws: When it cannot be read.
  package init?(path: String) throws {
    // Not with URLs: they resolve `link/..` to nothing, the system to the parent of the link's target.
    var status = stat()
    guard stat(path, &status) == 0 else { throw SystemError.current("cannot open", path) }
    guard status.st_mode & S_IFMT == S_IFREG else { return nil }
    let file = try FileDescriptor(opening: path, O_RDONLY)
    bytes = try file.size()
    var hash = StableHash()
    for start in [0, bytes > Self.sample ? bytes - Self.sample : 0] {
      var sample = [UInt8](repeating: 0, count: Int(Self.sample))
      let count = try sample.withUnsafeMutableBytes { try file.read(into: $0, at: start) }
      hash.add(sample[..<count])
    }
    self.hash = hash.digits
  }
}
