// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineTesting
import Testing

/// Stages, rewards and options that each break one law, to see that it is noticed.
@Suite("Laws", .timeLimit(.minutes(15)))
struct PipelineTestingTests {
  /// A stage made of a closure.
  private struct Sketch: Stage {
    static let about = ComponentAbout(
      name: "sketch", summary: "Does what its closure does",
      rules: [DropRule("third", because: "it is the third"), DropRule("all-<name>", because: "all leave")],
      metrics: [
        MetricAbout("seen", unit: "trajectories", "how many came", combining: .sum),
        MetricAbout("part/<name>", unit: "score", "a part"),
      ])
    var reads: Set<Field> = []
    var writes: Set<Field> = []
    let body: @Sendable (inout TrajectoryBatch, StageContext) throws -> Void

    init(options: NoOptions, assembly: Assembly) { self.init { _, _ in } }
    init(
      writes: Set<Field> = [],
      _ body: @escaping @Sendable (inout TrajectoryBatch, StageContext) throws -> Void
    ) {
      self.writes = writes
      self.body = body
    }
    func run(_ batch: inout TrajectoryBatch, in context: StageContext) async throws {
      try body(&batch, context)
    }
  }

  private func broken(_ stage: Sketch, groupOrder: StageLaws.GroupOrder = .immaterial) async -> String {
    do {
      try await StageLaws.check(stage, groupOrder: groupOrder)
      return "nothing"
    } catch {
      return "\(error)"
    }
  }

