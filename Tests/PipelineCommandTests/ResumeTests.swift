// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// A run of very many small steps, so that it can be stopped in the middle of one.
@Suite("A run that is stopped goes on as if nothing had been", .timeLimit(.minutes(15)), .ownThreads)
struct ResumeTests {
  let sandbox: Sandbox
  private static let steps = 1_200
  private static let run = "exec shuffle-r1 run p.json -q -o part"

  init() throws {
    sandbox = try Sandbox()
    var lines: [String] = []
    for group in 0..<Self.steps {
      for index in 0..<4 {
        lines.append(Samples.record("g\(group)/\(index)", "g\(group)", reward: "0.\(group * index % 10)"))
      }
      if group % 100 == 50 { lines.append("nonsense\n") }
    }
    try sandbox.write("many.jsonl", lines.joined())
    try sandbox.write(
      "p.json",
      """
      {"source": {"rollouts": "many.jsonl", "provides": ["reward"], "batch": {"groups": 1}},
       "stages": ["advantage", "tap", "pairwise-sample", "shuffle"]}
      """)
  }

  /// The complete steps that the state of a run tells of, and whether the run has ended.
  private func state(of folder: String) -> (steps: Int, isFinished: Bool) {
    let text = sandbox.text(folder + "/state.json")
    let steps = text.firstMatch(of: #/"complete_steps": (\d+)/#).flatMap { Int($0.1) }
    return (steps ?? 0, text.contains(#""finished": true"#))
  }

  /// The steps whose figures are written; the state follows where that is cheap.
  private func written(in folder: String) -> Int { sandbox.bytes(folder + "/metrics.jsonl").count { $0 == 0x0A } }

  /// Waits until a run has written a step; false when the run has ended.
  private func wait(for steps: Int, in folder: String) throws -> Bool {
    var isFinished = false
    try sandbox.wait(for: "step \(steps)", every: 0.0005) {
      isFinished = state(of: folder).isFinished
      return isFinished || written(in: folder) >= steps
    }
    return !isFinished
  }

  @Test("kill -9 in whatever step, again and again: the same bytes in the end")
  func killed() throws {
    try sandbox.output("shuffle-r1 run p.json -q -o whole")
    var generator = SeededGenerator(state: 20_251)
    var kills = 0
    var target = Int.random(in: 0...3, using: &generator)
    while kills < 7 {
      let program = try sandbox.start(Self.run + (kills == 0 ? "" : " --resume"))
      let isAtWork = try wait(for: target, in: "part")
      usleep(.random(in: 0...1_500, using: &generator))
      program.send(SIGKILL)
      let outcome = try program.wait()
      if outcome.status == 0 || !isAtWork {
        // It came to its end before the signal, as it may on a busy machine: another run.
        try sandbox.output("rm -r part")
        (kills, target) = (0, Int.random(in: 0...3, using: &generator))
        continue
      }
      #expect(outcome.status == 137)
      #expect(outcome.errors == "")
      kills += 1
      target = written(in: "part") + .random(in: 1...60, using: &generator)
    }
    #expect(try sandbox.run("shuffle-r1 run p.json -o part").status == 1)
    try sandbox.output(Self.run + " --resume")
    #expect(sandbox.run(in: "part") == sandbox.run(in: "whole"))
    #expect(sandbox.text("part/bad-records.jsonl").split(separator: "\n").count == 12)
    // Cut anew by --resume, so one line a step there too.
    #expect(sandbox.text("part/timings.jsonl").split(separator: "\n").count == Self.steps)
  }

  /// What comes of a run that gets signals while it is at work; one that ends before them is started again.
  private func signalled(_ signals: [Int32], before: String = "") throws -> Outcome {
    while true {
      let program = try sandbox.start(before + Self.run)
      if try wait(for: 3, in: "part") {
        for signal in signals { program.send(signal) }
        let outcome = try program.wait()
        if outcome.status != 0 || !outcome.errors.isEmpty { return outcome }
      } else {
        _ = try program.wait()
      }
      try sandbox.output("rm -r part")
    }
  }

  private static let words: [Int32: String] = [
    SIGINT: "interrupted", SIGTERM: "terminated", SIGHUP: "stopped by SIGHUP", SIGUSR1: "stopped by SIGUSR1",
    SIGUSR2: "stopped by SIGUSR2",
  ]

  @Test(
    "a signal ends the run where --resume goes on, and says so", arguments: [SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2])
  func interrupted(_ signal: Int32) throws {
    try sandbox.output("shuffle-r1 run p.json -q -o whole --threads 2")
    let outcome = try signalled([signal])
    #expect(outcome.status == 128 + signal)
    let steps = state(of: "part").steps
    #expect(
      outcome.errors == """
        \(steps) complete steps are in part; continue with --resume
        shuffle-r1: \(Self.words[signal] ?? "")

        """)
    #expect(!sandbox.tree("part").keys.contains { $0.hasSuffix(".partial") })

    let report = try sandbox.output("shuffle-r1 run p.json -o part --resume --threads 1")
    #expect(report.hasPrefix("4800 trajectories, 1200 steps (\(steps) done before, left out below), "))
    #expect(sandbox.run(in: "part") == sandbox.run(in: "whole"))
  }

  @Test("started by nohup, a run outlives its terminal; asked where it is, it says so and goes on")
  func goesOn() throws {
    try sandbox.output("shuffle-r1 run p.json -q -o whole --threads 2")
    let outcome = try signalled([SIGHUP, SIGQUIT], before: "trap '' HUP; ")
    #expect(outcome.status == 0)
    #expect(outcome.errors.hasPrefix("shuffle-r1: at work in step "))
    #expect(sandbox.run(in: "part") == sandbox.run(in: "whole"))
  }

  @Test("a disk that fills up in the middle of a run takes nothing that was complete")
  func fullDisk() throws {
    try sandbox.output("shuffle-r1 run p.json -q -o whole --threads 2")
    let outcome = try sandbox.run("trap '' XFSZ; ulimit -f 100; shuffle-r1 run p.json -q -o part")
    #expect(outcome.status == 1)
    let steps = state(of: "part").steps
    #expect(steps > 0)
    // Which file is the first to be too large is nobody's business.
    let lines = outcome.errors.split(separator: "\n")
    #expect(lines.first == "\(steps) complete steps are in part; continue with --resume")
    #expect(lines.last?.contains("cannot write part/") == true)
    #expect(
      lines.last?.hasSuffix(
        ".jsonl: the file would be larger than the system allows; raise the limit with ulimit -f") == true)
    try sandbox.output(Self.run + " --resume")
    #expect(sandbox.run(in: "part") == sandbox.run(in: "whole"))
  }

  @Test(
    "what reads a pipe stops at once too, and leaves no file",
    arguments: ["convert - out.jsonl", "stage advantage --lineage out.jsonl"])
  func interruptedReading(_ command: String) throws {
    let outcome = try sandbox.run(
      """
      mkfifo pipe; exec 3<> pipe; head -5 many.jsonl >&3
      shuffle-r1 \(command) < pipe & until ls .out.jsonl.*.partial > /dev/null 2>&1; do sleep 0.01; done
      kill -INT $!; wait $!
      """)
    #expect(outcome.status == 130)
    #expect(outcome.errors == "shuffle-r1: interrupted\n")
    #expect(Set(sandbox.tree().keys) == ["many.jsonl", "p.json", "pipe"])
  }

  @Test("what cannot be asked to stop is ended by the signal")
  func ended() throws {
    let outcome = try sandbox.run("mkfifo pipe; exec shuffle-r1 check pipe & sleep 0.2; kill -TERM $!; wait $!")
    #expect(outcome.status == 143)
    #expect(outcome.errors.contains("error") == false)
  }

  @Test("a changed spec or input is refused, and nothing is touched")
  func changed() throws {
    try sandbox.run("sed -i.bak 's/\"groups\": 1/\"groups\": 400/' p.json && shuffle-r1 run p.json -q -o part")
    try Case(
      "another seed", "shuffle-r1 run p.json -o part --resume --set seed=2 --set stages.shuffle.rounds=3", status: 2,
      """
      shuffle-r1: error: the spec or its input differs from what part was started with (results: seed was 1, is 2, \
      stages.3.with.rounds was 8, is 3); undo that to resume, resume all the same with \
      --accept-changes, or start anew with --overwrite
      """
    ).check(in: sandbox)
    try sandbox.run("echo >> many.jsonl")
    let outcome = try sandbox.run("shuffle-r1 run p.json -o part --resume")
    #expect(outcome.status == 2)
    #expect(
      outcome.errors.hasPrefix(
        "shuffle-r1: error: the spec or its input differs from what part was started with "
          + "(data: provenance.inputs.0.bytes was "))
  }

