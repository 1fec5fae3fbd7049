// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore
import RoundingBounds
import Synchronization
import Testing

@Suite("Gradients", .timeLimit(.minutes(15)))
struct GradientTests {
  private let temperature = 0.8
  private let extra: [[Int32]] = [[9, 8, 30, 31], [4], [], [20, 20, 20, 21, 22, 23, 24, 25, 26, 27]]

  /// The gradients of a mean loss whose derivative depends on the response's place and on log-probabilities.
  private func gradients(
    _ policy: BundledPolicy, _ groups: [ResponseGroup],
    at place: @escaping @Sendable (ResponsePlace) -> ResponsePlace = { $0 }
  ) async throws -> [String: [Float]] {
    try await policy.accumulate(groups, temperature: temperature) { found, logProbs in
      let place = place(found)
      return logProbs.enumerated().map { index, value in
        (value * 0.1 + Float(place.group - 1) - 0.3 * Float(place.response) + 0.2 * Float(index % 3)) / 80
      }
    }
    return await policy.gradients
  }

  /// The same groups with the first token of every prompt changed: a fault that the bounds must notice.
  private func faulty(_ groups: [ResponseGroup]) -> [ResponseGroup] {
    groups.map { group in
      var prompt = group.prompt
      prompt.tokens[0] = prompt.tokens[0] == 7 ? 8 : 7
      return ResponseGroup(prompt: prompt, responses: group.responses)
    }
  }

  /// Expects two ways to compute the same log-probabilities and gradients to agree within their roundings.
  ///
  /// They must differ by more where a token is another one. `rows` is the number of rows in the larger of the batches.
  private func expectSame(
    _ what: String, _ reference: ReferenceModel, rows: Int, _ groups: [ResponseGroup],
    as other: (logProbs: [[Float]], gradients: [String: [Float]]), source: Testing.SourceLocation = #_sourceLocation
  ) async throws {
    func outcome(
      _ reference: ReferenceModel, _ groups: [ResponseGroup]
    ) async throws -> (logProbs: [[Float]], gradients: [String: [Float]]) {
      let policy = try reference.policy()
      let logProbs = try await policy.logProbs(of: groups, temperature: temperature)
      return (Array(logProbs.joined()), try await gradients(policy, groups))
    }
    func difference(_ a: [[Float]], _ b: [[Float]]) -> Float {
      a.count == b.count ? zip(a, b).map { largestDifference($0, $1) }.max() ?? 0 : .infinity
    }
    let found = try await outcome(reference, groups)
    let fault = try await outcome(reference, faulty(groups))
    let (first, relative) = try reference.changed(seed: 1)
    let (second, _) = try reference.changed(seed: 2)
    let changed = [try await outcome(first, groups), try await outcome(second, groups)]
    let bound = try await reference.logProbBound(groups, temperature: temperature)
    expectWithin(
      bound, difference(found.logProbs, other.logProbs), "\(reference): log-probabilities, \(what)", source: source)
    #expect(difference(fault.logProbs, found.logProbs) > 10 * bound, sourceLocation: source)

    // Gradients: sums over the rows as well. Some cancel: softmax does not notice what a key's bias adds to all scores,
    // so that bias has next to no gradient, made of terms as large as those of other tensors.
    #expect(Set(found.gradients.keys) == Set(other.gradients.keys), sourceLocation: source)
    let rounding = RoundingBound(terms: max(try reference.width(), rows))
    let scale = found.gradients.values.joined().map { abs($0) }.max() ?? 0
    var noticed = 0
    for (name, values) in found.gradients {
      func change(_ others: [String: [Float]]) -> Float { largestDifference(values, others[name] ?? []) }
      let bound = rounding.difference(
        change: changed.map { change($0.gradients) }.max() ?? 0, relative: relative, scale: scale)
      expectWithin(bound, change(other.gradients), "\(reference): gradients, \(what)", name, source: source)
      if change(fault.gradients) > 10 * bound { noticed += 1 }
    }
    #expect(noticed > found.gradients.count / 2, "of \(found.gradients.count)", sourceLocation: source)
  }

  @Test("a shared prompt gives what each response with its own copy gives", arguments: ReferenceModel.all)
  func sharedPrompt(_ reference: ReferenceModel) async throws {
    let groups = try reference.groups(extra)
    var places: [ResponsePlace] = []
    var single: [ResponseGroup] = []
    for (group, shared) in groups.enumerated() {
      for (response, tokens) in shared.responses.enumerated() {
        places.append(ResponsePlace(group: group, response: response))
        single.append(ResponseGroup(prompt: shared.prompt, responses: [tokens]))
      }
    }
    let known = places
    let policy = try reference.policy()
    let apart = try await policy.logProbs(of: single, temperature: temperature)
    let rows = single.reduce(0) { $0 + $1.prompt.tokens.count + $1.responses[0].count }
    try await expectSame(
      "shared or own prompt", reference, rows: rows, groups,
      as: (Array(apart.joined()), try await gradients(policy, single) { known[$0.group] }))
  }

