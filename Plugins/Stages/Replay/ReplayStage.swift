// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Brings stored trajectories of earlier steps, or of other runs, into the batch, and stores those of the batch.
///
/// A store, named in the options, decides about both; it sees rewards, advantages and lengths, not the trajectories. First it
/// draws, then the batch's own trajectories are stored, so that none meets itself. A replayed trajectory is what it was when it
/// was stored, with its tokens, their log-probabilities under the policy that sampled them, and its rewards; new are its id
/// (`ID@rSTEP`, with the step that it comes from), its `step`, and its `origin`. It stands behind the rollouts of its prompt.
///
/// With `from`, rollouts of other runs are stored before the first draw, step by step. They count as of that time: `max_age`
/// goes by the steps that a trajectory has been stored here.
///
/// The trajectories are in files of the run, `replay/STAGE.N.jsonl.zst`, a new one after 64 MiB. A file goes once nothing in it
/// can be drawn any more and the saved state of the run names it no longer.
///
/// Where it stands decides what a store can go by: behind `advantage`, the stored advantages count; before it, replayed
/// trajectories are compared with those of the step, or apart from them, as the option `replayed` of `advantage` says.
package struct ReplayStage: Stage {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "replay", summary: "Brings stored trajectories into the batch, and stores those of the batch",
    rules: [
      DropRule("replaced", because: "a stored trajectory of its prompt takes its place"),
      DropRule("not-drawn", because: "the batch was drawn anew from it and the store, and it was not drawn"),
    ],
    metrics: [
      MetricAbout("replayed", unit: "trajectories", "stored trajectories that came into the batch", combining: .sum),
      MetricAbout("share", unit: "share", "replayed ones among all trajectories behind the stage, each draw counted"),
      MetricAbout("age_mean", unit: "steps", "mean of the steps that the replayed ones had been stored"),
      MetricAbout("age_max", unit: "steps", "the most of them", combining: .maximum),
      MetricAbout("admitted", unit: "trajectories", "stored in this step", combining: .sum),
      MetricAbout(
        "evicted", unit: "trajectories", "that were stored and left: too old, or beyond the capacity", combining: .sum),
      MetricAbout("stored", unit: "trajectories", "in the store after the step", combining: .maximum),
      MetricAbout("store/<figure>", unit: "the store's", "a figure of the store, whose description explains it"),
      MetricAbout("<stage>/store/<figure>", unit: "the store's", "the same, where the stage has a name of its own"),
    ])

  /// The options.
  package struct Options: ComponentOptions {
    package var store = ComponentReference("ssr")
    package var from: [SpecPath] = []
    package var admit = true
    package var maxAge = 0
    package var weight = 1.0

    /// The defaults.
    package init() {}

    /// A store is named in `store`.
    package static let componentKinds: [String: ComponentKind] = ["store": .store]

    /// The help for each option.
    package static let help = [
      "store": "decides which trajectories are stored and which of them come into the batch",
      "from": "folders of other runs, or files of rollouts, that are stored before the first draw",
      "admit": "whether the trajectories of this run are stored; without, there are only those of 'from'",
      "max_age": "trajectories that have been stored for more steps than this leave; 0 for no limit",
      "weight": "what the loss of replayed trajectories is multiplied by, their 'loss_weight'",
    ]

    /// The problems of the values.
    package func problems() -> [OptionProblem] {
      var problems: [OptionProblem] = []
      if maxAge < 0 { problems.append(OptionProblem("max_age", "is \(maxAge), it must be 0 or more")) }
      if !(weight >= 0 && weight.isFinite) {
        problems.append(OptionProblem("weight", "is \(weight), it must be 0 or more"))
      }
      if !admit, from.isEmpty {
        problems.append(
          OptionProblem(
            "admit", "is false and 'from' names nothing, so that there would be nothing to replay; set one of them"))
      }
      return problems
    }
  }

  private let options: Options
  private let store: any ReplayStore
  private let sources: [String]
  /// What it brings in.
  package let replay: StageReplay?

  /// Makes the stage and its store.
  package init(options: Options = Options(), assembly: Assembly) throws {
    self.options = options
    store = try assembly.store(options.store)
    sources = options.from.map { $0.resolved(in: assembly.folder) }
    replay = StageReplay(store)
  }

  /// What the store decides by.
  package var reads: Set<Field> { store.reads }
  /// What is stored with a trajectory.
  package let readsIfPresent: Set<Field> = [.tokens, .logprobs, .policyVersion]
  /// Where replayed trajectories come from, and what the store sets.
  package var writes: Set<Field> {
    store.writes.union(options.weight == 1 ? [.origin, .step] : [.origin, .step, .lossWeight])
  }

  /// Draws, then stores.
  ///
  /// - Throws: When the store breaks its contract, or what was stored can no longer be read.
  package func run(_ batch: inout TrajectoryBatch, in context: StageContext) async throws {
    var shelf = try await ReplayShelf.open(context, batchCount: batch.count)
    let said = StageReport()
    let work = ReplayWork(options: options, store: store, context: context, said: said)
    defer { report(said, to: context) }
    var evicted = 0
    if !shelf.hasBegun {
      for (place, path) in sources.enumerated() { evicted += try await work.take(path, as: place + 1, into: &shelf) }
      shelf.hasBegun = true
    }
    if options.maxAge > 0 {
      evicted += shelf.index.remove(shelf.index.numbers(admittedBefore: context.step - options.maxAge))
    }
    // Replayed by an earlier stage of this kind, a trajectory is stored there.
    let own = (0..<batch.count).filter { !batch[$0].isReplayed }
    let rollouts = try own.map { try ReplayRollout(batch[$0]) }
    let order = ReplayBatch.order(rollouts, step: context.step)
    let view = ReplayBatch(rollouts, step: context.step)
    let positions = order.map { own[$0] }
    let plan = try await work.draw(for: view, from: &shelf)
    let fresh = positions.map { batch[$0] }
    let replayed = try await work.apply(plan, to: &batch, positions: positions, of: shelf.index, sources: options.from)
    let before = shelf.index.next
    if options.admit { evicted += try await work.admit(view, fresh, to: &shelf) }
    try await shelf.save(to: context)
    work.report(replayed, batch, shelf.index, admitted: shelf.index.next - before, evicted: evicted)
  }

  /// Passes on what the store says.
  ///
  /// Its figures are `store/…`; those of a stage with a name of its own stand below that name, so that two stages have theirs apart.
  private func report(_ said: StageReport, to context: StageContext) {
    let prefix = context.stage == Self.name ? "" : context.stage + "/"
    for metric in said.metrics {
      context.report.metric(prefix + metric.name, metric.value, combining: metric.combining)
    }
    for warning in said.warnings { context.report.warn(warning.code, warning.message, count: warning.count) }
  }

  /// Where a replayed trajectory comes from, or why another left.
  package func explanation(of trajectory: LineageEntry, in step: LineageStep) -> Explanation? {
    let said = store.explanation(of: trajectory, in: step)
    guard let origin = trajectory.origin else { return said }
    var sentence: Explanation = "replayed from step \(origin["step"]?.intValue ?? 0)"
    if let run = origin["run"]?.stringValue { sentence = sentence + " of \(run)" }
    sentence = sentence + ", where it was \(origin["id"]?.stringValue ?? "")"
    if let age = origin["age"]?.intValue { sentence = sentence + ", after \(age, "step") in the store" }
    let facts = origin.objectValue ?? []
    return Explanation(said.map { sentence + "; " + $0 } ?? sentence, facts: facts)
  }

  /// Gives back what the store holds.
  package func close() async { await store.close() }
}

extension ReplayRollout {
  /// What a store sees of a trajectory.
  init(_ trajectory: Trajectory) throws {
    self.init(
      id: trajectory.id, group: trajectory.group, reward: trajectory.reward, advantage: trajectory.advantage,
      tokens: try trajectory.tokenCount ?? 0)
  }
}
