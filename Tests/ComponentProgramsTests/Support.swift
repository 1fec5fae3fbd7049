// SPDX-License-Identifier: Apache-2.0
import ComponentPrograms
import Foundation
import PipelineCore
import PipelineTesting
import ProcessRewardPlugin
import ProcessStagePlugin
import Synchronization

/// A folder with scripts, gone when the test is over.
final class Scripts: Sendable {
  let folder: String

  init(_ files: KeyValuePairs<String, String>) throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("shuffle-r1-\(UUID())").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for (name, text) in files { try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)")) }
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  func text(_ name: String) -> String {
    String(decoding: FileManager.default.contents(atPath: "\(folder)/\(name)") ?? Data(), as: UTF8.self)
  }

  /// A reward with the script `reward.py` of this folder.
  func reward(_ change: (inout ProcessReward.Options) -> Void = { _ in }) throws -> ProcessReward {
    var options = ProcessReward.Options()
    options.command = ProgramCommand(["python3", "reward.py"])
    options.folder = SpecPath(folder)
    // Nobody waits for that long; a machine that is busy with other things may be slow.
    options.seconds = 300
    options.startSeconds = 300
    change(&options)
    return try ProcessReward(options: options, assembly: .plain())
  }
}

/// What a Python reward begins with: `items()` yields trajectories, `say` answers.
let prologue = """
  import json, os, signal, subprocess, sys, time
  def say(**answer): print(json.dumps(answer), flush=True)
  def items():
      for line in sys.stdin: yield json.loads(line)

  """

/// Trajectories `t0`, `t1`, … whose response is their number.
func trajectories(_ count: Int) -> [Trajectory] {
  (0..<count).map {
    Trajectory(id: "t\($0)", group: "g\($0 / 4)", fields: [.response: .string("\($0)"), .answer: "3"])
  }
}

extension ProcessReward {
  /// Outcomes as words: `0.5`, `abstained: …`, `failed: …`, `late`.
  func words(_ trajectories: [Trajectory], log: LogSink = LogSink()) async throws -> [String] {
    try await words(trajectories, in: StageContext(stage: "reward", sink: log))
  }

  /// The same, in a context.
  func words(_ trajectories: [Trajectory], in context: StageContext) async throws -> [String] {
    try await scores(of: trajectories, in: context).map { outcome in
      switch outcome {
      case .success(.scored(let score, let parts)):
        parts.isEmpty ? "\(score)" : "\(score) \(parts.map { "\($0.name)=\($0.score)" }.joined(separator: " "))"
      case .success(.abstained(let reason)): "abstained: \(reason)"
      case .failure(is RewardTimeout): "late"
      case .failure(let error): "failed: \(error)"
      }
    }
  }
}

/// Keeps what programs wrote to standard error.
final class LogSink: BatchSink {
  private let state = Mutex<[String]>([])
  var lines: [String] { state.withLock { $0 } }
  func write(_ batch: TrajectoryBatch, name: String) async throws {}
  func log(_ lines: [String], name: String) async throws { state.withLock { $0 += lines } }
}

/// The scores 0, 1, 2, … as words, but for some positions.
func expected(_ count: Int, but others: [Int: String] = [:]) -> [String] {
  (0..<count).map { others[$0] ?? "\(Double($0))" }
}
