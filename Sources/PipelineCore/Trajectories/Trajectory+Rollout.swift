// SPDX-License-Identifier: Apache-2.0

extension PhiloxGenerator {
  /// The seed of one rollout, below 2^53 so that every JSON reader preserves it.
  ///
  /// It depends on the prompt's id, not on its position: one more prompt changes no other seed.
  public static func rolloutSeed(run: UInt64, prompt: String, index: Int, step: Int = 0) -> UInt64 {
    var random = PhiloxGenerator(
      seed: run, purpose: "rollout", position: (hash(prompt), UInt64(index), UInt64(bitPattern: Int64(step))))
    return random.next() >> 11
  }
}

extension Trajectory {
  /// Fields that describe another response than the new one.
  private static let responseFields: [Field] = [
    .response, .finish, .tokens, .logprobs, .oldLogprobs, .refLogprobs, .logprobsContrast, .entropies, .lossMask,
    .policyVersion,
  ]

  /// A rollout of this prompt: the prompt's fields unchanged, under a new id.
  ///
  /// Fields about an earlier response, such as its reward, are left out.
  func rollout(id: String) -> Trajectory {
    var stored = StoredValues()
    (stored.batch, stored.step, stored.baseline) = (batch, step, baseline)
    var rollout = Trajectory(
      record: record, id: id, group: group, stored: stored,
      changes: changes.intersection([.batch, .step, .baseline]).union([.id, .group]))
    for override in overrides { rollout.set(override.field, to: override.value) }
    for field in Self.responseFields where rollout.has(field) { rollout.set(field, to: nil) }
    if record.member(of: .reward) != nil { rollout.reward = nil }
    if record.member(of: .rewards) != nil { rollout.rewards = nil }
    if record.member(of: .rewardStatus) != nil { rollout.rewardStatus = nil }
    if record.member(of: .advantage) != nil { rollout.advantage = nil }
    if record.member(of: .advantages) != nil { rollout.advantages = nil }
    if record.member(of: .pair) != nil { rollout.pair = nil }
    if record.member(of: .lossWeight) != nil { rollout.lossWeight = nil }
    if record.member(of: .draws) != nil { rollout.draws = nil }
    return rollout
  }
}

extension SamplingOptions {
  /// The contents of a rollout's `sampling`.
  func json(seed: UInt64) -> JSONValue {
    var members: [JSONValue.Member] = [
      .init("temperature", .number(temperature)), .init("top_p", .number(topP)), .init("top_k", .number(topK)),
      .init("min_tokens", .number(minTokens)), .init("max_tokens", .number(maxTokens)),
    ]
    if !stop.isEmpty { members.append(.init("stop", .array(stop.map { .string($0) }))) }
    if !stopTokens.isEmpty { members.append(.init("stop_tokens", .array(stopTokens.map { .number($0) }))) }
    members.append(.init("seed", .number(String(seed))))
    return .object(members)
  }
}

extension JSONValue {
  /// Token ids.
  static func tokenIDs(_ tokens: [Int32]) -> JSONValue { .array(tokens.map { .number(Int($0)) }) }

  /// Numbers with enough digits to be read back exactly.
  static func floats(_ numbers: [Float]) -> JSONValue {
    .array(numbers.map { $0.isFinite ? .number($0.description) : .null })
  }
}
