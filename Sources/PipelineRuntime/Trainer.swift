// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineIO
import PipelineSpec

/// What a run does for its policy between the stages: evaluations, checkpoints, and what a resume goes by.
final class Trainer {
  let session: TrainingSession
  private let plan: TrainingPlan
  private let run: RunPlan
  private let committer: Committer
  private let observer: any RunObserver
  private var checkpoints: CheckpointStore
  private var trainingWatch: TrainingWatch
  private var evaluation: Evaluation?
  private let clock = ContinuousClock()

  /// Whether the policy is what it was at the end of the last complete step.
  private var isBetweenSteps = true
  /// A step whose updates are done, while the policy that they made is evaluated.
  private(set) var pending: PendingStep?
  /// What a checkpoint after the last complete step holds.
  private var atLastStep: (steps: Int, source: JSONValue, memory: JSONValue, watch: JSONValue, score: Score?)
  /// The newest score.
  private var score: Score?

  /// What the policy scored on prompts that it is not trained on, and the number of steps behind it.
  private struct Score {
    let steps: Int
    let value: Double
  }

  /// The prompts of evaluations, read once.
  private struct Evaluation {
    let plan: EvaluationPlan
    let prompts: [Trajectory]
    let evaluator: Evaluator
  }

  /// Opens the policy where the run stopped, or as the spec names it.
  ///
  /// - Throws: What is wrong with the model or with the prompts of evaluations.
  init(_ training: TrainingPlan, _ run: RunPlan, _ directory: RunDirectory, _ observer: any RunObserver) async throws {
    committer = directory.committer
    (plan, self.run, self.observer) = (training, run, observer)
    let state = committer.training == .null ? [:] : committer.training
    checkpoints = try CheckpointStore(
      run: directory.folder, keep: training.checkpoints.keep,
      keepBest: training.checkpoints.keepBest && training.evaluation != nil, threads: run.threads,
      state: state["checkpoints"])
    if checkpoints.record.latest != nil {
      observer.progressed(step: committer.completeSteps, activity: "verifying the checkpoint", share: nil)
      try await checkpoints.verifyLatest()
    }
    pending = try state["pending"].map { try PendingStep(step: directory.completeSteps, $0) }
    session = try await TrainingSession(
      training, needs: run.needs, checkpoint: checkpoints.record.latest.map(checkpoints.path),
      memories: StageMemories(state["memory"]),
      threads: run.threads, cacheFolder: directory.cacheFolder, media: run.media
    ) { [step = committer.completeSteps] in observer.progressed(step: step, activity: $0, share: nil) }
    for note in session.notes {
      observer.warned(
        step: committer.completeSteps, stage: "policy", StageReport.Warning(code: "note", message: note, count: 1))
    }
    trainingWatch = try state["watch"].map { try TrainingWatch(state: $0) } ?? TrainingWatch()
    if let steps = state["score"]?["steps"]?.intValue, let value = state["score"]?["value"]?.doubleValue {
      score = Score(steps: steps, value: value)
    }
    atLastStep = (
      committer.completeSteps, state["source"] ?? .null, state["memory"] ?? .null, state["watch"] ?? .null, score
    )
    if let evaluation = training.evaluation {
      self.evaluation = try await Self.open(evaluation, policy: session.policy, run, directory)
    }
  }

  /// The newest checkpoint's folder.
  var checkpoint: String? { checkpoints.record.latest.map(checkpoints.path) }

  /// The folder of the checkpoint that evaluated best.
  var bestCheckpoint: String? { checkpoints.record.best.map(checkpoints.path) }

  /// What evaluations found so far.
  private(set) var evaluations: [RunSummary.Evaluation] = []

  /// The policy is about to change, or not, where nothing trains it.
  func updateBegan() { isBetweenSteps = !run.trains }

  /// The updates of a step are done; what is left of it can be done later.
  func updateEnded(_ step: PendingStep, source: JSONValue) {
    guard run.trains else { return }
    pending = step
    atLastStep = (step.step + 1, source, session.memory, trainingWatch.state, score)
  }

  /// Warnings about a step's figures; none about a run that trains nothing.
  func watch(step: Int, _ metrics: [String: Double]) -> [TrainingWarning] {
    run.trains ? trainingWatch.warnings(step: step, metrics: metrics) : []
  }

  /// Evaluates before the first step.
  func evaluateBefore() async throws {
    guard let evaluation, evaluation.plan.options.before, committer.completeSteps == 0, pending == nil else { return }
    _ = try await evaluate(steps: 0, evaluation)
  }

  /// Evaluates after a step where it is time to, and adds the figures to its line.
  ///
  /// - Returns: What it took.
  func evaluate(after step: Int, _ line: inout MetricsLine) async throws -> [(String, Double)] {
    guard let evaluation, isDue(evaluation.plan.options.every, steps: step + 1) else { return [] }
    let since = clock.now
    for metric in try await evaluate(steps: step + 1, evaluation) { line.set(metric.name, .number(metric.value)) }
    return [("testing", (clock.now - since).inSeconds)]
  }

  /// Saves where it is time to.
  func stepEnded(steps: Int, of count: Int?, source: JSONValue) async throws {
    isBetweenSteps = true
    pending = nil
    atLastStep = (steps, source, session.memory, trainingWatch.state, score)
    guard run.trains else { return try committer.save(.whenCheap, training: state) }
    let isRegular = isDue(plan.checkpoints.every, steps: steps)
    let isBest = score.map { $0.steps == steps && checkpoints.wouldBeBest($0.value) } ?? false
    if isRegular || isBest { try await save(isRegular: isRegular) }
  }

