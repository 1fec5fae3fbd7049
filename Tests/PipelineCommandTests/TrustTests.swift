// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import Testing

@Suite("Whose specs may run the code that they name", .timeLimit(.minutes(15)), .ownThreads)
struct TrustTests {
  let sandbox: Sandbox
  /// Nobody has said anything yet.
  private static let untrusted = "export SHUFFLE_R1_TRUST=; "

  init() throws {
    sandbox = try Sandbox()
    try sandbox.write("unscored.jsonl", Samples.unscored(groups: 2))
    try sandbox.write(
      "theirs/reward.py",
      """
      import json, sys
      open("ran", "w").close()
      for line in sys.stdin:
          print(json.dumps({"id": json.loads(line)["id"], "score": 1}))
      """)
    try sandbox.write("theirs/spec.json", Self.spec)
  }

  private static let spec = """
    {
      "source": {"rollouts": "../unscored.jsonl"},
      "stages": [
        {"use": "reward", "with": {"functions": [{"use": "process", "with": {"command": ["python3", "reward.py"]}}]}},
        {"use": "advantage"}
      ]
    }
    """

  private func run(_ command: String) throws -> Outcome { try sandbox.run(Self.untrusted + command) }

  private var folder: String { get throws { try sandbox.output("cd theirs; pwd -P").filter { $0 != "\n" } } }

