// SPDX-License-Identifier: Apache-2.0
import ChildProcesses
import Files
import Foundation
import PipelineCore

/// Starts a worker, or connects to one, and checks that both use the same protocol.
struct WorkerStart {
  let options: WorkerPolicyBackend.Options
  let opening: PolicyOpening

  /// A worker that has sent its greeting.
  ///
  /// - Throws: Why there is none, with the remedy.
  func connection() async throws -> WorkerConnection {
    let connection = WorkerConnection(try await stream(), silence: options.limits.silence)
    let frame = try await connection.ask(
      .init(
        kind: "hello",
        members: [
          .init("protocol", .number(WorkerConnection.protocolVersion)),
          .init("heartbeat_seconds", .number(WorkerConnection.heartbeatSeconds)),
          .init("device", .string(options.device.rawValue)),
        ], limit: options.limits.start))
    guard frame.kind == "hello", frame.header["protocol"]?.intValue == WorkerConnection.protocolVersion else {
      let version = frame.header["protocol"]?.json.shortenedForMessage ?? "none"
      throw PipelineError(
        .policyWorker,
        "the policy's worker speaks version \(version) of the protocol, this program version "
          + "\(WorkerConnection.protocolVersion); install the worker that came with the program: `make worker`")
    }
    return connection
  }

  private func stream() async throws -> any WorkerStream {
    if !options.connect.isEmpty {
      guard let address = WorkerAddress(options.connect) else {
        throw PipelineError(.invalidSpec, "'connect' is '\(options.connect)', it must be host:port or unix:PATH")
      }
      return try await SocketStream(address, seconds: options.limits.start)
    }
    var configuration = ChildConfiguration(command: try command())
    configuration.environment = environment
    configuration.errorLineLimit = .max
    configuration.lastWordsCount = WorkerEnd.keptLines
    if !options.log.isStandardStream {
      let file = try LogFile(path: options.log.resolved(in: opening.folder))
      configuration.onErrorLine = { file.add($0) }
    }
    do {
      return try ChildStream(configuration)
    } catch let failure as ChildFailure {
      throw PipelineError(
        .policyWorker,
        "the policy's worker \(failure) (\(configuration.command.joined(separator: " ").shortenedForMessage)); check "
          + "policy.with.\(options.command.isEmpty ? "python" : "command")")
    }
  }

  private func command() throws -> [String] {
    if !options.command.isEmpty { return options.command }
    let module = ["-m", "shuffle_r1_worker"]
    let python = try WorkerPython.path(options.python)
    if options.ranks == 1 { return [python] + module }
    return [python, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "\(options.ranks)"] + module
  }

  private var environment: [String: String] {
    let threads = max(1, opening.threads / options.ranks)
    var environment = [
      "PYTHONUNBUFFERED": "1", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "\(threads)",
      "SHUFFLE_R1_DEVICE": options.device.rawValue,
    ]
    if let package = WorkerPython.package {
      let others = ProcessInfo.processInfo.environment["PYTHONPATH"].map { [$0] } ?? []
      environment["PYTHONPATH"] = ([package] + others).joined(separator: ":")
    }
    return environment
  }
}

/// Finds the worker's Python.
enum WorkerPython {
  /// The environment variable that names the Python to use instead of `.venv-worker`.
  static let variable = "SHUFFLE_R1_WORKER_PYTHON"
  private static let environment = ".venv-worker/bin/python"

  /// The program that `python` in a spec refers to.
  ///
  /// - Throws: When there is none, with the command that makes one.
  static func path(_ name: String) throws -> String {
    if name != "auto" {
      guard let found = ChildConfiguration.location(of: name) else {
        throw PipelineError(
          .policyWorker,
          "there is no Python \(name.quotedForMessage) for the policy's worker; make one with `make worker` and leave "
            + "policy.with.python out, or name one that has torch and transformers")
      }
      return found
    }
    if let chosen = ProcessInfo.processInfo.environment[variable], !chosen.isEmpty { return chosen }
    if let found = upward(environment) { return found }
    throw PipelineError(
      .policyWorker,
      "the policy's worker has no Python environment: no .venv-worker beside this program or above the working folder; make "
        + "it with `make worker`, or name a Python that has torch and transformers in policy.with.python")
  }

  /// The folder of the worker's package, if the program runs inside its repository.
  static var package: String? {
    upward("Plugins/Policies/Worker/shuffle_r1_worker/__main__.py").map {
      String($0.dropLast("/shuffle_r1_worker/__main__.py".count))
    }
  }

  /// A file in a folder above this program, or else above the working folder.
  private static func upward(_ name: String) -> String? {
    let program = Bundle.main.executableURL?.resolvingSymlinksInPath().deletingLastPathComponent()
    let starts = [program, URL(fileURLWithPath: FileManager.default.currentDirectoryPath)].compactMap { $0 }
    for start in starts {
      var folder = start
      while true {
        let path = folder.appendingPathComponent(name).path
        if FileManager.default.fileExists(atPath: path) { return path }
        if folder.path == "/" { break }
        folder = folder.deletingLastPathComponent()
      }
    }
    return nil
  }
}
