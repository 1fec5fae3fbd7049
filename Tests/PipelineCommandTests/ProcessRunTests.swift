// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@Suite("Rewards and stages in other programs, in a run", .timeLimit(.minutes(15)), .ownThreads)
struct ProcessRunTests {
  let sandbox: Sandbox

  init() throws {
    sandbox = try Sandbox()
    try sandbox.write("unscored.jsonl", Samples.unscored(groups: 12))
    try sandbox.write(
      "specs/reward.py",
      """
      import json, os, sys
      print("loaded", file=sys.stderr)
      for line in sys.stdin:
          item = json.loads(line)
          if item["response"] == "It is 3.": os._exit(7)
          print(json.dumps({"id": item["id"], "score": len(item["response"]) % 5 / 4}))
      """)
  }

  private func spec(_ options: String = "", more: String = "") -> String {
    """
    {
      "source": {"rollouts": "../unscored.jsonl", "batch": {"groups": 4}},
      "stages": [
        {"use": "reward", "with": {"functions": [
          {"use": "process", "with": {"command": ["python3", "reward.py"]\(options)}}]}},
        "advantage", "shuffle"\(more)
      ]
    }
    """
  }

  @Test("any number of workers and any batch give the same bytes; what a program says is in logs")
  func workers() throws {
    for (name, options) in [
      ("one", ""), ("many", #", "workers": 4, "batch": 3"#), ("whole", #", "workers": 2, "batch": 1000"#),
    ] {
      try sandbox.write("specs/\(name).json", spec(options))
      let outcome = try sandbox.run("shuffle-r1 run specs/\(name).json -o \(name)")
      #expect(outcome.status == 0)
      #expect(outcome.errors.contains("'process' failed on "))
      #expect(outcome.errors.contains("ended with status 7; its last words: loaded"))
    }
    #expect(sandbox.text("one/selected.jsonl").contains(#""reward_status":"scored""#))
    for file in ["selected.jsonl", "metrics.jsonl", "lineage.jsonl"] {
      #expect(sandbox.bytes("one/" + file) == sandbox.bytes("many/" + file))
      #expect(sandbox.bytes("one/" + file) == sandbox.bytes("whole/" + file))
    }
    #expect(sandbox.text("one/logs/reward.log").hasPrefix("reward.py: loaded\n"))
  }

  @Test("resolved.json runs again, from wherever it lies")
  func resolved() throws {
    try sandbox.write("specs/p.json", spec())
    try sandbox.output("shuffle-r1 run specs/p.json -q -o runs/first")
    #expect(sandbox.text("runs/first/resolved.json").contains(#""folder": "../../specs""#))
    try sandbox.output("shuffle-r1 run runs/first/resolved.json -q -o second")
    #expect(sandbox.bytes("runs/first/selected.jsonl") == sandbox.bytes("second/selected.jsonl"))
  }

  @Test("a run stops after max_failures, and says what to look at")
  func maxFailures() throws {
    try sandbox.write("specs/p.json", spec(#", "max_failures": 1"#))
    let outcome = try sandbox.run("shuffle-r1 run specs/p.json -q -o out")
    #expect(outcome.status == 1)
    #expect(
      outcome.errors.contains(
        "stage 'reward', step 0: 'reward.py' failed on 2 trajectories, more than the 1 that max_failures allows; the last "
          + "time it ended with status 7; its last words: loaded"))
  }

  static let wrong: [Case] = [
    Case(
      "a program that is not there",
      "shuffle-r1 check specs/p.json --set '\(place).command=[\"pythn3\", \"reward.py\"]'",
      status: 2, "shuffle-r1: error: --set:1:40: there is no program 'pythn3'; install it, or give its path"),
    Case(
      "a script that is not there", "sed -i s/reward.py/rewrad.py/ specs/p.json; shuffle-r1 check specs/p.json",
      status: 2,
      """
      shuffle-r1: error: specs/p.json:5:46: there is no file 'rewrad.py' for 'python3' to run; a relative path starts \
      from the spec's folder, or from 'folder' where it is set
      """),
  ]

  #if os(Linux)
    @Test("what a program says is kept, and a resume does not go by it")
    func logs() throws {
      try sandbox.write("specs/p.json", spec())
      try sandbox.output("shuffle-r1 run specs/p.json -q -o out")
      #expect(!sandbox.text("out/state.json").contains("logs/"))
      try sandbox.output("rm -r out/logs; shuffle-r1 run specs/p.json -q -o out --overwrite")
      #expect(sandbox.has("out/logs/reward.log"))
    }
  #endif

  private static let place = "stages.reward.functions.0.with"

  @Test("what is missing is found when the spec is checked", arguments: wrong)
  func missing(_ wrong: Case) throws {
    try sandbox.write("specs/p.json", spec())
    let outcome = try sandbox.run(wrong.command)
    #expect(outcome.status == wrong.status)
    #expect(outcome.errors == wrong.errors + "\n")
  }

  #if os(Linux)
    @Test("a program dies with us when we are killed", arguments: [SIGKILL, SIGTERM])
    func killed(signal: Int32) throws {
      try sandbox.write(
        "specs/reward.py",
        """
        import os, time
        open("started", "w").write(str(os.getpid()))
        os.rename("started", "running")
        time.sleep(1000)
        """)
      try sandbox.write("specs/p.json", spec())
      let program = try sandbox.start("exec shuffle-r1 run specs/p.json -q -o out")
      try sandbox.wait(for: "the program") { sandbox.has("specs/running") }
      let child = try #require(pid_t(sandbox.text("specs/running")))
      program.send(signal)
      #expect(try program.wait().status != 0)
      // The process that adopts it reaps it in its own time: a zombie runs no more.
      func isRunning() -> Bool {
        let status = (try? String(contentsOfFile: "/proc/\(child)/stat", encoding: .utf8)) ?? ""
        return status.contains(") ") && !status.contains(") Z")
      }
      for _ in 0..<2_000 where isRunning() { usleep(5_000) }
      #expect(!isRunning())
    }
  #endif

  @Test("a stage alone says on standard error what the program says there")
  func stageAlone() throws {
    try sandbox.write(
      "drop.py",
      """
      import json, sys
      print("dropping", file=sys.stderr)
      for line in sys.stdin:
          item = json.loads(line)
          print(json.dumps({"id": item["id"], "drop": "no-form"} if item["response"][0] == "I" else {"id": item["id"]}))
      """)
    let outcome = try sandbox.run(
      #"shuffle-r1 stage process --with '{"command": ["python3", "drop.py"]}' < unscored.jsonl | wc -l"#)
    #expect(outcome.errors.hasPrefix("process: drop.py: dropping\n"))
    let kept = try #require(Int(outcome.output.filter(\.isNumber)))
    #expect(
      outcome.errors.contains("process: 96 trajectories in 2 batches, \(kept) kept; dropped: no-form \(96 - kept)"))
  }
}
