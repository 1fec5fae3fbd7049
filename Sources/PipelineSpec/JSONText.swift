// SPDX-License-Identifier: Apache-2.0
internal import CJSON
import PipelineCore

/// Reads JSON documents, with comments, into trees with places.
enum JSONText {
  /// The deepest nesting that a document may have.
  static let depthLimit = 64

  /// Reads a document.
  ///
  /// - Parameters:
  ///   - bytes: Valid UTF-8 without byte order mark.
  ///   - file: The name for error messages.
  /// - Throws: ``PipelineError`` with the place of the first mistake.
  static func tree(of bytes: [UInt8], file: String) throws -> OptionTree {
    let positions = TextPositions(file: file, bytes: bytes)
    let document = bytes.withUnsafeBytes { buffer in
      cjson_parse(buffer.bindMemory(to: CChar.self).baseAddress, buffer.count, depthLimit)
    }
    guard let document else { throw PipelineError(.inputOutput, "\(file): out of memory") }
    defer { cjson_free(document) }
    var offset = 0
    if let message = cjson_error(document, &offset) {
      throw PipelineError(
        .invalidSpec, "not JSON: \(wording(String(cString: message)))", at: positions.location(of: offset))
    }
    var count = 0
    let nodes = UnsafeBufferPointer(start: cjson_nodes(document, &count), count: count)
    var builder = Builder(nodes: nodes, bytes: bytes, positions: positions)
    return try builder.next()
  }

  /// Rewords jsoncpp's messages in the style of the others.
  private static func wording(_ message: String) -> String {
    switch message {
    case "Syntax error: value, object or array expected": "expected a value"
    case "Missing '}' or object member name": "expected a key in quotes or '}'"
    case "Missing ':' after object member name": "expected ':' after the key"
    case "Missing ',' or '}' in object declaration": "expected ',' or '}'"
    case "Missing ',' or ']' in array declaration": "expected ',' or ']'"
    case "Extra non-whitespace after JSON value": "unexpected text after the document"
    case "A valid JSON document must be either an array or an object value": "expected '{' at the start"
    default:
      if message.hasSuffix("is not a number") {
        "a number that does not fit in 64 bits"
      } else if message.contains("surrogate") {
        "half of a surrogate pair in a string"
      } else if message.hasPrefix("Duplicate key: ") {
        "the key \(message.dropFirst("Duplicate key: ".count)) is given twice"
      } else {
        message.prefix(1).lowercased() + message.dropFirst()
      }
    }
  }

  private struct Builder {
    let nodes: UnsafeBufferPointer<cjson_node>
    let bytes: [UInt8]
    let positions: TextPositions
    var position = 0

    mutating func next() throws -> OptionTree {
      let node = nodes[position]
      position += 1
      let location = positions.location(of: node.start)
      switch cjson_kind(rawValue: UInt32(node.kind)) {
      case CJSON_FALSE: return OptionTree(.bool(false), at: location)
      case CJSON_TRUE: return OptionTree(.bool(true), at: location)
      case CJSON_NUMBER:
        let text = String(decoding: bytes[node.start..<node.limit], as: UTF8.self)
        return OptionTree(.number(text), at: location)
      case CJSON_STRING:
        return OptionTree(.string(try text(node.text, node.text_length, at: location)), at: location)
      case CJSON_LIST:
        var elements: [OptionTree] = []
        for _ in 0..<node.child_count { elements.append(try next()) }
        return OptionTree(.list(elements), at: location)
      case CJSON_TABLE:
        var entries: [OptionTree.Entry] = []
        for _ in 0..<node.child_count {
          let member = nodes[position]
          let keyLocation = positions.location(of: member.key_start)
          let key = try text(member.key, member.key_length, at: keyLocation)
          entries.append(OptionTree.Entry(key: key, location: keyLocation, value: try next()))
        }
        return OptionTree(.table(entries), at: location)
      default: return OptionTree(.null, at: location)
      }
    }

    private func text(
      _ start: UnsafePointer<CChar>?, _ length: Int, at location: SourceLocation
    ) throws -> String {
      let buffer = UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : length)
      guard let text = String(validating: buffer, as: UTF8.self) else {
        throw PipelineError(.invalidSpec, "not JSON: half of a surrogate pair in a string", at: location)
      }
      return text
    }
  }
}
