// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import Synchronization

/// One minibatch: its passes through the policy, its loss, and what is counted.
final class MinibatchPass: Sendable {
  private let minibatch: Minibatch
  private let examples: [Int: TrainingExample]
  private let loss: any PolicyLoss
  private let aggregation: LossAggregation
  private let options: UpdateStage.Options
  private let klCoefficient: Double
  /// What means are taken over.
  private let shapes: MinibatchShapes
  private let state = Mutex(MinibatchFigures())
  /// Some of the responses, which are evaluated again after the update.
  private let probe: Minibatch.Group?
  private let probed = Mutex<[Int: [Double]]>([:])

  /// The most responses that are evaluated again: enough to notice a policy that diverges, too few to take time.
  private static let probeCount = 8

  init(
    _ minibatch: Minibatch, examples: [Int: TrainingExample], loss: any PolicyLoss, aggregation: LossAggregation,
    options: UpdateStage.Options, klCoefficient: Double
  ) {
    (self.minibatch, self.examples, self.loss) = (minibatch, examples, loss)
    (self.aggregation, self.options, self.klCoefficient) = (aggregation, options, klCoefficient)
    probe = minibatch.groups.first.map { group in
      Minibatch.Group(
        prompt: group.prompt, temperature: group.temperature, members: Array(group.members.prefix(Self.probeCount)))
    }
    shapes = MinibatchShapes(minibatch, examples, options)
  }

  /// What was counted.
  var figures: MinibatchFigures { state.withLock { $0 } }

  /// Adds the gradient of the minibatch's loss to the policy's.
  func accumulate(on policy: any TrainablePolicy) async throws {
    for (temperature, groups) in groupsByTemperature {
      try await policy.accumulate(responses(of: groups), temperature: temperature) { place, logProbs in
        try self.gradient(of: groups[place.group].members[place.response], logProbs)
      }
    }
  }

  /// The same for a loss with an entropy bonus.
  func accumulateWithEntropy(on policy: any EntropyTrainablePolicy) async throws {
    for (temperature, groups) in groupsByTemperature {
      try await policy.accumulateWithEntropy(responses(of: groups), temperature: temperature) { place, figures in
        let slot = groups[place.group].members[place.response]
        return TokenFigures(
          logProbs: try self.gradient(of: slot, figures.logProbs),
          entropies: self.entropyGradient(of: slot, figures.entropies))
      }
    }
  }

  private var groupsByTemperature: [(temperature: Double, groups: [Minibatch.Group])] {
    Set(minibatch.groups.map(\.temperature)).sorted().map { temperature in
      (temperature, minibatch.groups.filter { $0.temperature == temperature })
    }
  }

  private func responses(of groups: [Minibatch.Group]) -> [ResponseGroup] {
    groups.map { group in
      ResponseGroup(prompt: group.prompt, responses: group.members.compactMap { examples[$0]?.tokens })
    }
  }

  /// The derivatives of `−bonus · mean entropy`, whose mean is that of the loss; `loss_weight` does not count, as in the KL
  /// divergence.
  private func entropyGradient(of slot: Int, _ entropies: [Float]) -> [Float] {
    var gradient = [Float](repeating: 0, count: entropies.count)
    guard let example = examples[slot] else { return gradient }
    let weight = shapes.weight(of: slot, aggregation)
    for token in example.trained { gradient[token] = Float(-options.entropyBonus * weight) }
    state.withLock { figures in
      figures.add(entropies: example.trained.map { Double(entropies[$0]) }, weight: weight)
    }
    return gradient
  }

  /// How far the policy has moved since this pass: the mean difference of log-probabilities over some of its tokens.
  ///
  /// - Throws: When they can no longer be computed.
  func distanceMoved(_ policy: any LogProbSource) async throws -> Double {
    guard let probe else { return 0 }
    let before = probed.withLock { $0 }
    let group = ResponseGroup(prompt: probe.prompt, responses: probe.members.compactMap { examples[$0]?.tokens })
    let after = try await policy.logProbs(of: [group], temperature: probe.temperature)[0]
    var sum = 0.0
    var count = 0
    for (slot, logProbs) in zip(probe.members, after) {
      for (token, value) in zip(examples[slot]?.trained ?? [], before[slot] ?? []) {
        sum += abs(Double(logProbs[token]) - value)
        count += 1
      }
    }
    return count == 0 ? 0 : sum / Double(count)
  }

