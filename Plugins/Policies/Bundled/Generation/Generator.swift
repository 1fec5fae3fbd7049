// SPDX-License-Identifier: Apache-2.0
import ModelInput
import PipelineCore
import Tensor

/// Samples responses: each prompt is computed once, its continuations advance together, and finished ones are removed.
struct Generator {
  let model: LanguageModel
  let sampling: SamplingOptions
  /// Tokens that end a response.
  let endTokens: [Int32]
  /// Whether a response contains a stop text so far; called after each token.
  let holdsStopText: ((ContinuationPlace, Int32) -> Bool)?

  /// A prompt with its images and the seeds of its responses.
  struct Request {
    var prompt: [Int32]
    var images: [ImagePatches]
    var seeds: [UInt64]
  }

  /// The number of the response.
  struct ContinuationPlace: Hashable {
    var request: Int
    var response: Int
  }

  /// A response that is being sampled.
  private struct Continuation {
    let place: ContinuationPlace
    let seed: UInt64
    let slot: Int
    let prompt: Int
    let firstPosition: Int32
    let maxTokens: Int
    var tokens: [Int32] = []
    var logProbs: [Float] = []
    var finish: GeneratedResponse.Finish?
  }

  /// The most continuations that advance together.
  static let rowsPerWave = 1024
  /// The most prompt tokens that are computed together, unless a single prompt has more.
  static let promptTokensPerWave = 16_384

  /// Samples all responses, request by request.
  ///
  /// - Parameter finished: Gets a request's position and its responses when the last of them ends.
  func run(
    _ requests: [Request], progress: (GenerationProgress) -> Void,
    finished: (_ request: Int, _ responses: [GeneratedResponse]) -> Void
  ) throws -> [[GeneratedResponse]] {
    var results = requests.map { [GeneratedResponse?](repeating: nil, count: $0.seeds.count) }
    var left = requests.map(\.seeds.count)
    var done = GenerationProgress(responses: 0, tokens: 0)
    var next = 0
    while next < requests.count {
      let wave = wave(of: requests, from: next)
      next = wave.upperBound
      try run(wave, of: requests, done: &done, progress: progress) { place, response in
        results[place.request][place.response] = response
        left[place.request] -= 1
        if left[place.request] == 0 { finished(place.request, results[place.request].compactMap(\.self)) }
      }
    }
    return results.map { $0.compactMap(\.self) }
  }

  /// The next requests that fit into one wave.
  private func wave(of requests: [Request], from start: Int) -> Range<Int> {
    var (rows, tokens, end) = (0, 0, start)
    while end < requests.count {
      rows += requests[end].seeds.count
      tokens += requests[end].prompt.count
      if end > start, rows > Self.rowsPerWave || tokens > Self.promptTokensPerWave { break }
      end += 1
    }
    return start..<end
  }

  private func run(
    _ wave: Range<Int>, of requests: [Request], done: inout GenerationProgress,
    progress: (GenerationProgress) -> Void, finished: (ContinuationPlace, GeneratedResponse) -> Void
  ) throws {
    let batch = try PackedBatch(
      wave.map { PromptGroup(prompt: requests[$0].prompt, images: requests[$0].images) }, config: model.config)
    let prompts = PromptCache(model: model, batch: batch)
    var active = continuations(of: wave, requests, batch)
    var cache = KeyValueCache(
      layers: model.decoder.layers.count, slots: active.count, width: prompts.width, limit: sampling.maxTokens,
      pool: model.pool)
    var logits = prompts.logits(for: active.map(\.prompt))
    // Prompts have many rows, tokens of continuations have few, and fewer in time.
    model.releaseUnusedMemory()
    var rows = active.count
    while !active.isEmpty {
      try Task.checkCancellation()
      try sample(&active, logits)
      done.tokens += active.count
      for continuation in active {
        guard let finish = continuation.finish else { continue }
        done.responses += 1
        finished(
          continuation.place,
          GeneratedResponse(tokens: continuation.tokens, logProbs: continuation.logProbs, finish: finish))
      }
      active.removeAll { $0.finish != nil }
      progress(done)
      guard let first = active.first else { break }
      cache.reserve(first.tokens.count)
      if active.count < rows * 7 / 8 {
        model.releaseUnusedMemory()
        rows = active.count
      }
      logits = advance(active, prompts, cache)
    }
  }

  private func continuations(of wave: Range<Int>, _ requests: [Request], _ batch: PackedBatch) -> [Continuation] {
    var all: [Continuation] = []
    for (prompt, request) in wave.enumerated() {
      let room = model.config.text.contextLength - requests[request].prompt.count
      for (response, seed) in requests[request].seeds.enumerated() {
        all.append(
          Continuation(
            place: ContinuationPlace(request: request, response: response), seed: seed, slot: all.count,
            prompt: prompt, firstPosition: batch.nextPositions[prompt], maxTokens: min(sampling.maxTokens, room)))
      }
    }
    return all
  }

