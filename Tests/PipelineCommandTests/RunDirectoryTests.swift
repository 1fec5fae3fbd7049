// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// Runs of the training fixture that were stopped, and what somebody did to their directories.
@Suite("A run's directory is taken for what it is", .timeLimit(.minutes(15)), .ownThreads)
struct RunDirectoryTests {
  private static let run = "shuffle-r1 run simple.json -q -o out"

  /// A sandbox with a run that has a checkpoint after its second step of four.
  private static func withHalfRun() throws -> Sandbox {
    let sandbox = try Sandbox.withTraining()
    try sandbox.output("\(run) --set training.steps=2")
    try sandbox.changeState(of: "out") { $0.replacing(#""finished":true"#, with: #""finished":false"#) }
    return sandbox
  }

  @Test("a run that ended before its links were set has them set by a resume, and what its state does not name goes")
  func linksOfAFinishedRun() throws {
    let sandbox = try Sandbox.withTraining()
    try sandbox.output(
      """
      \(Self.run) && cd out/checkpoints && ln -sfn step-2 latest && mkdir step-9 && cd ../.. && \(Self.run) --resume
      """)
    let checkpoints = sandbox.path + "/out/checkpoints"
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: checkpoints + "/latest") == "step-4")
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: checkpoints).sorted() == ["latest", "step-2", "step-4"])
  }

  private static let resume = run + " --set training.steps=2 --resume"

  /// What was done to `state.json`, and what is said of it.
  private static let damages: [(String, String)] = [
    (
      "rm out/state.json",
      "out/state.json is missing, but there are checkpoints, lineage.jsonl, metrics.jsonl beside it"
    ),
    (": > out/state.json", "out/state.json is damaged (it is empty)"),
    ("echo null > out/state.json", "out/state.json is damaged (it holds null)"),
    ("echo '{' > out/state.json", "out/state.json is damaged (it is not JSON)"),
    ("echo '{}' > out/state.json", "out/state.json is damaged (it has no version)"),
    (
      #"sed -i.bak 's/"complete_steps": 2/"complete_steps": 1/' out/state.json; rm out/state.json.bak"#,
      "out/state.json is damaged (its checksum does not match)"
    ),
    (
      #"echo '{"version": 1, "complete_steps": 2, "finished": false, "offsets": {}}' > out/state.json"#,
      "the run in out was written by an older version of this program"
    ),
    (
      #"sed -i.bak 's/"version": 2/"version": 3/' out/state.json; rm out/state.json.bak"#,
      "the run in out was written by a newer version of this program"
    ),
    ("mv out/state.json s; ln -s ../s out/state.json", "cannot read out/state.json: it is a symbolic link"),
    ("rm out/state.json; mkdir out/state.json", "cannot read out/state.json: it is not a regular file"),
  ]

  @Test("a state that is missing or damaged is an error; nothing is lost", arguments: damages)
  func damagedState(_ damage: String, _ message: String) throws {
    let sandbox = try Self.withHalfRun()
    try sandbox.output(damage)
    let before = sandbox.tree("out")
    for command in [Self.resume, Self.run + " --set training.steps=2"] {
      let outcome = try sandbox.run(command)
      #expect(outcome.status == 1)
      #expect(outcome.errors.hasPrefix("shuffle-r1: error: \(message)"), "\(outcome.errors)")
      #expect(
        outcome.errors.contains("--overwrite") || outcome.errors.contains("symbolic")
          || outcome.errors.contains("regular"))
      #expect(sandbox.tree("out") == before)
    }
    try sandbox.output("\(Self.run) --overwrite")
    #expect(sandbox.completeSteps(of: "out") == 4)
  }

  @Test(
    "a state with values of other types, or files elsewhere, is not followed",
    arguments: [
      (#""complete_steps":2"#, #""complete_steps":"2""#), (#""complete_steps":2"#, #""complete_steps":-1"#),
      (#""finished":false"#, #""finished":0"#), (#""metrics.jsonl":"#, #""../victim":"#),
      (#""latest":"step-2""#, #""latest":"../../model""#), (#""latest":"step-2""#, #""latest":2"#),
    ])
  func oddState(_ text: String, _ replacement: String) throws {
    let sandbox = try Self.withHalfRun()
    try sandbox.write("victim", "precious")
    try sandbox.changeState(of: "out") { state in
      #expect(state.contains(text))
      return state.replacing(text, with: replacement)
    }
    let before = sandbox.tree()
    let outcome = try sandbox.run(Self.resume)
    #expect(outcome.status == 1, "\(outcome.errors)")
    #expect(sandbox.tree() == before)
  }

  @Test("killed before its first state, a run begins when it is resumed")
  func unbegun() throws {
    let sandbox = try Self.withHalfRun()
    try sandbox.output(
      "cd out; rm -r state.json checkpoints tensorboard *.jsonl *.zst; mkdir cache; echo x > cache/kept")
    try sandbox.output(Self.resume)
    #expect(sandbox.completeSteps(of: "out") == 2)
    #expect(sandbox.text("out/cache/kept") == "x\n")
  }

  @Test(
    "a checkpoint without its optimizer, or with a flipped bit, is not gone on from",
    arguments: [
      ("rm out/checkpoints/step-2/optimizer.safetensors", "out/checkpoints/step-2/optimizer.safetensors is gone"),
      (
        "printf '\\x55' | dd of=out/checkpoints/step-2/model.safetensors bs=1 seek=90001 conv=notrunc 2> /dev/null",
        "out/checkpoints/step-2/model.safetensors has changed since it was saved (its SHA-256 differs)"
      ),
      ("echo >> out/checkpoints/step-2/config.json", "out/checkpoints/step-2/config.json has "),
      (
        "printf x | dd of=out/lineage.jsonl bs=1 seek=30 conv=notrunc 2> /dev/null",
        "out/lineage.jsonl has changed since it was written"
      ),
    ])
  func damagedFiles(_ damage: String, _ message: String) throws {
    let sandbox = try Self.withHalfRun()
    try sandbox.output(damage)
    let before = sandbox.tree("out")
    let outcome = try sandbox.run(Self.resume)
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("shuffle-r1: error: " + message), "\(outcome.errors)")
    #expect(sandbox.tree("out") == before)
  }

  @Test(
    "a link in the directory leads nowhere: what lies elsewhere stays as it is",
    arguments: [
      "rm out/metrics.jsonl; ln -s ../victim out/metrics.jsonl", "rm out/.lock; ln -s ../victim out/.lock",
      "rm out/resolved.json; ln -s ../victim out/resolved.json", "mv out/checkpoints c; ln -s ../c out/checkpoints",
      "ln -s .. out/cache", "mkdir out/cache; ln -s ../../victim out/cache/answers.jsonl",
      "rm out/metrics.jsonl; ln victim out/metrics.jsonl", "rm out/metrics.jsonl; mkfifo out/metrics.jsonl",
    ])
  func links(_ command: String) throws {
    let sandbox = try Self.withHalfRun()
    // What the stream holds, so that nothing but the link can be at fault.
    try sandbox.output("cp out/metrics.jsonl victim; \(command)")
    let before = sandbox.tree()
    let outcome = try sandbox.run(Self.resume)
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("out/"), "\(outcome.errors)")
    #expect(sandbox.tree() == before)
  }

  @Test("a run whose directory was moved goes on, and so does one whose spec is described otherwise")
  func moved() throws {
    let sandbox = try Self.withHalfRun()
    try sandbox.output(
      """
      \(Self.run) --resume --accept-changes --set training.steps=3
      mkdir -p deep/er && mv out deep/er/moved
      """)
    #expect(sandbox.completeSteps(of: "deep/er/moved") == 3)
    // Ended, it stays so; the spec in it leads to its input from there again.
    let again = "shuffle-r1 run simple.json -o deep/er/moved --resume --set training.steps=3 --set 'description=moved'"
    let outcome = try sandbox.run(again)
    #expect(outcome.status == 0)
    #expect(outcome.errors == "the run in deep/er/moved is complete; there is nothing left to do\n")
    #expect(sandbox.text("deep/er/moved/resolved.json").contains("../../../prompts.jsonl"))
    try sandbox.changeState(of: "deep/er/moved") { $0.replacing(#""finished":true"#, with: #""finished":false"#) }
    try sandbox.output(again)
    // The same prompts under another name are the same prompts; others are not.
    try sandbox.output("cp prompts.jsonl copy.jsonl; \(again) --set source.prompts=copy.jsonl")
    let other = try sandbox.run("head -9 prompts.jsonl > copy.jsonl; \(again) --set source.prompts=copy.jsonl")
    #expect(other.status == 2)
    #expect(other.errors.contains("(data: provenance.inputs.0."), "\(other.errors)")
  }
}
