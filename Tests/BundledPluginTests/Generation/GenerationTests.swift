// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore
import Synchronization
import Testing

@Suite("Generation", .timeLimit(.minutes(15)))
struct GenerationTests {
  private func sampling(_ temperature: Double, _ maxTokens: Int) -> SamplingOptions {
    var sampling = SamplingOptions()
    (sampling.temperature, sampling.maxTokens) = (temperature, maxTokens)
    return sampling
  }

  private func requests(_ reference: ReferenceModel, seeds: [UInt64]) throws -> [GenerationRequest] {
    try reference.cases().map { GenerationRequest(prompt: $0.prompt(), seeds: seeds) }
  }

  @Test("greedy tokens are those of transformers", arguments: ReferenceModel.all, [WeightUse.inference])
  func greedy(_ reference: ReferenceModel, _ use: WeightUse) async throws {
    let cases = try reference.cases()
    let policy = try reference.policy(use)
    let count = try #require(cases.map(\.greedy.count).max())
    let found = try await policy.generate(
      try requests(reference, seeds: [1, 2]), sampling: sampling(0, count)
    ) { _ in }
    for (sample, responses) in zip(cases, found) {
      #expect(responses.map(\.tokens) == [sample.greedy, sample.greedy])
      #expect(responses[0].finish == (sample.greedy.count < count ? .stop : .length))
    }
  }

  @Test("log-probabilities are those that the policy gives the tokens", arguments: ReferenceModel.all, [0, 0.7, 1])
  func logProbs(_ reference: ReferenceModel, _ temperature: Double) async throws {
    let policy = try reference.policy()
    var sampling = sampling(temperature, 40)
    sampling.minTokens = 3
    let requests = try requests(reference, seeds: [1, 2, 3, 4, 5, 6])
    for (topK, topP) in [(0, 1.0), (5, 0.9)] {
      (sampling.topK, sampling.topP) = (topK, topP)
      let found = try await policy.generate(requests, sampling: sampling) { _ in }
      let groups = zip(requests, found).map { ResponseGroup(prompt: $0.prompt, responses: $1.map(\.tokens)) }
      let again = try await policy.logProbs(of: groups, temperature: temperature)
      let bound = try await reference.logProbBound(groups, temperature: temperature)
      for (one, two) in zip(found.joined(), again.joined()) {
        expectWithin(bound, largestDifference(one.logProbs, two), "\(reference): log-probabilities, sampled or scored")
      }
      // A temperature that is wrong by a hundredth would show.
      if temperature > 0 {
        let fault = try await policy.logProbs(of: groups, temperature: temperature * 1.01)
        #expect(zip(again.joined(), fault.joined()).contains { largestDifference($0, $1) > 10 * bound })
      }
    }
  }

