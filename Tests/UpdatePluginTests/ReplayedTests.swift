// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineTesting
import Testing
import UpdatePlugin

/// How trajectories of earlier steps are trained on.
@Suite("update: replayed trajectories", .timeLimit(.minutes(15)))
struct ReplayedTests {
  private func trajectory(_ text: String, replayed: Bool, ratios: [Double]?, weight: Double? = nil) async throws
    -> Trajectory
  {
    let old = try await Update.logProbs(text, afterSteps: 0)
    let plain = Trajectory.response(text, advantage: 1) {
      $0.set(.tokens, to: .array((Array(text.utf8).map { Int($0) } + [256]).map { .number($0) }))
      $0.set(.policyVersion, to: 0)
      if let ratios { $0.set(.logprobs, to: .array(zip(old, ratios).map { .number($0 - log($1)) })) }
    }
    if !replayed { return plain }
    var stored = plain.replayed(as: text, step: 4, origin: ["id": .string(text), "step": 0])
    if let weight { stored.lossWeight = weight }
    return stored
  }

  private func update(_ change: (inout ReplayedOptions) -> Void = { _ in }) throws -> Update {
    var update = try Update("clip")
    update.version = 4
    change(&update.options.replayed)
    return update
  }

  private func isNear(_ gradients: [Float], _ wanted: [Double], _ tolerance: Double = 1e-6) -> Bool {
    gradients.count == wanted.count && zip(gradients, wanted).allSatisfy { abs(Double($0) + $1) <= tolerance }
  }

  @Test("by default each token counts by the ratio of the policy before the step to the one that sampled it, up to 2")
  func corrected() async throws {
    // Two responses of three tokens; the same record is not corrected where this step made it.
    let outcome = try await update().run([
      trajectory("ab", replayed: true, ratios: [0.6, 1.5, 8]),
      trajectory("cd", replayed: false, ratios: [0.6, 1.5, 8]),
    ])
    // Policy version 0 sampled both: the old log-probabilities are computed.
    #expect(outcome.scored == [2])
    let pass = try #require(outcome.passes.first)
    #expect(isNear(pass.gradients[0], [0.6, 1.5, 2].map { $0 / 6 }))
    #expect(isNear(pass.gradients[1], [1, 1, 1].map { $0 / 6 }))
    let (sum, squares) = (0.6 + 1.5 + 8, 0.36 + 2.25 + 64)
    #expect(abs((outcome.metrics["actor/replay_ess"] ?? 0) - sum * sum / squares / 3) < 1e-4)
    #expect(abs((outcome.metrics["actor/replay_limited"] ?? 0) - 1 / 3.0) < 1e-12)
  }

  @Test("with stored old log-probabilities the loss compares with the policy that sampled it")
  func stored() async throws {
    let update = try update {
      $0.oldLogProbs = .stored
      $0.importance.level = .none
    }
    let outcome = try await update.run([trajectory("ab", replayed: true, ratios: [0.6, 1.1, 8])])
    #expect(outcome.scored == [])
    // Beyond 1.2 the clipped loss has no gradient.
    #expect(isNear(outcome.passes[0].gradients[0], [0.6 / 3, 1.1 / 3, 0]))
    #expect(outcome.metrics["actor/replay_ess"] == nil)
    #expect(update.options.problems().isEmpty)
    var contradictory = update.options.replayed
    contradictory.importance.level = .sequence
    #expect(contradictory.problems().map(\.path) == ["importance.level"])
  }

  @Test("with denominators of their own, both parts of the loss are means, and the weight is the coefficient")
  func denominators() async throws {
    let rows = [
      try await trajectory("ab", replayed: true, ratios: [1, 1, 1], weight: 0.5),
      try await trajectory("c", replayed: false, ratios: [1, 1]),
      try await trajectory("d", replayed: false, ratios: [1, 1]),
    ]
    let joint = try await update().run(rows)
    #expect(isNear(joint.passes[0].gradients[0], [Double](repeating: 0.5 / 7, count: 3)))
    #expect(isNear(joint.passes[0].gradients[1], [Double](repeating: 1 / 7.0, count: 2)))
    let own = try await update { $0.denominator = .own }.run(rows)
    #expect(isNear(own.passes[0].gradients[0], [Double](repeating: 0.5 / 3, count: 3)))
    #expect(isNear(own.passes[0].gradients[1], [Double](repeating: 1 / 4.0, count: 2)))
  }

