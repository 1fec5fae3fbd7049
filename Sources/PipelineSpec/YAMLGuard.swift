// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Refuses, before parsing, texts that would overflow the parser's stack or take exponential time.
///
/// Yams loads recursively, and compares keys by value: a key that is an alias of nested aliases takes forever.
struct YAMLGuard {
  /// The name for error messages.
  let file: String
  /// Each level of block collections is indented by at least one column.
  static let indentationLimit = 128

  /// Checks a text.
  ///
  /// - Throws: ``PipelineError`` at the first place that goes too far.
  func check(_ text: String) throws {
    let bytes = Array(text.utf8)
    func fault(_ message: String, _ offset: Int) -> PipelineError {
      PipelineError(.invalidSpec, message, at: TextPositions(file: file, bytes: bytes).location(of: offset))
    }
    if let offset = tooDeep(bytes) {
      throw fault("nested deeper than \(YAMLText.depthLimit) levels", offset)
    }
    if bytes.contains(UInt8(ascii: "&")), let offset = keyThatMayHoldAliases(bytes) {
      throw fault("a key must be text, written out, in a document with anchors", offset)
    }
  }

  private func tooDeep(_ bytes: [UInt8]) -> Int? {
    var flowDepth = 0
    var indentation: Int? = 0
    for (offset, byte) in bytes.enumerated() {
      switch byte {
      case UInt8(ascii: "["), UInt8(ascii: "{"): flowDepth += 1
      case UInt8(ascii: "]"), UInt8(ascii: "}"): flowDepth = max(0, flowDepth - 1)
      default: break
      }
      switch byte {
      case 0x0A, 0x0D: indentation = 0
      case UInt8(ascii: " "), UInt8(ascii: "-"), UInt8(ascii: "?"), UInt8(ascii: ":"):
        indentation = indentation.map { $0 + 1 }
      default: indentation = nil
      }
      if flowDepth > YAMLText.depthLimit || (indentation ?? 0) > Self.indentationLimit { return offset }
    }
    return nil
  }

  /// The first `? `, `]:`, `}:` or `*name :`; text that only looks like one is refused too.
  private func keyThatMayHoldAliases(_ bytes: [UInt8]) -> Int? {
    func isSpace(_ offset: Int) -> Bool {
      offset < 0 || offset >= bytes.count || [0x20, 0x09, 0x0A, 0x0D].contains(bytes[offset])
    }
    func colonFollows(_ start: Int) -> Bool {
      var offset = start
      while offset < bytes.count, bytes[offset] == 0x20 || bytes[offset] == 0x09 { offset += 1 }
      return offset < bytes.count && bytes[offset] == UInt8(ascii: ":")
    }
    for (offset, byte) in bytes.enumerated() {
      switch byte {
      case UInt8(ascii: "?"):
        let opens =
          offset > 0 && [UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: ",")].contains(bytes[offset - 1])
        if isSpace(offset + 1), isSpace(offset - 1) || opens { return offset }
      case UInt8(ascii: "]"), UInt8(ascii: "}"):
        if colonFollows(offset + 1) { return offset }
      case UInt8(ascii: "*"):
        var end = offset + 1
        while end < bytes.count, !isSpace(end), bytes[end] != UInt8(ascii: ":") { end += 1 }
        if end > offset + 1, colonFollows(end) { return offset }
      default: break
      }
    }
    return nil
  }
}
