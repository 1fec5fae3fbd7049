// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Decodes options from the user's values, laid over the defaults.
///
/// Tables are merged key by key; every other value of the user replaces the default. A value that cannot be used is
/// recorded, and decoding continues with its default, so that one pass finds all faults.
struct OptionsDecoder: OptionTreeDecoder {
  let session: DecodingSession
  /// The position in the options.
  var path: [String]
  /// The user's value here.
  var user: OptionTree?
  /// The default value here.
  var fallback: OptionTree?
  /// The place where the user can correct a fault of this value: its key, or the nearest table in the spec.
  var place: SourceLocation
  /// Whether keys are user-defined.
  var keysAreVerbatim = false

  var codingPath: [any CodingKey] { path.map { AnyCodingKey($0) } }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  /// The value that counts: the user's, or else the default.
  var effective: OptionTree? { user ?? fallback }

  func takeTree() -> OptionTree {
    user ?? OptionTree(fallback?.node ?? .null, at: place)
  }

  func location(of key: String?) -> SourceLocation {
    user.map { tree in key.flatMap { tree[$0]?.location } ?? tree.location } ?? place
  }

  /// Decodes the value.
  ///
  /// - Throws: ``OptionFault`` if there is no default to continue with.
  func value<T: Decodable>(_ type: T.Type) throws -> T {
    var decoder = self
    decoder.keysAreVerbatim = type is any StringKeyedDictionary.Type
    if let options = type as? any ComponentOptions.Type {
      if fallback?.isTable != true { decoder.fallback = try OptionsEncoder.tree(of: options.init()) }
    } else if user?.isTable == true, fallback?.isTable == true, isEnumeration(type) {
      decoder.fallback = nil
    }
    if let use = decoder.user?["use"]?.word, let other = decoder.fallback?["use"]?.word, use != other {
      decoder.fallback = (type as? any ComponentOptions.Type).flatMap {
        try? OptionsEncoder.tree(of: $0.init())
      }
    }
    do {
      return try T(from: decoder)
    } catch {
      let fault = self.fault(error, reading: type)
      guard user != nil, let options = type as? any ComponentOptions.Type, let defaults = options.init() as? T
      else { throw fault }
      session.record(fault, abandoning: path)
      return defaults
    }
  }

  /// A fault of this value; `sentence` continues after the option's name.
  func fault(_ sentence: String) -> OptionFault {
    let found = effective.map { ", found \($0.kindDescription)" } ?? ""
    return OptionFault(path: path, message: "\(subject) \(sentence)\(found)", location: place)
  }

  private var subject: String { path.isEmpty ? "this" : "'\(path.joined(separator: "."))'" }

  private func fault<T>(_ error: any Error, reading type: T.Type) -> OptionFault {
    if let fault = error as? OptionFault, fault.path != path { return fault }
    if let allowed = AllowedWords.of(type) { return fault(about: allowed) }
    switch error {
    case let fault as OptionFault: return fault
    case let mismatch as OptionScalar.Mismatch: return fault(mismatch.message)
    case DecodingError.dataCorrupted(let context): return fault(context.debugDescription)
    case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
      DecodingError.keyNotFound(_, let context):
      return fault("cannot be used (\(context.debugDescription))")
    default: return fault("cannot be used (\(error))")
    }
  }

  private func fault(about allowed: [String]) -> OptionFault {
    let list = allowed.map { "'\($0)'" }.joined(separator: ", ")
    let near = effective?.word.flatMap { NearestName.suggestion(for: $0, among: allowed) }
    let hint = near.map { "; did you mean '\($0)'?" } ?? ""
    let found = effective?.kindDescription ?? "nothing"
    return OptionFault(
      path: path, message: "\(subject) must be one of \(list), found \(found)\(hint)", location: place)
  }

  /// Whether a type is an enum, whose table forms exclude each other; determined by its default.
  private func isEnumeration<T: Decodable>(_ type: T.Type) -> Bool {
    var defaults = self
    defaults.user = nil
    guard let value = try? T(from: defaults) else { return false }
    return Mirror(reflecting: value).displayStyle == .enum
  }

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    guard let effective, effective.isTable else { throw fault("must be a table" + tableHint) }
    if case .table(let entries) = user?.node { session.open(entries, at: path) }
    return KeyedDecodingContainer(OptionsKeyedContainer<Key>(decoder: self))
  }

  /// What a table for a bare value would look like: with the first option that takes such a value, or all their names.
  private var tableHint: String {
    guard case .table(let options)? = fallback?.node, let user else { return "" }
    if let text = OptionScalar.numberText(user),
      let option = options.first(where: { OptionScalar.numberText($0.value) != nil })
    {
      return " such as {\"\(option.key)\": \(text)}"
    }
    return options.isEmpty ? "" : " of \(options.map(\.key).joined(separator: ", "))"
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    guard case .list(let elements) = effective?.node else { throw fault("must be a list") }
    return OptionsListContainer(decoder: self, elements: elements)
  }

  func singleValueContainer() throws -> any SingleValueDecodingContainer {
    OptionsScalarContainer(decoder: self)
  }
}

extension OptionTree {
  /// Whether this is a table.
  package var isTable: Bool { if case .table = node { true } else { false } }

  /// The text of a word, quoted or not.
  var word: String? {
    switch node {
    case .string(let text), .plain(let text): text
    default: nil
    }
  }
}

/// The permitted words of an option, if its type is an enum of words.
enum AllowedWords {
  /// The raw values of an enum of strings, in the order of its cases.
  static func of(_ type: Any.Type) -> [String]? {
    guard let type = type as? any CaseIterable.Type else { return nil }
    func words<C: CaseIterable>(_ type: C.Type) -> [String]? {
      let words = C.allCases.map { ($0 as? any RawRepresentable)?.rawValue as? String }
      return words.contains(nil) ? nil : words.compactMap { $0 }
    }
    return words(type)
  }
}