  /// Evaluates at the end, unless that was done.
  func evaluateAtEnd(steps: Int) async throws {
    if let evaluation, score?.steps != steps, !committer.isFinished {
      _ = try await evaluate(steps: steps, evaluation)
    }
  }

  /// Saves at the end, unless that was done.
  func finish() async throws {
    if committer.isFinished { return }
    try committer.streamsGrew()
    atLastStep.score = score
    if run.trains {
      try await save(isRegular: true, isLast: true)
    } else {
      try committer.save(.always, isLast: true, training: state)
    }
  }

  /// Saves what an interruption would lose: complete steps, and the updates of a step that was being evaluated.
  func saveInterrupted() async throws {
    guard run.trains, isBetweenSteps || pending != nil, atLastStep.steps > committer.completeSteps else { return }
    // What the step has written so far is part of what its checkpoint goes with.
    if pending != nil { try committer.streamsGrew() }
    try await save(isRegular: false)
  }

  private func isDue(_ every: Int, steps: Int) -> Bool { every > 0 && steps.isMultiple(of: every) }

  private func save(isRegular: Bool, isLast: Bool = false) async throws {
    observer.progressed(step: max(0, atLastStep.steps - 1), activity: "checkpoint", share: nil)
    let value = atLastStep.score.flatMap { $0.steps == atLastStep.steps ? $0.value : nil }
    let trainable = try session.policy.required(.training, \.trainable)
    try await checkpoints.save(trainable, steps: atLastStep.steps, isRegular: isRegular, score: value)
    try committer.save(.always, training: state)
    checkpoints.tidy()
    // Last of all: a run that has ended is not looked at again.
    if isLast { try committer.save(.always, isLast: true, training: state) }
    if let checkpoint { observer.saved(checkpoint: checkpoint) }
  }

  /// What `state.json` keeps beside the steps.
  private var state: JSONValue {
    var members: [JSONValue.Member] = [
      .init("checkpoints", checkpoints.json), .init("source", atLastStep.source),
      .init("memory", atLastStep.memory), .init("watch", atLastStep.watch),
    ]
    if let score = atLastStep.score {
      members.append(.init("score", ["steps": .number(score.steps), "value": .number(score.value)]))
    }
    if let pending { members.append(.init("pending", pending.json)) }
    return .object(members)
  }

  private func evaluate(steps: Int, _ evaluation: Evaluation) async throws -> [StageReport.Metric] {
    let observer = observer
    let summary = try await evaluation.evaluator.run(
      evaluation.prompts, folder: { $0.folder },
      progress: { progress in
        observer.progressed(
          step: max(0, steps - 1),
          activity: "evaluation: \(progress.responses) of \(progress.prompts * progress.samples)\(progress.remark)",
          share: nil)
      }, deliver: { _ in })
    let metrics = summary.metrics()
    guard let mean = summary.overall.mean else {
      let name = evaluation.plan.options.score.isEmpty ? "reward" : evaluation.plan.options.score
      throw PipelineError(
        .invalidSpec,
        "none of the \(summary.overall.responses) responses of the evaluation has the score \(name.quotedForMessage); name "
          + "'reward' or a part of it in training.evaluation.score, and see that the reward stage can judge its prompts"
      )
    }
    score = Score(steps: steps, value: mean)
    var line = MetricsLine(step: steps)
    for metric in metrics { line.set(metric.name, .number(metric.value)) }
    try committer.append(line.line, to: "evaluations.jsonl")
    if run.writesTensorBoard { try TensorBoardLog(committer: committer).write([line]) }
    evaluations.append(.init(steps: steps, metrics: metrics))
    observer.evaluated(steps: steps, metrics)
    return metrics
  }

  private static func open(
    _ plan: EvaluationPlan, policy: Policy, _ run: RunPlan, _ directory: RunDirectory
  ) async throws -> Evaluation {
    var options = Evaluator.Options()
    options.sampling = plan.options.sampling
    options.sampling.nameOfMaxTokens = "training.evaluation.sampling.max_tokens"
    options.samples = plan.options.samples
    options.seed = run.seed
    options.threads = run.threads
    options.cacheFolder = directory.cacheFolder
    options.media = run.media
    options.score = plan.options.score.isEmpty ? .automatic : EvaluationScore(name: plan.options.score)
    options.category = plan.options.by.isEmpty ? nil : Field(plan.options.by)
    let evaluator = Evaluator(
      sampler: try policy.required(.generation, \.sampler), scoring: plan.scoring, options: options)
    let reader = TrajectoryReader(plan.reader)
    var prompts = try await reader.next()?.trajectories ?? []
    if plan.options.limit > 0 { prompts = Array(prompts.prefix(plan.options.limit)) }
    let files = plan.reader.paths.joined(separator: ", ")
    if prompts.isEmpty { throw PipelineError(.invalidData, "\(files), to evaluate on, holds no prompts") }
    if let fault = try await evaluator.faults(in: prompts, folder: { $0.folder }).first {
      throw PipelineError(
        .invalidData, "the prompt \(fault.prompt.id.quotedForMessage), to evaluate on, cannot be used: \(fault.reason)",
        at: SourceLocation(file: fault.prompt.record.file, line: fault.prompt.record.line, column: 1))
    }
    return Evaluation(plan: plan, prompts: prompts, evaluator: evaluator)
  }
}
