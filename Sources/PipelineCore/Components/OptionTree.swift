// SPDX-License-Identifier: Apache-2.0

/// A value of a spec, with its place in the text: what an option is before its type is known.
///
/// JSON, YAML and the command line all become this one tree. A YAML scalar stays text until the option that
/// reads it says whether it is a number, a word or a truth value.
public struct OptionTree: Sendable, Hashable {
  /// What is at a place.
  public enum Node: Sendable, Hashable {
    /// `null`.
    case null
    /// `true` or `false`, in JSON.
    case bool(Bool)
    /// A number, in JSON, as it was written.
    case number(String)
    /// Text in quotes.
    case string(String)
    /// Text without quotes, whose type is decided by the reader: YAML's plain scalars and values of `--set`.
    case plain(String)
    /// A list.
    case list([OptionTree])
    /// A table, in the order written.
    case table([Entry])
  }

  /// One key of a table and its value.
  public struct Entry: Sendable, Hashable {
    /// The key.
    public let key: String
    /// Where the key is.
    public let location: SourceLocation
    /// The value.
    public var value: OptionTree

    /// Describes an entry.
    public init(key: String, location: SourceLocation, value: OptionTree) {
      self.key = key
      self.location = location
      self.value = value
    }
  }

  /// What is here.
  public var node: Node
  /// Where it is.
  public var location: SourceLocation

  /// A value at a place.
  public init(_ node: Node, at location: SourceLocation) {
    self.node = node
    self.location = location
  }

  /// An empty table that is not from a spec.
  public static let empty = OptionTree(.table([]), at: SourceLocation(file: "default", line: 1, column: 1))

  /// The value of a key, if this is a table that has the key.
  public subscript(key: String) -> OptionTree? {
    guard case .table(let entries) = node else { return nil }
    return entries.first { $0.key == key }?.value
  }

  /// What this is, for an error message.
  public var kindDescription: String {
    switch node {
    case .null: "null"
    case .bool: "a boolean"
    case .number(let text): "the number \(Self.short(text))"
    case .string(let text): "the string \"\(Self.short(text))\""
    case .plain(let text): "'\(Self.short(text))'"
    case .list: "a list"
    case .table: "a table"
    }
  }

  /// The part that fits in a message.
  private static func short(_ text: String) -> String {
    text.count > 60 ? text.prefix(60) + "…" : text
  }
}

/// Plain coding, for encoders without places: tables become keyed containers, and so on. Decoding from a spec is done
/// by PipelineSpec, which passes the tree on unchanged.
extension OptionTree: Codable {
  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// Reads any value; places are lost unless the decoder is an ``OptionTreeDecoder``.
  public init(from decoder: any Decoder) throws {
    if let decoder = decoder as? any OptionTreeDecoder {
      self = decoder.takeTree()
      return
    }
    let here = OptionTree.empty.location
    if let keyed = try? decoder.container(keyedBy: Key.self) {
      let entries = try keyed.allKeys.map { key in
        Entry(key: key.stringValue, location: here, value: try keyed.decode(OptionTree.self, forKey: key))
      }
      self.init(.table(entries), at: here)
    } else if var list = try? decoder.unkeyedContainer() {
      var elements: [OptionTree] = []
      while !list.isAtEnd { elements.append(try list.decode(OptionTree.self)) }
      self.init(.list(elements), at: here)
    } else {
      let single = try decoder.singleValueContainer()
      if single.decodeNil() {
        self.init(.null, at: here)
      } else if let flag = try? single.decode(Bool.self) {
        self.init(.bool(flag), at: here)
      } else if let number = try? single.decode(Int.self) {
        self.init(.number(String(number)), at: here)
      } else if let number = try? single.decode(Double.self) {
        self.init(.number(String(number)), at: here)
      } else {
        self.init(.string(try single.decode(String.self)), at: here)
      }
    }
  }

  /// Writes the value without places.
  public func encode(to encoder: any Encoder) throws {
    switch node {
    case .table(let entries):
      var keyed = encoder.container(keyedBy: Key.self)
      for entry in entries { try keyed.encode(entry.value, forKey: Key(stringValue: entry.key)) }
    case .list(let elements):
      var list = encoder.unkeyedContainer()
      for element in elements { try list.encode(element) }
    default:
      var single = encoder.singleValueContainer()
      switch node {
      case .bool(let flag): try single.encode(flag)
      case .number(let text):
        if let integer = Int(text) {
          try single.encode(integer)
        } else {
          try single.encode(Double(text) ?? .nan)
        }
      case .string(let text), .plain(let text): try single.encode(text)
      default: try single.encodeNil()
      }
    }
  }
}
