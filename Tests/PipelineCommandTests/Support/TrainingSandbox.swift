// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import Testing

extension Sandbox {
  /// A folder with the small model, and the spec, prompts and images of `Fixtures/training`.
  static func withTraining() throws -> Sandbox {
    let sandbox = try withModel()
    let fixtures = Program.package.appendingPathComponent("Tests/PipelineCommandTests/Fixtures/training").path
    try sandbox.output("cp '\(fixtures)'/* . && cp -r model other && printf 'x' >> other/generation_config.json")
    try sandbox.write("simple.json", simpleTraining)
    return sandbox
  }

  /// A spec without anything that is not needed: four steps with one update each, a checkpoint after every second.
  private static let simpleTraining = """
    {
      "policy": {"use": "bundled", "with": {"model": "model"}},
      "source": {"prompts": "prompts.jsonl", "provides": ["answer"], "batch": {"groups": 3}},
      "stages": [
        {"use": "rollout", "with": {"n": 8, "sampling": {"top_k": 2, "max_tokens": 3}}},
        {"use": "reward", "with": {"functions": ["exact"]}},
        "advantage",
        {"use": "update", "with": {"learning_rate": {"rate": 1e-3}}}
      ],
      "training": {"steps": 4, "checkpoints": {"every": 2}}
    }
    """

  /// What must be the same whenever the same training is done: all of its directory but the clock's figures.
  ///
  /// Of the files whose length depends on the clock's figures, the state notes none here.
  func training(in folder: String) -> [String: Data] {
    var files = run(in: folder).filter { !$0.key.hasPrefix("tensorboard/") }
    let state = text(folder + "/state.json").split(separator: "\n").filter { line in
      !line.contains("timings.jsonl") && !line.contains("tensorboard/") && !line.contains(#""checksum""#)
    }
    files["state.json"] = Data(state.joined(separator: "\n").utf8)
    // Links hold nothing, but lead somewhere.
    for name in ["checkpoints/latest", "checkpoints/best"] {
      let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(path)/\(folder)/\(name)")
      files[name] = target.map { Data($0.utf8) }
    }
    return files
  }

  /// Checks that a run of nine steps gives the same bytes on any threads, and after kills.
  ///
  /// - Parameters:
  ///   - run: Its command, without the output.
  ///   - name: The folder that it is left in.
  func checkSameTraining(_ run: String, in name: String) throws {
    try output("\(run) -o \(name)")
    let whole = training(in: name)
    for threads in [1, 2, 7] {
      try output("\(run) -o \(name)-\(threads) --threads \(threads)")
      #expect(training(in: "\(name)-\(threads)") == whole, "\(threads) threads")
    }
    // Killed after each step, whether its checkpoint is written or not.
    for steps in 1...9 {
      let option = has("\(name)-part") ? "--resume" : ""
      let program = try start("exec \(run) -o \(name)-part \(option)")
      try wait(for: "step \(steps)", every: 0.0005) {
        text("\(name)-part/metrics.jsonl").count { $0 == "\n" } >= steps
          || text("\(name)-part/state.json").contains(#""finished": true"#)
      }
      program.send(SIGKILL)
      _ = try program.wait()
    }
    try output("\(run) -o \(name)-part --resume")
    #expect(training(in: "\(name)-part") == whole)
  }

  /// The complete steps that the state of a run tells of.
  func completeSteps(of folder: String) -> Int {
    (try? JSONValue(parsing: text(folder + "/state.json")))?["complete_steps"]?.intValue ?? 0
  }
}
