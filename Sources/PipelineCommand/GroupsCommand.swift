// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import PipelineCore
import PipelineIO
import PipelineRuntime
import PipelineSpec

/// `shuffle-r1 groups`.
struct GroupsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "groups",
    abstract: "List the groups of a spec's rollouts in order, with their line numbers.",
    discussion: """
      One line of JSON for each block of consecutive records of one group: 'line', where it begins; 'records', how \
      many of them can be used; 'group'; and 'cut', the value that divides batches, if a field does. Use it to divide \
      rollouts among machines without splitting a group or a batch.

        shuffle-r1 groups pipeline.json
        shuffle-r1 groups pipeline.json --set source.rollouts=shard-7.jsonl.zst
      """)

  @OptionGroup var specification: SpecArguments

  @OptionGroup var work: WorkOptions

  func run() async throws {
    let pipeline: AssembledPipeline
    do {
      pipeline = try specification.load(for: .looking)
    } catch let error as UnloadedPlugIns {
      throw PipelineError(
        .invalidSpec,
        "\(specification.spec) cannot be read without the plug-ins that it names (\(error.libraries.joined(separator: ", "))), "
          + "which are code; if you trust it, say --trust")
    }
    var options = try pipeline.readerOptions(threads: work.threads)
    guard options.kind == .trajectories, options.paths.count == 1 else {
      throw PipelineError(
        .invalidSpec, "'groups' lists one file of saved rollouts; name it with --set source.rollouts=FILE")
    }
    // Bad records are reported when the pipeline runs.
    options.maxBadRecords = nil
    let cut: Field? =
      switch options.cut {
      case .field(let field): field
      case .automatic: .batch
      case .all, .groups: nil
      }
    let reader = TrajectoryReader(options)
    let output = try OutputFile(path: "-")
    var last: GroupRun?
    while let trajectories = try await reader.nextUncut() {
      try Task.checkCancellation()
      for trajectory in trajectories {
        let next = GroupRun(trajectory, cut: try cut.flatMap { try trajectory.cutText(of: $0) })
        if last?.takes(next) == true {
          last?.records += 1
        } else {
          try last?.write(to: output)
          last = next
        }
      }
    }
    try last?.write(to: output)
    try output.finish()
  }
}

/// Consecutive records of one group.
private struct GroupRun {
  let line: Int
  let group: String
  let cut: String?
  var records = 1

  init(_ trajectory: Trajectory, cut: String?) {
    line = trajectory.record.line
    group = trajectory.group
    self.cut = cut
  }

  func takes(_ next: GroupRun) -> Bool {
    ExactText(group) == ExactText(next.group) && cut.map(ExactText.init) == next.cut.map(ExactText.init)
  }

  func write(to output: OutputFile) throws {
    var members: [JSONValue.Member] = [
      .init("line", .number(line)), .init("records", .number(records)), .init("group", .string(group)),
    ]
    if let cut { members.append(.init("cut", .string(cut))) }
    var bytes: [UInt8] = []
    JSONValue.object(members).write(to: &bytes)
    bytes.append(0x0A)
    try output.write(bytes)
  }
}
