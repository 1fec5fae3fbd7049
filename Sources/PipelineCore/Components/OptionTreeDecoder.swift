// SPDX-License-Identifier: Apache-2.0

/// A decoder that reads options from a spec's tree and knows their places; implemented in PipelineSpec.
///
/// An option's `init(from:)` that throws `DecodingError.dataCorrupted` gives the rest of the sentence "'option' …" as
/// its `debugDescription`, for example `must be a whole number or "unlimited"`. What was found instead, and where, is
/// added to it.
public protocol OptionTreeDecoder: Decoder {
  /// The value as it was written. Its keys are then for the reader of the tree to check; none counts as unknown here.
  func takeTree() -> OptionTree

  /// The place of a key's value; the place of the whole value if the key is nil or missing.
  func location(of key: String?) -> SourceLocation
}

/// An option's type that describes what a spec may contain, because its `init(from:)` accepts more than one form: a
/// number or a word, a name or a table.
public protocol SelfDescribingOption {
  /// A JSON Schema (2020-12) of the permitted values.
  static var schema: JSONValue { get }
}
