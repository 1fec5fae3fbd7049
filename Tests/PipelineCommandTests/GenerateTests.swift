// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import Testing

@Suite("generate and logprobs", .timeLimit(.minutes(15)), .ownThreads)
struct GenerateTests {
  let sandbox: Sandbox

  init() throws { sandbox = try Sandbox.withModel() }

  private static let generate = "shuffle-r1 generate --model model --max-tokens 24"

  @Test("each rollout is its prompt's record, with what was sampled")
  func rollouts() throws {
    let outcome = try sandbox.run("\(Self.generate) --n 2 < prompts.jsonl")
    #expect(outcome.status == 0)
    #expect(
      outcome.errors.wholeMatch(of: #/generate: 3 prompts, 6 rollouts, \d+ tokens, \d+ tokens\/s\n/#) != nil)
    let lines = outcome.output.split(separator: "\n")
    #expect(
      lines[0].hasPrefix(#"{"id":"plain/0","prompt":"How many?","answer":25,"theirs":{"kept": [1e3, "\u00e9"]},"#))
    let records = try sandbox.records(outcome.output)
    #expect(
      records.map { $0["id"]?.stringValue } == ["plain/0", "plain/1", "one/0", "one/1", "pair/0", "pair/1"])
    #expect(records.map { $0["group"]?.stringValue } == ["plain", "plain", "one", "one", "pair", "pair"])
    for record in records {
      let tokens = record.numbers("tokens")
      #expect(tokens.count == record.numbers("logprobs").count)
      #expect(record.numbers("logprobs").allSatisfy { $0 < 0 })
      #expect(record["response"]?.stringValue != nil)
      #expect(["stop", "length"].contains(record["finish"]?.stringValue))
      #expect(tokens.count == 24 || record["finish"] == "stop")
      #expect(record["sampling"]?["max_tokens"] == 24)
      #expect(record["sampling"]?["temperature"]?.doubleValue == 1)
    }
    #expect(Set(records.map { $0["sampling"]?["seed"] }).count == 6)
    #expect(Set(records.map { $0["tokens"] }).count == 6)
    // 24 x 16 pixels in patches of 4, four of which make a token: 6 for each image.
    #expect(records[4].numbers("prompt_tokens").count { $0 == 302 } == 12)
  }

  @Test("the log-probabilities of what was sampled are those of generation", arguments: ["1", "0.5", "0"])
  func agreement(_ temperature: String) throws {
    try sandbox.output(
      """
      \(Self.generate) -q --n 3 --temperature \(temperature) --top-p 0.9 < prompts.jsonl > out.jsonl
      shuffle-r1 logprobs --model model -q --field ref_logprobs out.jsonl -o scored.jsonl
      """)
    let bound = try sandbox.logProbBound("shuffle-r1 logprobs --model model -q out.jsonl")
    for record in try sandbox.records(in: "scored.jsonl") {
      for (sampled, given) in zip(record.numbers("logprobs"), record.numbers("ref_logprobs")) {
        #expect(abs(sampled - given) < bound)
      }
      #expect(record.numbers("ref_logprobs").count == record.numbers("tokens").count)
    }
    #expect(sandbox.text("scored.jsonl").split(separator: "\n").count == 9)
  }

  @Test("the same bytes on any number of threads and from any input", arguments: ["1", "2", "7"])
  func threads(_ threads: String) throws {
    try sandbox.output(
      """
      \(Self.generate) -q --n 5 prompts.jsonl > one
      \(Self.generate) -q --n 5 --threads \(threads) < <(cat prompts.jsonl) > two
      shuffle-r1 logprobs --model model -q --field old_logprobs one > scored
      shuffle-r1 logprobs --model model -q --field old_logprobs --threads \(threads) < one > again
      """)
    #expect(sandbox.text("one").split(separator: "\n").count == 15)
    #expect(sandbox.text("two") == sandbox.text("one"))
    #expect(sandbox.text("scored").contains("\"old_logprobs\":["))
    #expect(sandbox.text("again") == sandbox.text("scored"))
  }

  @Test("another seed draws otherwise; another prompt more changes nothing else")
  func seeds() throws {
    try sandbox.write("more.jsonl", #"{"id":"new","prompt":"First of all"}"# + "\n" + Sandbox.prompts)
    try sandbox.output(
      """
      \(Self.generate) -q --n 2 prompts.jsonl > one; \(Self.generate) -q --n 2 more.jsonl > more
      \(Self.generate) -q --n 2 --seed 2 prompts.jsonl > other; \(Self.generate) -q --n 4 prompts.jsonl > four
      \(Self.generate) -q --n 2 --batch-groups 1 prompts.jsonl > single
      """)
    let one = try sandbox.records(in: "one")
    let tokens = one.map { $0["tokens"] }
    #expect(try sandbox.records(in: "more").dropFirst(2).map { $0["tokens"] } == tokens)
    #expect(try sandbox.records(in: "single").map { $0["tokens"] } == tokens)
    let four = try sandbox.records(in: "four").filter { ["0", "1"].contains($0["id"]?.stringValue?.suffix(1)) }
    #expect(four.map { $0["tokens"] } == tokens)
    #expect(try zip(sandbox.records(in: "other"), tokens).allSatisfy { $0["tokens"] != $1 })
  }

  @Test("stop texts and stop tokens end a response, the shortest length holds them back")
  func stops() throws {
    try sandbox.output("\(Self.generate) -q --n 4 prompts.jsonl > free")
    let free = try sandbox.records(in: "free")
    let token = Int(free[0].numbers("tokens")[5])
    try sandbox.output(
      """
      \(Self.generate) -q --n 4 --stop-token \(token) prompts.jsonl > stopped
      \(Self.generate) -q --n 4 --stop-token \(token) --min-tokens 24 prompts.jsonl > long
      \(Self.generate) -q --n 4 --stop 'e' --stop 's' prompts.jsonl > texts
      """)
    let stopped = try sandbox.records(in: "stopped")[0]
    #expect(stopped["finish"] == "stop")
    #expect(stopped["sampling"]?["stop_tokens"] == .array([.number(token)]))
    #expect(stopped.numbers("tokens") == Array(free[0].numbers("tokens")[...5]))
    #expect(try sandbox.records(in: "long").allSatisfy { $0.numbers("tokens").count == 24 })
    let texts = try sandbox.records(in: "texts")
    #expect(texts.contains { $0["finish"] == "stop" && $0["sampling"]?["stop"] == ["e", "s"] })
    for (text, free) in zip(texts, free) {
      let holdsStop = text["response"]?.stringValue?.utf8.contains { "es".utf8.contains($0) } == true
      let hasEnded = [290, 292].contains(text.numbers("tokens").last)
      #expect((holdsStop || hasEnded) == (text["finish"] == "stop"))
      #expect(free.numbers("tokens").starts(with: text.numbers("tokens")))
    }
  }

  @Test("prompts and responses that are tokens need no tokenizer")
  func tokens() throws {
    try sandbox.output(
      """
      \(Self.generate) -q --n 2 prompts.jsonl > one; rm model/tokenizer.json
      sed 's/"prompt":[^_]*,"group"/"group"/; s/"response":"[^"]*",//' one | grep '^{"id":"plain/0' > tokens.jsonl
      sed 's/"id":"plain.0"/"id":"plain"/; s/"tokens.*/"images":[]}/' tokens.jsonl > prompt.jsonl
      """)
    let bare = try sandbox.output("\(Self.generate) -q --n 2 prompt.jsonl")
    let (made, before) = (try sandbox.records(bare), try sandbox.records(in: "one"))
    #expect(made.map { $0["tokens"] } == before.prefix(2).map { $0["tokens"] })
    #expect(made.allSatisfy { $0["response"] == nil })
    let scored = try sandbox.output("shuffle-r1 logprobs -q --model model --field old_logprobs tokens.jsonl")
    let bound = try sandbox.logProbBound("shuffle-r1 logprobs -q --model model tokens.jsonl")
    for (a, b) in zip(try sandbox.records(scored)[0].numbers("old_logprobs"), before[0].numbers("logprobs")) {
      #expect(abs(a - b) < bound)
    }
    try Case(
      "prompts in words", "\(Self.generate) prompts.jsonl", prints: true,
      """
      warning: prompts.jsonl:1:1: model has no tokenizer; add tokenizer.json, or vocab.json and merges.txt, or give \
      records 'prompt_tokens' and 'tokens'; the record is left out
      warning: prompts.jsonl:2:1: model has no tokenizer; add tokenizer.json, or vocab.json and merges.txt, or give \
      records 'prompt_tokens' and 'tokens'; the record is left out
      warning: prompts.jsonl:3:1: model has no tokenizer; add tokenizer.json, or vocab.json and merges.txt, or give \
      records 'prompt_tokens' and 'tokens'; the record is left out
      warning: further bad records are only counted
      shuffle-r1: error: prompts.jsonl:1:1: no prompt of the input can be used (3 bad); the first: model has no \
      tokenizer; add tokenizer.json, or vocab.json and merges.txt, or give records 'prompt_tokens' and 'tokens'
      """
    ).check(in: sandbox)
    try Case(
      "a stop text", "\(Self.generate) --stop x prompts.jsonl", status: 2,
      "shuffle-r1: error: the model has no tokenizer to find stop texts with; name stop tokens instead"
    ).check(in: sandbox)
  }

  @Test("responses in words are tokenised, with the end token unless they were cut")
  func words() throws {
    try sandbox.write(
      "words.jsonl",
      #"""
      {"id":"a/0","group":"a","prompt":"How many?","response":"is in the"}
      {"id":"a/1","group":"a","prompt":"How many?","response":"is in the","finish":"length","sampling":{"top_p":0.9}}

      """#)
    let outcome = try sandbox.run("shuffle-r1 logprobs --model model --temperature 0.7 words.jsonl")
    #expect(outcome.errors == "logprobs: 2 trajectories, 9 tokens\n")
    let records = try sandbox.records(outcome.output)
    #expect(records[0].numbers("tokens").last == 292)
    #expect(Array(records[0].numbers("tokens").dropLast()) == records[1].numbers("tokens"))
    // The end token's row makes the products of the first response another shape, so their sums another order.
    let (whole, cut) = (records[0].numbers("logprobs"), records[1].numbers("logprobs"))
    let bound = try sandbox.logProbBound("shuffle-r1 logprobs --model model --temperature 0.7 -q words.jsonl")
    #expect(whole.count == cut.count + 1)
    #expect(zip(whole, cut).allSatisfy { abs($0 - $1) < bound })
    // Even a temperature that is wrong by a hundredth shows.
    let fault = try sandbox.output("shuffle-r1 logprobs --model model --temperature 0.707 -q words.jsonl")
    #expect(zip(whole, try sandbox.records(fault)[0].numbers("logprobs")).contains { abs($0 - $1) > 10 * bound })
    #expect(records[0]["sampling"] == ["temperature": 0.7])
    #expect(records[1]["sampling"] == ["temperature": 0.7, "top_p": 0.9])
    try sandbox.write("again.jsonl", outcome.output)
    let again = try sandbox.run("shuffle-r1 logprobs --model model --temperature 1.5 again.jsonl")
    #expect(again.errors == "logprobs: 2 trajectories, 9 tokens; sampled at another temperature than 1.5: 2\n")
  }

  @Test("what is wrong with a record is said with its line, and the others go on")
  func badRecords() throws {
    try sandbox.write(
      "bad.jsonl",
      #"""
      {"id":"a","prompt":[{"role":"user","content":[{"type":"image","image":"torn.png"}]}]}
      {"id":"b","prompt":"How many?"}
      {"id":"b","prompt":"again"}
      {"id":"c","prompt_tokens":[302,5]}
      {"id":"d","prompt_tokens":[5,999]}

      """#)
    try sandbox.output("head -c 60 image.png > torn.png")
    let outcome = try sandbox.run("\(Self.generate) bad.jsonl --bad-records bad 2> >(head -4 >&2)")
    #expect(outcome.status == 0)
    #expect(try sandbox.records(outcome.output).map { $0["id"]?.stringValue } == ["b/0"])
    #expect(
      try sandbox.records(in: "bad").map { "\($0["line"]?.intValue ?? 0): \($0["reason"]?.stringValue ?? "")" } == [
        "3: the prompt 'b' has occurred before; give each prompt its own id",
        "1: torn.png: the PNG image is damaged: it ends early; replace the file",
        "4: the prompt has 1 image tokens (id 302), but its 0 images have 0",
        "5: token 1 of the prompt is 999, it must be in 0..<320",
      ])
    try Case(
      "too many", "\(Self.generate) -q --max-bad-records 1 bad.jsonl",
      """
      shuffle-r1: error: bad.jsonl:3:1: the prompt 'b' has occurred before; give each prompt its own id (the first of 2 \
      bad records); correct the file, or allow more with --max-bad-records (now 1)
      """
    ).check(in: sandbox)
  }

  @Test("images start from the folder of the file that names them, and are named so that they are found again")
  func folders() throws {
    try sandbox.output(
      """
      \(Self.generate) -q prompts.jsonl > one; mkdir deep; mv prompts.jsonl image.png deep
      \(Self.generate) -q deep/prompts.jsonl > named; cd deep
      shuffle-r1 generate --model ../model --max-tokens 24 -q < prompts.jsonl > ../read
      """)
    #expect(sandbox.text("one").split(separator: "\n").count == 3)
    #expect(sandbox.text("named") == sandbox.text("one"))
    #expect(sandbox.text("read") == sandbox.text("one"))
    try sandbox.output(
      """
      \(Self.generate) -q deep/prompts.jsonl -o out.jsonl; mkdir runs
      \(Self.generate) -q deep/prompts.jsonl -o runs/out.jsonl
      shuffle-r1 logprobs --model model -q out.jsonl -o from-here.jsonl
      shuffle-r1 logprobs --model model -q --image-root deep runs/out.jsonl -o from-there.jsonl
      """)
    #expect(sandbox.text("out.jsonl").contains(#""image":"deep/image.png""#))
    #expect(sandbox.text("runs/out.jsonl").contains(#""image":"../deep/image.png""#))
    #expect(
      sandbox.text("from-there.jsonl").replacing("runs/../", with: "") == sandbox.text("from-here.jsonl"))
  }

  @Test("sizes of images: by the part, by --max-pixels, and by a policy's options; wrong ones are bad records")
  func sizes() throws {
    func line(_ id: String, _ details: String) -> String {
      #"{"id":"\#(id)","prompt":[{"role":"user","content":[{"type":"image","image":"image.png"\#(details)},{"type":"text","text":"?"}]}]}"#
        + "\n"
    }
    try sandbox.write("sizes.jsonl", line("a", "") + line("b", #","max_pixels":64"#) + line("c", #","max_pixels":0"#))
    func tokens(_ command: String) throws -> [Int] {
      let run = try sandbox.run(command)
      #expect(run.status == 0, "\(run.errors)")
      #expect(run.errors.contains("'max_pixels' is 0, it must be a whole number in 1…2147483648"))
      return try sandbox.records(run.output).map { $0.numbers("prompt_tokens").count { $0 == 302 } }
    }
    let plain = try tokens("\(Self.generate) sizes.jsonl")
    #expect(plain == [6, 1])
    #expect(try tokens("\(Self.generate) --max-pixels 256 sizes.jsonl") == [2, 1])
    #expect(
      try tokens(
        #"shuffle-r1 generate --max-tokens 24 --policy '{"use":"bundled","with":{"model":"model","max_pixels":256}}' sizes.jsonl"#
      ) == [2, 1])
    let refused = try sandbox.run("\(Self.generate) --server http://127.0.0.1:1/v1 --max-pixels 256 sizes.jsonl")
    #expect(refused.status == 2)
    #expect(
      refused.errors.contains(
        "--max-pixels does not go with --server: the server prepares images; set its limits there"))
  }

  @Test("a prompt that is too long is an error, left out, or cut, but not in its images")
  func tooLong() throws {
    let text = String(repeating: "How many circles are in the image? ", count: 30)
    try sandbox.write(
      "long.jsonl",
      #"{"id":"a","prompt":[{"role":"user","content":[{"type":"image","image":"image.png"},{"type":"text","text":"\#(text)"}]}]}"#
        + "\n" + #"{"id":"b","prompt":"How many?"}"# + "\n")
    let error = try sandbox.run("\(Self.generate) long.jsonl")
    #expect(error.status == 0)
    #expect(error.errors.contains("; the model's context of 256 has room for 232 beside a response of 24; shorten it"))
    #expect(error.errors.contains("; bad records: 1\n"))
    let skip = try sandbox.run("\(Self.generate) --too-long skip --max-bad-records 0 long.jsonl")
    #expect(skip.status == 0)
    #expect(try sandbox.records(skip.output).map { $0["id"]?.stringValue } == ["b/0"])
    #expect(skip.errors.hasSuffix("; too long, left out: 1\n"))
    let cut = try sandbox.run("\(Self.generate) --too-long cut --n 2 --max-bad-records 0 long.jsonl")
    #expect(cut.status == 0)
    #expect(cut.errors.hasSuffix("; too long, cut: 1\n"))
    let records = try sandbox.records(cut.output)
    #expect(records.count == 4)
    #expect(records[0].numbers("prompt_tokens").count == 232)
    #expect(records[0].numbers("prompt_tokens").count { $0 == 302 } == 6)
    try sandbox.write("cut.jsonl", cut.output)
    #expect(try sandbox.run("shuffle-r1 logprobs --model model --max-bad-records 0 cut.jsonl").status == 0)
  }

  @Test("Ctrl-C keeps what is complete", arguments: ["", "--output out.jsonl"])
  func interrupted(_ output: String) throws {
    let lines = (0..<3000).map { #"{"id":"p\#($0)","prompt":"How many circles are there in image \#($0)?"}"# }
    try sandbox.write("many.jsonl", lines.joined(separator: "\n") + "\n")
    let command = "shuffle-r1 generate --model model --max-tokens 100 --batch-groups 1 many.jsonl"
    try sandbox.output(
      "head -2 many.jsonl | shuffle-r1 generate --model model --max-tokens 100 -q --batch-groups 1 > two")
    let program = try sandbox.start("exec \(command) \(output)")
    // However slow the machine is, the first two batches are written by then.
    let enough = sandbox.bytes("two").count
    for _ in 0..<600 {
      let printed = FileManager.default.contents(atPath: program.output) ?? Data()
      let hidden = sandbox.tree().filter { $0.key.hasSuffix(".partial") }.values.map(\.count).max() ?? 0
      if max(printed.count, hidden) >= enough { break }
      Thread.sleep(forTimeInterval: 0.1)
    }
    program.send(SIGINT)
    let outcome = try program.wait()
    #expect(outcome.status == 130)
    let text = output.isEmpty ? outcome.output : sandbox.text("out.jsonl")
    #expect(text.hasPrefix(sandbox.text("two")))
    #expect(text.hasSuffix("}\n"))
    #expect(try sandbox.records(text).count < 3000)
    #expect(outcome.errors.hasSuffix("shuffle-r1: interrupted\n"))
    #expect(!sandbox.tree().keys.contains { $0.hasSuffix(".partial") })
  }

  @Test("kernels that this machine does not have are refused")
  func kernels() throws {
    let plain = try sandbox.output("SHUFFLE_R1_KERNELS=portable \(Self.generate) -q prompts.jsonl")
    #expect(plain.split(separator: "\n").count == 3)
    let outcome = try sandbox.run("SHUFFLE_R1_KERNELS=sse9 \(Self.generate) prompts.jsonl")
    #expect(outcome.status == 2)
    #expect(
      outcome.errors.hasPrefix(
        "shuffle-r1: error: SHUFFLE_R1_KERNELS is 'sse9', but this machine's kernels are portable"))
  }

  static let wrong: [Case] = [
    Case(
      "no model", "shuffle-r1 generate prompts.jsonl 2>&1 | head -1 >&2; exit ${PIPESTATUS[0]}", status: 2,
      "Error: name a model: --model DIR, or --server URL --model NAME"),
    Case(
      "a model that is not there", "shuffle-r1 generate --model nowhere prompts.jsonl",
      "shuffle-r1: error: nowhere has no config.json; it must be the folder of a model"),
    Case(
      "prompts that are not there", "shuffle-r1 generate --model model nowhere.jsonl",
      "shuffle-r1: error: cannot open nowhere.jsonl: no such file; check the path"),
    Case(
      "a temperature below zero", "\(generate) --temperature -1 2>&1 | head -1 >&2; exit ${PIPESTATUS[0]}", status: 2,
      "Error: --temperature is -1.0, it must be 0 or more"),
    Case(
      "a share above one", "\(generate) --top-p 1.5 2>&1 | head -1 >&2; exit ${PIPESTATUS[0]}", status: 2,
      "Error: --top-p is 1.5, it must lie above 0 and up to 1"),
    Case(
      "no rollouts", "\(generate) --n 0 2>&1 | head -1 >&2; exit ${PIPESTATUS[0]}", status: 2,
      "Error: --n is 0, it must lie in 1…65536"),
    Case(
      "a policy that nobody knows", "\(generate) --too-long trim 2>&1 | head -1 >&2; exit ${PIPESTATUS[0]}", status: 2,
      "Error: The value 'trim' is invalid for '--too-long <policy>'. Please provide one of 'error', 'skip' or 'cut'."
    ),
    Case(
      "responses longer than the context", "shuffle-r1 generate --model model --max-tokens 256 prompts.jsonl",
      status: 2,
      """
      shuffle-r1: error: responses of 256 tokens leave no room for a prompt in the model's context of 256; lower \
      --max-tokens
      """),
    Case(
      "a stop token that the model does not have", "\(generate) --stop-token 320 prompts.jsonl", status: 2,
      "shuffle-r1: error: the stop token 320 is none of the model's, whose ids lie in 0..<320"),
    Case(
      "an output that is there", "\(generate) prompts.jsonl --output image.png",
      "shuffle-r1: error: image.png exists already; name another file, or say --force to replace it"),
    Case(
      "greedy log-probabilities",
      "shuffle-r1 logprobs --model model --temperature 0 2>&1 | head -1 >&2; exit ${PIPESTATUS[0]}", status: 2,
      "Error: --temperature is 0.0, it must be above 0"),
    Case(
      "a field for something else",
      "shuffle-r1 logprobs --model model --field reward 2>&1 | head -1 >&2; exit ${PIPESTATUS[0]}", status: 2,
      """
      Error: The value 'reward' is invalid for '--field <field>'. Please provide one of 'logprobs', 'old_logprobs' \
      or 'ref_logprobs'.
      """),
    Case(
      "nothing to score", #"echo '{"id":"a/0","group":"a","prompt":"p"}' | shuffle-r1 logprobs -q --model model"#,
      """
      shuffle-r1: error: standard input:1:1: no trajectory of the input can be used (1 bad); the first: the record has \
      neither 'tokens' nor 'response'
      """),
    Case(
      "a token that the model does not have",
      #"echo '{"id":"a/0","group":"a","prompt":"p","tokens":[320]}' | shuffle-r1 logprobs -q --model model"#,
      """
      shuffle-r1: error: standard input:1:1: no trajectory of the input can be used (1 bad); the first: the response \
      holds the token id 320, but the vocabulary ends at 319
      """),
  ]

  @Test("what is wrong is said, and nothing is written", arguments: wrong)
  func wrongLines(_ wrong: Case) throws { try wrong.check(in: sandbox) }
}
