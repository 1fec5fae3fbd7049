// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// The policy gradients of several selections at the weights of one model: how long they are, and how far they point the same way.
///
/// The gradient of a selection is that of the mean of −A · log π over the tokens that it trains on, each draw counting once, times its
/// `loss_weight`: what the first update of a step follows, where no ratio is clipped yet. Replayed trajectories count as those of the
/// step do, without a correction for the policy that sampled them. The weights stay as they are.
package struct SelectionGradients: Sendable {
  /// What is known of a selection's gradients.
  package struct Figures: Sendable, Hashable {
    /// Batches in which it trains on something.
    package var batches = 0
    /// The sum of the gradients' norms over those.
    package var norms = 0.0
    /// Batches in which both this selection and the first one have a gradient.
    package var compared = 0
    /// The sum of the cosines over those.
    package var cosines = 0.0

    /// The mean norm; nil where it trains on nothing.
    package var norm: Double? { batches == 0 ? nil : norms / Double(batches) }
    /// The mean cosine of the angle between its gradient and that of the first selection.
    package var cosine: Double? { compared == 0 ? nil : cosines / Double(compared) }
  }

  /// The figures of each selection.
  package private(set) var figures: [Figures]
  /// Trajectories that the model cannot use, which count for no selection.
  package private(set) var unusable = 0
  /// Why the first of those cannot be used.
  package private(set) var firstReason: String?
  private let policy: any TrainablePolicy
  private let tokenizer: RecordTokenizer

  /// - Parameter count: How many selections there are.
  package init(policy: any TrainablePolicy, codec: any TokenCodec, count: Int) {
    self.policy = policy
    tokenizer = RecordTokenizer(codec: codec)
    figures = Array(repeating: Figures(), count: count)
  }

  /// Adds what the selections made of a batch.
  ///
  /// - Throws: When the policy fails.
  mutating func add(_ selected: [TrajectoryBatch]) async throws {
    let (places, records) = try await records(of: selected)
    let losses = try selected.map { try SelectedLoss($0, places, records) }
    var norms: [Double] = []
    for loss in losses { norms.append(try await norm(of: loss, records)) }
    for index in figures.indices {
      if !losses[index].isEmpty { figures[index].batches += 1 }
      figures[index].norms += norms[index]
      guard norms[0] > 0, norms[index] > 0 else { continue }
      figures[index].compared += 1
      figures[index].cosines += try await cosine(losses[0], losses[index], norms: (norms[0], norms[index]), records)
    }
  }

  /// |a + b|² = |a|² + |b|² + 2 a·b, with b as long as a: a policy need tell no more than norms.
  private func cosine(
    _ first: SelectedLoss, _ second: SelectedLoss, norms: (first: Double, second: Double),
    _ records: [Int: TokenizedRecord]
  ) async throws -> Double {
    if first == second { return 1 }
    let sum = try await norm(of: first.adding(second, times: norms.first / norms.second), records) / norms.first
    return min(1, max(-1, sum * sum / 2 - 1))
  }

  /// The trajectories that any selection trains on, numbered by their ids as they come, and the records of those that can be used.
  private mutating func records(
    of selected: [TrajectoryBatch]
  ) async throws -> (places: [ExactText: Int], records: [Int: TokenizedRecord]) {
    var places: [ExactText: Int] = [:]
    var records: [Int: TokenizedRecord] = [:]
    for trajectory in selected.lazy.flatMap(\.trajectories) {
      let id = ExactText(trajectory.id)
      if places[id] != nil { continue }
      let place = places.count
      places[id] = place
      switch try await tokenizer.outcome(of: trajectory, folder: trajectory.folder) {
      case .usable(let record): records[place] = record
      case .unusable(let reason):
        unusable += 1
        firstReason = firstReason ?? "\(trajectory.id.quotedForMessage): \(reason)"
      }
    }
    return (places, records)
  }

  private func norm(of loss: SelectedLoss, _ records: [Int: TokenizedRecord]) async throws -> Double {
    if loss.isEmpty { return 0 }
    var groups: [Double: [EncodedPrompt: [Int]]] = [:]
    for place in loss.derivatives.keys.sorted() {
      guard let record = records[place] else { continue }
      groups[record.temperature, default: [:]][record.prompt, default: []].append(place)
    }
    for (temperature, prompts) in groups.sorted(by: { $0.key < $1.key }) {
      let ordered = prompts.sorted { $0.value[0] < $1.value[0] }
      let responses = ordered.map { prompt, places in
        ResponseGroup(prompt: prompt, responses: places.compactMap { records[$0]?.tokens })
      }
      try await policy.accumulate(responses, temperature: temperature) { place, logProbs in
        loss.derivatives[ordered[place.group].value[place.response]]
          ?? [Float](repeating: 0, count: logProbs.count)
      }
    }
    return try await policy.step(OptimizerStep(learningRate: 0)).gradientNorm
  }
}

/// The derivatives of a selection's loss with respect to the log-probabilities of a batch's tokens.
private struct SelectedLoss: Sendable, Equatable {
  /// One for each token of a response, by the number of its trajectory.
  var derivatives: [Int: [Float]] = [:]

  var isEmpty: Bool { derivatives.isEmpty }

  /// −A · draws · loss weight, divided by the tokens of all draws.
  init(_ selected: TrajectoryBatch, _ places: [ExactText: Int], _ records: [Int: TokenizedRecord]) throws {
    var tokens = 0.0
    for trajectory in selected.trajectories {
      let draws = Double(trajectory.draws?.count ?? 1)
      guard draws > 0, let place = places[ExactText(trajectory.id)], let record = records[place],
        let advantages = try Self.advantages(of: trajectory, record)
      else {
        continue
      }
      let mask = try trajectory.lossMask(count: record.tokens.count)
      tokens += draws * Double(mask.count { $0 })
      let factor = -draws * (trajectory.lossWeight ?? 1)
      derivatives[place] = zip(advantages, mask).map { $1 ? Float(factor * $0) : 0 }
    }
    if tokens > 0 { derivatives = derivatives.mapValues { $0.map { Float(Double($0) / tokens) } } }
  }

  /// One for each token; nil without an advantage.
  private static func advantages(of trajectory: Trajectory, _ record: TokenizedRecord) throws -> [Double]? {
    if let each = trajectory.advantages, each.count == record.tokens.count { return each }
    return trajectory.advantage.map { Array(repeating: $0, count: record.tokens.count) }
  }

  func adding(_ other: SelectedLoss, times factor: Double) -> SelectedLoss {
    var sum = self
    for (place, values) in other.derivatives {
      let scaled = values.map { Float(Double($0) * factor) }
      sum.derivatives[place] = sum.derivatives[place].map { zip($0, scaled).map { $0 + $1 } } ?? scaled
    }
    return sum
  }
}
