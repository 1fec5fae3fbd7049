// SPDX-License-Identifier: Apache-2.0

/// A decoder that reads options from a spec's tree and knows where they stand; PipelineSpec has the one.
///
/// An option's `init(from:)` that throws `DecodingError.dataCorrupted` gives the rest of the sentence
/// "'option' …" as its `debugDescription`, for example `must be a whole number or "unlimited"`; what was found
/// instead, and where, is added.
public protocol OptionTreeDecoder: Decoder {
  /// The value as it was written. Its keys are then for whoever reads the tree: none of them is unknown here.
  func takeTree() -> OptionTree

  /// Where the value of a key stands; where the whole value stands for nil, and when it lacks the key.
  func location(of key: String?) -> SourceLocation
}

/// An option's type that says itself what may stand in a spec, since its `init(from:)` accepts more than one
/// form: a number or a word, a name or a table.
public protocol SelfDescribingOption {
  /// A JSON Schema (2020-12) of what may stand there.
  static var schema: JSONValue { get }
}