  @Test("a stage that keeps the laws passes")
  func passes() async {
    #expect(
      await broken(
        Sketch(writes: [.lossWeight]) { batch, context in
          for index in 0..<batch.count { batch[index].lossWeight = batch[index].reward ?? 0 }
          let odd = batch.trajectories.map { $0.id.hasSuffix("3") }
          context.report.metric("seen", Double(batch.count), combining: .sum)
          context.report.metric("part/any/thing", 1)
          batch.drop(stage: context.stage) { odd[$0] ? "third" : nil }
          batch.drop(stage: context.stage) { _ in "all-of-them" }
        }) == "nothing")
  }

  @Test("every broken law of a stage is named")
  func stageLaws() async {
    let cases: [(law: String, stage: Sketch)] = [
      ("nothing is lost or invented", Sketch { batch, _ in batch = TrajectoryBatch([]) }),
      (
        "what is kept keeps its order",
        Sketch { batch, _ in batch = TrajectoryBatch(batch.trajectories.reversed()) }
      ),
      (
        "a drop names the stage and a rule in kebab-case",
        Sketch { batch, context in batch.drop(stage: context.stage) { _ in "Some Rule" } }
      ),
      (
        "a stage declares what it writes",
        Sketch { batch, _ in for index in 0..<batch.count { batch[index].step = 1 } }
      ),
      (
        "a stage declares what it writes",
        Sketch { batch, _ in for index in 0..<batch.count { batch[index].set(Field("note"), to: nil) } }
      ),
      (
        "the same batch gives the same result",
        Sketch(writes: [.step]) { batch, context in
          for index in 0..<batch.count { batch[index].step = context.threads }
        }
      ),
      (
        "the order of the groups does not matter",
        Sketch(writes: [.step]) { batch, _ in for index in 0..<batch.count { batch[index].step = index } }
      ),
      ("metrics are finite", Sketch { _, context in context.report.metric("seen", .nan) }),
      (
        "a stage declares the rules that it drops by",
        Sketch { batch, context in batch.drop(stage: context.stage) { _ in "fourth" } }
      ), ("a stage declares its metrics", Sketch { _, context in context.report.metric("unseen", 1) }),
      ("a metric is combined as it is declared", Sketch { _, context in context.report.metric("seen", 1) }),
      ("it does not throw", Sketch { _, _ in throw PipelineError(.plugIn, "no") }),
    ]
    for (law, stage) in cases {
      let report = await broken(stage)
      #expect(report.hasPrefix("stage 'sketch' breaks"))
      #expect(report.contains("- \(law)"), "\(report)")
    }
    let byIndex = Sketch(writes: [.step]) { batch, _ in
      for index in 0..<batch.count { batch[index].step = index }
    }
    #expect(await broken(byIndex, groupOrder: .material) == "nothing")
  }

  private struct Untidy: PolicyBackend {
    static let about = ComponentAbout(
      name: "Untidy", summary: "Says little.", papers: [Paper("P", link: "here")],
      rules: [DropRule("a", because: ""), DropRule("a", because: "b"), DropRule("<any>-rule", because: "c")],
      metrics: [MetricAbout("m", unit: "", "a figure")])
    let offers: Set<PolicyNeed> = []
    init(options: NoOptions, assembly: Assembly) {}
    func open(_ opening: PolicyOpening) async throws -> any Policy { throw PipelineError(.plugIn, "no") }
  }

  @Test("every broken law of what a component says of itself is named")
  func aboutLaws() {
    let error = #expect(throws: LawViolation.self) { try AboutLaws.check(Untidy.self) }
    #expect(
      error?.broken == [
        "names are in kebab-case: 'Untidy'", "nothing is described twice: 'a'",
        "everything is said in a line, without a full stop: 'summary': 'Says little.'",
        "everything is said in a line, without a full stop: 'a': ''", "a paper has a title and a link: 'P': 'here'",
      ])
  }

  private struct Judge: RewardFunction {
    static let about = ComponentAbout(name: "judge", summary: "Judges by a closure")
    let reads: Set<Field> = [.response]
    let body: @Sendable (Trajectory) throws -> RewardOutcome
    init(options: NoOptions, assembly: Assembly) { self.init { _ in .scored(0) } }
    init(_ body: @escaping @Sendable (Trajectory) throws -> RewardOutcome) { self.body = body }
    func score(_ trajectory: Trajectory) throws -> RewardOutcome { try body(trajectory) }
  }

  @Test("every broken law of a reward is named")
  func rewardLaws() async throws {
    let trajectory = Trajectory(id: "t", group: "g", fields: [.response: "yes"])
    let careful = Judge { try $0.response == nil ? .abstained("no response") : .scored(1) }
    try await RewardLaws.check(careful, cases: [trajectory])
    for (law, judge) in [
      ("without a field that it reads it does not score", Judge { _ in .scored(0) }),
      ("scores are finite", Judge { try $0.response == nil ? .abstained("") : .scored(.nan) }),
      ("it judges the cases", Judge { _ in throw PipelineError(.plugIn, "no") }),
    ] {
      let error = await #expect(throws: LawViolation.self) {
        try await RewardLaws.check(judge, cases: [trajectory])
      }
      #expect(error?.broken.contains { $0.hasPrefix(law) } == true, "\(law): \(error?.description ?? "")")
    }
  }

  private struct Careless: ComponentOptions {
    var shareOfPairs = 2.0
    var limit: Int? = nil
    static let help = ["shareOfPairs": "a share"]
    func problems() -> [OptionProblem] {
      [.unless("share_of_pairs", shareOfPairs, in: 0...1)].compactMap { $0 }
    }
  }

  @Test("every broken law of options is named")
  func optionsLaws() throws {
    try OptionsLaws.check(NoOptions.self)
    let error = #expect(throws: LawViolation.self) { try OptionsLaws.check(Careless.self) }
    #expect(
      error?.broken == [
        "no option is optional: 'limit'",
        "the defaults have no problems: 'share_of_pairs' is 2.0, it must lie in 0.0…1.0",
        "every option has help: 'share_of_pairs' has none", "help is about an option: 'shareOfPairs' is none",
      ])
  }

  @Test("sample batches hold every size and pattern")
  func samples() {
    let batches = SampleBatches.exhaustive()
    let sizes = Set(batches.flatMap { $0.groups.map(\.positions.count) })
    #expect(sizes == [1, 2, 3, 4, 5, 16])
    #expect(batches.contains { $0.isEmpty })
    #expect(batches.count > 120)
    #expect(Set(batches[batches.count - 1].trajectories.map(\.id)).count == batches[batches.count - 1].count)
  }
}
