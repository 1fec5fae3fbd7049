// SPDX-License-Identifier: Apache-2.0
package import ComponentPrograms
package import PipelineCore
import Synchronization

/// Lets a program in any language work on the batch: a filter, a sampler, an advantage estimator.
///
/// The program gets the whole batch at once, one line of JSON for each trajectory, as for ``ProcessReward``;
/// `batch_left` of the last line is 0. It writes one line for each trajectory, in any order: `{"id": …, "set":
/// {"advantage": 0.5}}` to set fields, which must be among `writes`, `{"id": …, "drop": "too-long"}` to drop it by a
/// rule, or `{"id": …}` to pass it on unchanged.
///
/// A batch is processed as a whole or not at all: if the program fails on it, the run stops.
package struct ProcessStage: Stage {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "process", summary: "Has a program in any language set fields and drop trajectories",
    rules: [DropRule("<rule>", because: "the program dropped it by a rule of its own")])

  /// The fields that trajectories must carry.
  package let reads: Set<Field>
  /// The fields that the program sets.
  package let writes: Set<Field>
  private let fields: Set<Field>
  private let title: String
  private let state: State
  private let pool: ProgramPool
  private let firstRun = FirstRun()

  /// Looks for the program; it is started with the first batch.
  ///
  /// - Throws: When the program or its script does not exist.
  package init(options: Options = Options(), assembly: Assembly) throws {
    reads = Set(options.reads)
    writes = Set(options.writes)
    fields = Set(options.fields)
    state = options.state
    var settings = try options.settings(in: assembly.folder)
    settings.keepsState = options.state == .saved
    title = settings.title
    pool = ProgramPool(settings, workers: 1, batch: .max)
  }

  /// Passes the batch to the program.
  ///
  /// - Throws: When the program fails, or an answer is invalid.
  package func run(_ batch: inout TrajectoryBatch, in context: StageContext) async throws {
    if batch.isEmpty { return }
    let requests = try batch.trajectories.map { try ProgramRequest($0, fields: fields) }
    warnOfUnknownState(context)
    let memory = context.training.memory
    var remembered = memory.value
    let verdicts = try await pool.askAtOnce(requests, state: &remembered, in: context)
    var rules = [String?](repeating: nil, count: batch.count)
    for (position, answer) in verdicts.enumerated() {
      do {
        if let reason = answer["error"] { throw ProgramFault(reason.scalarText ?? reason.json) }
        for member in answer["set"]?.objectValue ?? [] {
          try batch[position].assign(member.value, to: Field(member.key), allowed: writes)
        }
        if let rule = answer["drop"], rule != .null { rules[position] = try Self.rule(rule) }
      } catch {
        throw PipelineError(.plugIn, "'\(title)' on '\(batch[position].id)': \(error)")
      }
    }
    batch.drop(stage: context.stage) { rules[$0] }
    if state == .saved { memory.value = remembered }
  }

  /// Nobody has said whether the program remembers anything, and this run goes on where another process stopped.
  private func warnOfUnknownState(_ context: StageContext) {
    guard firstRun.take(), context.step > 0, state == .undeclared else { return }
    context.report.warn(
      "state-undeclared",
      "'\(title)' is started in the middle of a run, and the spec does not say whether it remembers earlier batches; if it "
        + "does, have it write its state and say \"state\": \"saved\", if not, say \"state\": \"none\"")
  }

  /// Ends the program.
  package func close() async { await pool.close() }

  private static func rule(_ value: JSONValue) throws -> String {
    guard let rule = value.stringValue, !rule.isEmpty, rule.count <= 60,
      rule.allSatisfy({ $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "-") })
    else {
      throw ProgramFault("drops by the rule \(value.json), which must be a word in kebab-case, such as 'too-long'")
    }
    return rule
  }
}

/// Whether a stage has not run yet.
private final class FirstRun: Sendable {
  private let hasBeen = Mutex(false)

  /// True the first time.
  func take() -> Bool {
    hasBeen.withLock { hasBeen in
      defer { hasBeen = true }
      return !hasBeen
    }
  }
}

extension ProcessStage {
  /// What the program remembers from batch to batch.
  package enum State: String, Codable, Sendable, CaseIterable {
    /// Nobody has said; taken for nothing, with a warning where a run is resumed.
    case undeclared
    /// Nothing: what it answers depends on the batch alone.
    case none
    /// What it writes as `state`, which is saved with the run.
    case saved
  }

  /// The options.
  package struct Options: ProgramOptions {
    package var command = ProgramCommand()
    package var folder = SpecPath(".")
    package var environment: [String: String] = [:]
    package var environmentFrom: [String] = []
    package var reads: [Field] = []
    package var writes: [Field] = []
    package var fields: [Field] = []
    package var seconds = 30.0
    package var startSeconds = 60.0
    package var memoryMb = 0
    package var answerBytes = 1 << 20
    package var state = State.undeclared

    /// The defaults, which lack a command.
    package init() {}

    /// The help for each option.
    package static let help = programHelp.merging([
      "reads": "fields that a trajectory must carry",
      "writes": "fields that the program sets; another one is an error",
      "fields": "fields to send in addition to the id; none for all except lists of tokens",
      "state":
        "what the program remembers from batch to batch: none; saved, what it writes as {\"state\": …} before its last answer to "
        + "a batch, which it gets back as its first line when a run is resumed; undeclared is none, with a warning then",
    ]) { $1 }

    /// The problems of the values.
    package func problems() -> [OptionProblem] {
      let forbidden = writes.first { [.id, .group, .pair, .batch, .step, .draws].contains($0) }
      return programProblems
        + [forbidden.map { OptionProblem("writes", "names '\($0)', which no program may set") }].compactMap { $0 }
    }
  }
}