  @Test(
    "rollouts in a random order, or as a sampler chooses them, go on where they were",
    arguments: ["", "greso", "mopps"])
  func pooled(_ sampler: String) throws {
    try sandbox.write(
      "p.json",
      """
      {"source": {"rollouts": "many.jsonl", "provides": ["reward"], "batch": {"groups": 2}, "order": "shuffled",
                  "epochs": 2\(sampler.isEmpty ? "" : ", \"sampler\": \"\(sampler)\"")},
       "stages": ["advantage", "pairwise-sample", "shuffle"]}
      """)
    try sandbox.output("shuffle-r1 run p.json -q -o whole")
    for target in [1, 400, 900] {
      let program = try sandbox.start(Self.run + (sandbox.has("part") ? " --resume" : ""))
      _ = try wait(for: target, in: "part")
      program.send(SIGKILL)
      _ = try program.wait()
    }
    try sandbox.output(Self.run + " --resume")
    #expect(sandbox.run(in: "part") == sandbox.run(in: "whole"))
    #expect(written(in: "part") == 1_200)
  }

  @Test("a run that has ended stays as it is; one that never began begins")
  func finished() throws {
    try sandbox.run("sed -i.bak 's/\"groups\": 1/\"groups\": 400/' p.json")
    try sandbox.output("shuffle-r1 run p.json -q -o part --resume")
    try Case(
      "finished", "shuffle-r1 run p.json -o part --resume", status: 0,
      "the run in part is complete; there is nothing left to do"
    ).check(in: sandbox)
    #expect(try sandbox.run("shuffle-r1 run p.json -o part --resume --quiet").errors == "")
  }
}

/// The same numbers each time: a linear congruential generator, good enough to choose when to kill.
private struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ state >> 29
  }
}
