// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import Testing

/// Two arms, two seeds, two steps of the small model.
@Suite("experiment", .timeLimit(.minutes(15)), .ownThreads)
struct ExperimentTests {
  let sandbox: Sandbox
  private static let runs = ["one/seed-1", "one/seed-2", "two/seed-1", "two/seed-2"]

  init() throws {
    sandbox = try Sandbox.withTraining()
    try sandbox.write("study.json", Self.study())
  }

  private static func study(
    arms: String = #"{"one": {}, "two": {"set": {"stages.update.learning_rate.rate": 0.01}}}"#, more: String = "",
    output: String = "out"
  ) -> String {
    """
    {"title": "Two rates", "spec": "train.json", "seeds": 2,
     "arms": \(arms),
     "set": {"training.steps": 2},
     "measure": {"metric": "actor/pg_loss"}, \(more)
     "output": "\(output)"}
    """
  }

  /// The results without what the clock says.
  private func results(_ folder: String = "out") throws -> String {
    let text = sandbox.text(folder + "/results.json")
    try #require(text.contains("\"seconds\""))
    func timeless(_ value: JSONValue) -> JSONValue {
      switch value {
      case .object(let members):
        .object(members.filter { $0.key != "seconds" }.map { .init($0.key, timeless($0.value)) })
      case .array(let elements): .array(elements.map(timeless))
      default: value
      }
    }
    return timeless(try JSONValue(parsing: text)).prettyJSON
  }

  private func folder(_ run: String) -> String { "out/" + run }