  @Test("where nobody can answer, nothing runs that is not trusted, and the remedy is said")
  func refused() throws {
    let folder = try folder
    for command in ["run theirs/spec.json -o out", "compare theirs/spec.json theirs/spec.json"] {
      let outcome = try run("shuffle-r1 " + command)
      #expect(outcome.status == 2)
      #expect(
        outcome.errors == """
          shuffle-r1: error: theirs/spec.json names code, which would run with your rights, and nobody has said that it is \
          trusted: program python3 reward.py. If the specs in \(folder) are yours, say so once: `shuffle-r1 trust \
          \(folder)`; or add --trust for this time

          """)
    }
    #expect(!sandbox.has("theirs/ran"))
    #expect(!sandbox.has("out"))
  }

  @Test("a mistake in the spec comes before the question")
  func mistakesFirst() throws {
    try sandbox.write(
      "theirs/spec.json", Self.spec.replacing(#""advantage""#, with: #""advantage", "with": {"keep": 1}"#))
    let outcome = try run("shuffle-r1 run theirs/spec.json")
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("unknown option 'keep'"))
    #expect(!outcome.errors.contains("trust"))
  }

  @Test("--trust is for once; a folder is trusted for good, until it is taken back")
  func folders() throws {
    #expect(try run("shuffle-r1 run theirs/spec.json -q -o once --trust").status == 0)
    #expect(try run("shuffle-r1 run theirs/spec.json -q -o twice").status == 2)
    #expect(try run("shuffle-r1 trust theirs").status == 0)
    #expect(try run("shuffle-r1 run theirs/spec.json -q -o twice").status == 0)
    let folder = try folder
    #expect(try run("shuffle-r1 trust").output == "specs in \(folder)\n")
    // What leads elsewhere lies elsewhere.
    try sandbox.output("cp -r theirs foreign && ln -s ../foreign/spec.json theirs/link.json")
    #expect(try run("shuffle-r1 run theirs/link.json -q -o linked").status == 2)
    #expect(try run("shuffle-r1 trust --remove theirs").output == "\(folder) is trusted no longer\n")
    #expect(try run("shuffle-r1 run theirs/spec.json -q -o again").status == 2)
    #expect(try sandbox.run("SHUFFLE_R1_TRUST=/nowhere:theirs shuffle-r1 run theirs/spec.json -q -o again").status == 0)
  }

  @Test("a spec is trusted as long as it names the same code, whatever else changes")
  func specs() throws {
    let outcome = try run("shuffle-r1 trust theirs/spec.json")
    #expect(outcome.output == "\(try folder)/spec.json may run this code:\n  program  python3 reward.py\n")
    #expect(try run("shuffle-r1 run theirs/spec.json -q -o one --set seed=7").status == 0)
    try sandbox.write(
      "theirs/spec.json",
      Self.spec.replacing("reward.py\"]", with: "reward.py\"], \"environment\": {\"PYTHONPATH\": \".\"}"))
    let changed = try run("shuffle-r1 run theirs/spec.json -q -o two")
    #expect(changed.status == 2)
    #expect(changed.errors.contains("program PYTHONPATH=. python3 reward.py"))
  }

  @Test("on a terminal it asks once")
  func asks() throws {
    let ask =
      "python3 -c 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)' shuffle-r1 run theirs/spec.json -q -o"
    let no = try run("printf 'n\\n' | TERM=xterm \(ask) out")
    #expect(no.status == 2)
    #expect(no.output.contains("program  python3 reward.py"))
    #expect(no.output.contains("theirs/spec.json is not trusted; nothing was run"))
    #expect(!sandbox.has("theirs/ran"))
    #expect(try run("printf 'y\\n' | TERM=xterm \(ask) out").status == 0)
    #expect(try run("shuffle-r1 run theirs/spec.json -q -o again").status == 0)
  }

  @Test("what others can write says nothing")
  func othersMayWrite() throws {
    #expect(try run("shuffle-r1 trust theirs; chmod 666 .config/shuffle-r1/trusted.jsonl").status == 0)
    let outcome = try run("shuffle-r1 run theirs/spec.json -q -o out")
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("can be written by others; take that right from them: chmod go-w"))
  }

  @Test("check and groups run nothing of a spec, and say what they could not check")
  func plugIns() throws {
    try sandbox.write(
      "theirs/mine.c",
      """
      #include <fcntl.h>
      const char version[] = "\(PlugIn.version)";
      __attribute__((constructor)) static void at_once(void) { open("ran", O_CREAT | O_WRONLY, 0644); }
      """)
    try sandbox.output("cd theirs; clang -shared -fPIC -o mine.so mine.c")
    let spec = #"{"plugins": ["mine.so"], "source": {"rollouts": "../unscored.jsonl"}, "stages": ["mine"]}"#
    try sandbox.write("theirs/plugged.json", spec)
    let check = try run("shuffle-r1 check theirs/plugged.json")
    #expect(check.status == 0)
    #expect(
      check.output == """
        theirs/plugged.json: fine, as far as can be told without the plug-ins that it names (theirs/mine.so), which are code; \
        if you trust it, check the rest with --trust

        """)
    #expect(try run("shuffle-r1 check theirs/plugged.json --resolved").status == 2)
    #expect(try run("shuffle-r1 groups theirs/plugged.json").status == 2)
    #expect(try run("shuffle-r1 run theirs/plugged.json").status == 2)
    #expect(!sandbox.has("ran"))
    let trusted = try run("shuffle-r1 check theirs/plugged.json --trust")
    #expect(trusted.status == 2)
    #expect(trusted.errors.contains("it has no function 'shuffle_r1_plugin'"))
    #expect(sandbox.has("ran"))
  }

  @Test("a library that does not say its version is refused before anything of it runs")
  func noVersion() throws {
    try sandbox.write(
      "mine.c",
      """
      #include <fcntl.h>
      __attribute__((constructor)) static void at_once(void) { open("ran", O_CREAT | O_WRONLY, 0644); }
      """)
    try sandbox.output("clang -shared -fPIC -o mine.so mine.c")
    let outcome = try run("shuffle-r1 describe --plugin ./mine.so")
    #expect(outcome.status == 2)
    #expect(
      outcome.errors == """
        shuffle-r1: error: cannot load the plug-in ./mine.so: it does not say which version of shuffle-r1 it was built with, \
        as a plug-in does that calls PlugIn.register; nothing of it was run

        """)
    #expect(!sandbox.has("ran"))
  }

  // MARK: Keys.

  private static let place = "stages.reward.functions.0.with"

  @Test("a key in a spec is refused, with where it belongs")
  func keys() throws {
    func check(_ option: String, _ value: String) throws -> String {
      try sandbox.run("shuffle-r1 check theirs/spec.json --set '\(Self.place).\(option)=\(value)'").errors
    }
    for name in ["HF_TOKEN", "OPENAI_API_KEY", "apiKey", "DB_PASSWORD", "AWS_SECRET_ACCESS_KEY", "db.pwd"] {
      let errors = try check("environment", "{\"\(name)\": \"s3cr3t\"}")
      #expect(errors.contains("'environment.\(name)' looks like a key by its name"), "\(errors)")
      #expect(errors.contains(#""environment_from": ["\#(name)"]"#))
      #expect(!errors.contains("s3cr3t"))
    }
    for name in ["TOKENIZERS_PARALLELISM", "PWD", "MAX_TOKENS", "KEYBOARD", "PYTHONPATH"] {
      #expect(try check("environment", "{\"\(name)\": \"1\"}") == "")
    }
    for command in [
      #"["python3", "reward.py", "--api-key=s3cr3t"]"#, #"["python3", "reward.py", "--token", "s3cr3t"]"#,
    ] {
      let errors = try check("command", command)
      #expect(errors.contains("which looks like a key by its name, and a spec is no place for one"), "\(errors)")
      #expect(!errors.contains("s3cr3t"))
    }
  }

  @Test("environment_from names what a program needs: it is there, or the run says so; its value is written nowhere")
  func environmentFrom() throws {
    try sandbox.write(
      "theirs/reward.py",
      """
      import json, os, sys
      for line in sys.stdin:
          print(json.dumps({"id": json.loads(line)["id"], "score": len(os.environ["MY_TOKEN"])}))
      """)
    let run = "shuffle-r1 run theirs/spec.json -q --set '\(Self.place).environment_from=[\"MY_TOKEN\"]'"
    #expect(
      try sandbox.run("shuffle-r1 check theirs/spec.json --set '\(Self.place).environment_from=[\"MY_TOKEN\"]'").status
        == 0)
    let without = try sandbox.run(run + " -o without")
    #expect(without.status == 2)
    #expect(
      without.errors.contains(
        "'reward.py' needs the environment variable 'MY_TOKEN', which environment_from names and which is not set; set it where "
          + "you start the program"))
    try sandbox.output("MY_TOKEN=s3cr3t " + run + " -o out")
    #expect(sandbox.text("out/selected.jsonl").contains(#""reward":6"#))
    #expect(try sandbox.run("grep -r s3cr3t out").status == 1)
  }
}
