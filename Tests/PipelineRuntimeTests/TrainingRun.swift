// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import PipelineCore
import PipelineIO
import PipelineRuntime
import PipelineSpec

/// A folder with prompts, in which tests train.
final class TrainingRun: Sendable {
  let folder: String

  /// - Parameter dropped: The prompts, by number, whose groups ``BandStage`` drops.
  init(prompts: Int, dropped: Set<Int> = []) throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("shuffle-r1-training-\(UUID())").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let lines = (0..<prompts).map {
      #"{"id":"p\#($0)","prompt":"p","drop":\#(dropped.contains($0))}"# + "\n"
    }
    try Data(lines.joined().utf8).write(to: URL(fileURLWithPath: folder + "/prompts.jsonl"))
  }

  deinit { _ = try? FileManager.default.removeItem(atPath: folder) }

  /// What a test can choose.
  struct Plan {
    var stages: [any Stage] = [RollStage(), LearnStage()]
    var groups: Int? = 2
    var isShuffled = true
    var epochs: Int? = 1
    var steps: Int?
    var seed: UInt64 = 1
    var rights = [1]
    var checkpoints = CheckpointOptions()
    /// Steps from one evaluation to the next; nil for none.
    var evaluatesEvery: Int?
    /// What scores the responses of evaluations.
    var scoring = YesStage()
    var observer = RecordingObserver()
    /// What chooses the prompts.
    var sampler: (any PromptSampler)?
  }

  @discardableResult
  func run(
    _ name: String = "out", _ existing: RunDirectory.Existing = .refuse,
    _ change: (inout Plan) throws -> Void = { _ in }
  ) async throws -> RunSummary {
    var plan = Plan()
    plan.checkpoints.every = 2
    try change(&plan)
    var reader = TrajectoryReader.Options(paths: [folder + "/prompts.jsonl"])
    reader.kind = .prompts
    reader.cut = .all
    var evaluation: EvaluationPlan?
    if let every = plan.evaluatesEvery {
      var options = EvaluationOptions()
      (options.every, options.samples, options.score) = (every, 4, "reward")
      evaluation = EvaluationPlan(
        options: options, reader: reader, scoring: [NamedStage(name: "yes", stage: plan.scoring)])
    }
    var run = RunPlan(
      stages: plan.stages.map { NamedStage(name: type(of: $0).name, stage: $0) }, reader: reader,
      pool: PoolPlan(groups: plan.groups, isShuffled: plan.isShuffled, epochs: plan.epochs),
      training: TrainingPlan(
        policy: SavingBackend(rights: plan.rights), folder: folder, steps: plan.steps,
        checkpoints: plan.checkpoints, evaluation: evaluation),
      seed: plan.seed, rolloutsFile: "selected.jsonl", writesLineage: true, resolved: "spec", threads: 1)
    // Tests of what becomes of a step drop whole batches.
    run.allowsEmpty = true
    run.sampler = plan.sampler
    let directory = try RunDirectory(path: folder + "/" + name, existing: existing, fingerprint: run.resolved)
    return try await PipelineRun(plan: run, directory: directory, observer: plan.observer).run()
  }

  /// The records of a file of a run.
  func records(_ name: String, in run: String = "out") throws -> [JSONValue] {
    let data = FileManager.default.contents(atPath: "\(folder)/\(run)/\(name)") ?? Data()
    return try String(decoding: data, as: UTF8.self).split(separator: "\n").map { try JSONValue(parsing: String($0)) }
  }

  /// The groups of each step's survivors, each once, in their order.
  func groups(in run: String = "out") throws -> [[String]] {
    var groups: [[String]] = []
    for record in try records("selected.jsonl", in: run) {
      guard let step = record["step"]?.intValue, let group = record["group"]?.stringValue else { continue }
      while groups.count <= step { groups.append([]) }
      if groups[step].last != group { groups[step].append(group) }
    }
    return groups
  }

  /// What `state.json` says.
  func state(of run: String = "out") throws -> JSONValue {
    try JSONValue(
      parsing: String(
        decoding: FileManager.default.contents(atPath: "\(folder)/\(run)/state.json") ?? Data(), as: UTF8.self))
  }

  /// Replaces `state.json`, with a checksum that is right.
  func writeState(_ text: String, of run: String) throws {
    let members = (try JSONValue(parsing: text).objectValue ?? []).filter { $0.key != "checksum" }
    var hash = SHA256()
    hash.add(Array(JSONValue.object(members).json.utf8))
    let sealed = JSONValue.object(members + [.init("checksum", .string(hash.digits))])
    try Data(sealed.prettyJSON.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(run)/state.json"))
  }

  /// What lies among the checkpoints: folders with their number of steps, links with where they lead.
  func checkpoints(of run: String = "out") throws -> [String: String] {
    let root = "\(folder)/\(run)/checkpoints"
    var found: [String: String] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: root) {
      let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(root)/\(name)")
      let steps = FileManager.default.contents(atPath: "\(root)/\(name)/steps") ?? Data()
      found[name] = link.map { "-> " + $0 } ?? String(decoding: steps, as: UTF8.self)
    }
    return found
  }

  /// Every file of a run but the timings, by name.
  func files(of run: String) throws -> [String: Data] {
    let root = "\(folder)/\(run)"
    var files: [String: Data] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: root) where !name.hasPrefix(".") {
      if name == "timings.jsonl" || name == "state.json" { continue }
      files[name] = FileManager.default.contents(atPath: root + "/" + name) ?? Data()
    }
    return files
  }
}
