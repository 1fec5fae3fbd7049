// SPDX-License-Identifier: Apache-2.0

/// A Python string, as UTF-8.
///
/// Not a `String`, because that one compares and hashes by canonical equivalence, where Python compares code points.
struct Text: Hashable, Sendable, ExpressibleByStringLiteral {
  var bytes: [UInt8]
  /// Whether it is already escaped for HTML: Python's `Markup`.
  var isMarkup = false

  init(_ bytes: [UInt8], isMarkup: Bool = false) {
    self.bytes = bytes
    self.isMarkup = isMarkup
  }

  init(_ bytes: ArraySlice<UInt8>) { self.bytes = Array(bytes) }
  init(_ string: some StringProtocol) { bytes = Array(string.utf8) }
  init(_ scalars: some Sequence<Unicode.Scalar>) {
    bytes = []
    for scalar in scalars { bytes.append(contentsOf: String(scalar).utf8) }
  }
  init(stringLiteral value: StaticString) {
    bytes = value.withUTF8Buffer { Array($0) }
  }

  static func == (left: Text, right: Text) -> Bool { left.bytes == right.bytes }
  func hash(into hasher: inout Hasher) { hasher.combine(bytes) }

  /// As a Swift string.
  var string: String { String(decoding: bytes, as: UTF8.self) }
  var isEmpty: Bool { bytes.isEmpty }
  var isASCII: Bool { bytes.allSatisfy { $0 < 0x80 } }

  /// Its code points.
  var scalars: [Unicode.Scalar] { Array(string.unicodeScalars) }

  /// The number of code points.
  var count: Int { bytes.reduce(0) { $1 & 0xC0 == 0x80 ? $0 : $0 + 1 } }

  /// The byte at which each code point begins, and the end.
  var starts: [Int] { bytes.indices.filter { bytes[$0] & 0xC0 != 0x80 } + [bytes.count] }

  /// The same, marked as this one is.
  func marked(like other: Text) -> Text { Text(bytes, isMarkup: other.isMarkup) }

  static func + (left: Text, right: Text) -> Text { Text(left.bytes + right.bytes) }

  func hasPrefix(_ prefix: Text) -> Bool { bytes.starts(with: prefix.bytes) }
  func hasSuffix(_ suffix: Text) -> Bool {
    bytes.count >= suffix.bytes.count && bytes[(bytes.count - suffix.bytes.count)...].elementsEqual(suffix.bytes)
  }
}
