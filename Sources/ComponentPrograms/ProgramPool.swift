// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Copies of a program that share work.
///
/// Requests are cut into batches of a fixed size, whatever the number of copies. Where a copy fails in the middle of a
/// batch, those that it had not answered are asked again one by one: a request that the program fails on is then known, and
/// no other is lost.
package actor ProgramPool {
  /// What became of a request.
  package enum Verdict: Sendable {
    /// Its answer.
    case answer(JSONValue)
    /// The program failed on it when it was asked nothing else.
    case failure(ProgramWorker.Failure)
  }

  private let settings: ProgramSettings
  private let batch: Int
  private let workers: [ProgramWorker]
  private let log: ProgramLog
  private var isBusy = false
  private var queue: [CheckedContinuation<Void, Never>] = []
  private var lastContext: StageContext?

  package init(_ settings: ProgramSettings, workers: Int, batch: Int) {
    self.settings = settings
    self.batch = batch
    let log = ProgramLog(title: settings.title)
    self.log = log
    self.workers = (0..<workers).map { _ in ProgramWorker(settings, log: log) }
  }

  /// What the program says to each request.
  ///
  /// - Parameter count: Hears of every verdict, in any order; what it throws ends the work.
  /// - Throws: When the program is of no use, or the task is cancelled.
  package func ask(
    _ requests: [ProgramRequest], in context: StageContext, count: @escaping @Sendable (Verdict) async throws -> Void
  ) async throws -> [Verdict] {
    await enter()
    defer { leave() }
    lastContext = context
    let outcome: Result<[Verdict], any Error>
    do {
      outcome = .success(try await share(requests, count))
    } catch {
      outcome = .failure(error)
    }
    try await context.log(log.take(), name: context.stage)
    return try outcome.get()
  }

  /// What the program says to each request, all of which it must answer without being asked again.
  ///
  /// - Throws: When it fails.
  package func askAtOnce(_ requests: [ProgramRequest], in context: StageContext) async throws -> [JSONValue] {
    await enter()
    defer { leave() }
    lastContext = context
    let outcome: Result<ProgramWorker.Outcome, any Error>
    do {
      outcome = .success(try await workers[0].ask(requests))
    } catch {
      outcome = .failure(error)
    }
    try await context.log(log.take(), name: context.stage)
    let answers = try outcome.get()
    if let failure = answers.failure {
      throw PipelineError(
        .plugIn,
        "'\(settings.title)' answered for \(answers.answers.count) of \(requests.count) trajectories, then it \(failure)"
      )
    }
    return requests.indices.compactMap { answers.answers[$0] }
  }

  private func share(
    _ requests: [ProgramRequest], _ count: @escaping @Sendable (Verdict) async throws -> Void
  ) async throws -> [Verdict] {
    let starts = Array(stride(from: 0, to: requests.count, by: batch))
    let tickets = Tickets(count: starts.count)
    let size = batch
    return try await withThrowingTaskGroup(of: [(Int, Verdict)].self) { tasks in
      for worker in workers.prefix(starts.count) {
        tasks.addTask {
          var found: [(Int, Verdict)] = []
          while let number = await tickets.next() {
            let range = starts[number]..<min(starts[number] + size, requests.count)
            for (position, verdict) in try await Self.ask(worker, Array(requests[range])) {
              try await count(verdict)
              found.append((range.lowerBound + position, verdict))
            }
          }
          return found
        }
      }
      var verdicts = [Verdict?](repeating: nil, count: requests.count)
      for try await found in tasks {
        for (position, verdict) in found { verdicts[position] = verdict }
      }
      return verdicts.compactMap { $0 }
    }
  }

  /// Asks one copy, first for all, then one by one for what it failed to answer.
  private static func ask(
    _ worker: ProgramWorker, _ requests: [ProgramRequest]
  ) async throws -> [(Int, Verdict)] {
    let together = try await worker.ask(requests)
    var verdicts = together.answers.sorted { $0.key < $1.key }.map { ($0.key, Verdict.answer($0.value)) }
    guard let failure = together.failure else { return verdicts }
    let left = requests.indices.filter { together.answers[$0] == nil }
    for position in left {
      // Alone it had its chance already, if it was late. What ended may have been ended by somebody else.
      if requests.count == 1, case .late = failure {
        verdicts.append((position, .failure(failure)))
        continue
      }
      var alone = try await worker.ask([requests[position]])
      if requests.count > 1, case .broken = alone.failure, await worker.hasAnswered {
        alone = try await worker.ask([requests[position]])
      }
      if let answer = alone.answers[0] {
        verdicts.append((position, .answer(answer)))
      } else {
        verdicts.append((position, .failure(alone.failure ?? failure)))
      }
    }
    return verdicts
  }

  /// Ends all copies, and keeps what they said last.
  package func close() async {
    await enter()
    defer { leave() }
    for worker in workers { await worker.stop() }
    if let lastContext { try? await lastContext.log(log.take(), name: lastContext.stage) }
    lastContext = nil
  }

  private func enter() async {
    if isBusy { await withCheckedContinuation { queue.append($0) } }
    isBusy = true
  }

  private func leave() {
    if queue.isEmpty { isBusy = false } else { queue.removeFirst().resume() }
  }

  private actor Tickets {
    private var taken = 0
    private let count: Int

    init(count: Int) { self.count = count }

    func next() -> Int? {
      guard taken < count else { return nil }
      taken += 1
      return taken - 1
    }
  }
}
