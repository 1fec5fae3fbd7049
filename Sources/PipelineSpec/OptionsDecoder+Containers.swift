// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// The keys of a table.
struct OptionsKeyedContainer<Key: CodingKey>: PresenceContainer {
  let decoder: OptionsDecoder

  var codingPath: [any CodingKey] { decoder.codingPath }

  /// The user's keys if there is a table of the user's: for dictionaries and enums these replace the default.
  var allKeys: [Key] {
    guard case .table(let entries) = decoder.effective?.node else { return [] }
    return entries.compactMap { entry in
      if decoder.keysAreVerbatim { return Key(stringValue: entry.key) }
      return Key(stringValue: entry.key) ?? Key(stringValue: OptionName.camelCase(entry.key))
    }
  }

  private func name(_ key: any CodingKey) -> String {
    decoder.keysAreVerbatim ? key.stringValue : OptionName.snakeCase(key.stringValue)
  }

  /// The decoder of a key's value, or nil if the key does not exist.
  private func child(_ key: any CodingKey) -> OptionsDecoder? {
    let name = name(key)
    decoder.session.ask(name, in: decoder.path)
    var entry: OptionTree.Entry?
    if case .table(let entries) = decoder.user?.node { entry = entries.first { $0.key == name } }
    let fallback = decoder.fallback?[name]
    guard entry != nil || fallback != nil else { return nil }
    // Missing options of a component are reported next to its name.
    let beside = name == "with" ? decoder.user?["use"]?.location : nil
    let here = beside ?? decoder.user?.location ?? decoder.place
    return OptionsDecoder(
      session: decoder.session, path: decoder.path + [name], user: entry?.value, fallback: fallback,
      place: entry?.location ?? here)
  }

  private func present(_ key: any CodingKey) throws -> OptionsDecoder {
    if let child = child(key) { return child }
    throw OptionFault(
      path: decoder.path + [name(key)], message: "the option '\(name(key))' is missing",
      location: decoder.user?.location ?? decoder.place)
  }

  func contains(_ key: Key) -> Bool { child(key) != nil }

  func decodeNil(forKey key: Key) throws -> Bool {
    child(key)?.effective.map(OptionScalar.isNull) ?? true
  }

  func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
    let child = try present(key)
    do {
      return try child.value(type)
    } catch let fault as OptionFault where child.user != nil && child.fallback != nil {
      decoder.session.record(fault, abandoning: child.path)
      var defaults = child
      defaults.user = nil
      return try defaults.value(type)
    }
  }

  /// Nil if nothing is written; an invalid value is recorded and counts as nil.
  func optional<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T? {
    guard let child = child(key), child.effective.map(OptionScalar.isNull) != true else { return nil }
    if child.fallback != nil { return try decode(type, forKey: key) }
    do {
      return try child.value(type)
    } catch let fault as OptionFault {
      decoder.session.record(fault, abandoning: child.path)
      return nil
    }
  }

  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) throws -> KeyedDecodingContainer<Nested> {
    try present(key).container(keyedBy: type)
  }

  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    try present(key).unkeyedContainer()
  }

  func superDecoder() throws -> any Decoder { try present(AnyCodingKey("super")) }
  func superDecoder(forKey key: Key) throws -> any Decoder { try present(key) }
}

/// The elements of a list; the user's list replaces the default.
struct OptionsListContainer: UnkeyedDecodingContainer {
  let decoder: OptionsDecoder
  let elements: [OptionTree]
  private(set) var currentIndex = 0

  init(decoder: OptionsDecoder, elements: [OptionTree]) {
    self.decoder = decoder
    self.elements = elements
  }

  var codingPath: [any CodingKey] { decoder.codingPath }
  var count: Int? { elements.count }
  var isAtEnd: Bool { currentIndex >= elements.count }

  private mutating func next() throws -> OptionsDecoder {
    let path = decoder.path + [String(currentIndex)]
    guard !isAtEnd else {
      throw OptionFault(
        path: path,
        message: "'\(decoder.path.joined(separator: "."))' needs more than \(count ?? 0) elements",
        location: decoder.place)
    }
    let element = elements[currentIndex]
    currentIndex += 1
    let isUsers = decoder.user != nil
    return OptionsDecoder(
      session: decoder.session, path: path, user: isUsers ? element : nil, fallback: isUsers ? nil : element,
      place: isUsers ? element.location : decoder.place)
  }

  mutating func decodeNil() throws -> Bool {
    guard !isAtEnd, OptionScalar.isNull(elements[currentIndex]) else { return false }
    currentIndex += 1
    return true
  }

  mutating func decode<T: Decodable>(_ type: T.Type) throws -> T { try next().value(type) }

  mutating func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type
  ) throws -> KeyedDecodingContainer<Nested> {
    try next().container(keyedBy: type)
  }

  mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
    try next().unkeyedContainer()
  }
  mutating func superDecoder() throws -> any Decoder { try next() }
}

/// A value that is neither a table nor a list, converted to the wanted type.
struct OptionsScalarContainer: SingleValueDecodingContainer {
  let decoder: OptionsDecoder

  var codingPath: [any CodingKey] { decoder.codingPath }

  private func convert<T>(_ conversion: (OptionTree) throws -> T) throws -> T {
    do {
      return try conversion(decoder.takeTree())
    } catch let mismatch as OptionScalar.Mismatch {
      throw decoder.fault(mismatch.message)
    }
  }

  private func integer<T: FixedWidthInteger>(_ type: T.Type) throws -> T {
    try convert { try OptionScalar.integer($0, as: type) }
  }

  func decodeNil() -> Bool { decoder.effective.map(OptionScalar.isNull) ?? true }
  func decode(_ type: Bool.Type) throws -> Bool { try convert(OptionScalar.bool) }
  func decode(_ type: String.Type) throws -> String { try convert(OptionScalar.string) }
  func decode(_ type: Double.Type) throws -> Double { try convert(OptionScalar.double) }
  func decode(_ type: Float.Type) throws -> Float { Float(try convert(OptionScalar.double)) }
  func decode(_ type: Int.Type) throws -> Int { try integer(type) }
  func decode(_ type: Int8.Type) throws -> Int8 { try integer(type) }
  func decode(_ type: Int16.Type) throws -> Int16 { try integer(type) }
  func decode(_ type: Int32.Type) throws -> Int32 { try integer(type) }
  func decode(_ type: Int64.Type) throws -> Int64 { try integer(type) }
  func decode(_ type: UInt.Type) throws -> UInt { try integer(type) }
  func decode(_ type: UInt8.Type) throws -> UInt8 { try integer(type) }
  func decode(_ type: UInt16.Type) throws -> UInt16 { try integer(type) }
  func decode(_ type: UInt32.Type) throws -> UInt32 { try integer(type) }
  func decode(_ type: UInt64.Type) throws -> UInt64 { try integer(type) }
  func decode<T: Decodable>(_ type: T.Type) throws -> T { try decoder.value(type) }
}
