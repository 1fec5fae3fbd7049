// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCommand
import Testing

@Suite("Help and the words of the command line", .timeLimit(.minutes(15)), .ownThreads)
struct HelpTests {
  static let commands = [
    "run", "experiment", "check", "stage", "describe", "convert", "inspect", "groups", "compare", "why", "reward",
    "reward-diff", "report", "view", "model", "generate", "logprobs", "evaluate", "import-config", "trust", "schemas",
  ]

  @Test("--help is what was recorded", arguments: [""] + commands)
  func help(_ command: String) throws {
    let sandbox = try Sandbox()
    let golden = Program.package.appendingPathComponent(
      "Tests/PipelineCommandTests/Goldens/\(command.isEmpty ? "shuffle-r1" : command).txt")
    let outcome = try sandbox.run("shuffle-r1 \(command) --help")
    #expect(outcome.status == 0)
    #expect(outcome.errors == "")
    if Program.recordsGoldens { try Data(outcome.output.utf8).write(to: golden) }
    #expect(outcome.output == (try? String(contentsOf: golden, encoding: .utf8)), "RECORD_GOLDENS=1 writes it anew")
    #expect(try sandbox.run("shuffle-r1 help \(command)").output == outcome.output)
  }

  @Test("no line of help is wider than a terminal")
  func width() throws {
    let sandbox = try Sandbox()
    for command in [""] + Self.commands {
      let lines = try sandbox.output("shuffle-r1 \(command) --help").split(separator: "\n")
      // Examples and the usage are not broken, so that they can be copied.
      for line in lines where line.count > 80 { #expect(line.hasPrefix("  ") || line.hasPrefix("USAGE: "), "\(line)") }
    }
  }

  @Test("without arguments it explains itself; --version says the version")
  func bare() throws {
    let sandbox = try Sandbox()
    #expect(try sandbox.output("shuffle-r1") == sandbox.output("shuffle-r1 --help"))
    #expect(try sandbox.output("shuffle-r1 --version") == PipelineProgram.version + "\n")
  }

  static let wrong: [Case] = [
    Case(
      "a command that nobody knows", "shuffle-r1 rnu", status: 2,
      """
      Error: unknown command 'rnu'; did you mean 'run'? Commands: run, experiment, check, stage, describe, convert, inspect, \
      groups, compare, why, reward, reward-diff, report, view, model, generate, logprobs, evaluate, import-config, trust, \
      schemas, setup
        See 'shuffle-r1 --help' for more information.
      """),
    Case(
      "help for a command that nobody knows", "shuffle-r1 help insepct 2>&1 | head -1 >&2; exit ${PIPESTATUS[0]}",
      status: 2,
      """
      Error: unknown command 'insepct'; did you mean 'inspect'? Commands: run, experiment, check, stage, describe, convert, \
      inspect, groups, compare, why, reward, reward-diff, report, view, model, generate, logprobs, evaluate, import-config, trust, \
      schemas, setup
      """),
    Case(
      "an option that nobody knows", "shuffle-r1 check p.json --quite", status: 2,
      """
      Error: Unknown option '--quite'. Did you mean '--quiet'?
      Usage: shuffle-r1 check <spec> [--set <path=value> ...] [--trust] [--resolved] [--quiet]
        See 'shuffle-r1 check --help' for more information.
      """),
    Case(
      "an argument that is missing", "shuffle-r1 why", status: 2,
      """
      Error: Missing expected argument '<run>'
      Help:  <run>  The directory of a run.
      Usage: shuffle-r1 why <run> <id> [--step <n>] [--json] [--color <color>]
        See 'shuffle-r1 why --help' for more information.
      """),
    Case(
      "no threads", "shuffle-r1 inspect x --threads 0 2>&1 | head -1 >&2; exit ${PIPESTATUS[0]}", status: 2,
      "Error: --threads is 0, it must lie in 1…256"),
    Case(
      "a seed below zero", "shuffle-r1 stage shuffle --seed -1 2>&1 | head -1 >&2; exit ${PIPESTATUS[0]}", status: 2,
      "Error: The value '-1' is invalid for '--seed <number>'"),
    Case(
      "no groups in a batch", "shuffle-r1 stage shuffle --batch-groups 0 2>&1 | head -1 >&2; exit ${PIPESTATUS[0]}",
      status: 2, "Error: --batch-groups is 0, it must be at least 1"),
    Case(
      "a first batch below zero",
      "shuffle-r1 stage shuffle --first-batch -1 2>&1 | head -1 >&2; exit ${PIPESTATUS[0]}",
      status: 2, "Error: --first-batch is -1, it must be at least 0"),
    Case(
      "two ways to cut batches",
      "shuffle-r1 inspect x --batch-groups 1 --batch-by step 2>&1 | head -1 >&2; exit ${PIPESTATUS[0]}", status: 2,
      "Error: --batch-groups and --batch-by exclude each other; give one of them"),
    Case(
      "a limit below zero",
      "shuffle-r1 stage shuffle --max-bad-records -1 2>&1 | head -1 >&2; exit ${PIPESTATUS[0]}", status: 2,
      "Error: --max-bad-records is -1, it must be at least 0"),
    Case(
      "resume and overwrite", "shuffle-r1 run x --resume --overwrite 2>&1 | head -1 >&2; exit ${PIPESTATUS[0]}",
      status: 2, "Error: --resume and --overwrite exclude each other; give one of them"),
    Case(
      "no output", "shuffle-r1 run x --output '' 2>&1 | head -1 >&2; exit ${PIPESTATUS[0]}", status: 2,
      "Error: --output is empty; name a directory"),
    Case(
      "one spec to compare", "shuffle-r1 compare x 2>&1 | head -1 >&2; exit ${PIPESTATUS[0]}", status: 2,
      "Error: name two specs or more; `run` runs a single one"),
    Case(
      "one file to convert", "shuffle-r1 convert x 2>&1 | head -1 >&2; exit ${PIPESTATUS[0]}", status: 2,
      "Error: name the input and the output; '-' stands for standard streams"),
    Case(
      "lineage where trajectories go",
      "shuffle-r1 stage shuffle --lineage - 2>&1 | head -1 >&2; exit ${PIPESTATUS[0]}", status: 2,
      "Error: --lineage names standard output, where the trajectories go; name a file"),
    Case(
      "two things in one file",
      "shuffle-r1 stage shuffle --lineage x --bad-records ./x 2>&1 | head -1 >&2; exit ${PIPESTATUS[0]}", status: 2,
      "Error: --lineage and --bad-records name the same file; give each its own"),
    Case(
      "a component that nobody knows", "shuffle-r1 describe shufle", status: 2,
      "shuffle-r1: error: nothing is called 'shufle'; did you mean 'shuffle'? `shuffle-r1 describe` lists all names"),
    Case(
      "a stage that nobody knows", "shuffle-r1 stage advatage", status: 2,
      """
      shuffle-r1: error: unknown stage 'advatage'; did you mean 'advantage'? Known stages: advantage, contrast, \
      entropies, filter, kl-penalty, pairwise-sample, process, replay, reward, rollout, shuffle, subset, tap, update
      """),
    Case(
      "a format that nobody knows", "echo '{}' > in; shuffle-r1 convert --to verll in out; r=$?; rm in; exit $r",
      status: 2,
      """
      shuffle-r1: error: unknown format 'verll'; did you mean 'verl'? Known formats: shuffle-r1, verl, trl, ms-swift, \
      roll, verifiers, open-instruct, trinity, openai-chat, easyr1-dataset, verl-dataset, alpaca, \
      sharegpt
      """),
  ]

  @Test("a wrong command line is explained with status 2", arguments: wrong)
  func usage(_ wrong: Case) throws { try wrong.check(in: Sandbox()) }
}
