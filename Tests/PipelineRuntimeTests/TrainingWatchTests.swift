// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineRuntime
import Testing

@Suite("TrainingWatch", .timeLimit(.minutes(15)))
struct TrainingWatchTests {
  private typealias Metrics = [String: Double]

  /// A number between 0 and 1 that looks random and belongs to a step and a name.
  private static func noise(_ step: Int, _ name: String) -> Double {
    var generator = PhiloxGenerator(seed: 1, purpose: name, position: (UInt64(step), 0, 0))
    return generator.uniform()
  }

  /// A run as it should be: reward rises, entropy and gradients fall, everything shakes.
  private static func sound(_ step: Int) -> Metrics {
    let progress = Double(step) / 200
    func shaken(_ value: Double, by share: Double, _ name: String) -> Double {
      value * (1 + share * (2 * noise(step, name) - 1))
    }
    return [
      "critic/score/mean": shaken(0.3 + 0.4 * progress, by: 0.2, "score"), "critic/score/max": 1, "critic/score/min": 0,
      "reward/accuracy": step < 10 ? 0 : shaken(0.3, by: 0.3, "accuracy"),
      "reward/format": shaken(0.9, by: 0.1, "format"), "reward_status/abstained": 0, "reward_status/failed": 0,
      "advantage/groups": 24, "advantage/zero_variance_groups": (24 * noise(step, "groups")).rounded(.down),
      "actor/entropy_loss": shaken(1.2 - 0.9 * progress, by: 0.2, "entropy"),
      // A spike now and then is usual.
      "actor/grad_norm": step % 50 == 49 ? 30 : shaken(1, by: 0.8, "gradient"),
      "actor/pg_loss": noise(step, "loss") - 0.5, "actor/pg_clipfrac_higher": 0.1 * noise(step, "higher"),
      "actor/pg_clipfrac_lower": 0.1 * noise(step, "lower"), "actor/ppo_kl": 0.001,
      "response_length/mean": shaken(200 - 90 * progress, by: 0.2, "length"),
      "response_length/clip_ratio": 0.2 * noise(step, "cut"),
    ]
  }

  /// What a run of 200 steps warns of, with the metrics that replace sound ones.
  private func warnings(_ change: (Int) -> Metrics) -> [TrainingWarning] {
    var watch = TrainingWatch()
    return (0..<200).flatMap { step in
      watch.warnings(step: step, metrics: Self.sound(step).merging(change(step)) { $1 })
    }
  }

  /// The code and step of each warning.
  private func codes(_ change: (Int) -> Metrics) -> [String] { warnings(change).map { "\($0.code) \($0.step)" } }

  private func text(_ change: (Int) -> Metrics) -> [String] { warnings(change).map { "\($0.message); \($0.advice)" } }

  @Test("a sound run gives no warning")
  func sound() {
    #expect(codes { _ in [:] } == [])
  }

  @Test("steps that report nothing give no warning")
  func nothing() {
    var watch = TrainingWatch()
    #expect((0..<50).allSatisfy { watch.warnings(step: $0, metrics: [:]).isEmpty })
  }

