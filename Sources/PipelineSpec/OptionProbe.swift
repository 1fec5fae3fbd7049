// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Finds the shape of options by decoding their defaults and observing what the types ask for.
struct OptionProbe {
  /// Determines the kind of the component that a default names.
  let registry: Registry

  /// The options of a type, in the order in which it reads them.
  func options<Options: ComponentOptions>(of type: Options.Type) -> [OptionDescription] {
    guard case .table(let options) = shape(type, defaults: nil, kind: nil, help: [:]) else { return [] }
    return options
  }

  /// - Parameters:
  ///   - defaults: The default value, if there is one.
  ///   - kind: The kind of component that is named there, if one is.
  ///   - help: Help for nested options, by their path from here.
  private func shape(
    _ type: Any.Type, defaults: OptionTree?, kind: ComponentKind?, help: [String: String]
  ) -> OptionShape {
    if let type = type as? any SelfDescribingOption.Type { return .schema(type.schema) }
    if let words = AllowedWords.of(type) { return .words(words) }
    switch type {
    case is Bool.Type: return .boolean
    case is String.Type: return .text
    case is Double.Type, is Float.Type: return .number
    case is any FixedWidthInteger.Type: return .integer
    case is OptionTree.Type: return .anything
    case let list as any ListOption.Type:
      var first: OptionTree?
      if case .list(let elements) = defaults?.node { first = elements.first }
      return .list(shape(list.elementType, defaults: first, kind: kind, help: help))
    case let dictionary as any StringKeyedDictionary.Type:
      return .dictionary(shape(dictionary.valueType, defaults: nil, kind: kind, help: help))
    case let optional as any OptionalOption.Type:
      return shape(optional.wrappedType, defaults: defaults, kind: kind, help: help)
    case let decodable as any Decodable.Type:
      return probed(decodable, defaults: defaults, kind: kind, help: help)
    default: return .anything
    }
  }

  private func probed<T: Decodable>(
    _ type: T.Type, defaults: OptionTree?, kind: ComponentKind?, help: [String: String]
  ) -> OptionShape {
    var defaults = defaults
    var help = help
    var kinds: [String: ComponentKind] = [:]
    if let options = type as? any ComponentOptions.Type {
      if defaults?.isTable != true { defaults = try? OptionsEncoder.tree(of: options.init()) }
      help = options.help.merging(help) { inner, _ in inner }
      kinds = options.componentKinds
    }
    let record = ProbeRecord()
    let here = OptionTree.empty.location
    // The defaults show every key; a value that cannot be decoded shows every form.
    for tree in [defaults, OptionTree(.null, at: here)] {
      guard let tree else { continue }
      let inner = OptionsDecoder(session: DecodingSession(), path: [], fallback: tree, place: here)
      _ = try? T(from: ProbeDecoder(inner: inner, record: record))
    }
    let scalars = record.scalars.map { shape($0, defaults: nil, kind: nil, help: [:]) }
    if record.keys.isEmpty {
      if scalars.isEmpty { return (type as? any ComponentOptions.Type) == nil ? .anything : .table([]) }
      return scalars.count == 1 ? scalars[0] : .either(scalars)
    }
    let isComponent = record.keys.contains { $0.name == "use" } && record.keys.contains { $0.name == "with" }
    let keys = isComponent ? record.keys.filter { $0.name != "use" && $0.name != "with" } : record.keys
    let options = keys.map { key in
      let value = defaults?[key.name]
      let prefix = key.name + "."
      let inner = help.filter { $0.key.hasPrefix(prefix) }.map {
        (String($0.key.dropFirst(prefix.count)), $0.value)
      }
      return OptionDescription(
        name: key.name,
        shape: shape(
          key.type, defaults: value, kind: kinds[key.name] ?? self.kind(named: value),
          help: Dictionary(uniqueKeysWithValues: inner)),
        defaultValue: value?.json, help: help[key.name] ?? "")
    }
    if isComponent { return .component(kind ?? self.kind(named: defaults), further: options) }
    return scalars.isEmpty ? .table(options) : .either(scalars + [.table(options)])
  }

  /// The kind of the component that a default names, if the name belongs to one kind only.
  private func kind(named tree: OptionTree?) -> ComponentKind? {
    var tree = tree
    if case .list(let elements) = tree?.node { tree = elements.first }
    guard let use = tree?["use"]?.word else { return nil }
    let kinds = ComponentKind.allCases.filter { registry.component($0, use) != nil }
    return kinds.count == 1 ? kinds[0] : nil
  }
}

/// What a type asked for while it was decoded.
private final class ProbeRecord {
  private(set) var keys: [(name: String, type: Any.Type)] = []
  private(set) var scalars: [Any.Type] = []

  func ask(_ name: String, _ type: Any.Type) {
    if !keys.contains(where: { $0.name == name }) { keys.append((name, type)) }
  }

  func ask(_ type: Any.Type) {
    if !scalars.contains(where: { $0 == type }) { scalars.append(type) }
  }
}

/// Decodes defaults and records what is asked for.
private struct ProbeDecoder: Decoder {
  let inner: OptionsDecoder
  let record: ProbeRecord

  var codingPath: [any CodingKey] { [] }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    var table = inner
    if table.effective?.isTable != true { table.fallback = .empty }
    return KeyedDecodingContainer(
      ProbeKeyedContainer(inner: OptionsKeyedContainer<Key>(decoder: table), record: record))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer { try inner.unkeyedContainer() }

  func singleValueContainer() throws -> any SingleValueDecodingContainer {
    ProbeScalarContainer(inner: inner, record: record)
  }
}

private struct ProbeKeyedContainer<Key: CodingKey>: PresenceContainer {
  let inner: OptionsKeyedContainer<Key>
  let record: ProbeRecord

  var codingPath: [any CodingKey] { [] }
  var allKeys: [Key] { inner.allKeys }

  private func ask(_ key: Key, _ type: Any.Type) { record.ask(OptionName.snakeCase(key.stringValue), type) }

  func contains(_ key: Key) -> Bool { inner.contains(key) }
  func decodeNil(forKey key: Key) throws -> Bool { try inner.decodeNil(forKey: key) }

  func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
    ask(key, type)
    if !inner.contains(key), let text = "" as? T { return text }
    return try inner.decode(type, forKey: key)
  }

  func optional<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T? {
    ask(key, type)
    return inner.contains(key) ? try inner.decode(type, forKey: key) : nil
  }

  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) throws -> KeyedDecodingContainer<Nested> {
    try inner.nestedContainer(keyedBy: type, forKey: key)
  }
  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    try inner.nestedUnkeyedContainer(forKey: key)
  }
  func superDecoder() throws -> any Decoder { try inner.superDecoder() }
  func superDecoder(forKey key: Key) throws -> any Decoder { try inner.superDecoder(forKey: key) }
}

private struct ProbeScalarContainer: SingleValueDecodingContainer {
  let inner: OptionsDecoder
  let record: ProbeRecord

  var codingPath: [any CodingKey] { [] }
  func decodeNil() -> Bool { false }

  func decode<T: Decodable>(_ type: T.Type) throws -> T {
    record.ask(type)
    return try inner.value(type)
  }
}
