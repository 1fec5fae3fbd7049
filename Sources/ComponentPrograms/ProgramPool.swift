// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Several copies of a program that share the work.
///
/// Requests are divided into batches of a fixed size, independent of the number of copies. If a copy fails in the
/// middle of a batch, the requests that it had not answered are repeated one by one. This finds the request on which
/// the program fails, and no other is lost.
package actor ProgramPool {
  /// What became of a request.
  package enum Verdict: Sendable {
    /// Its answer.
    case answer(JSONValue)
    /// The program failed on it even when it was asked nothing else.
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

  /// The program's answer to each request.
  ///
  /// - Parameter count: Is called with every verdict, in any order; an error that it throws ends the work.
  /// - Throws: When the program cannot be used at all, or the task is cancelled.
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

  /// The program's answer to each request; it must answer all of them at the first attempt.
  ///
  /// - Parameter state: What it remembers of earlier batches, if it has said so; then what it remembers after this one.
  /// - Throws: When it fails.
  package func askAtOnce(
    _ requests: [ProgramRequest], state: inout JSONValue?, in context: StageContext
  ) async throws -> [JSONValue] {
    await enter()
    defer { leave() }
    lastContext = context
    let outcome: Result<ProgramWorker.Outcome, any Error>
    do {
      await workers[0].remember(state)
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
    if let new = answers.state { state = new }
    return requests.indices.compactMap { answers.answers[$0] }
  }

  /// The program's answer to one message that is about no trajectory.
  ///
  /// - Parameter keep: Gets what it wrote to its standard error.
  /// - Throws: When it fails.
  package func ask(
    _ request: ProgramRequest, log keep: @Sendable ([String]) async throws -> Void
  ) async throws -> JSONValue {
    await enter()
    defer { leave() }
    let outcome: Result<ProgramWorker.Outcome, any Error>
    do {
      outcome = .success(try await workers[0].ask([request]))
    } catch {
      outcome = .failure(error)
    }
    try await keep(log.take())
    let answers = try outcome.get()
    guard let answer = answers.answers[0] else {
      let reason = answers.failure.map { "it \($0)" } ?? "it gave none"
      throw PipelineError(.plugIn, "'\(settings.title)' was asked for an answer to '\(request.id)'; \(reason)")
    }
    return answer
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

  /// Sends all requests to one copy, then one by one those that it failed to answer.
  private static func ask(
    _ worker: ProgramWorker, _ requests: [ProgramRequest]
  ) async throws -> [(Int, Verdict)] {
    let together = try await worker.ask(requests)
    var verdicts = together.answers.sorted { $0.key < $1.key }.map { ($0.key, Verdict.answer($0.value)) }
    guard let failure = together.failure else { return verdicts }
    let left = requests.indices.filter { together.answers[$0] == nil }
    for position in left {
      // If it was late when asked alone, it has had its chance. If it ended, something else may have killed it.
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

  /// Ends all copies, and keeps their last words.
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
