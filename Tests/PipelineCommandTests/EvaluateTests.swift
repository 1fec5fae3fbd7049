// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCommand
import PipelineCore
import StandardPlugins
import Testing

@Suite("evaluate", .timeLimit(.minutes(15)), .ownThreads)
struct EvaluateTests {
  let sandbox: Sandbox

  init() throws {
    sandbox = try Sandbox.withModel()
    try sandbox.write("questions.jsonl", Self.questions)
  }

  /// Questions with and without an image, one without a kind.
  private static let questions = #"""
    {"id":"a","prompt":"How many?","answer":4.5,"kind":"open"}
    {"id":"b","prompt":[{"role":"user","content":[{"type":"image","image":"image.png"},{"type":"text","text":"What is it?"}]}],"answer":"4.5","kind":"yes/no"}
    {"id":"c","prompt":"What is in it?","answer":"4.5"}
    {"id":"d","prompt":"How many circles?","answer":"4.5","kind":"open"}

    """#

  private static let evaluate = "shuffle-r1 evaluate --model model --prompts questions.jsonl --max-tokens 24"
  /// The model's weights are random: any digit in what it says is taken for right.
  private static let digits =
    #"--reward numeric --with '{"extract": "none", "absolute_tolerance": 4.5, "relative_tolerance": 0}'"#

  @Test("the report, its JSON and the saved responses agree")
  func report() throws {
    let outcome = try sandbox.run(
      "\(Self.evaluate) \(Self.digits) --samples 12 --temperature 1 --by kind --output out.jsonl --json")
    #expect(outcome.status == 0)
    #expect(
      outcome.errors.wholeMatch(
        of: #/(warning: reward: .*\n)?evaluate: 48 responses, \d+ tokens, \d+ tokens/s; responses saved in out.jsonl\n/#
      ) != nil)
    let saved = try sandbox.records(in: "out.jsonl")
    #expect(saved.count == 48)
    #expect(saved[0]["id"] == "a/0")
    #expect(saved[47]["id"] == "d/11")
    #expect(saved.allSatisfy { $0["reward_status"] == "scored" && $0["sampling"]?["temperature"]?.doubleValue == 1 })
    let scores = saved.compactMap { $0["rewards"]?["accuracy"]?.doubleValue }
    for (record, score) in zip(saved, scores) {
      let hasDigit = record["response"]?.stringValue?.contains { $0.isASCII && $0.isNumber } == true
      if score == 1 { #expect(hasDigit) }
    }
    let right = scores.count { $0 == 1 }
    #expect(0 < right && right < 48)

    let json = try JSONValue(parsing: outcome.output)
    #expect(json["samples"] == 12)
    #expect(json["sampling"]?["temperature"]?.doubleValue == 1)
    let mean = try #require(json["overall"]?["mean"]?.doubleValue)
    #expect(abs(mean - Double(right) / 48) < 1e-12)
    #expect(json["overall"]?["scored"] == 48)
    let low = try #require(json["overall"]?["low"]?.doubleValue)
    let high = try #require(json["overall"]?["high"]?.doubleValue)
    #expect(0 < low && low < mean && mean < high && high < 1)
    #expect(json["overall"]?["pass_at_k"]?.arrayValue?.map { $0["k"] } == [1, 2, 4, 8, 12])
    let cut = saved.count { $0["finish"] == "length" }
    #expect(json["overall"]?["clip_ratio"]?.doubleValue == Double(cut) / 48)
    let length = saved.reduce(0) { $0 + $1.numbers("tokens").count }
    #expect(json["overall"]?["response_length"]?.doubleValue == Double(length) / 48)
    let categories = try #require(json["categories"]?.arrayValue)
    #expect(categories.map { $0["value"] } == ["open", "yes/no", .null])
    let open = saved.indices.filter { saved[$0]["kind"] == "open" }
    #expect(open.count == 24)
    let openMean = try #require(categories[0]["mean"]?.doubleValue)
    #expect(abs(openMean - open.reduce(0) { $0 + scores[$1] } / 24) < 1e-12)

    let text = try sandbox.output("\(Self.evaluate) \(Self.digits) --samples 12 --temperature 1 --by kind -q")
    let lines = text.split(separator: "\n")
    #expect(lines[0] == "model on questions.jsonl  12 responses each, temperature 1.0, seed 1")
    #expect(lines[1] == "  4 questions, 48 responses")
    let percent = String(format: "%.1f %%", mean * 100)
    #expect(lines[3].hasPrefix("  all     "))
    #expect(lines[3].contains(" \(percent) "))
    #expect(lines[4].hasPrefix("  open    "))
    #expect(lines[5].hasPrefix("  yes/no  "))
    #expect(lines[6].hasPrefix("  (no kind)"))
  }

  @Test("the same bytes on any number of threads, the same tokens in any batches", arguments: ["1", "2", "7"])
  func threads(_ threads: String) throws {
    let command = "\(Self.evaluate) \(Self.digits) -q --samples 3"
    try sandbox.output(
      """
      \(command) --json --output one > one.json
      \(command) --json --threads \(threads) --output two > two.json; cmp one two; cmp one.json two.json
      shuffle-r1 evaluate --model model --max-tokens 24 \(Self.digits) -q --samples 3 --batch-groups 1 \
        --prompts - < <(cat questions.jsonl) --output three > three.txt
      """)
    let tokens = try sandbox.records(in: "one").map { $0["tokens"] }
    #expect(tokens.count == 12)
    #expect(try sandbox.records(in: "three").map { $0["tokens"] } == tokens)
    #expect(sandbox.text("three.txt").hasPrefix("model on standard input  3 responses each, temperature 0.5, seed 1\n"))
  }

  @Test("draws are others than those of generate, and change with the seed alone")
  func seeds() throws {
    try sandbox.output(
      """
      \(Self.evaluate) -q --samples 2 --temperature 1 --output one; \(Self.evaluate) -q --samples 3 --temperature 1 --output three
      \(Self.evaluate) -q --samples 2 --temperature 1 --seed 2 --output other
      shuffle-r1 generate --model model --max-tokens 24 -q --n 2 questions.jsonl --output generated
      """)
    let tokens = try sandbox.records(in: "one").map { $0["tokens"] }
    let three = try sandbox.records(in: "three").filter { $0["id"]?.stringValue?.hasSuffix("2") == false }
    #expect(three.map { $0["tokens"] } == tokens)
    #expect(try zip(sandbox.records(in: "other"), tokens).allSatisfy { $0["tokens"] != $1 })
    #expect(try zip(sandbox.records(in: "generated"), tokens).allSatisfy { $0["tokens"] != $1 })
  }

  @Test("greedy is one response to each question, the same for every seed")
  func greedy() throws {
    let text = try sandbox.output(
      """
      \(Self.evaluate) -q --greedy --output one; \(Self.evaluate) -q --greedy --seed 5 --output two > /dev/null
      """)
    #expect(text.hasPrefix("model on questions.jsonl  1 response each, greedy, seed 1\n"))
    // Nothing that random weights say is in a box: none of four, Wilson's interval to z²/(4 + z²).
    #expect(text.contains("  all          4     0.0 %  0.0 % … 49.0 %\n"))
    let (one, two) = (try sandbox.records(in: "one"), try sandbox.records(in: "two"))
    #expect(one.map { $0["id"] } == ["a/0", "b/0", "c/0", "d/0"])
    #expect(one.map { $0["tokens"] } == two.map { $0["tokens"] })
    #expect(one.allSatisfy { $0["sampling"]?["temperature"]?.doubleValue == 0 })
    #expect(one.allSatisfy { $0["rewards"]?["accuracy"]?.doubleValue == 0 })
  }

  @Test("a spec's stages score as they would in a run")
  func spec() throws {
    try sandbox.write(
      "pipeline.json",
      #"""
      {"source": {"rollouts": "none.jsonl", "provides": ["answer"]}, "stages": [
        {"use": "reward", "with": {"functions": [
          {"use": "numeric", "weight": 0.9, "name": "digits",
           "with": {"extract": "none", "absolute_tolerance": 4.5, "relative_tolerance": 0}},
          {"use": "format", "weight": 0.1}]}},
        "advantage"]}
      """#)
    try sandbox.output(
      """
      \(Self.evaluate) --samples 3 -q --json \(Self.digits) > direct.json
      \(Self.evaluate) --samples 3 -q --json --spec pipeline.json --output out.jsonl > reward.json
      \(Self.evaluate) --samples 3 -q --json --spec pipeline.json --score digits > digits.json
      \(Self.evaluate) --samples 3 -q --json --spec pipeline.json --score format > format.json
      """)
    func json(_ file: String) throws -> JSONValue { try JSONValue(parsing: sandbox.text(file)) }
    #expect(try json("digits.json")["overall"] == json("direct.json")["overall"])
    #expect(try json("digits.json")["score"] == "digits")
    #expect(try json("format.json")["overall"]?["mean"]?.doubleValue == 0)
    #expect(try json("reward.json")["score"] == "reward")
    let mean = try #require(json("digits.json")["overall"]?["mean"]?.doubleValue)
    let reward = try #require(json("reward.json")["overall"]?["mean"]?.doubleValue)
    #expect(abs(reward - 0.9 * mean) < 1e-12)
    let saved = try sandbox.records(in: "out.jsonl")
    #expect(saved.allSatisfy { $0["rewards"]?["digits"] != nil && $0["advantage"] == nil })
    try Case(
      "a score that the spec does not give", "\(Self.evaluate) --spec pipeline.json --score digit", status: 2,
      """
      shuffle-r1: error: --score: nothing gives the score 'digit'; did you mean 'digits'? Scores: digits, format, reward
      """
    ).check(in: sandbox)
  }

  @Test("--limit asks the first questions only")
  func limit() throws {
    try sandbox.output("\(Self.evaluate) -q --greedy --output all; \(Self.evaluate) -q --greedy --limit 2 --output two")
    let all = sandbox.text("all").split(separator: "\n")
    #expect(sandbox.text("two").split(separator: "\n").map { $0.prefix(20) } == all.prefix(2).map { $0.prefix(20) })
  }

  @Test("prompts that cannot be used may be left out, and are told")
  func badRecords() throws {
    try sandbox.write(
      "questions.jsonl",
      Self.questions
        + #"""
        {"id":"e","prompt":"No answer?"}
        {"id":"f","prompt":"How many?","answer":null}
        {"id":"g","prompt":[{"role":"user","content":[{"type":"image","image":"nowhere.png"}]}],"answer":"1"}