  /// One step of the decoder for the last token of every continuation.
  private func advance(_ active: [Continuation], _ prompts: PromptCache, _ cache: KeyValueCache) -> Matrix<Float> {
    let tape = model.samplingTape()
    let decoder = model.decoder
    let angles = decoder.angles(
      active.map { TokenPosition($0.firstPosition + Int32($0.tokens.count) - 1) }, pool: model.pool)
    let starts = active.map { $0.slot * cache.capacity }
    let counts = active.map(\.tokens.count)
    var x = decoder.embedding(active.map { $0.tokens[$0.tokens.count - 1] }, on: tape)
    for (index, layer) in decoder.layers.enumerated() {
      let projection = layer.projected(x, heads: decoder.heads, on: tape).value
      let attended = tape.attention(
        projection, heads: decoder.heads, angles: angles,
        cache: CachedAttention(
          groups: groups(active, prompts, layer: index), continuations: cache.layers[index], starts: starts,
          counts: counts))
      x = layer.rest(attended, x, on: tape)
    }
    return decoder.logits(x, on: tape)
  }

  private func groups(_ active: [Continuation], _ prompts: PromptCache, layer: Int) -> [CachedAttention.Group] {
    var groups: [CachedAttention.Group] = []
    var start = 0
    while start < active.count {
      let end = active[start...].firstIndex { $0.prompt != active[start].prompt } ?? active.count
      groups.append(.init(rows: start..<end, prompt: prompts.keysAndValues(of: active[start].prompt, layer: layer)))
      start = end
    }
    return groups
  }

  private func sample(_ active: inout [Continuation], _ logits: Matrix<Float>) throws {
    let sampler = TokenSampler(sampling: sampling)
    let draws = UnsafeMutableBufferPointer<TokenSampler.Draw>.allocate(capacity: active.count)
    draws.initialize(repeating: .init(token: 0, logProb: 0))
    defer { draws.deallocate() }
    let continuations = active
    model.workers.forEach(active.count) { index in
      let continuation = continuations[index]
      var random = PhiloxGenerator(
        seed: continuation.seed, purpose: "sample", position: (UInt64(continuation.tokens.count), 0, 0))
      let row = UnsafeMutableBufferPointer(start: logits.pointer + index * logits.columns, count: logits.columns)
      draws[index] = sampler.draw(
        row, forbidden: continuation.tokens.count < sampling.minTokens ? endTokens : [], uniform: random.uniform())
    }
    guard draws.allSatisfy(\.logProb.isFinite) else {
      throw PipelineError(
        .invalidData,
        "the model's logits are not finite; go back to an earlier checkpoint, and lower the learning rate")
    }
    for index in active.indices {
      let token = draws[index].token
      active[index].tokens.append(token)
      active[index].logProbs.append(draws[index].logProb)
      if endTokens.contains(token) || holdsStopText?(active[index].place, token) == true {
        active[index].finish = .stop
      } else if active[index].tokens.count >= active[index].maxTokens {
        active[index].finish = .length
      }
    }
  }
}

/// The prompts of a wave: their keys and values in every layer, and the logits after each.
private struct PromptCache {
  private let caches: [[Matrix<Float>]]
  private let last: Variable<Float>
  private let model: LanguageModel
  /// Columns of keys and values side by side.
  let width: Int

  init(model: LanguageModel, batch: PackedBatch) {
    self.model = model
    let heads = model.decoder.heads
    width = 2 * heads.keyValueCount * heads.size
    let width = width
    let tape = model.samplingTape()
    var caches: [[Matrix<Float>]] = []
    let hidden = model.hiddenStates(of: batch, on: tape) { _, projection in
      caches.append(
        batch.layout.segments.map { segment in
          let cache = Matrix<Float>(rows: segment.count, columns: width, pool: model.pool)
          for row in 0..<segment.count {
            (cache.pointer + row * width).update(
              from: projection.pointer + (segment.start + row) * projection.columns + heads.keyOffset, count: width)
          }
          return cache
        })
    }
    self.caches = caches
    last = tape.rows(of: hidden, at: batch.layout.segments.map { Int32($0.start + $0.count - 1) })
  }

  func keysAndValues(of prompt: Int, layer: Int) -> Matrix<Float> { caches[layer][prompt] }

  /// The logits after each prompt, one row for each continuation.
  func logits(for prompts: [Int]) -> Matrix<Float> {
    let tape = model.samplingTape()
    let each = model.decoder.logits(last, on: tape)
    return tape.rows(of: tape.constant(each), at: prompts.map { Int32($0) }).value
  }
}