  private func isFinished(_ run: String) -> Bool {
    sandbox.text(folder(run) + "/state.json").contains(#""finished": true"#)
  }

  @Test("runs every arm with every seed, and goes on after a kill to the same results; what was finished is kept")
  func killed() throws {
    let table = try sandbox.output("shuffle-r1 experiment study.json -q")
    #expect(table.contains("difference to one"))
    let whole = try results()
    for run in Self.runs { #expect(isFinished(run), "\(run)") }
    let document = try JSONValue(parsing: sandbox.text("out/results.json"))
    let values = document["cells"]?.arrayValue?.flatMap { $0["runs"]?.arrayValue ?? [] }.compactMap {
      $0["value"]?.doubleValue
    }
    #expect(Set(values ?? []).count == 4, "every run is another one")
    let cost = try #require(document["cells"]?.arrayValue?.first?["cost"])
    #expect((cost["rollouts"]?.doubleValue ?? 0) > 0)
    #expect((cost["tokens_trained"]?.doubleValue ?? 0) > 0)
    #expect(cost["updates"]?.doubleValue == 16)

    try sandbox.output("mv out whole")
    for signal in [SIGINT, SIGKILL] {
      try sandbox.output("rm -rf out")
      let program = try sandbox.start("exec shuffle-r1 experiment study.json")
      try sandbox.wait(for: "the first run's end") { isFinished("one/seed-1") }
      program.send(signal)
      let outcome = try program.wait()
      #expect(outcome.status == 128 + signal)
      if signal == SIGINT { #expect(outcome.errors.contains("what is complete is kept; the same command goes on")) }
      #expect(!isFinished("two/seed-2"))
      let kept = sandbox.bytes(folder("one/seed-1") + "/timings.jsonl")
      let rest = try sandbox.run("shuffle-r1 experiment study.json --jobs 2")
      #expect(rest.status == 0, "\(rest.errors)")
      #expect(rest.errors.contains("4/4  "))
      #expect(sandbox.bytes(folder("one/seed-1") + "/timings.jsonl") == kept)
      #expect(try results() == whole)
      for run in Self.runs {
        #expect(
          sandbox.training(in: folder(run)) == sandbox.training(in: folder(run).replacing("out/", with: "whole/")))
      }
    }
  }

  @Test("as lines of shell, and as shares of a scheduler, it comes to the same")
  func divided() throws {
    try sandbox.output("shuffle-r1 experiment study.json -q")
    let whole = try results()
    let list = try sandbox.output("shuffle-r1 experiment study.json --list --threads 1")
    #expect(
      list.split(separator: "\n").first
        == "shuffle-r1 run train.json --set 'training.steps=2' --set 'seed=1' --output out/one/seed-1 --resume --threads 1"
    )
    try sandbox.output("mv out whole && shuffle-r1 experiment study.json --list | sh > log 2>&1")
    try sandbox.output("shuffle-r1 experiment study.json --results")
    #expect(try results() == whole)

    try sandbox.output("rm -rf out && shuffle-r1 experiment study.json -q --job 2/2")
    #expect(Self.runs.filter(isFinished) == ["two/seed-1", "two/seed-2"])
    #expect(!sandbox.has("out/results.json"))
    let part = try sandbox.output("shuffle-r1 experiment study.json --results")
    #expect(part.contains("2 of 4 runs have not ended"))
    try sandbox.output("shuffle-r1 experiment study.json -q --job 1/2 && shuffle-r1 experiment study.json --results")
    #expect(try results() == whole)
  }

  @Test("paths start from the study's folder, those that it sets too; a report shows arms and seeds")
  func elsewhere() throws {
    try sandbox.output(
      "mkdir sub && mv train.json prompts.jsonl held-out.jsonl image.png model sub && cp -r sub/model sub/same")
    let arms = #"{"one": {}, "two": {"set": {"policy.with.model": "same"}}}"#
    try sandbox.write("sub/study.json", Self.study(arms: arms))
    let list = try sandbox.output("shuffle-r1 experiment sub/study.json --list")
    #expect(list.split(separator: "\n").allSatisfy { $0.hasPrefix("cd sub && shuffle-r1 run train.json") })
    try sandbox.output("shuffle-r1 experiment sub/study.json -q --jobs 4")
    // The same model at another place gives the same numbers.
    let results = try JSONValue(parsing: sandbox.text("sub/out/results.json"))
    #expect(results["cells"]?.arrayValue?.last?["difference"]?["values"] == [0.0, 0.0])
    try sandbox.output("shuffle-r1 report sub/out -o page")
    #expect(sandbox.has("page/index.html"))
  }

  @Test("a study that was changed is refused, with what differs")
  func changed() throws {
    try sandbox.output("shuffle-r1 experiment study.json -q")
    try sandbox.write("study.json", sandbox.text("study.json").replacing("0.01", with: "0.02"))
    for way in ["", "--results", "--dry-run"] {
      let outcome = try sandbox.run("shuffle-r1 experiment study.json \(way)")
      #expect(outcome.status == 2)
      #expect(
        outcome.errors.contains(
          "the run in out/two/seed-1 is not the one that the study asks for (results: stages.7.with.learning_rate.rate was 0.01, is "
            + "0.02); undo that in the study, name another 'output', or remove the folder"))
      #expect(!outcome.errors.contains("out/one/"))
    }
  }

