// SPDX-License-Identifier: Apache-2.0
import ComponentPrograms
package import PipelineCore
import Synchronization

/// Scores trajectories with a program in any language, a child process that reads and writes lines of JSON.
///
/// Each trajectory is one line to its standard input, with `id` and, as `batch_left`, how many more lines follow at once.
/// For each it writes one line to its standard output, in any order: `{"id": …, "score": 0.5}`, with `"parts": {…}` for
/// named parts, or `"abstain"` or `"error"` with a reason in the place of `score`. A line `{"ready": true}` before the first
/// answer is welcome: from then on `seconds` counts, before it `start_seconds`. Standard error goes into the run's `logs`.
///
/// A program that ends, hangs, or writes what is no answer is started again, and asked one by one for what it had not
/// answered: only those it then fails on are failed or timed out. With a `bridge` the command names a Python file with a
/// function as EasyR1, verl or TRL call it; EasyR1's `response_length` and TRL's `completion_ids` are the record's `tokens`, or
/// those that the run's policy makes of the response.
package struct ProcessReward: BatchRewardFunction {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "process",
    summary: "Scores with a program in any language, or with a Python function written for another trainer")

  /// What the trajectories must carry.
  package let reads: Set<Field>
  private let program: Program

  /// A batch for each copy of the program.
  package let together: Int

  /// Looks for the program; it is started when the first trajectories come.
  ///
  /// - Throws: When there is no such program, or no such script.
  package init(options: Options = Options(), assembly: Assembly) throws {
    reads = Set(options.reads)
    together = options.batch * options.workers
    program = try Program(options, folder: assembly.folder)
  }

  /// Asks the program.
  package func scores(
    of trajectories: [Trajectory], in context: StageContext
  ) async throws -> [Result<RewardOutcome, any Error>] {
    try await program.scores(of: trajectories, in: context)
  }

  /// Ends the program.
  package func close() async { await program.pool.close() }

  /// The program, and how often it has failed.
  private final class Program: Sendable {
    let pool: ProgramPool
    private let title: String
    private let fields: Set<Field>
    private let bridge: PythonBridge
    private let maxFailures: Int
    private let failures = Mutex(0)

    init(_ options: Options, folder: String) throws {
      var settings = try options.settings(in: folder, lastWordIsFile: options.bridge != .none)
      options.bridge.wrap(&settings.child, function: options.function, arguments: options.arguments)
      title = settings.title
      fields = Set(options.fields)
      bridge = options.bridge
      maxFailures = options.maxFailures
      pool = ProgramPool(settings, workers: options.workers, batch: options.batch)
    }

    func scores(
      of trajectories: [Trajectory], in context: StageContext
    ) async throws -> [Result<RewardOutcome, any Error>] {
      var requests: [ProgramRequest] = []
      for trajectory in trajectories {
        let members = try await bridge.members(for: trajectory, in: context)
        requests.append(try ProgramRequest(trajectory, fields: fields, always: bridge.fields, members: members))
      }
      let verdicts = try await pool.ask(requests, in: context) { verdict in
        if case .failure(let error) = Self.outcome(of: verdict) { try self.count(error) }
      }
      return verdicts.map(Self.outcome)
    }

    private static func outcome(of verdict: ProgramPool.Verdict) -> Result<RewardOutcome, any Error> {
      switch verdict {
      case .answer(let answer): Result { try RewardOutcome(answer: answer) }
      case .failure(.late(let seconds)): .failure(RewardTimeout(seconds: seconds))
      case .failure(let failure): .failure(ProgramFault("\(failure)"))
      }
    }

    private func count(_ error: any Error) throws {
      let count = failures.withLock { count in
        count += 1
        return count
      }
      guard count > maxFailures else { return }
      throw PipelineError(
        .plugIn,
        "'\(title)' failed on \(count) trajectories, more than the \(maxFailures) that max_failures allows; the last time "
          + "it \(error)")
    }
  }
}