  @Test("the KL penalty can leave replayed trajectories out")
  func penalty() async throws {
    let reference = ScriptedPolicy()
    _ = try await reference.step(OptimizerStep(learningRate: 0))
    let rows = [
      try await trajectory("ab", replayed: true, ratios: [1, 1, 1]),
      try await trajectory("cd", replayed: false, ratios: [1, 1, 1]),
    ]
    for isOn in [true, false] {
      var update = try update { $0.kl = isOn }
      update.options.kl.coefficient = 0.5
      update.reference = reference
      let outcome = try await update.run(rows)
      let plain = [Double](repeating: 1 / 6.0, count: 3)
      #expect(isNear(outcome.passes[0].gradients[0], plain) != isOn)
      #expect(!isNear(outcome.passes[0].gradients[1], plain))
      #expect(outcome.batch[0].has(.refLogprobs) == isOn)
    }
  }

  @Test("without the log-probabilities that it was sampled with it leaves, with what to set")
  func unknown() async throws {
    let rows = [
      try await trajectory("ab", replayed: true, ratios: nil), try await trajectory("cd", replayed: false, ratios: nil),
    ]
    let outcome = try await update().run(rows)
    #expect(outcome.batch.trajectories.map(\.id) == ["cd"])
    #expect(outcome.batch.drops.map(\.rule) == ["unusable"])
    #expect(
      outcome.warnings.first?.message.contains(
        "it comes from an earlier step without 'logprobs', those of the policy that sampled it, which 'replayed' goes by"
      ) == true)
    let free = try await update { $0.importance.level = .none }.run(rows)
    #expect(free.batch.count == 2)
  }

  @Test("the published losses come out: both parts by their own means where the program says so by tokens")
  func published() throws {
    // RePO's program divides both parts by all rows; what it gives for one part alone is our mean times its share of the rows.
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "StoresPluginTests/Fixtures/repo.json")
    let cases = try JSONValue(parsing: String(contentsOf: folder, encoding: .utf8))["cases"]?.arrayValue ?? []
    let item = try #require(cases.first { $0["case"]?.stringValue == "loss grpo" })
    func rows(_ name: String) -> [[Double]] {
      (item[name]?.arrayValue ?? []).map { ($0.arrayValue ?? []).compactMap(\.doubleValue) }
    }
    let (old, now, mask) = (rows("old_logps"), rows("logps"), rows("mask"))
    let advantages = (item["advantages"]?.arrayValue ?? []).compactMap(\.doubleValue)
    let online = (item["is_online"]?.arrayValue ?? []).compactMap(\.doubleValue)
    func part(_ wanted: Double) -> Double {
      let members = online.indices.filter { online[$0] == wanted }
      let shape = MinibatchShape(
        tokenCounts: members.map { mask[$0].count { $0 == 1 } }, draws: members.map { _ in 1 }, longest: 4)
      return members.enumerated().reduce(0) { sum, member in
        let row = member.element
        let weight = shape.weight(ofResponse: member.offset, .sequenceMeanTokenMean)
        return sum
          + mask[row].indices.filter { mask[row][$0] == 1 }.reduce(0) { sum, token in
            let ratio = exp(now[row][token] - old[row][token])
            let clipped = min(max(ratio, 0.8), 1.2)
            return sum - weight * min(ratio * advantages[row], clipped * advantages[row])
          }
      }
    }
    // Half of the rows each.
    #expect(abs(part(1) / 2 - (item["online_loss"]?.doubleValue ?? 9)) < 1e-5)
    #expect(abs(part(0) / 2 - (item["replayed_loss"]?.doubleValue ?? 9)) < 1e-5)
  }
}
