// SPDX-License-Identifier: Apache-2.0

/// Text in HTML, as `markupsafe` escapes it.
enum HTMLText {
  /// The text escaped, unless it is already.
  static func escaped(_ text: Text) -> Text { text.isMarkup ? text : forced(text) }

  /// The text escaped in any case.
  static func forced(_ text: Text) -> Text {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.bytes.count)
    for byte in text.bytes {
      switch byte {
      case UInt8(ascii: "&"): bytes += "&amp;".utf8
      case UInt8(ascii: "<"): bytes += "&lt;".utf8
      case UInt8(ascii: ">"): bytes += "&gt;".utf8
      case UInt8(ascii: "'"): bytes += "&#39;".utf8
      case UInt8(ascii: "\""): bytes += "&#34;".utf8
      default: bytes.append(byte)
      }
    }
    return Text(bytes, isMarkup: true)
  }
}
