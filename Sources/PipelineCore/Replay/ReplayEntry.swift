// SPDX-License-Identifier: Apache-2.0

/// What is known of a stored trajectory without reading it.
public struct ReplayEntry: Sendable, Hashable {
  /// Its number among all that were ever stored, from 0: later ones have greater numbers.
  public var number: Int
  /// Its id in the step that it comes from.
  public var id: String
  /// The prompt's id.
  public var group: String
  /// Its reward.
  public var reward: Double?
  /// Its advantage when it was stored.
  public var advantage: Double?
  /// The number of response tokens; 0 where unknown.
  public var tokens: Int
  /// The step that it comes from, in the run that made it.
  public var step: Int
  /// The number of updates of the policy that sampled it; nil where unknown.
  public var policyVersion: Int?
  /// The step of this run in which it was stored.
  public var admitted: Int
  /// 0 for a trajectory of this run; otherwise which of the files of `from` it comes from, from 1.
  public var source: Int

  /// An entry.
  public init(
    number: Int, id: String, group: String, reward: Double? = nil, advantage: Double? = nil, tokens: Int = 0,
    step: Int = 0, policyVersion: Int? = nil, admitted: Int = 0, source: Int = 0
  ) {
    (self.number, self.id, self.group) = (number, id, group)
    (self.reward, self.advantage, self.tokens) = (reward, advantage, tokens)
    (self.step, self.policyVersion, self.admitted, self.source) = (step, policyVersion, admitted, source)
  }
}
