// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// The settings of a peer's configuration by their dotted keys, over the peer's own defaults; those that were used are
/// marked.
struct Settings {
  private var order: [String] = []
  private var given: [String: JSONValue] = [:]
  private var defaults: [String: JSONValue] = [:]
  private var used: Set<String> = []

  /// No settings.
  init() {}

  /// The settings of a tree.
  init(_ tree: JSONValue) { add(tree) }

  // What is given.

  /// Lays a tree over what is there, key by key.
  mutating func add(_ tree: JSONValue, under path: String = "") {
    if let members = tree.objectValue, !members.isEmpty || path.isEmpty {
      for member in members { add(member.value, under: path.isEmpty ? member.key : "\(path).\(member.key)") }
    } else {
      set(path, tree)
    }
  }

  /// Sets one key; a table replaces what is below it.
  mutating func set(_ path: String, _ value: JSONValue) {
    if value.objectValue == nil { remove(below: path) }
    if given.updateValue(value, forKey: path) == nil { order.append(path) }
  }

  /// Removes a key and what is below it.
  mutating func remove(_ path: String) {
    remove(below: path)
    if given.removeValue(forKey: path) != nil { order.removeAll { $0 == path } }
  }

  private mutating func remove(below path: String) {
    let gone = order.filter { $0.hasPrefix(path + ".") }
    for key in gone { given[key] = nil }
    if !gone.isEmpty { order.removeAll(where: gone.contains) }
  }

  /// Sets what the peer uses where nothing is given.
  mutating func setDefaults(_ tree: JSONValue, under path: String = "") {
    if let members = tree.objectValue, !members.isEmpty {
      for member in members { setDefaults(member.value, under: path.isEmpty ? member.key : "\(path).\(member.key)") }
    } else {
      defaults[path] = tree
    }
  }

  /// The given keys, in order.
  var paths: [String] { order }

  /// Whether a key, or one below it, is given and not null.
  func has(_ path: String) -> Bool {
    given.contains { ($0.key == path || $0.key.hasPrefix(path + ".")) && $0.value != .null }
  }

  /// The given value of a key.
  func givenValue(_ path: String) -> JSONValue? { given[path] }

  /// Whether a key was used.
  func isUsed(_ path: String) -> Bool { used.contains(path) }

  // Reading.

  /// The value of a key, which is then marked as used: the given one, or the peer's default; nil for null.
  mutating func value(_ path: String) -> JSONValue? {
    used.insert(path)
    guard let value = given[path] ?? defaults[path], value != .null else { return nil }
    if let text = value.stringValue, text.hasPrefix("${"), text.hasSuffix("}") { return reference(text) }
    return value
  }

  /// OmegaConf's `${data.max_response_length}` and `${oc.select:KEY,DEFAULT}`.
  private mutating func reference(_ text: String) -> JSONValue? {
    var inner = text.dropFirst(2).dropLast()
    if inner.hasPrefix("oc.select:") { inner = inner.dropFirst("oc.select:".count) }
    let parts = inner.split(separator: ",", maxSplits: 1).map { $0.trimmingCharacters(in: " ") }
    guard let key = parts.first, key.contains("."), !key.hasPrefix(".") else { return nil }
    return value(key) ?? (parts.count > 1 ? .string(parts[1]) : nil)
  }

  /// Marks keys as used: they have no bearing, or were dealt with.
  mutating func use(_ paths: String...) { used.formUnion(paths) }

  /// Marks all given keys below a path as used.
  mutating func useAll(below path: String) {
    used.formUnion(order.filter { $0 == path || $0.hasPrefix(path + ".") })
  }

  /// The table below a path, as it was given.
  mutating func table(_ path: String) -> JSONValue? {
    if let value = value(path) { return value.objectValue == nil ? nil : value }
    var root: [JSONValue.Member] = []
    for key in order where key.hasPrefix(path + ".") {
      used.insert(key)
      root.set(key.dropFirst(path.count + 1).split(separator: ".").map(String.init)[...], given[key] ?? .null)
    }
    return root.isEmpty ? nil : .object(root)
  }

  mutating func text(_ path: String) -> String? {
    guard let text = value(path)?.scalarText, !text.isEmpty else { return nil }
    return text
  }

  /// The texts of a list, or of a single value.
  mutating func texts(_ path: String) -> [String] {
    guard let value = value(path) else { return [] }
    return (value.arrayValue ?? [value]).compactMap(\.scalarText).filter { !$0.isEmpty }
  }

  mutating func number(_ path: String) throws -> Double? {
    guard let value = value(path), !Self.isOpen(value) else { return nil }
    guard let number = Double(value.scalarText ?? ""), number.isFinite else { throw fault(path, value, "a number") }
    return number
  }

  mutating func integer(_ path: String) throws -> Int? {
    guard let value = value(path), !Self.isOpen(value) else { return nil }
    // As in Python, where false is 0.
    if case .bool(let flag) = value { return flag ? 1 : 0 }
    guard let number = JSONValue.number(value.scalarText ?? "").intValue else {
      throw fault(path, value, "a whole number")
    }
    return number
  }

  mutating func flag(_ path: String) throws -> Bool? {
    guard let value = value(path), !Self.isOpen(value) else { return nil }
    switch value.scalarText?.lowercased() {
    case "true", "yes", "on", "1": return true
    case "false", "no", "off", "0": return false
    default: throw fault(path, value, "true or false")
    }
  }

  /// Whether only the shell that starts the peer knows a value.
  static func isOpen(_ value: JSONValue) -> Bool { value.stringValue.map(ShellVariables.isUnknown) ?? false }

  private func fault(_ path: String, _ value: JSONValue, _ expected: String) -> PipelineError {
    PipelineError(.invalidData, "'\(path)' is \(value.json), it must be \(expected)")
  }
}

extension [JSONValue.Member] {
  /// Sets a value within tables.
  fileprivate mutating func set(_ path: ArraySlice<String>, _ value: JSONValue) {
    guard let key = path.first else { return }
    guard path.count > 1 else { return append(.init(key, value)) }
    if let index = firstIndex(where: { $0.key == key }), var inner = self[index].value.objectValue {
      inner.set(path.dropFirst(), value)
      self[index].value = .object(inner)
    } else {
      var inner: [JSONValue.Member] = []
      inner.set(path.dropFirst(), value)
      append(.init(key, .object(inner)))
    }
  }
}

extension StringProtocol {
  /// The text without these characters at its ends.
  func trimmingCharacters(in characters: String) -> String {
    String(drop { characters.contains($0) }.reversed().drop { characters.contains($0) }.reversed())
  }
}
