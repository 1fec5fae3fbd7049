import BundledPlugin
import ModelInput
// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import Testing

@Suite("Gradients")
struct GradientTests {
  private let extra: [[Int32]] = [[9, 8, 30, 31], [4], [], [20, 20, 20, 21, 22, 23, 24, 25, 26, 27]]

  /// The gradients of a mean loss whose derivative depends on the response's place and on log-probabilities.
  private func gradients(
    _ policy: BundledPolicy, _ groups: [ResponseGroup],
    at place: @escaping @Sendable (ResponsePlace) -> ResponsePlace = { $0 }
  ) async throws -> [String: [Float]] {
    try await policy.accumulate(groups, temperature: 0.8) { found, logProbs in
      let place = place(found)
      return logProbs.enumerated().map { index, value in
        (value * 0.1 + Float(place.group - 1) - 0.3 * Float(place.response) + 0.2 * Float(index % 3)) / 80
      }
    }
    return await policy.gradients
  }

  private func expectSame(
    _ one: [String: [Float]], _ two: [String: [Float]], _ what: String,
    source: Testing.SourceLocation = #_sourceLocation
  ) {
    #expect(Set(one.keys) == Set(two.keys), sourceLocation: source)
    for (name, values) in one {
      // To 1e-5 of the largest number, or absolutely where all are small.
      let scale = max(1, values.map { abs($0) }.max() ?? 0)
      expectWithin(1e-5, largestDifference(values, two[name] ?? []) / scale, what, name, source: source)
    }
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
    let policies = (try reference.policy(), try reference.policy())
    let together = try await policies.0.logProbs(of: groups, temperature: 0.8)
    let apart = try await policies.1.logProbs(of: single, temperature: 0.8)
    for (one, two) in zip(together.joined(), apart.joined()) {
      expectWithin(3e-5, largestDifference(one, two), "\(reference): log-probabilities, shared or own prompt")
    }
    expectSame(
      try await gradients(policies.0, groups), try await gradients(policies.1, single) { known[$0.group] },
      "\(reference): gradients, shared or own prompt")
  }

  @Test("the size of micro-batches does not matter", arguments: ReferenceModel.all, [1, 30, 60])
  func microBatches(_ reference: ReferenceModel, _ rows: Int) async throws {
    let groups = try reference.groups(extra)
    let whole = try await reference.policy().logProbs(of: groups, temperature: 0.8)
    let cut = try await reference.policy(rows: rows).logProbs(of: groups, temperature: 0.8)
    for (one, two) in zip(whole.joined(), cut.joined()) {
      expectWithin(3e-5, largestDifference(one, two), "\(reference): log-probabilities, whole or in micro-batches")
    }
    expectSame(
      try await gradients(reference.policy(), groups), try await gradients(reference.policy(rows: rows), groups),
      "\(reference): gradients, whole or in micro-batches")
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
