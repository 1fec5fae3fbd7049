// SPDX-License-Identifier: Apache-2.0

/// A component named in a spec: `"grpo"`, or `{"use": "reinforce-plus-plus", "with": {"gamma": 0.99}}`.
///
/// An option that adds to this table, such as a weight, decodes it from the same decoder:
/// `reference = try ComponentReference(from: decoder)`.
public struct ComponentReference: Codable, Sendable, Hashable {
  /// The registered name.
  public var use: String
  /// Its options, not decoded yet.
  public var with: OptionTree
  /// Where the spec names it; nil for a reference that is not from a spec.
  public var location: SourceLocation?

  /// Refers to a component by name; without a location of its own, it has that of its options.
  public init(_ use: String, with: OptionTree = .empty, at location: SourceLocation? = nil) {
    self.use = use
    self.with = with
    self.location = location ?? (with == .empty ? nil : with.location)
  }

  private enum CodingKeys: String, CodingKey { case use, with }

  /// Reads a bare name or a table of `use` and `with`.
  public init(from decoder: any Decoder) throws {
    let place = (decoder as? any OptionTreeDecoder)?.location(of: CodingKeys.use.rawValue)
    let none = place.map { OptionTree(.table([]), at: $0) } ?? .empty
    if let name = try? decoder.singleValueContainer().decode(String.self) {
      self.init(name, with: none, at: place)
      return
    }
    guard let keyed = try? decoder.container(keyedBy: CodingKeys.self) else {
      throw DecodingError.dataCorrupted(
        DecodingError.Context(
          codingPath: decoder.codingPath, debugDescription: "must be a name, or a table with 'use' and 'with'"
        ))
    }
    self.init(
      try keyed.decode(String.self, forKey: .use),
      with: try keyed.decodeIfPresent(OptionTree.self, forKey: .with) ?? none,
      at: place)
  }

  /// Writes the table form, to which an option may add keys of its own.
  public func encode(to encoder: any Encoder) throws {
    var keyed = encoder.container(keyedBy: CodingKeys.self)
    try keyed.encode(use, forKey: .use)
    try keyed.encode(with, forKey: .with)
  }
}
