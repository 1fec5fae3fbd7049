// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import PipelineCore
import PipelineIO
import PipelineRuntime
import PipelineSpec

/// A spec on the command line, and what `--set` changes in it.
struct SpecArguments: ParsableArguments {
  @Argument(help: "The pipeline spec, JSON (comments allowed) or YAML.")
  var spec: String

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp(
      "Change one value, as in seed=2, source.batch.groups=64 or stages.pairwise-sample.keep=0.25; may be repeated.",
      valueName: "path=value"))
  var overrides: [String] = []

  func load() throws -> AssembledPipeline {
    try SpecLoader.load(
      file: spec, overrides: overrides, registry: CommandEnvironment.registry,
      formats: FormatCatalog.standard.names)
  }
}

extension AssembledPipeline {
  /// The stages under their names.
  var namedStages: [PipelineRuntime.NamedStage] { stages.map { .init(name: $0.name, stage: $0.stage) } }

  /// How to read the source, from the working folder.
  func readerOptions(threads: Int) -> TrajectoryReader.Options {
    var options = TrajectoryReader.Options(paths: source.paths.map { $0.resolved(in: folder) })
    options.kind = source.prompts.paths.isEmpty ? .trajectories : .prompts
    options.format = source.format == "auto" ? nil : source.format
    options.cut =
      switch source.batch {
      case .auto: .automatic
      case .all: .all
      case .groups(let count): .groups(count)
      case .by(let field): .field(field)
      }
    options.firstBatch = source.firstBatch
    options.groupBy = source.groupBy
    options.required = source.provides
    if case .atMost(let limit) = source.maxBadRecords {
      options.maxBadRecords = limit
    } else {
      options.maxBadRecords = nil
    }
    options.threads = threads
    return options
  }

  /// How to read the prompts that the policy is evaluated on; nil where the spec names none.
  func evaluationReaderOptions(threads: Int) -> TrajectoryReader.Options? {
    let prompts = training.evaluation.prompts.paths
    if prompts.isEmpty { return nil }
    var options = TrajectoryReader.Options(paths: prompts.map { $0.resolved(in: folder) })
    options.kind = .prompts
    options.cut = .all
    options.required = source.provides
    options.requiredBy = "the source provides, so that evaluation needs them too"
    options.maxBadRecords = 0
    options.threads = threads
    return options
  }

  /// Whether a run writes events for TensorBoard.
  var writesTensorBoard: Bool {
    switch output.tensorboard {
    case .auto: needs.contains(.training)
    case .on: true
    case .off: false
    }
  }

  /// How to go through the records; nil to take them as they come.
  var poolPlan: PoolPlan? {
    guard source.isPooled else { return nil }
    var groups: Int?
    if case .groups(let count) = source.batch { groups = count }
    let epochs = source.epochs > 0 ? source.epochs : training.steps > 0 ? nil : 1
    return PoolPlan(groups: groups, isShuffled: source.isShuffled, epochs: epochs)
  }

  /// How the policy is trained and evaluated; nil where the spec names none.
  func trainingPlan(threads: Int) -> TrainingPlan? {
    guard let policy else { return nil }
    let evaluation = evaluationReaderOptions(threads: threads).map {
      EvaluationPlan(options: training.evaluation, reader: $0, scoring: scoringStages)
    }
    return TrainingPlan(
      policy: policy, folder: folder, steps: training.steps > 0 ? training.steps : nil,
      checkpoints: training.checkpoints, evaluation: evaluation)
  }

  /// The stages that score responses: those that write rewards and need none.
  var scoringStages: [PipelineRuntime.NamedStage] {
    namedStages.filter { named in
      named.stage.writes.contains(.reward) && named.stage.needs.isEmpty
        && named.stage.reads.isDisjoint(with: [.reward, .advantage])
    }
  }

  /// The resolved spec as a run directory keeps it: with paths that lead there from that directory, and with
  /// what the program and the inputs were.
  ///
  /// - Throws: When an input cannot be read.
  func resolved(for directory: String) throws -> JSONValue {
    let folder = folder
    let spec = try resolved { path in
      path.isStandardStream ? "-" : Self.relativePath(from: directory, to: path.resolved(in: folder))
    }
    guard case .object(let members) = spec else { return spec }
    return .object(members + [.init("provenance", try provenance())])
  }

  private func provenance() throws -> JSONValue {
    func fingerprint(_ path: String) throws -> JSONValue {
      guard let found = try InputFingerprint(path: path) else { return [:] }
      return ["bytes": .number(String(found.bytes)), "hash": .string(found.hash)]
    }
    let inputs = try source.paths.map { path -> JSONValue in
      try path.isStandardStream ? [:] : fingerprint(path.resolved(in: folder))
    }
    var members: [JSONValue.Member] = [
      .init("program", .string("shuffle-r1 \(PipelineProgram.version)")), .init("inputs", .array(inputs)),
    ]
    let evaluated = try training.evaluation.prompts.paths.map { try fingerprint($0.resolved(in: folder)) }
    if !evaluated.isEmpty { members.append(.init("evaluation", .array(evaluated))) }
    if let policy {
      members.append(.init("policy", .array(try policy.files(in: folder).map(fingerprint))))
    }
    return .object(members)
  }

  /// The path of `file` as seen from `directory`, wherever links lead.
  static func relativePath(from directory: String, to file: String) -> String {
    let from = RealPath(directory).components
    if ["", ".", ".."].contains(file.split(separator: "/", omittingEmptySubsequences: false).last ?? "") {
      // A folder, which has no name of its own to keep.
      let to = RealPath(file.isEmpty ? "." : file).components
      let shared = zip(from, to).prefix { $0 == $1 }.count
      let path = Array(repeating: "..", count: from.count - shared) + to[shared...]
      return path.isEmpty ? "." : path.joined(separator: "/")
    }
    let name = URL(fileURLWithPath: file).lastPathComponent
    let folder = file.hasSuffix("/" + name) ? String(file.dropLast(name.count)) : "."
    let to = RealPath(folder).components + [name]
    var shared = 0
    while shared < from.count, shared < to.count - 1, from[shared] == to[shared] { shared += 1 }
    return (Array(repeating: "..", count: from.count - shared) + to[shared...]).joined(separator: "/")
  }
}