  @Test("groups without contrast")
  func zeroVariance() {
    let change: (Int) -> Metrics = { $0 >= 100 ? ["advantage/zero_variance_groups": 24] : [:] }
    #expect(codes(change) == ["zero-variance 104"])
    #expect(
      text(change) == [
        "no group has had both better and worse responses for 5 steps; nothing is learned from them: raise the temperature "
          + "or the rollouts of a prompt, or take prompts that the policy sometimes gets right"
      ])
    #expect(codes { $0 % 5 == 0 ? [:] : ["advantage/zero_variance_groups": 24] } == [])
  }

  @Test("a reward that is the same for every response")
  func constantReward() {
    let same: Metrics = [
      "critic/score/mean": 0.1, "critic/score/max": 0.1, "critic/score/min": 0.1, "advantage/zero_variance_groups": 24,
      "reward/accuracy": 0, "reward/format": 1,
    ]
    #expect(codes { $0 >= 20 ? same : [:] } == ["reward-constant 24"])
    #expect(
      text { $0 >= 20 ? same : [:] } == [
        "every reward has been the same for 5 steps (now 0.1); read some rollouts: are answers given and found, is the "
          + "reward function right, is the task too hard or too easy?"
      ])
  }

  @Test("without extremes, a mean that repeats to the last digit")
  func constantMean() {
    var watch = TrainingWatch()
    let found = (0..<20).flatMap {
      watch.warnings(step: $0, metrics: ["reward/overall": 0.5, "response_length/mean": 9])
    }
    #expect(found.map(\.step) == [5])
    watch = TrainingWatch()
    #expect(
      (0..<20).allSatisfy {
        watch.warnings(step: $0, metrics: ["reward/overall": Double($0), "response_length/mean": 9]).isEmpty
      })
  }

  @Test("a part of the reward that is never earned")
  func zeroPart() {
    var watch = TrainingWatch()
    let found = (0..<50).flatMap { step in
      var metrics = Self.sound(step)
      metrics["reward/accuracy"] = step < 5 ? 0.1 : 0
      return watch.warnings(step: step, metrics: metrics)
    }
    #expect(found.map(\.code) == ["reward-zero-accuracy"])
    #expect(found.map(\.step) == [24])
    #expect(found.map(\.message) == ["the reward 'accuracy' has been 0 for 20 steps while other rewards vary"])
    #expect(
      found.map(\.advice) == [
        "the policy learns to do without it: check the reward function on some rollouts, or begin with supervised training "
          + "on responses that earn it"
      ])
  }

  @Test("entropy that collapses")
  func entropy() {
    let change: (Int) -> Metrics = { ["actor/entropy_loss": $0 < 5 ? 2 : $0 < 60 ? 1 : 0.1] }
    #expect(codes(change) == ["entropy-collapse 64"])
    #expect(
      text(change) == [
        "the policy's entropy has fallen from 2 to 0.1; responses of a group become alike: lower the learning rate, raise "
          + "the upper clip limit, add a KL term, or stop here"
      ])
    #expect(codes { ["actor/entropy_loss": $0 < 5 ? 2 : $0 % 3 == 0 ? 0.5 : 0.1] } == [])
  }

  @Test("responses that shrink")
  func length() {
    let change: (Int) -> Metrics = { ["response_length/mean": $0 < 30 ? 200 : 12.34] }
    #expect(codes(change) == ["length-collapse 34"])
    #expect(
      text(change) == [
        "responses have shrunk from 200 to 12.3 tokens; read some rollouts: if they skip the reasoning, the reward pays for "
          + "brevity; check it and how the loss is averaged"
      ])
  }

  @Test("responses that end at the limit")
  func cut() {
    let change: (Int) -> Metrics = { $0 >= 7 ? ["response_length/clip_ratio": 0.5] : [:] }
    #expect(codes(change) == ["length-limit 11"])
    #expect(
      text(change) == [
        "50 % of the responses end at the length limit; raise sampling.max_tokens of the rollout stage; a response that "
          + "is cut off cannot earn its reward"
      ])
  }

  @Test("tokens that are clipped")
  func clipping() {
    let change: (Int) -> Metrics = { _ in ["actor/pg_clipfrac_higher": 0.2, "actor/pg_clipfrac_lower": 0.2] }
    #expect(codes(change) == ["clipping 4"])
    #expect(
      text(change) == [
        "40 % of the tokens are clipped and teach nothing; the policy moves too far between rollouts: lower the learning "
          + "rate, or make fewer updates of each batch"
      ])
  }

  @Test("a gradient that explodes")
  func gradient() {
    let change: (Int) -> Metrics = { ["actor/grad_norm": $0 < 120 ? 1 : 20] }
    #expect(codes(change) == ["gradient-norm 122"])
    #expect(
      text(change) == [
        "the gradient norm is 20, 20 times its running median; lower the learning rate or the limit of the norm; if it "
          + "stays high, go back to a checkpoint before this step"
      ])
    // Steps without contrast have a gradient of 0, and are no measure.
    #expect(codes { ["actor/grad_norm": $0 % 4 == 0 ? 1 : 0] } == [])
    #expect(codes { ["actor/grad_norm": $0 < 5 ? 1 : 20] } == [])
  }

  @Test("numbers that are none", arguments: [Double.nan, .infinity, -.infinity])
  func notFinite(_ value: Double) {
    let change: (Int) -> Metrics = { $0 >= 3 ? ["actor/pg_loss": value, "actor/grad_norm": value] : [:] }
    #expect(codes(change) == ["not-finite 3"])
    #expect(
      text(change) == [
        "actor/grad_norm and 1 more are not finite; go back to the last checkpoint and lower the learning "
          + "rate; in the first step, look for rewards out of range"
      ])
  }

  /// Everything goes wrong, at one time or another.
  private static func unsound(_ step: Int) -> Metrics {
    var metrics = sound(step)
    if step > 15 { metrics["actor/entropy_loss"] = 0.01 }
    if step > 25 { metrics["advantage/zero_variance_groups"] = 24 }
    if (30..<36).contains(step) { metrics["actor/grad_norm"] = 100 }
    if step > 40 { metrics["reward/format"] = 0 }
    if step > 70 { metrics["actor/pg_loss"] = .nan }
    if step > 80 { metrics.merge(["critic/score/min": 1, "critic/score/mean": 1]) { $1 } }
    return metrics
  }

  @Test("a run that is resumed at any step gives the warnings of one that was not")
  func resumed() throws {
    var whole = TrainingWatch()
    let expected = (0..<100).flatMap { whole.warnings(step: $0, metrics: Self.unsound($0)) }
    #expect(
      expected.map(\.code) == [
        "entropy-collapse", "zero-variance", "gradient-norm", "reward-zero-format", "not-finite", "reward-constant",
      ])
    for stop in 0..<100 {
      var first = TrainingWatch()
      var found = (0..<stop).flatMap { first.warnings(step: $0, metrics: Self.unsound($0)) }
      var text: [UInt8] = []
      first.state.write(to: &text)
      var second = try TrainingWatch(state: try text.withUnsafeBytes { try JSONValue(parsing: $0) })
      #expect(second == first)
      found += (stop..<100).flatMap { second.warnings(step: $0, metrics: Self.unsound($0)) }
      #expect(found == expected)
      #expect(second == whole)
    }
  }

  @Test(
    "a state that is none is an error",
    arguments: [
      .null, [:], ["given": [], "streaks": [:], "values": ["x": ["y"]]], ["given": [1], "streaks": [:], "values": [:]],
    ] as [JSONValue])
  func badState(_ state: JSONValue) {
    #expect {
      try TrainingWatch(state: state)
    } throws: {
      "\($0)".contains("the state of the training watch cannot be read; take an earlier checkpoint, or start anew")
    }
  }
}
