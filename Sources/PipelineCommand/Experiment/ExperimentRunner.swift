// SPDX-License-Identifier: Apache-2.0
import ChildProcesses
import Foundation
import PipelineAnalysis
import PipelineCore
import PipelineRuntime

/// Runs the jobs of a study, a few at a time, each in a process of this program.
struct ExperimentRunner: Sendable {
  private let experiment: Experiment
  private let jobs: [Experiment.Job]
  private let threads: Int
  private let progress: ExperimentProgress

  init(experiment: Experiment, jobs: [Experiment.Job], threads: Int, quiet: Bool) {
    (self.experiment, self.jobs, self.threads) = (experiment, jobs, threads)
    progress = ExperimentProgress(jobs, quiet: quiet)
  }

  /// Runs what has not ended; once the task is cancelled, what is at work saves and ends, and nothing more begins.
  ///
  /// - Returns: How many failed.
  func run(atOnce limit: Int) async -> Int {
    let ticking = Task { await progress.tick() }
    defer {
      ticking.cancel()
      progress.end()
    }
    return await withTaskGroup(of: Bool.self) { group in
      var waiting = jobs.filter { $0.standing?.isFinished != true }[...]
      func startNext() {
        guard !Task.isCancelled, let job = waiting.popFirst() else { return }
        group.addTask { await run(job) }
      }
      for _ in 0..<limit { startNext() }
      var failed = 0
      while let isFine = await group.next() {
        if !isFine { failed += 1 }
        startNext()
      }
      return failed
    }
  }

  /// Runs one job; false where it failed.
  private func run(_ job: Experiment.Job) async -> Bool {
    do {
      try await waitForOthers(job)
      progress.begins(job)
      let exit = try await start(job)
      if exit.isSuccess {
        progress.ends(job)
        return true
      }
      if Task.isCancelled {
        progress.stops(job)
        return true
      }
      progress.fails(job, "\(exit); its log: \(job.folder).log")
    } catch is CancellationError {
      return true
    } catch {
      progress.fails(job, "\(error)")
    }
    return false
  }

  /// Waits while another process is at work in the folder: one that was told to stop and still saves, or another share's.
  private func waitForOthers(_ job: Experiment.Job) async throws {
    guard RunStanding.isAtWork(in: job.folder) else { return }
    progress.say("waiting for the process that is at work in \(job.folder)")
    while RunStanding.isAtWork(in: job.folder) { try await Task.sleep(for: .milliseconds(200)) }
  }

  private func start(_ job: Experiment.Job) async throws -> ChildExit {
    let arguments = experiment.arguments(of: job.job, threads: threads)
    let log = try JobLog(path: job.folder + ".log")
    log.write("$ " + (["shuffle-r1"] + arguments).map(\.quotedForShell).joined(separator: " "))
    var configuration = ChildConfiguration(
      command: [Bundle.main.executablePath ?? CommandLine.arguments[0]] + arguments)
    configuration.onErrorLine = { log.write($0) }
    configuration.errorLineLimit = .max
    configuration.lastWordsCount = 3
    let child = try ChildProcess(configuration)
    child.closeInput()
    // Not cancelled with this task: what a run says while it saves belongs into its log too.
    let output = Task {
      while let lines = try await child.lines(limit: 1 << 20) { log.write(String(decoding: lines, as: UTF8.self)) }
    }
    let exit = await withTaskCancellationHandler {
      await child.wait()
    } onCancel: {
      if child.exit == nil { kill(child.identifier, SIGTERM) }
    }
    _ = await output.result
    return exit
  }
}
