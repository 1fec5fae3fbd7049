// SPDX-License-Identifier: Apache-2.0

/// Text that equals another only if all bytes are equal; ids and groups are compared this way.
///
/// For Swift, an "é" of one scalar and one of two are the same string; in a file they are different names.
public struct ExactText: Sendable, Hashable {
  /// The text.
  public let text: String

  /// Wraps a text.
  public init(_ text: String) { self.text = text }

  /// Compares bytes.
  public static func == (left: ExactText, right: ExactText) -> Bool {
    guard left.text.utf8.count == right.text.utf8.count else { return false }
    // Nearly every text is one piece of memory, which is compared as such; its view goes byte by byte.
    let isSame = left.text.utf8.withContiguousStorageIfAvailable { bytes in
      right.text.utf8.withContiguousStorageIfAvailable { bytes.elementsEqual($0) }
    }
    return (isSame ?? nil) ?? left.text.utf8.elementsEqual(right.text.utf8)
  }

  /// Hashes bytes.
  public func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}
