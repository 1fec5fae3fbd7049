// SPDX-License-Identifier: Apache-2.0

/// The lengths of responses: in tokens if every record with a length has tokens, otherwise in characters.
package struct LengthTally: Sendable {
  private var tokens = ValueTally()
  private var characters = ValueTally()
  /// Responses without tokens, of which only characters are known.
  private var withoutTokens = 0

  mutating func add(tokens count: Int?, characters length: Int?) {
    if let count { tokens.add(Double(count)) }
    if let length { characters.add(Double(length)) }
    withoutTokens += count == nil && length != nil ? 1 : 0
  }

  /// The unit, and the lengths in it.
  var chosen: (unit: String, lengths: ValueTally) {
    tokens.count > 0 && withoutTokens == 0 ? ("tokens", tokens) : ("characters", characters)
  }

  /// Records that have tokens although lengths are given in characters.
  var unusedTokens: Int { withoutTokens > 0 ? tokens.count : 0 }
}
