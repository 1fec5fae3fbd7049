// SPDX-License-Identifier: Apache-2.0

/// Writes options as a tree: properties in the order of their declaration, under their names in a spec.
package enum OptionsEncoder {
  /// How a path is written.
  package typealias PathWriter = @Sendable (SpecPath) -> String

  /// The tree of a value; its places have no meaning.
  ///
  /// - Parameter paths: How paths are written; nil for as they are.
  /// - Throws: Errors of the value's own `encode(to:)`.
  package static func tree(of value: some Encodable, paths: PathWriter? = nil) throws -> OptionTree {
    let box = Box(Walk(paths), at: [])
    try box.encode(value)
    return box.tree
  }

  /// The problems of options at any depth, by the paths under which they are written.
  static func problems(of value: some ComponentOptions) throws -> [OptionProblem] {
    let walk = Walk(nil)
    try Box(walk, at: []).encode(value)
    return walk.problems
  }

  /// State shared by all parts of a tree while it is written.
  fileprivate final class Walk {
    let paths: PathWriter?
    private(set) var problems: [OptionProblem] = []

    init(_ paths: PathWriter?) { self.paths = paths }

    /// Collects the problems of options found at a path.
    func check(_ options: any ComponentOptions, at path: [String]) {
      problems += options.problems().map { problem in
        OptionProblem((path + [problem.path]).joined(separator: "."), problem.message)
      }
    }
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
    let walk: Walk
    /// The position in the options, by names in a spec.
    let path: [String]

    init(_ walk: Walk, at path: [String]) {
      self.walk = walk
      self.path = path
    }

    var codingPath: [any CodingKey] { path.map { AnyCodingKey($0) } }

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

    /// Stores a single value here.
    func set(_ node: OptionTree.Node) { content = .finished(OptionTree(node, at: OptionTree.empty.location)) }

    /// Makes the box of a key's value; a key that is written twice is replaced.
    func box(for key: String) -> Box {
      let child = Box(walk, at: path + [key])
      var entries: [(key: String, value: Box)] = []
      if case .table(let known) = content { entries = known.filter { $0.key != key } }
      content = .table(entries + [(key, child)])
      return child
    }

    /// Makes the box of the next element.
    func nextBox() -> Box {
      var elements: [Box] = []
      if case .list(let known) = content { elements = known }
      let child = Box(walk, at: path + [String(elements.count)])
      content = .list(elements + [child])
      return child
    }

    func encode(_ value: any Encodable) throws {
      switch value {
      case let path as SpecPath where walk.paths != nil: set(.string(walk.paths?(path) ?? path.text))
      case let tree as OptionTree: content = .finished(tree)
      case let dictionary as any StringKeyedDictionary:
        content = .table([])
        for entry in dictionary.sortedEntries { try box(for: entry.key).encode(entry.value) }
      default: try value.encode(to: Encoder(box: self))
      }
      if let options = value as? any ComponentOptions { walk.check(options, at: path) }
    }
  }

  fileprivate struct Encoder: Swift.Encoder {
    let box: Box
    var codingPath: [any CodingKey] { box.codingPath }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
      if case .table = box.content {} else { box.content = .table([]) }
      return KeyedEncodingContainer(Keyed<Key>(box: box))
    }
    func unkeyedContainer() -> any UnkeyedEncodingContainer {
      if case .list = box.content {} else { box.content = .list([]) }
      return Unkeyed(box: box)
    }
    func singleValueContainer() -> any SingleValueEncodingContainer { Single(box: box) }
  }

  private struct Keyed<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let box: Box
    var codingPath: [any CodingKey] { box.codingPath }

    private func child(_ key: any CodingKey) -> Box { box.box(for: OptionName.snakeCase(key.stringValue)) }
    mutating func encodeNil(forKey key: Key) { child(key).set(.null) }
    mutating func encode<T: Encodable>(_ value: T, forKey key: Key) throws { try child(key).encode(value) }
    mutating func nestedContainer<Nested: CodingKey>(
      keyedBy keyType: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
      Encoder(box: child(key)).container(keyedBy: keyType)
    }
    mutating func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
      Encoder(box: child(key)).unkeyedContainer()
    }
    mutating func superEncoder() -> any Swift.Encoder { Encoder(box: child(AnyCodingKey("super"))) }
    mutating func superEncoder(forKey key: Key) -> any Swift.Encoder { Encoder(box: child(key)) }
  }

  private struct Unkeyed: UnkeyedEncodingContainer {
    let box: Box
    var codingPath: [any CodingKey] { box.codingPath }
    var count: Int { if case .list(let elements) = box.content { elements.count } else { 0 } }

    mutating func encodeNil() { box.nextBox().set(.null) }
    mutating func encode<T: Encodable>(_ value: T) throws { try box.nextBox().encode(value) }
    mutating func nestedContainer<Nested: CodingKey>(
      keyedBy keyType: Nested.Type
    ) -> KeyedEncodingContainer<Nested> {
      Encoder(box: box.nextBox()).container(keyedBy: keyType)
    }
    mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
      Encoder(box: box.nextBox()).unkeyedContainer()
    }
    mutating func superEncoder() -> any Swift.Encoder { Encoder(box: box.nextBox()) }
  }

  private struct Single: SingleValueEncodingContainer {
    let box: Box
    var codingPath: [any CodingKey] { box.codingPath }

    private func set(_ node: OptionTree.Node) { box.set(node) }
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
    mutating func encode<T: Encodable>(_ value: T) throws { try box.encode(value) }
  }
}
