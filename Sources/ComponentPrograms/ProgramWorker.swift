// SPDX-License-Identifier: Apache-2.0
import ChildProcesses
import Foundation
import PipelineCore
import Synchronization

/// One running copy of a program, restarted when it fails.
package actor ProgramWorker {
  /// The result of requests that were sent together.
  struct Outcome: Sendable {
    /// Answers by the position of their request.
    var answers: [Int: JSONValue] = [:]
    /// What the program said of what it remembers, if it did.
    var state: JSONValue?
    /// Why some are missing; nil if every request has its answer.
    var failure: Failure?
  }

  /// Why a program was given up.
  package enum Failure: Sendable, CustomStringConvertible {
    /// It did not answer within this many seconds.
    case late(seconds: Double)
    /// It ended, or broke the protocol.
    case broken(String)

    package var description: String {
      switch self {
      case .late(let seconds): RewardTimeout(seconds: seconds).description
      case .broken(let reason): reason
      }
    }
  }

  private let settings: ProgramSettings
  private let log: ProgramLog
  private var child: ChildProcess?
  private var isReady = false
  /// Whether it has ever written a line, and so can be of use.
  private(set) var hasAnswered = false
  private var answersTogether = false
  /// What the program said last of what it remembers; its next copy gets it before anything else.
  private var state: JSONValue?
  /// Starts in a row that produced no line.
  private var fruitless = 0

  init(_ settings: ProgramSettings, log: ProgramLog) {
    self.settings = settings
    self.log = log
  }

  /// Sends requests and collects their answers, in any order, until all have arrived or the program fails.
  ///
  /// - Throws: When the program cannot be started, repeatedly answers nothing, or the task is cancelled.
  func ask(_ requests: [ProgramRequest]) async throws -> Outcome {
    let child = try await start()
    do {
      return try await ask(requests, child)
    } catch {
      // A program that stopped in the middle of a message cannot continue with the next.
      await stop(graceSeconds: 0)
      throw error
    }
  }

  /// Sets what the next copy of the program is to remember; the one that runs remembers it by itself.
  func remember(_ state: JSONValue?) { self.state = state }

  private func ask(_ requests: [ProgramRequest], _ child: ChildProcess) async throws -> Outcome {
    var outcome = Outcome()
    var open: [String: Int] = [:]
    var bytes: [UInt8] = []
    for (position, request) in requests.enumerated() {
      open[request.id] = position
      request.write(to: &bytes, left: requests.count - 1 - position)
    }
    child.renewErrorLines()
    // It may answer while requests are still being written. A failure to write shows when its answers are read.
    child.send(bytes)
    while !open.isEmpty {
      let seconds = isReady ? settings.seconds * Double(answersTogether ? open.count : 1) : settings.startSeconds
      let lines: [UInt8]?
      do {
        lines = try await child.lines(limit: settings.answerBytes, before: .now + .seconds(seconds))
      } catch ChildFailure.late {
        return try await give(up: .late(seconds: seconds), outcome)
      } catch let failure as ChildFailure {
        return try await give(up: .broken(failure.description), outcome)
      }
      guard let lines else { return try await give(up: .broken(await ending(of: child)), outcome) }
      for line in lines.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
        if let reason = fault(in: line, of: requests, &open, &outcome) {
          return try await give(up: .broken(reason), outcome)
        }
      }
    }
    return outcome
  }

  /// Takes a line; returns what is wrong with it, or nil.
  private func fault(
    in line: ArraySlice<UInt8>, of requests: [ProgramRequest], _ open: inout [String: Int], _ outcome: inout Outcome
  ) -> String? {
    if line.count > settings.answerBytes { return ChildFailure.tooLong(bytes: settings.answerBytes).description }
    switch ProgramMessage(line) {
    case .ready(let together): answersTogether = together
    case .answer(let id, let answer):
      guard let position = open.removeValue(forKey: id) else {
        let what = requests.contains { $0.id == id } ? "a second time" : "although it was not asked for"
        return "answered for '\(id)' \(what)"
      }
      outcome.answers[position] = answer
    case .state(let state):
      guard settings.keepsState else {
        return "wrote a 'state', which nobody keeps; say \"state\": \"saved\" beside its command"
      }
      outcome.state = state
    case .garbage:
      return "wrote a line that is no answer: \(Self.shown(line)); what is no answer belongs on standard error"
    }
    isReady = true
    hasAnswered = true
    fruitless = 0
    return nil
  }

  /// Ends the program and records why.
  ///
  /// - Throws: When it has failed too often without answering.
  private func give(up failure: Failure, _ outcome: Outcome) async throws -> Outcome {
    await stop(graceSeconds: 0)
    if !isReady {
      fruitless += 1
      if fruitless == ProgramSettings.fruitlessStarts {
        throw PipelineError(
          .plugIn, "'\(settings.title)' was started \(fruitless) times and answered nothing; it \(failure)")
      }
    }
    var outcome = outcome
    outcome.failure = failure
    return outcome
  }

  private func ending(of child: ChildProcess) async -> String {
    // It has closed its output: either it is about to end, or it will never answer.
    let exit = await child.end(graceSeconds: 1)
    return exit.description
  }

  private func start() async throws -> ChildProcess {
    if let child, child.exit == nil { return child }
    let missing = ProgramEnvironment.missing(settings.requiredVariables, in: ProcessInfo.processInfo.environment)
    if let name = missing.first {
      throw PipelineError(
        .invalidSpec,
        "'\(settings.title)' needs the environment variable '\(name)', which environment_from names and which is not set; "
          + "set it where you start the program")
    }
    if fruitless > 0 { try await Task.sleep(for: ProgramSettings.firstPause * (1 << (fruitless - 1))) }
    var configuration = settings.child
    configuration.onErrorLine = { [log] in log.add($0) }
    do {
      let child = try ChildProcess(configuration)
      self.child = child
      isReady = false
      answersTogether = false
      if settings.keepsState, let state {
        child.send(Array(JSONValue.object([.init("state", state)]).json.utf8) + [UInt8(ascii: "\n")])
      }
      return child
    } catch {
      throw PipelineError(.plugIn, "'\(settings.title)' \(error)")
    }
  }

  /// Ends the program if it is running.
  func stop(graceSeconds: Double = 2) async {
    guard let child else { return }
    self.child = nil
    if graceSeconds == 0 { child.kill() } else { await child.end(graceSeconds: graceSeconds) }
    _ = await child.wait()
  }

  private static func shown(_ line: ArraySlice<UInt8>) -> String {
    let text = String(decoding: line.prefix(120), as: UTF8.self)
    return "'\(text)\(line.count > 120 ? "…" : "")'"
  }
}

/// What programs wrote to standard error since this was last read.
final class ProgramLog: Sendable {
  private let title: String
  private let lines = Mutex<[String]>([])

  init(title: String) { self.title = title }

  func add(_ line: String) { lines.withLock { $0.append("\(title): \(line)") } }

  func take() -> [String] {
    lines.withLock { lines in
      defer { lines = [] }
      return lines
    }
  }
}