  @Test("the size of micro-batches does not matter", arguments: ReferenceModel.all, [1, 30, 60])
  func microBatches(_ reference: ReferenceModel, _ rows: Int) async throws {
    let groups = try reference.groups(extra)
    let policy = try reference.policy(rows: rows)
    let cut = try await policy.logProbs(of: groups, temperature: temperature)
    let whole = groups.reduce(0) { $0 + $1.prompt.tokens.count + $1.responses.joined().count }
    try await expectSame(
      "whole or in micro-batches", reference, rows: whole, groups,
      as: (Array(cut.joined()), try await gradients(policy, groups)))
  }

  @Test(
    "entropies of given responses are those that training sees at temperature 1, for any size of micro-batches",
    arguments: ReferenceModel.all)
  func entropies(_ reference: ReferenceModel) async throws {
    let groups = try reference.groups(extra)
    let policy = try reference.policy()
    let seen = Mutex<[ResponsePlace: [Float]]>([:])
    try await policy.accumulateWithEntropy(groups, temperature: 1) { place, figures in
      seen.withLock { $0[place] = figures.entropies }
      return figures
    }
    let vocabulary = await Double(policy.facts.vocabularySize)
    let given = try await policy.entropies(of: groups)
    for (group, rows) in given.enumerated() {
      for (response, row) in rows.enumerated() where !row.isEmpty {
        #expect(seen.withLock { $0[ResponsePlace(group: group, response: response)] } == row)
        #expect(row.allSatisfy { $0 >= 0 && Double($0) <= log(vocabulary) })
      }
    }
    let inference = try reference.policy(.inference, rows: 30)
    let cut = try await inference.entropies(of: groups)
    let bound = try await reference.logProbBound(groups, temperature: 1)
    expectWithin(
      bound, largestDifference(Array(cut.joined().joined()), Array(given.joined().joined())), "\(reference): entropies")
  }

  @Test("gradients are the same bit for bit on 1, 2 and 7 threads", arguments: ReferenceModel.all)
  func threads(_ reference: ReferenceModel) async throws {
    let groups = try reference.groups(extra)
    let one = try await gradients(reference.policy(threads: 1), groups)
    for threads in [2, 7] {
      #expect(try await gradients(reference.policy(threads: threads), groups) == one)
    }
  }

  @Test("a frozen vision tower gets no gradient, and the others stay as they are", arguments: ReferenceModel.all)
  func frozenVision(_ reference: ReferenceModel) async throws {
    let groups = try reference.groups(extra)
    let trained = try await gradients(reference.policy(), groups)
    let frozen = try await gradients(reference.policy(.training(vision: .frozen)), groups)
    #expect(!frozen.isEmpty && frozen.keys.allSatisfy { !$0.hasPrefix("visual.") })
    #expect(frozen == trained.filter { !$0.key.hasPrefix("visual.") })
  }

  @Test(
    "with the projector, the tower's merger gets the gradient that it has in a trained tower, and no block any",
    arguments: ReferenceModel.all)
  func projector(_ reference: ReferenceModel) async throws {
    let groups = try reference.groups(extra)
    let trained = try await gradients(reference.policy(), groups)
    let found = try await gradients(reference.policy(.training(vision: .projector)), groups)
    #expect(found.keys.contains("visual.merger.mlp.2.weight"))
    #expect(found == trained.filter { !$0.key.hasPrefix("visual.") || $0.key.hasPrefix("visual.merger.") })
  }

  @Test("every response is asked for once, in order, an empty one too")
  func places() async throws {
    let reference = try ReferenceModel.named("odd")
    let groups = try reference.groups(extra)
    let seen = Recorded<ResponsePlace>()
    let counts = Recorded<Int>()
    try await reference.policy(rows: 25).accumulate(groups, temperature: 1) { place, logProbs in
      seen.append(place)
      counts.append(logProbs.count)
      return logProbs
    }
    let expected = groups.indices.flatMap { group in
      groups[group].responses.indices.map { ResponsePlace(group: group, response: $0) }
    }
    #expect(seen.values == expected)
    #expect(counts.values == groups.flatMap { $0.responses.map(\.count) })
  }
}