  @Test("a run that fails is named with its last words and its log; the others go on, and so does the same command")
  func failing() throws {
    try sandbox.output("mkdir -p out/one/seed-1 && echo mine > out/one/seed-1/notes.txt")
    let outcome = try sandbox.run("shuffle-r1 experiment study.json -q")
    #expect(outcome.status == 1)
    #expect(
      outcome.errors == """
        one/seed-1 failed: ended with status 1; its last words: shuffle-r1: error: out/one/seed-1 is not empty and holds no \
        run; name another directory with --output; its log: out/one/seed-1.log
        shuffle-r1: error: 1 run of 4 failed; correct that, and the same command goes on

        """)
    #expect(Self.runs.filter(isFinished) == ["one/seed-2", "two/seed-1", "two/seed-2"])
    #expect(sandbox.text("out/one/seed-1.log").hasPrefix("$ shuffle-r1 run train.json"))
    try sandbox.output("rm -r out/one/seed-1 && shuffle-r1 experiment study.json -q")
  }

  @Test("where a process is still at work on a run, it waits for it")
  func waiting() throws {
    try sandbox.output("mkdir -p out/one/seed-1 && mkfifo end")
    let other = try sandbox.start(
      """
      exec python3 -c 'import fcntl
      lock = open("out/one/seed-1/.lock", "w")
      fcntl.flock(lock, fcntl.LOCK_EX)
      open("held", "w").close()
      open("end").read()'
      """)
    try sandbox.wait(for: "the lock") { sandbox.has("held") }
    let program = try sandbox.start("exec shuffle-r1 experiment study.json")
    try sandbox.wait(for: "what it says") {
      (try? String(contentsOfFile: program.errors, encoding: .utf8))?.contains(
        "waiting for the process that is at work in out/one/seed-1\n") == true
    }
    #expect(!isFinished("one/seed-1"))
    try sandbox.output("echo > end")
    _ = try other.wait()
    #expect(try program.wait().status == 0)
    for run in Self.runs { #expect(isFinished(run), "\(run)") }
  }

  @Test(
    "the studies of the examples are right",
    arguments: [("easy-vqa/study.json", 6), ("paper-in-miniature/exposure/study.json", 192)])
  func examples(study: String, runs: Int) throws {
    let list = try sandbox.output("shuffle-r1 experiment '\(Program.package.path)/Examples/\(study)' --list")
    #expect(list.split(separator: "\n").count == runs)
  }

  @Test("--dry-run says the plan and the least difference, and makes nothing")
  func plan() throws {
    let text = try sandbox.output("shuffle-r1 experiment study.json --dry-run --deviation 0.05")
    #expect(
      text == """
        Two rates
        2 arms × 2 seeds: 4 runs here, 0 finished, 0 begun

          one  train.json  training.steps=2
          two  train.json  training.steps=2  stages.update.learning_rate.rate=0.01

        seeds     1, 2
        measure   actor/pg_loss at the end, higher is better
        baseline  one
        output    out
        with 2 seeds, a true difference of 0.704 is found in 8 of 10 studies (two-sided paired t test at 5 %); a smaller one is \
        more often missed
        that takes a standard deviation of the differences of 0.0707, √2 times --deviation, as if the arms shared nothing but the \
        seed's number

        """)
    #expect(!sandbox.has("out"))
  }

  static let wrong: [Case] = [
    Case(
      "no such study", "shuffle-r1 experiment x.json",
      "shuffle-r1: error: no such file: x.json; give the path of a study (.json or .yaml)"),
    Case(
      "mistakes in what arms set have their place in the study", "shuffle-r1 experiment bad.json", status: 2,
      """
      shuffle-r1: error: bad.json:3:7: arm 'one': unknown stage 'updat'; did you mean 'update'?
      shuffle-r1: error: bad.json:5:4: arm 'two': 'training.steps' must be a whole number, found the string "many"
      shuffle-r1: error: bad.json:6:3: arm 'three': no such file: none.json; give the path of a spec (.json or .yaml)
      """),
    Case(
      "a mistake in what all arms set is said once", "shuffle-r1 experiment common.json", status: 2,
      "shuffle-r1: error: common.json:1:77: 'training.steps' must be a whole number, found the string \"many\""),
    Case(
      "no share", "shuffle-r1 experiment study.json --job 3/2 2>&1 | head -1 >&2; exit ${PIPESTATUS[0]}", status: 2,
      "Error: --job is '3/2', it must be a share such as 3/16: the third of sixteen, counted from 1"),
    Case(
      "two ways", "shuffle-r1 experiment study.json --list --results 2>&1 | head -1 >&2; exit ${PIPESTATUS[0]}",
      status: 2,
      "Error: --dry-run, --list and --results exclude each other; give one of them"),
    Case(
      "no deviation", "shuffle-r1 experiment study.json --deviation 0 2>&1 | head -1 >&2; exit ${PIPESTATUS[0]}",
      status: 2,
      "Error: --deviation is 0.0, it must be above 0"),
  ]

  @Test("what is wrong is said before anything starts", arguments: wrong)
  func mistake(_ wrong: Case) throws {
    try sandbox.write(
      "bad.json",
      """
      {"spec": "train.json", "seeds": 3, "output": "out", "arms": {
        "one": {"set": {
            "stages.updat.epochs": 2}},
        "two": {"set": {
         "training.steps": "many"}},
        "three": {"spec": "none.json"}}}
      """)
    try sandbox.write(
      "common.json",
      #"{"spec": "train.json", "output": "out", "arms": {"a": {}, "b": {}}, "set": {"training.steps": "many"}}"#)
    try wrong.check(in: sandbox)
  }
}
