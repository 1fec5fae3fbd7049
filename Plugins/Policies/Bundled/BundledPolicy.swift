// SPDX-License-Identifier: Apache-2.0
import Foundation
package import ModelInput
package import PipelineCore
import Tensor

/// The policy that comes with the program: a model of one of the families of ``ModelFamily``, on this machine's CPU.
package actor BundledPolicy: TokenCodec, TokenGenerator, LogProbSource, EntropyTrainablePolicy, EntropySource,
  ImageChangingPolicy
{
  /// How a policy is opened.
  package struct Options: Sendable {
    /// What the weights are for.
    package var use = WeightUse.training(vision: .frozen)
    /// The format of the decoder's weights when responses are sampled, if they are trained.
    package var rolloutWeights = RolloutWeights.float32
    /// Adapters to use, and to train in place of the weights.
    package var adapters: AdapterSettings?
    /// The maximum number of threads.
    package var threads = 1
    /// Rows that are computed at a time, and kept for the backward pass.
    package var rowsPerMicroBatch = 4096
    /// Bounds of the pixels of resized images, in place of the model's own.
    package var pixels = PixelLimits()
    /// Limits on images.
    package var imageLimits = ImageLimits()
    /// Where images may lie.
    package var media = MediaAccess()
    /// Whether the optimizer's state in the folder is used.
    package var optimizer = OptimizerStart.fresh

    /// The defaults.
    package init() {}
  }

  private let checkpoint: Checkpoint
  private let model: LanguageModel
  private let options: Options
  private let codec: PromptCodec
  private let images: ImageCache<ImagePatches>
  private let optimizer: AdamW

  /// What the optimizer begins with.
  package enum OptimizerStart: Sendable {
    /// No moments: the first step of a run.
    case fresh
    /// The state in the folder, if there is one.
    case saved
    /// The state in the folder, which must be there.
    case required
  }

  /// Opens the checkpoint in a folder.
  ///
  /// Without a tokenizer, prompts and responses must be tokens.
  /// - Throws: Everything that is wrong with the checkpoint, together.
  package init(folder: String, options: Options = Options()) throws {
    if let problem = InstructionSets.problem(threads: options.threads) { throw PipelineError(.inputOutput, problem) }
    checkpoint = try Checkpoint(folder: folder)
    self.options = options
    if case .training(let vision) = options.use, vision != .frozen, checkpoint.config.vision == nil {
      throw PipelineError(
        .invalidSpec,
        "'vision' is '\(vision.rawValue)', but \(folder) is a text model (\(checkpoint.config.family.title)) without a vision tower; "
          + "leave the option out")
    }
    model = try LanguageModel(
      checkpoint, use: options.adapters.map { .adapters($0) } ?? options.use,
      rolloutWeights: options.rolloutWeights.format, threads: options.threads)
    codec = try PromptCodec(
      folder: folder, config: checkpoint.config, generation: checkpoint.generation, pixels: options.pixels)
    images = ImageCache(processor: ImageProcessor(codec.images), limits: options.imageLimits, access: options.media)
    optimizer = AdamW(model.parameters, workers: model.workers, pool: model.pool)
    if options.optimizer != .fresh {
      try OptimizerState.restore(
        optimizer, from: options.adapters?.checkpoint ?? folder, isRequired: options.optimizer == .required)
    }
  }

  /// What the policy is.
  package var facts: PolicyFacts {
    var facts = codec.facts(parameterCount: checkpoint.parameterCount)
    if options.rolloutWeights != .float32 { facts.samplingWeights = options.rolloutWeights.rawValue }
    return facts
  }

  /// Converts a prompt to tokens.
  package func encode(_ prompt: PolicyPrompt) throws -> EncodedPrompt {
    try codec.encode(prompt) { try images.patches(of: $0, relativeTo: $1).grid }
  }

  /// Converts a response's text to tokens.
  package func encode(response: String, finish: GeneratedResponse.Finish) throws -> [Int32] {
    try codec.encode(response: response, finish: finish)
  }

  /// The text of tokens, without special tokens.
  ///
  /// It needs no turn of the policy, which may be generating.
  package nonisolated func decode(_ tokens: [Int32]) throws -> String { try codec.decode(tokens) }

  /// Samples responses.
  package func generate(
    _ requests: [GenerationRequest], sampling: SamplingOptions,
    progress: @Sendable (GenerationProgress) -> Void
  ) async throws -> [[GeneratedResponse]] {
    try await generate(requests, sampling: sampling, progress: progress) { _, _ in }
  }

  /// Samples responses, and tells of each request when the last of its responses ends.
  package func generate(
    _ requests: [GenerationRequest], sampling: SamplingOptions,
    progress: @Sendable (GenerationProgress) -> Void,
    finished: @escaping @Sendable (_ request: Int, _ responses: [GeneratedResponse]) -> Void
  ) async throws -> [[GeneratedResponse]] {
    try codec.limits.check(sampling)
    for request in requests { try codec.limits.checkRoom(after: request.prompt) }
    var watch = try sampling.stop.isEmpty ? nil : StopTextWatch(codec.knownTokenizer(), texts: sampling.stop)
    let generator = Generator(
      model: model, sampling: sampling,
      endTokens: (checkpoint.generation.endTokenIDs + sampling.stopTokens).map { Int32($0) },
      holdsStopText: watch == nil ? nil : { place, token in watch?.holds(place, token) ?? false })
    defer { model.releaseUnusedMemory() }
    return try generator.run(
      try requests.map {
        Generator.Request(prompt: $0.prompt.tokens, images: try self.patches(of: $0.prompt), seeds: $0.seeds)
      }, progress: progress, finished: finished)
  }

  /// Log-probabilities of given responses.
  package func logProbs(of groups: [ResponseGroup], temperature: Double) async throws -> [[[Float]]] {
    try scores(of: groups, temperature: temperature)
  }

  /// Entropies of given responses, in a pass of their own.
  package func entropies(of groups: [ResponseGroup]) async throws -> [[[Float]]] {
    try figures(of: groups) { [model] batch in
      model.logProbsAndEntropies(of: batch, temperature: 1, on: model.tape(isRecording: false)).entropies
    }
  }

  private func scores(of groups: [ResponseGroup], temperature: Double) throws -> [[[Float]]] {
    let temperature = try TokenLimits.divisor(temperature)
    return try figures(of: groups) { [model] batch in
      model.logProbs(of: batch, temperature: temperature, on: model.tape(isRecording: false))
    }
  }

  /// A number for each token of each response.
  ///
  /// - Parameter compute: The numbers of all response tokens of a micro-batch, [n, 1].
  private func figures(
    of groups: [ResponseGroup], _ compute: (PackedBatch) -> Variable<Float>
  ) throws -> [[[Float]]] {
    let groups = try groups.map(promptGroup)
    var results = groups.map { group in group.responses.map { [Float](repeating: 0, count: $0.count) } }
    defer { model.releaseUnusedMemory() }
    for pieces in MicroBatches(groups, rows: options.rowsPerMicroBatch).batches {
      try Task.checkCancellation()
      model.releaseUnusedMemory()
      let batch = try PackedBatch(Self.parts(pieces, of: groups), config: model.config)
      let found = compute(batch)
      try Self.check(found.value)
      var start = 0
      Self.forEachResponse(pieces, groups) { place, count in
        results[place.group][place.response] = Array(found.value.elements[start..<start + count])
        start += count
      }
    }
    return results
  }

  /// Adds gradients.
  package func accumulate(
    _ groups: [ResponseGroup], temperature: Double, gradient: @Sendable (ResponsePlace, [Float]) throws -> [Float]
  ) async throws {
    try accumulateAll(groups, temperature: temperature, withEntropies: false) { place, logProbs, _ in
      (try gradient(place, logProbs), [])
    }
  }

  /// Adds gradients of a loss that has entropies too.
  package func accumulateWithEntropy(
    _ groups: [ResponseGroup], temperature: Double,
    gradient: @Sendable (ResponsePlace, TokenFigures) throws -> TokenFigures
  ) async throws {
    try accumulateAll(groups, temperature: temperature, withEntropies: true) { place, logProbs, entropies in
      let derivatives = try gradient(place, TokenFigures(logProbs: logProbs, entropies: entropies))
      return (derivatives.logProbs, derivatives.entropies)
    }
  }

  /// The derivatives of a loss for a response, of its log-probabilities and its entropies.
  private typealias Derivatives =
    @Sendable (_ place: ResponsePlace, _ logProbs: [Float], _ entropies: [Float]) throws -> ([Float], [Float])

  private func accumulateAll(
    _ groups: [ResponseGroup], temperature: Double, withEntropies: Bool, derivatives: Derivatives
  ) throws {
    guard case .training = options.use else {
      throw PipelineError(.invalidSpec, "the policy was opened for inference; open it for training")
    }
    let temperature = try TokenLimits.divisor(temperature)
    let groups = try groups.map(promptGroup)
    do {
      for pieces in MicroBatches(groups, rows: options.rowsPerMicroBatch).batches {
        try Task.checkCancellation()
        model.releaseUnusedMemory()
        try accumulate(
          pieces, of: groups, temperature: temperature, withEntropies: withEntropies, derivatives: derivatives)
      }
    } catch {
      // Half a minibatch is not a gradient.
      for parameter in model.parameters { parameter.variable.dropGradient() }
      throw error
    }
  }

  private func accumulate(
    _ pieces: [MicroBatches.Piece], of groups: [PromptGroup], temperature: Double, withEntropies: Bool,
    derivatives: Derivatives
  ) throws {
    let batch = try PackedBatch(Self.parts(pieces, of: groups), config: model.config)
    let tape = model.tape(isRecording: true)
    defer { tape.forget() }
    let logProbs: Variable<Float>
    var entropies: Variable<Float>?
    if withEntropies {
      (logProbs, entropies) = model.logProbsAndEntropies(of: batch, temperature: temperature, on: tape)
    } else {
      logProbs = model.logProbs(of: batch, temperature: temperature, on: tape)
    }
    try Self.check(logProbs.value)
    let (target, entropyTarget) = (logProbs.gradientSum(), entropies?.gradientSum())
    var start = 0
    try Self.forEachResponse(pieces, groups) { place, count in
      let range = start..<start + count
      let (values, entropyValues) = try derivatives(
        place, Array(logProbs.value.elements[range]), entropies.map { Array($0.value.elements[range]) } ?? [])
      guard values.count == count, entropyTarget == nil || entropyValues.count == count else {
        throw PipelineError(
          .plugIn,
          "the loss gave \(values.count) gradients for a response of \(count) tokens; it must give one for each")
      }
      (target.pointer + start).update(from: values, count: count)
      if let entropyTarget { (entropyTarget.pointer + start).update(from: entropyValues, count: count) }
      start += count
    }
    tape.backward()
  }

  /// Applies the accumulated gradients.
  package func step(_ step: OptimizerStep) async throws -> OptimizerReport {
    defer { model.releaseUnusedMemory() }
    return try optimizer.step(step)
  }

  /// The most memory that its matrices have taken so far, in bytes.
  package var peakBytes: Int { model.pool.peakBytes }

  /// The accumulated gradients, by the names of their tensors.
  package var gradients: [String: [Float]] {
    var found: [String: [Float]] = [:]
    for parameter in model.parameters where parameter.variable.needsGradient {
      let sum = parameter.variable.gradient?.array ?? [Float](repeating: 0, count: parameter.variable.value.count)
      var start = 0
      for tensor in parameter.tensors {
        found[tensor.name] = Array(sum[start..<start + tensor.count])
        start += tensor.count
      }
    }
    return found
  }

  /// Writes the weights, the other files of the model, and the optimizer's state.
  package func save(to folder: String) async throws {
    guard case .training = options.use else {
      throw PipelineError(
        .invalidSpec, "the policy was opened for inference, it has nothing new to save; copy \(checkpoint.folder)")
    }
    let writer = try CheckpointWriter(folder: folder, source: checkpoint, precision: .all(.float32))
    if let adapters = options.adapters {
      try writeMerged(with: writer)
      try SavedAdapters.write(model, adapters, base: checkpoint.folder, with: writer)
    } else {
      for parameter in model.parameters { try writer.write(parameter) }
    }
    try OptimizerState.save(optimizer, with: writer)
    try writer.finish()
  }

  /// Writes the weights of the checkpoint with the changes of the adapters, one by one.
  private func writeMerged(with writer: CheckpointWriter) throws {
    let adapters = Dictionary(uniqueKeysWithValues: model.adapters.map { ($0.target.name, $0) })
    for tensor in checkpoint.tensors {
      guard let adapter = adapters[tensor.name] else {
        try writer.write(tensor)
        continue
      }
      var weights = tensor.floats
      try weights.withUnsafeMutableBufferPointer { buffer in
        adapter.merge(into: buffer)
        try writer.write(tensor.name, floats: UnsafeBufferPointer(buffer))
      }
    }
  }

  /// Log-probabilities of given responses under the model without its adapters.
  func logProbsWithoutAdapters(of groups: [ResponseGroup], temperature: Double) async throws -> [[[Float]]] {
    model.adapterSwitch.isOn = false
    defer { model.adapterSwitch.isOn = true }
    return try scores(of: groups, temperature: temperature)
  }

  private func patches(of prompt: EncodedPrompt) throws -> [ImagePatches] {
    try prompt.images.map { try images.patches(of: $0, relativeTo: prompt.folder) }
  }

  private func promptGroup(_ group: ResponseGroup) throws -> PromptGroup {
    try codec.limits.checkRoom(for: group)
    return PromptGroup(prompt: group.prompt.tokens, images: try patches(of: group.prompt), responses: group.responses)
  }

  private static func check(_ logProbs: Matrix<Float>) throws {
    guard allFinite(logProbs.elements) else {
      throw PipelineError(
        .invalidData,
        "the model's log-probabilities are not finite; go back to an earlier checkpoint, and lower the learning rate")
    }
  }

  private static func parts(_ pieces: [MicroBatches.Piece], of groups: [PromptGroup]) -> [PromptGroup] {
    pieces.map { piece in
      let group = groups[piece.group]
      return PromptGroup(
        prompt: group.prompt, images: group.images, responses: Array(group.responses[piece.responses]))
    }
  }

  private static func forEachResponse(
    _ pieces: [MicroBatches.Piece], _ groups: [PromptGroup], _ body: (ResponsePlace, Int) throws -> Void
  ) rethrows {
    for piece in pieces {
      for response in piece.responses {
        try body(
          ResponsePlace(group: piece.group, response: response), groups[piece.group].responses[response].count)
      }
    }
  }
}
