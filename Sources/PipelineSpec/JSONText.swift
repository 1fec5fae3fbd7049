// SPDX-License-Identifier: Apache-2.0
import CJSON
import PipelineCore

/// Reads JSON documents, with comments, into trees with places.
///
/// jsoncpp gives the structure; what a number or a string is, ``JSONValue`` says.
enum JSONText {
  /// The deepest nesting that a document may have.
  static let depthLimit = 64

  /// Reads a document.
  ///
  /// - Parameters:
  ///   - bytes: Valid UTF-8 without byte order mark and NUL.
  ///   - file: The name for error messages.
  /// - Throws: ``PipelineError`` with the place of the first mistake.
  static func tree(of bytes: [UInt8], file: String) throws -> OptionTree {
    let text = Text(bytes: bytes, positions: TextPositions(file: file, bytes: bytes))
    let document = bytes.withUnsafeBytes { buffer in
      cjson_parse(buffer.bindMemory(to: CChar.self).baseAddress, buffer.count)
    }
    guard let document else { throw PipelineError(.inputOutput, "\(file): out of memory") }
    defer { cjson_free(document) }
    if let fault = cjson_fault(document)?.pointee { throw text.error(fault) }
    var count = 0
    let nodes = UnsafeBufferPointer(start: cjson_nodes(document, &count), count: count)
    var builder = Builder(nodes: nodes, text: text)
    return try builder.next(depth: 0)
  }

  /// The text of a document, and what is said of it.
  private struct Text {
    let bytes: [UInt8]
    let positions: TextPositions

    func error(_ reason: String, at offset: Int) -> PipelineError {
      PipelineError(.invalidSpec, "not JSON: \(reason)", at: positions.location(of: offset))
    }

    /// The number or the string that stands somewhere.
    func scalar(_ range: Range<Int>) throws -> JSONValue {
      do {
        return try bytes.withUnsafeBytes { try JSONValue(parsing: UnsafeRawBufferPointer(rebasing: $0[range])) }
      } catch let fault as JSONValue.ParseError {
        if bytes[range.lowerBound] == UInt8(ascii: "\"") {
          throw error(fault.reason, at: range.lowerBound + fault.offset)
        }
        throw error("a number is written as in 12, -0.5 or 1e-6", at: range.lowerBound)
      }
    }

    /// The string that begins with the quote at an offset.
    func string(at offset: Int) throws -> String {
      let end = bytes.withUnsafeBytes { RecordWalk.end(ofValueAt: offset, in: $0) }
      return try scalar(offset..<end).stringValue ?? ""
    }

    /// What is wrong where jsoncpp gave up; of strings and comments that is told better than by its own sentence.
    func error(_ fault: cjson_error) -> PipelineError {
      let message = String(cString: fault.message)
      if message.hasPrefix("Exceeded stackLimit") { return tooDeep(at: firstTooDeep) }
      let offset =
        fault.line == 0
        ? fault.column - 1 : positions.offset(line: fault.line, byteColumn: fault.column)
      switch bytes[offset...].prefix(2).map({ $0 }) {
      case [UInt8(ascii: "/"), UInt8(ascii: "*")]: return error("a comment without end", at: offset)
      case let start where start.first == UInt8(ascii: "\""):
        do { _ = try string(at: offset) } catch let error as PipelineError { return error } catch {}
      default: break
      }
      return error(JSONText.wording(message), at: offset)
    }

    func tooDeep(at offset: Int) -> PipelineError { error("nested deeper than \(depthLimit) levels", at: offset) }

    /// The bracket that is one too many, where there are more than jsoncpp follows.
    private var firstTooDeep: Int {
      var depth = 0
      var offset = 0
      while offset < bytes.count, depth <= depthLimit {
        switch bytes[offset] {
        case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
        case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
        case UInt8(ascii: "\""): offset = bytes.withUnsafeBytes { RecordWalk.end(ofValueAt: offset, in: $0) } - 1
        default: break
        }
        offset += 1
      }
      return offset - 1
    }
  }

  /// Rewords jsoncpp's messages in the style of the others.
  private static func wording(_ message: String) -> String {
    let message = message.hasSuffix(".") ? String(message.dropLast()) : message
    switch message {
    case "Syntax error: value, object or array expected": return "expected a value"
    case "Missing '}' or object member name": return "expected a key in quotes or '}'"
    case "Missing ':' after object member name": return "expected ':' after the key"
    case "Missing ',' or '}' in object declaration": return "expected ',' or '}'"
    case "Missing ',' or ']' in array declaration": return "expected ',' or ']'"
    case "Extra non-whitespace after JSON value": return "unexpected text after the document"
    case "A valid JSON document must be either an array or an object value": return "expected '{' at the start"
    default:
      if message.hasSuffix("is not a number") { return "a number that does not fit in 64 bits" }
      if message.hasPrefix("Duplicate key: ") { return "the key \(message.dropFirst(15)) is given twice" }
      return message.prefix(1).lowercased() + message.dropFirst()
    }
  }

  private struct Builder {
    let nodes: UnsafeBufferPointer<cjson_node>
    let text: Text
    var position = 0

    mutating func next(depth: Int) throws -> OptionTree {
      let node = nodes[position]
      position += 1
      return OptionTree(try self.node(node, depth: depth), at: text.positions.location(of: node.start))
    }

    private mutating func node(_ node: cjson_node, depth: Int) throws -> OptionTree.Node {
      let kind = cjson_kind(rawValue: UInt32(node.kind))
      if depth == depthLimit, kind == CJSON_LIST || kind == CJSON_TABLE { throw text.tooDeep(at: node.start) }
      switch kind {
      case CJSON_FALSE: return .bool(false)
      case CJSON_TRUE: return .bool(true)
      case CJSON_NUMBER:
        guard case .number(let digits) = try text.scalar(node.start..<node.limit) else { return .null }
        return .number(digits)
      case CJSON_STRING: return .string(try text.string(at: node.start))
      case CJSON_LIST: return .list(try (0..<node.child_count).map { _ in try next(depth: depth + 1) })
      case CJSON_TABLE:
        return .table(
          try (0..<node.child_count).map { _ in
            let keyStart = nodes[position].key_start
            return OptionTree.Entry(
              key: try text.string(at: keyStart), location: text.positions.location(of: keyStart),
              value: try next(depth: depth + 1))
          })
      default: return .null
      }
    }
  }
}
