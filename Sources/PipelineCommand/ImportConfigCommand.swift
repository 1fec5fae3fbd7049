// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Files
import Foundation
import PeerConfigurations
import PipelineCore
import PipelineIO
import PipelineRuntime
import PipelineSpec

/// `shuffle-r1 import-config`.
struct ImportConfigCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import-config",
    abstract: "Convert a configuration of EasyR1, Shuffle-R1, verl or TRL to a spec.",
    discussion: """
      The spec selects from saved rollouts as the configuration does or, with --train, trains. Give the configuration \
      as YAML or JSON, the shell script that starts the training, or the Python program with its GRPOConfig; settings \
      behind it count as on the peer's own command line. What is left out is what the peer would use. Standard error \
      says what has to be supplied, what differs in the results, and how many settings change none.

        shuffle-r1 import-config examples/config.yaml > pipeline.json
        shuffle-r1 import-config examples/qwen2_5_vl_3b.sh --train -o train.json
        shuffle-r1 import-config config.yaml algorithm.adv_estimator=rloo worker.rollout.n=8 --train
        shuffle-r1 import-config grpo.yaml --train -- --learning_rate 1e-6 --loss_type dr_grpo
      """)

  @Argument(help: "The configuration (YAML or JSON), shell script or Python program.")
  var config: String

  @Argument(help: ArgumentHelp("Settings that come after it, as the peer takes them.", valueName: "key=value"))
  var settings: [String] = []

  @Flag(help: "Make a spec that trains a policy, instead of one that replays saved rollouts.")
  var train = false

  @Option(name: .shortAndLong, help: ArgumentHelp("Write the spec to this file.", valueName: "file"))
  var output = "-"

  @Flag(help: "Replace the file of --output if it exists.")
  var force = false

  @Flag(help: "List the settings that change no result one by one.")
  var all = false

  @Flag(name: .shortAndLong, help: "Say nothing about the settings.")
  var quiet = false

  func run() throws {
    let text = try SpecText(contentsOf: config, kind: "configuration")
    let imported = try PeerConfiguration(
      file: config, text: text, overrides: settings, for: train ? .training : .replay, surroundings: surroundings)
    let file = try OutputFile(path: output, existing: force ? .replace : .refuse)
    try file.write(Array((imported.spec.prettyJSON + "\n").utf8))
    try file.finish()
    if quiet { return }
    for line in ImportReport(imported, listsAll: all).lines { Terminal.say(line) }
  }

  private var surroundings: Surroundings {
    let specFolder = output == "-" ? "." : AssembledPipeline.folder(of: output)
    return Surroundings(
      folder: AssembledPipeline.folder(of: config), environment: ProcessInfo.processInfo.environment,
      specPath: { RelativePath.path(from: specFolder.isEmpty ? "." : specFolder, to: $0) })
  }
}

/// What is said about an imported configuration: first what matters, then the rest, folded.
struct ImportReport {
  /// The lines.
  let lines: [String]

  init(_ imported: PeerConfiguration, listsAll: Bool) {
    var lines: [String] = []
    func add(_ kind: Finding.Kind, _ title: String) {
      let found = imported.findings.filter { $0.kind == kind }
      if found.isEmpty { return }
      lines.append(title)
      lines += found.map { "  \($0)" }
    }
    add(.supply, "to be supplied before it runs:")
    add(.differs, "differs from \(imported.peer.rawValue):")
    let silent = imported.findings.filter { $0.kind == .silent }
    if listsAll {
      add(.silent, "changes no result:")
    } else if !silent.isEmpty {
      let are = silent.count == 1 ? "changes" : "change"
      lines.append(
        "\(silent.count.of("setting")) more \(are) no result; --all lists \(silent.count == 1 ? "it" : "them")")
    }
    self.lines = lines
  }
}
