// SPDX-License-Identifier: Apache-2.0
import FakeServer
import Foundation
import PipelineCore
import Testing

@Suite("Models behind servers", .timeLimit(.minutes(15)), .ownThreads)
struct ServerTests {
  let sandbox: Sandbox
  let server: FakeServer

  init() throws {
    sandbox = try Sandbox.withModel()
    server = try FakeServer()
    try sandbox.write(
      "questions.jsonl",
      (0..<12).map { number in
        #"{"id":"q\#(number)","answer":"\#(number % 4)","kind":"k\#(number % 2)","prompt":[{"role":"user","content":"#
          + #"[{"type":"image","image":"image.png"},{"type":"text","text":"Which is \#(number)?"}]}]}"#
      }.joined(separator: "\n") + "\n")
    try sandbox.write("spec.json", spec())
  }

  /// Three steps of four questions, with a model that must be asked again for every second response.
  private func spec(_ model: String = "half", more: String = "", judge: String = "") -> String {
    """
    {
      "policy": {"use": "openai", "with": {"url": "\(server.url)", "model": "\(model)", "backoff_seconds": 0.01\(more)}},
      "source": {"prompts": "questions.jsonl", "provides": ["answer"], "batch": {"groups": 4}},
      "stages": [
        {"use": "rollout", "with": {"n": 4, "sampling": {"max_tokens": 200}}},
        {"use": "reward", "with": {"functions": [{"use": "boxed-answer", "name": "accuracy"}\(judge)]}},
        "advantage", "pairwise-sample", "shuffle"
      ]
    }
    """
  }