  @Test("a request is told of once, when its last response ends, and others may go on")
  func finished() async throws {
    let policy = try ReferenceModel.named("odd").policy(.inference)
    let texts = try requests(ReferenceModel.named("odd"), seeds: []).filter(\.prompt.images.isEmpty)
    let text = try #require(texts.first)
    let requests = (1...6).map { GenerationRequest(prompt: text.prompt, seeds: [$0]) }
    let total = requests.count
    var sampling = sampling(1, 40)
    // The first response ends with its third token, where others go on.
    let whole = try await policy.generate(requests, sampling: sampling) { _ in }
    sampling.stopTokens = [Int(whole[0][0].tokens[2])]
    let done = Mutex(0)
    let told = Mutex<[(request: Int, responses: [GeneratedResponse], before: Int)]>([])
    let found = try await policy.generate(requests, sampling: sampling) { progress in
      done.withLock { $0 = progress.responses }
    } finished: { request, responses in
      told.withLock { $0.append((request, responses, done.withLock(\.self))) }
    }
    let events = told.withLock(\.self)
    #expect(events.map(\.request).sorted() == Array(requests.indices))
    for event in events { #expect(event.responses == found[event.request]) }
    #expect(events.contains { $0.before < total - $0.responses.count })

    let sampler = TokenResponseSampler(codec: policy, generator: policy)
    let early = Mutex<[Int: ResponseOutcome]>([:])
    let outcomes = try await sampler.respond(
      to: requests.map {
        ResponseRequest(prompt: PolicyPrompt(.tokens($0.prompt.tokens, images: [])), seeds: $0.seeds)
      }, sampling: sampling, tooLong: .error, progress: { _ in }
    ) { request, outcome in early.withLock { $0[request] = outcome } }
    #expect(early.withLock(\.self) == Dictionary(uniqueKeysWithValues: outcomes.enumerated().map { ($0, $1) }))
  }

  @Test("first tokens come as often as softmax(logits / T) says", arguments: [0.7, 1])
  func frequencies(_ temperature: Double) async throws {
    let reference = try ReferenceModel.named("odd")
    let sample = try reference.cases()[2]
    let policy = try reference.policy()
    let count = 4000
    let found = try await policy.generate(
      [GenerationRequest(prompt: sample.prompt(), seeds: (1...UInt64(count)).map { $0 })],
      sampling: sampling(temperature, 1)
    ) { _ in }
    let logits = try #require(sample.floats("logits")).suffix(83).map { exp(Double($0) / temperature) }
    let sum = logits.reduce(0, +)
    var counts = [Double](repeating: 0, count: 83)
    for response in found[0] { counts[Int(response.tokens[0])] += 1 }
    // Pearson's χ² of cells with enough draws; its deviation is √(2 · cells).
    let cells = zip(counts, logits).map { ($0, $1 / sum * Double(count)) }.filter { $0.1 >= 5 }
    let distance = cells.reduce(0.0) { $0 + pow($1.0 - $1.1, 2) / $1.1 }
    #expect(cells.count > 20)
    #expect(distance < Double(cells.count) + 5 * (2 * Double(cells.count)).squareRoot())
  }

  @Test("lengths stay between min_tokens and max_tokens, and end tokens end a response")
  func lengths() async throws {
    let reference = try ReferenceModel.named("interleaved")
    let policy = try reference.policy()
    var sampling = sampling(1.3, 9)
    (sampling.minTokens, sampling.stopTokens) = (4, [35, 17, 43, 56])
    let ends: Set<Int32> = [2, 35, 17, 43, 56]
    let found = try await policy.generate(
      try requests(reference, seeds: (1...60).map { $0 }), sampling: sampling
    ) { _ in }
    for response in found.joined() {
      #expect(response.tokens.count == response.logProbs.count)
      // An end token counts itself, and comes behind four others.
      #expect((5...9).contains(response.tokens.count))
      #expect(response.tokens.dropLast().allSatisfy { !ends.contains($0) })
      #expect((response.finish == .stop) == ends.contains(response.tokens[response.tokens.count - 1]))
      #expect(response.finish == .stop || response.tokens.count == 9)
    }
    #expect(Set(found.joined().map(\.tokens.count)).count == 5)
  }

  @Test("a response ends where the context does")
  func context() async throws {
    let policy = try ReferenceModel.named("odd").policy(.inference)
    let prompt = EncodedPrompt(tokens: [Int32](repeating: 7, count: 253))
    let found = try await policy.generate(
      [GenerationRequest(prompt: prompt, seeds: [1])], sampling: sampling(0, 40)
    ) { _ in }
    #expect(found[0][0].tokens.count == 3)
    #expect(found[0][0].finish == .length)
  }

  @Test("progress counts up to all responses and tokens")
  func progress() async throws {
    let reference = try ReferenceModel.named("odd")
    let seen = Recorded<GenerationProgress>()
    let found = try await reference.policy().generate(
      try requests(reference, seeds: [1, 2, 3]), sampling: sampling(1, 6)
    ) { seen.append($0) }
    #expect(seen.values.last?.responses == 9)
    #expect(seen.values.last?.tokens == found.joined().reduce(0) { $0 + $1.tokens.count })
  }

  @Test("no request and no seed give no response")
  func nothing() async throws {
    let policy = try ReferenceModel.named("odd").policy()
    #expect(try await policy.generate([], sampling: SamplingOptions()) { _ in } == [])
    let request = GenerationRequest(prompt: EncodedPrompt(tokens: [5]), seeds: [])
    #expect(try await policy.generate([request], sampling: SamplingOptions()) { _ in } == [[]])
  }

  @Test("a seed gives the same response, bit for bit, on 1, 2 and 7 threads", arguments: ReferenceModel.all)
  func threads(_ reference: ReferenceModel) async throws {
    let requests = try requests(reference, seeds: (1...20).map { $0 })
    var sampling = sampling(1, 24)
    sampling.topP = 0.99
    let one = try await reference.policy(threads: 1).generate(requests, sampling: sampling) { _ in }
    for threads in [2, 7] {
      let other = try await reference.policy(threads: threads).generate(requests, sampling: sampling) { _ in }
      #expect(other == one)
    }
    #expect(Set(one[0].map(\.tokens)).count > 10)
  }

  @Test("weights kept in bfloat16 give the same as widened ones")
  func stored() async throws {
    let reference = try ReferenceModel.named("bfloat16")
    let groups = try reference.groups()
    let widened = try await reference.policy().logProbs(of: groups, temperature: 1)
    let stored = try await reference.policy(.inference).logProbs(of: groups, temperature: 1)
    let bound = try await reference.logProbBound(groups, temperature: 1)
    for (one, two) in zip(widened.joined(), stored.joined()) { #expect(largestDifference(one, two) < bound) }
    for (sample, found) in zip(try reference.cases(), stored) {
      let expected = sample.numbers("token_log_probs").suffix(5).map { Float($0) }
      #expect(largestDifference(found[0], expected) < 1e-4)
    }
  }
}

/// Values that a closure was called with.
final class Recorded<Value: Sendable>: @unchecked Sendable {
  private let lock = NSLock()
  private var all: [Value] = []
  var values: [Value] { lock.withLock { all } }
  func append(_ value: Value) { lock.withLock { all.append(value) } }
}
