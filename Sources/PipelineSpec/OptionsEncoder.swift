// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Writes options as a tree: properties in the order of their declaration, under their names in a spec.
enum OptionsEncoder {
  /// How a path is written.
  typealias PathWriter = @Sendable (SpecPath) -> String

  /// The tree of a value; its places mean nothing.
  ///
  /// - Parameter paths: How paths are written; nil for as they are.
  /// - Throws: What the value's own `encode(to:)` throws.
  static func tree(of value: some Encodable, paths: PathWriter? = nil) throws -> OptionTree {
    try Box.encode(value, paths).tree
  }

  /// A part of the tree while it is written, shared by the containers that write it.
  fileprivate final class Box {
    enum Content {
      case none
      case finished(OptionTree)
      case table([(key: String, value: Box)])
      case list([Box])
    }
    var content = Content.none
    let paths: PathWriter?

    init(_ paths: PathWriter?) { self.paths = paths }

    var tree: OptionTree {
      let here = OptionTree.empty.location
      switch content {
      case .none: return .empty
      case .finished(let tree): return tree
      case .table(let entries):
        let entries = entries.map { OptionTree.Entry(key: $0.key, location: here, value: $0.value.tree) }
        return OptionTree(.table(entries), at: here)
      case .list(let elements): return OptionTree(.list(elements.map(\.tree)), at: here)
      }
    }

    func set(_ key: String, _ value: Box) {
      var entries: [(key: String, value: Box)] = []
      if case .table(let known) = content { entries = known.filter { $0.key != key } }
      entries.append((key, value))
      content = .table(entries)
    }

    func append(_ value: Box) {
      var elements: [Box] = []
      if case .list(let known) = content { elements = known }
      elements.append(value)
      content = .list(elements)
    }

    static func scalar(_ node: OptionTree.Node) -> Box {
      let box = Box(nil)
      box.content = .finished(OptionTree(node, at: OptionTree.empty.location))
      return box
    }

    static func encode(_ value: any Encodable, _ paths: PathWriter?) throws -> Box {
      let box = Box(paths)
      switch value {
      case let path as SpecPath where paths != nil:
        box.content = scalar(.string(paths?(path) ?? path.text)).content
      case let tree as OptionTree: box.content = .finished(tree)
      case let dictionary as any StringKeyedDictionary:
        box.content = .table([])
        for entry in dictionary.sortedEntries { box.set(entry.key, try encode(entry.value, paths)) }
      default: try value.encode(to: Encoder(box: box, codingPath: []))
      }
      return box
    }
  }

  fileprivate struct Encoder: Swift.Encoder {
    let box: Box
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
      if case .table = box.content {} else { box.content = .table([]) }
      return KeyedEncodingContainer(Keyed<Key>(box: box, codingPath: codingPath))
    }
    func unkeyedContainer() -> any UnkeyedEncodingContainer {
      if case .list = box.content {} else { box.content = .list([]) }
      return Unkeyed(box: box, codingPath: codingPath)
    }
    func singleValueContainer() -> any SingleValueEncodingContainer {
      Single(box: box, codingPath: codingPath)
    }
  }

  private struct Keyed<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let box: Box
    let codingPath: [any CodingKey]

    private func child(_ key: any CodingKey) -> Encoder {
      let child = Box(box.paths)
      box.set(OptionName.snakeCase(key.stringValue), child)
      return Encoder(box: child, codingPath: codingPath + [key])
    }
    mutating func encodeNil(forKey key: Key) {
      box.set(OptionName.snakeCase(key.stringValue), .scalar(.null))
    }
    mutating func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
      box.set(OptionName.snakeCase(key.stringValue), try .encode(value, box.paths))
    }
    mutating func nestedContainer<Nested: CodingKey>(
      keyedBy keyType: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
      child(key).container(keyedBy: keyType)
    }
    mutating func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
      child(key).unkeyedContainer()
    }
    mutating func superEncoder() -> any Swift.Encoder { child(AnyCodingKey("super")) }
    mutating func superEncoder(forKey key: Key) -> any Swift.Encoder { child(key) }
  }

  private struct Unkeyed: UnkeyedEncodingContainer {
    let box: Box
    let codingPath: [any CodingKey]

    var count: Int { if case .list(let elements) = box.content { elements.count } else { 0 } }

    private func child() -> Encoder {
      let child = Box(box.paths)
      box.append(child)
      return Encoder(box: child, codingPath: codingPath)
    }
    mutating func encodeNil() { box.append(.scalar(.null)) }
    mutating func encode<T: Encodable>(_ value: T) throws { box.append(try .encode(value, box.paths)) }
    mutating func nestedContainer<Nested: CodingKey>(
      keyedBy keyType: Nested.Type
    ) -> KeyedEncodingContainer<Nested> {
      child().container(keyedBy: keyType)
    }
    mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { child().unkeyedContainer() }
    mutating func superEncoder() -> any Swift.Encoder { child() }
  }

  private struct Single: SingleValueEncodingContainer {
    let box: Box
    let codingPath: [any CodingKey]

    private func set(_ node: OptionTree.Node) { box.content = Box.scalar(node).content }
    mutating func encodeNil() { set(.null) }
    mutating func encode(_ value: Bool) { set(.bool(value)) }
    mutating func encode(_ value: String) { set(.string(value)) }
    mutating func encode(_ value: Double) { set(value.isFinite ? .number(value.description) : .null) }
    mutating func encode(_ value: Float) { set(value.isFinite ? .number(value.description) : .null) }
    mutating func encode(_ value: Int) { set(.number(String(value))) }
    mutating func encode(_ value: Int8) { set(.number(String(value))) }
    mutating func encode(_ value: Int16) { set(.number(String(value))) }
    mutating func encode(_ value: Int32) { set(.number(String(value))) }
    mutating func encode(_ value: Int64) { set(.number(String(value))) }
    mutating func encode(_ value: UInt) { set(.number(String(value))) }
    mutating func encode(_ value: UInt8) { set(.number(String(value))) }
    mutating func encode(_ value: UInt16) { set(.number(String(value))) }
    mutating func encode(_ value: UInt32) { set(.number(String(value))) }
    mutating func encode(_ value: UInt64) { set(.number(String(value))) }
    mutating func encode<T: Encodable>(_ value: T) throws { box.content = try Box.encode(value, box.paths).content }
  }
}