  private func gradient(of slot: Int, _ logProbs: [Float]) throws -> [Float] {
    var gradient = [Float](repeating: 0, count: logProbs.count)
    guard let example = examples[slot] else { return gradient }
    let now = example.trained.map { Double(logProbs[$0]) }
    if probe?.members.contains(slot) == true { probed.withLock { $0[slot] = now } }
    let old = example.old ?? now
    var weights = [Double](
      repeating: shapes.weight(of: slot, aggregation, lossWeight: example.lossWeight), count: now.count)
    if let sampled = example.sampled {
      let correction = example.isOfEarlierStep ? options.replayed.importance : options.importance
      for (token, factor) in correction.factors(sampled: sampled, old: old).enumerated() {
        weights[token] *= factor
      }
    }
    let losses = try loss.evaluate(
      LossTokens(logProbs: now, oldLogProbs: old, advantages: example.advantages, weights: weights))
    guard losses.gradient.count == now.count, losses.losses.count == now.count else {
      throw PipelineError(
        .plugIn,
        "the loss '\(type(of: loss).name)' gave \(losses.gradient.count) gradients for \(now.count) tokens; it must give "
          + "one for each")
    }
    var derivatives = losses.gradient
    var divergence: [KLEstimator.Value] = []
    let klWeight = shapes.weight(of: slot, aggregation)
    if let reference = example.reference {
      divergence = zip(now, reference).map { options.kl.estimator(logProb: $0, reference: $1) }
      for (token, value) in divergence.enumerated() {
        derivatives[token] += klCoefficient * klWeight * value.derivative
      }
    }
    var dependences: [Double] = []
    if options.contrast.reward > 0, let contrast = example.contrast {
      for (token, value) in zip(contrast.logProbs, now).enumerated() {
        let dependence = ContrastOptions.dependence(contrast: value.0, clean: value.1)
        derivatives[token] -= klWeight * (options.contrast.reward * dependence.derivative + options.contrast.entropy)
        dependences.append(dependence.value)
      }
    } else if options.contrast.entropy > 0 {
      for token in derivatives.indices { derivatives[token] -= klWeight * options.contrast.entropy }
    }
    let draws = minibatch.draws[slot] ?? 0
    state.withLock { figures in
      figures.add(dependences: dependences, draws: draws)
      figures.add(
        slot: slot, draws: draws, now: now, old: old, weights: weights, losses: losses, derivatives: derivatives,
        advantages: example.advantages)
      figures.add(divergence, weight: klWeight, draws: draws)
    }
    for (token, derivative) in zip(example.trained, derivatives) { gradient[token] = Float(derivative) }
    return gradient
  }
}

/// What is counted over a minibatch; a response counts as often as it was drawn.
struct MinibatchFigures: Sendable {
  /// The loss without the KL divergence.
  private(set) var loss = 0.0
  /// The KL divergence in the loss.
  private(set) var klLoss = 0.0
  private(set) var tokens = 0
  private(set) var clippedHigher = 0
  private(set) var clippedLower = 0
  private(set) var silentTokens = 0
  private(set) var klSum = 0.0
  /// The mean entropy, as the loss has it.
  private(set) var entropyMean = 0.0
  /// Trajectories that gave a gradient.
  private(set) var withGradient: Set<Int> = []
  private var oldMinusNew = 0.0
  private var distance = 0.0
  private var surprise = 0.0

  /// A token further from its old probability gives no gradient with the clipped loss of the paper.
  private static let silencing = 0.2

  private var dependence = 0.0
  /// The mean dependence of tokens on the image.
  var meanDependence: Double { mean(dependence) }

  mutating func add(dependences: [Double], draws: Int) {
    dependence += Double(draws) * dependences.reduce(0, +)
  }

  /// The mean of old minus new log-probability.
  var meanOldMinusNew: Double { mean(oldMinusNew) }
  /// The mean of their absolute difference.
  var meanDistance: Double { mean(distance) }
  /// The mean of −log π, which estimates the entropy.
  var meanSurprise: Double { mean(surprise) }
  /// The mean of the estimate of the KL divergence.
  var klMean: Double { mean(klSum) }

  private func mean(_ sum: Double) -> Double { tokens == 0 ? 0 : sum / Double(tokens) }

  mutating func add(
    slot: Int, draws: Int, now: [Double], old: [Double], weights: [Double], losses: TokenLosses,
    derivatives: [Double], advantages: [Double]
  ) {
    tokens += draws * now.count
    for token in now.indices {
      loss += weights[token] * losses.losses[token]
      oldMinusNew += Double(draws) * (old[token] - now[token])
      distance += Double(draws) * abs(old[token] - now[token])
      surprise -= Double(draws) * now[token]
      let ratio = PolicyRatio(logRatio: now[token] - old[token]).value
      if advantages[token] == 0 || abs(ratio - 1) > Self.silencing { silentTokens += draws }
    }
    clippedHigher += draws * losses.clips.count { $0 == .higher }
    clippedLower += draws * losses.clips.count { $0 == .lower }
    if derivatives.contains(where: { $0 != 0 }) { withGradient.insert(slot) }
  }

  mutating func add(entropies: [Double], weight: Double) {
    for entropy in entropies { entropyMean += weight * entropy }
  }

  mutating func add(_ divergence: [KLEstimator.Value], weight: Double, draws: Int) {
    for value in divergence {
      klLoss += weight * value.value
      klSum += Double(draws) * value.value
    }
  }
}