        """#)
    let outcome = try sandbox.run("\(Self.evaluate) --greedy --max-bad-records 3 --bad-records bad --json")
    #expect(outcome.status == 0)
    #expect(try JSONValue(parsing: outcome.output)["overall"]?["questions"] == 4)
    #expect(outcome.errors.contains("; bad records: 3\n"))
    let lines = outcome.errors.split(separator: "\n").filter { $0.hasPrefix("warning: questions.jsonl:") }
    #expect(
      lines == [
        "warning: questions.jsonl:5:1: scoring reads 'answer', but this record has no such key; the record is left out",
        "warning: questions.jsonl:6:1: scoring reads 'answer', which is null in this record; the record is left out",
        """
        warning: questions.jsonl:7:1: nowhere.png: no such image file; check the path and the folder that it is \
        relative to; the record is left out
        """,
      ])
    #expect(try sandbox.records(in: "bad").map { $0["line"] } == [5, 6, 7])
  }

  @Test("a reward that never scores is no accuracy of 0")
  func unscored() throws {
    try sandbox.output("sed -i 's/4\\.5/four/; s/:four/:\"four\"/' questions.jsonl")
    let outcome = try sandbox.run("\(Self.evaluate) --samples 2 --reward numeric --output out.jsonl")
    #expect(outcome.status == 1)
    #expect(outcome.output.contains("8 responses without a score, which is not a score of 0: 8 abstained"))
    #expect(outcome.output.contains("  all          4         -              -\n"))
    #expect(
      outcome.errors.contains("warning: reward: 'accuracy' abstained from 8 of 8 trajectories; the first is 'a/0'"))
    #expect(
      outcome.errors.hasSuffix(
        "shuffle-r1: error: no response has the score 'accuracy'; the counts above say why it is missing\n"))
    #expect(try sandbox.records(in: "out.jsonl").allSatisfy { $0["reward_status"] == "abstained" })
  }

  @Test("Ctrl-C keeps the responses that are complete")
  func interrupted() throws {
    let lines = (0..<3000).map { #"{"id":"p\#($0)","prompt":"How many circles in \#($0)?","answer":"1"}"# }
    try sandbox.write("questions.jsonl", lines.joined(separator: "\n") + "\n")
    let program = try sandbox.start("exec \(Self.evaluate) --samples 8 --batch-groups 1 --output out.jsonl")
    // The hidden file takes the responses of each prompt as they are complete.
    for _ in 0..<600 where !sandbox.tree().contains(where: { $0.key.hasSuffix(".partial") && !$0.value.isEmpty }) {
      Thread.sleep(forTimeInterval: 0.1)
    }
    program.send(SIGINT)
    let outcome = try program.wait()
    #expect(outcome.status == 130)
    #expect(outcome.output == "")
    let saved = try sandbox.records(in: "out.jsonl")
    #expect(
      outcome.errors.hasSuffix(
        "out.jsonl holds what was complete: \(saved.count) responses\nshuffle-r1: interrupted\n"))
    #expect(saved.count % 8 == 0)
    #expect(saved.count < 24_000)
    #expect(!sandbox.tree().keys.contains { $0.hasSuffix(".partial") })
  }

  private static let first = "2>&1 | head -1 >&2; exit ${PIPESTATUS[0]}"

  static let wrong: [Case] = [
    Case(
      "prompts without answers", "shuffle-r1 evaluate --model nowhere --prompts prompts.jsonl",
      """
      shuffle-r1: error: prompts.jsonl:2:1: scoring reads 'answer', but this record has no such key; correct the file, or allow more with --max-bad-records (now 0)
      """),
    Case(
      "no prompt with an answer",
      "sed -n 2p prompts.jsonl | shuffle-r1 evaluate --model model --prompts - --max-bad-records 9 -q",
      """
      shuffle-r1: error: standard input:1:1: no prompt of the input can be used (1 bad); the first: scoring reads \
      'answer', but this record has no such key
      """),
    Case(
      "a category that no prompt has", "\(evaluate) --by kinds", status: 2,
      """
      shuffle-r1: error: --by: no prompt of questions.jsonl has a field 'kinds'; did you mean 'kind'? They have: id, \
      prompt, answer, kind
      """),
    Case(
      "an image that is missing",
      "sed 's/image.png/gone.png/' questions.jsonl | shuffle-r1 evaluate --model model --prompts - --max-tokens 24",
      """
      shuffle-r1: error: standard input:2:1: gone.png: no such image file; check the path and the folder that it is \
      relative to; correct the file, or allow more with --max-bad-records (now 0)
      """),
    Case(
      "a question twice", "cat questions.jsonl questions.jsonl | shuffle-r1 evaluate --model model --prompts -",
      """
      shuffle-r1: error: standard input:5:1: the prompt 'a' has occurred before; give each prompt its own id; correct the file, or allow more with --max-bad-records (now 0)
      """),
    Case(
      "no prompts", "shuffle-r1 evaluate --model model --prompts - < /dev/null",
      "shuffle-r1: error: standard input holds no prompts; check that the right file was named"),
    Case(
      "prompts that are not there", "shuffle-r1 evaluate --model model --prompts nowhere.jsonl",
      "shuffle-r1: error: cannot open nowhere.jsonl: no such file; check the path"),
    Case(
      "a model that is not there", "shuffle-r1 evaluate --model nowhere --prompts questions.jsonl",
      "shuffle-r1: error: nowhere has no config.json; it must be the folder of a model"),
    Case(
      "a reward that nobody knows", "\(evaluate) --reward boxed", status: 2,
      """
      shuffle-r1: error: --reward:1:1: unknown reward 'boxed'. Known reward functions: \
      \((try? Registry.standard().names(of: .reward).joined(separator: ", ")) ?? "")
      """),
    Case(
      "an option that the reward does not have", #"\#(evaluate) --reward numeric --with '{"tolerance": 1}'"#, status: 2,
      """
      shuffle-r1: error: --with:1:2: unknown option 'tolerance'; the options here are: extract, absolute_tolerance, \
      relative_tolerance, percent, text, thought
      """),
    Case(
      "a score that the reward does not give", "\(evaluate) --score acuracy", status: 2,
      """
      shuffle-r1: error: --score: nothing gives the score 'acuracy'; did you mean 'accuracy'? Scores: accuracy, reward
      """),
    Case(
      "a spec that scores nothing",
      #"echo '{"source": {"rollouts": "x", "provides": ["reward"]}, "stages": ["advantage"]}' > s.json; "#
        + "\(evaluate) --spec s.json; r=$?; rm s.json; exit $r", status: 2,
      """
      shuffle-r1: error: s.json has no stage that writes 'reward' or 'rewards'; add a reward stage, or name a function \
      with --reward
      """),
    Case(
      "a spec and a reward", "\(evaluate) --spec s.json --reward exact \(first)", status: 2,
      "Error: --spec says how to score; leave out --reward and --with"),
    Case(
      "an output that is there", "\(evaluate) --output image.png",
      "shuffle-r1: error: image.png exists already; name another file, or say --force to replace it"),
    Case(
      "responses where the report goes", "\(evaluate) --output - \(first)", status: 2,
      "Error: --output names standard output, where the report goes; name a file"),
    Case(
      "responses longer than the context", "\(evaluate) --max-tokens 256", status: 2,
      """
      shuffle-r1: error: responses of 256 tokens leave no room for a prompt in the model's context of 256; lower \
      --max-tokens
      """),
    Case(
      "greedy at a temperature", "\(evaluate) --greedy --temperature 1 \(first)", status: 2,
      "Error: --greedy and --temperature exclude each other; give one of them"),
    Case(
      "many greedy samples", "\(evaluate) --greedy --samples 8 \(first)", status: 2,
      "Error: --greedy gives the same response every time; leave out --samples"),
    Case(
      "many samples at temperature 0", "\(evaluate) --temperature 0 \(first)", status: 2,
      "Error: a temperature of 0 gives the same response every time; say --greedy, or give --samples 1"),
    Case(
      "no samples", "\(evaluate) --samples 0 \(first)", status: 2, "Error: --samples is 0, it must lie in 1…65536"),
    Case("no questions", "\(evaluate) --limit 0 \(first)", status: 2, "Error: --limit is 0, it must be at least 1"),
    Case(
      "a share above one", "\(evaluate) --top-p 1.5 \(first)", status: 2,
      "Error: --top-p is 1.5, it must lie above 0 and up to 1"),
  ]

  @Test("what is wrong is said before anything is generated or written", arguments: wrong)
  func wrongLines(_ wrong: Case) throws { try wrong.check(in: sandbox) }
}