  @Test("a run collects, rewards and selects; its bytes are the same again, and nothing is asked twice")
  func run() throws {
    try sandbox.output("shuffle-r1 check spec.json && shuffle-r1 run spec.json -q --output one")
    let selected = try sandbox.records(in: "one/selected.jsonl")
    #expect(!selected.isEmpty)
    for record in selected {
      #expect(record["response"]?.stringValue?.contains("<image/png ") == true)
      #expect(record["tokens"] == nil && record["logprobs"] == nil && record["prompt_tokens"] == nil)
      #expect(record["rewards"]?["accuracy"] != nil && record["draws"] != nil)
    }
    // Two of four in the first request, then one each.
    #expect(try server.requests().count == 36)
    try sandbox.output(
      "shuffle-r1 run spec.json -q --output one --overwrite && shuffle-r1 run spec.json -q --output two")
    #expect(try server.requests().count == 108)
    let (one, two) = (sandbox.run(in: "one"), sandbox.run(in: "two"))
    for name in ["selected.jsonl", "lineage.jsonl", "metrics.jsonl"] { #expect(one[name] == two[name], "\(name)") }
    #expect(sandbox.text("one/metrics.jsonl").contains("response_length/clip_ratio"))
    #expect(!sandbox.text("one/metrics.jsonl").contains("response_length/mean"))
  }

  @Test(
    "a judge is asked about a prompt's rollouts while others are still being sampled; the bytes are the same as if it waited"
  )
  func judgedWhileSampling() throws {
    let questions = sandbox.text("questions.jsonl").replacing("Which is 3?", with: "Which is 3 [later]?")
    try sandbox.write("questions.jsonl", questions)
    let judge = #", {"use": "judge", "with": {"url": "\#(server.url)", "model": "judge", "cache": "none"}}"#
    // The server answers the question that is to come later only when it has been asked for a verdict.
    try sandbox.write("spec.json", spec("until-judged", judge: judge))
    try sandbox.output("shuffle-r1 run spec.json -q --output early")
    let judged = try server.requests().count { $0["model"] == "judge" }
    let waiting = #"--set stages.reward.while_sampling=wait"#
    try sandbox.output("shuffle-r1 run spec.json -q --output late \(waiting)")
    let (early, late) = (sandbox.run(in: "early"), sandbox.run(in: "late"))
    for name in ["selected.jsonl", "lineage.jsonl", "metrics.jsonl"] { #expect(early[name] == late[name], "\(name)") }
    // Equal responses to a prompt are judged once.
    #expect((13...48).contains(judged))
    #expect(try server.requests().count { $0["model"] == "judge" } == 2 * judged)
  }

  @Test("a run that is killed asks for nothing twice when it goes on, and ends with the same bytes")
  func killed() throws {
    // A model that gives the time to be killed.
    try sandbox.write("slow.json", spec("slow", more: #", "concurrency": 1, "choices": "apart""#))
    try sandbox.output("shuffle-r1 run slow.json -q --output undisturbed")
    let undisturbed = try server.requests().count
    #expect(undisturbed == 48)
    for limit in [5, 20, 33] {
      let program = try sandbox.start("exec shuffle-r1 run slow.json -q --output killed --resume")
      let kept = { sandbox.text("killed/cache/answers.jsonl").split(separator: "\n").count }
      try sandbox.wait(for: "answer \(limit)") { kept() >= limit }
      program.send(SIGKILL)
      _ = try program.wait()
    }
    try sandbox.output("shuffle-r1 run slow.json -q --output killed --resume")
    let (whole, killed) = (sandbox.run(in: "undisturbed"), sandbox.run(in: "killed"))
    for name in ["selected.jsonl", "lineage.jsonl", "metrics.jsonl"] { #expect(whole[name] == killed[name], "\(name)") }
    // At most the one request that was under way at each kill.
    #expect(try server.requests().count <= 2 * undisturbed + 3)
  }

  @Test("a server that dies leaves a run that goes on with another")
  func dyingServer() throws {
    let dying = try FakeServer(diesAfter: 20)
    let text = spec("good", more: #", "choices": "apart", "retries": 1, "concurrency": 1"#)
    try sandbox.write("dying.json", text)
    let outcome = try sandbox.run(
      "shuffle-r1 run dying.json -q --output run --set policy.with.url=\(dying.url)")
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("error: stage 'rollout', step 1: "))
    #expect(outcome.errors.contains("1 complete step is in run; continue with --resume\n"))
    #expect(sandbox.text("run/cache/answers.jsonl").split(separator: "\n").count == 20)
    try sandbox.output("shuffle-r1 run dying.json -q --output run --resume --accept-changes")
    #expect(try server.requests().count == 28)
  }

  @Test("what a server cannot do is refused when the spec is checked, with place and remedy")
  func needs() throws {
    let stages = #""advantage", {"use": "update"}, "kl-penalty""#
    try sandbox.write(
      "train.json", spec().replacing(#""advantage", "pairwise-sample", "shuffle""#, with: stages))
    let outcome = try sandbox.run("shuffle-r1 check train.json")
    #expect(outcome.status == 2)
    #expect(
      outcome.errors.contains(
        """
        stage 'update' needs log-probs and training, which the policy 'openai' does not offer; collect rollouts with this \
        policy, and name them as 'rollouts' in the source of a spec with another one

        """), "\(outcome.errors)")
    #expect(outcome.errors.contains("error: train.json:7:"))
    #expect(outcome.errors.contains("stage 'kl-penalty' needs "))
    try sandbox.write("key.json", spec(more: #", "key_from": "sk-secret", "concurrency": 0"#))
    let key = try sandbox.run("shuffle-r1 check key.json")
    #expect(key.status == 2)
    #expect(!key.errors.contains("secret"))
    #expect(key.errors.contains("'key_from' must be the name of an environment variable in capitals"))
    #expect(key.errors.contains("'concurrency' is 0, it must lie in 1…4096"))
  }

  @Test("a key reaches nothing that is written, even where the server repeats it", arguments: ["echo", "echo-error"])
  func key(_ model: String) throws {
    let key = "sk-Shuffle/0123456789abcdef"
    let keyed = try FakeServer(key: key)
    try sandbox.write(
      "spec.json", spec(model, more: #", "key_from": "API_KEY""#).replacing(server.url, with: keyed.url))
    for command in [
      "run spec.json --output run", "check spec.json --resolved",
      "generate --server \(keyed.url) --model \(model) --key-from API_KEY questions.jsonl -o out.jsonl",
      "evaluate --server \(keyed.url) --model \(model) --key-from API_KEY --prompts questions.jsonl --json",
    ] {
      let outcome = try sandbox.run("API_KEY=\(key) shuffle-r1 \(command)")
      #expect(!outcome.output.contains("0123456789abcdef") && !outcome.errors.contains("0123456789abcdef"))
      if model == "echo" { #expect(outcome.status == 0, "\(outcome.errors)") }
    }
    #expect(try keyed.requests().contains { $0["has_key"] == true })
    let files = sandbox.tree()
    #expect(files.keys.contains("run/resolved.json"))
    for (name, data) in files {
      #expect(!String(decoding: data, as: UTF8.self).contains("0123456789abcdef"), "\(name)")
    }
  }

  @Test("generate asks a server, keeps answers until its output is complete, and says what was tried again")
  func generate() throws {
    let command = "shuffle-r1 generate --n 2 --max-tokens 200 --output out.jsonl questions.jsonl"
    let outcome = try sandbox.run("\(command) --server \(server.url) --model half")
    #expect(outcome.status == 0)
    #expect(
      outcome.errors.wholeMatch(of: #/generate: 12 prompts, 24 rollouts, [\d.,]+ rollouts\/s\n/#) != nil,
      "\(outcome.errors)"
    )
    #expect(try sandbox.records(in: "out.jsonl").count == 24)
    #expect(!sandbox.has("out.jsonl.cache"))
    let again = try sandbox.run(
      "\(command) --force --policy '{\"use\": \"openai\", \"with\": {\"url\": \"\(server.url)\", \"model\": \"limited\"}}'"
    )
    #expect(again.status == 0)
    #expect(again.errors.contains("; \(server.url) was asked again (429: 12)"))

    // Stopped in the middle, it keeps what there is.
    let dying = try FakeServer(diesAfter: 7)
    let oneByOne =
      #"{"use": "openai", "with": {"url": "\#(dying.url)", "model": "good", "concurrency": 1, "retries": 0}}"#
    let stopped = try sandbox.run("\(command) --force --policy '\(oneByOne)'")
    #expect(stopped.status == 1)
    #expect(sandbox.text("out.jsonl.cache/answers.jsonl").split(separator: "\n").count == 7)
    let before = try server.requests().count
    let rest = try sandbox.run("\(command) --force --server \(server.url) --model good")
    #expect(rest.errors.contains("; 7 answers were stored by an earlier attempt"))
    #expect(try server.requests().count - before == 5)
    #expect(!sandbox.has("out.jsonl.cache"))
  }

  @Test("evaluate asks a server")
  func evaluate() throws {
    let outcome = try sandbox.run(
      """
      shuffle-r1 evaluate --server \(server.url) --model good --prompts questions.jsonl --samples 4 --max-tokens 200 \
      --by kind --json
      """)
    #expect(outcome.status == 0)
    let report = try JSONValue(parsing: outcome.output)
    #expect(report["model"] == "good" && report["samples"] == 4)
    #expect(outcome.errors == "evaluate: 48 responses\n")
    try Case(
      "no such server", "shuffle-r1 evaluate --server http://127.0.0.1:9/v1 --model m --prompts questions.jsonl",
      """
      shuffle-r1: error: http://127.0.0.1:9/v1 cannot be reached: nothing answers there; start it, or see that 'url' is \
      its address
      """
    ).check(in: sandbox)
  }

  @Test("a judge scores responses beside other rewards, once for each question, also in a run that is resumed")
  func judge() throws {
    let judge = """
      , {"use": "judge", "weight": 0.5, "with": {"url": "\(server.url)", "model": "judge"}}
      """
    try sandbox.write("judged.json", spec("good", judge: judge))
    try sandbox.output("shuffle-r1 run judged.json -q --output run")
    let selected = try sandbox.records(in: "run/selected.jsonl")
    #expect(
      selected.allSatisfy { record in
        let right = record["response"]?.stringValue?.contains("boxed{3}") == true
        return record["rewards"]?["judge"]?.doubleValue == (right ? 1 : 0.2)
      })
    let asked = try server.requests().count { $0["model"] == "judge" }
    #expect(asked > 0 && asked <= 48)
    #expect(sandbox.text("run/cache/judge.jsonl").split(separator: "\n").count == asked)
    try sandbox.write(
      "cases.jsonl", #"{"prompt":"q","answer":"3","response":"\\boxed{3}","expected":1}"# + "\n")
    try sandbox.output(
      "shuffle-r1 reward judge --with '{\"url\": \"\(server.url)\", \"model\": \"judge\"}' --cases cases.jsonl")
  }

  @Test("a judge's file of answers lies beside the spec, wherever the program is started, and so does a policy's")
  func relativeCache() throws {
    let judge = #", {"use": "judge", "with": {"url": "\#(server.url)", "model": "judge", "cache": "judged.jsonl"}}"#
    try sandbox.write("specs/spec.json", spec("good", more: #", "cache": "asked.jsonl""#, judge: judge))
    try sandbox.write("specs/questions.jsonl", sandbox.text("questions.jsonl"))
    try sandbox.output(
      "cp image.png specs && mkdir -p elsewhere && cd elsewhere && shuffle-r1 run ../specs/spec.json -q --output run")
    #expect(sandbox.has("specs/judged.jsonl") && sandbox.has("specs/asked.jsonl"))
    #expect(!sandbox.has("elsewhere/judged.jsonl") && !sandbox.has("elsewhere/asked.jsonl"))
    let asked = try server.requests().count
    try sandbox.output("shuffle-r1 run specs/spec.json -q --output again")
    #expect(try server.requests().count == asked)
  }

  @Test(
    "however much many answers hold at a time, memory is bounded and the program says what is wrong",
    arguments: ["endless", "huge-chunked", "endless-error", "endless-header"])
  func flood(_ model: String) throws {
    try sandbox.write(
      "many.jsonl", (0..<64).map { #"{"id":"q\#($0)","prompt":"Which is \#($0)?"}"# }.joined(separator: "\n") + "\n")
    // The limit keeps the machine alive where the program does not keep to the bound below.
    let measure = """
      import resource, subprocess, sys
      resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
      status = subprocess.call(sys.argv[1:])
      print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
      sys.exit(status)
      """
    let policy = """
      {"use": "openai", "with": {"url": "\(server.url)", "model": "\(model)", "concurrency": 32, "retries": 0}}
      """
    try sandbox.write("measure.py", measure)
    let outcome = try sandbox.run(
      "python3 measure.py $(command -v shuffle-r1) generate --policy '\(policy)' -o out.jsonl many.jsonl")
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("error: "), "\(outcome.errors)")
    #expect(outcome.errors.contains(server.url), "\(outcome.errors)")
    // 32 answers of 4 MiB, what an array takes more when it grows, and the program: 180 MB were measured.
    let kilobytes = Int(outcome.output.split(separator: "\n").last ?? "") ?? .max
    #expect(kilobytes < 1 << 20, "\(kilobytes) KB")
  }

  @Test("the specs of the guide are free of errors")
  func guide() throws {
    let path = Program.package.appendingPathComponent("Sources/PipelineCore/PipelineCore.docc/Servers.md")
    let blocks = try String(contentsOf: path, encoding: .utf8).split(separator: "```json\n").dropFirst()
      .compactMap { $0.split(separator: "```").first.map(String.init) }
    #expect(blocks.count == 3)
    for (number, block) in blocks.enumerated() {
      let spec =
        block.contains("stages")
        ? block
        : #"{"source": {"rollouts": "r.jsonl", "provides": ["answer"]}, "stages": [{"use": "reward", "with": {"functions": [\#(block)]}}]}"#
      try sandbox.write("guide-\(number).json", spec)
      try sandbox.output("shuffle-r1 check guide-\(number).json")
    }
  }

  static let wrong: [Case] = [
    Case(
      "a key for no server",
      "shuffle-r1 generate --model model --key-from KEY 2>&1 | head -1 >&2; exit ${PIPESTATUS[0]}", status: 2,
      "Error: --key-from goes with --server; give both"),
    Case(
      "two ways to name a model",
      "shuffle-r1 generate --model model --policy '{}' 2>&1 | head -1 >&2; exit ${PIPESTATUS[0]}", status: 2,
      "Error: --policy says it all; leave out --model, --server and --key-from"),
    Case(
      "no address", "shuffle-r1 generate --server here --model m prompts.jsonl", status: 2,
      """
      shuffle-r1: error: --server:1:1: 'url' is not the address of a server; write it as in http://127.0.0.1:8000/v1
      """),
    Case(
      "a key that is not set", "shuffle-r1 generate --server http://h/v1 --model m --key-from NO_KEY prompts.jsonl",
      status: 2,
      """
      shuffle-r1: error: the environment variable NO_KEY, which 'key_from' names, is not set; export the key in it
      """),
    Case(
      "a policy that nobody knows", #"shuffle-r1 generate --policy '{"use": "opneai"}' prompts.jsonl"#, status: 2,
      """
      shuffle-r1: error: --policy:1:1: unknown policy 'opneai'; did you mean 'openai'? Known policies: bundled, openai, worker
      """),
  ]

  @Test("what is wrong is said, and nothing is written", arguments: wrong)
  func wrongLines(_ wrong: Case) throws { try wrong.check(in: sandbox) }
}
