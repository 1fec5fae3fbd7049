// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineIO
import Testing

@Suite("convert", .timeLimit(.minutes(15)), .ownThreads)
struct ConvertTests {
  let sandbox: Sandbox
  private static let names = FormatCatalog.standard.names
  private static let fixtures = Program.package.appendingPathComponent("Tests/PipelineIOTests/Formats/Fixtures").path

  init() throws { sandbox = try Sandbox() }

  @Test("every format to every other, and what that gives can be read again", arguments: names)
  func everyFormat(_ from: String) throws {
    let outcome = try sandbox.run(
      """
      for to in \(Self.names.joined(separator: " ")); do
        shuffle-r1 convert -q --from \(from) --to $to '\(Self.fixtures)/\(from).jsonl' $to.jsonl || echo to $to: $?
        [ -s $to.jsonl ] || echo nothing in $to
        shuffle-r1 convert -q --from $to $to.jsonl $to.back || echo from $to: $?
        grep -q '"id":' $to.back || echo no ids from $to
      done
      """)
    #expect(outcome.errors == "")
    #expect(outcome.output == "")
  }

  @Test("the format is found out", arguments: names)
  func detects(_ format: String) throws {
    let path = "'\(Self.fixtures)/\(format).jsonl'"
    #expect(
      try sandbox.output("shuffle-r1 convert -q \(path) -")
        == sandbox.output("shuffle-r1 convert -q --from \(format) - - < \(path)"))
  }

  @Test("what a format has no place for is listed, and a round trip keeps the rest")
  func losses() throws {
    let outcome = try sandbox.run("shuffle-r1 convert --to verl '\(Self.fixtures)/shuffle-r1.jsonl' out.jsonl")
    #expect(outcome.status == 0)
    #expect(
      outcome.errors == """
        shuffle-r1 → verl: 2 records in 1 group, 2 lines written
        lost, since verl has no place for it:
          prompt (1): verl keeps text: messages were rendered with the ChatML template
          prompt.image (1): verl keeps text: image addresses have no place in it
          finish (1): verl has no place for it
          tokens (1): verl has no place for it
          logprobs (1): verl has no place for it
          sampling (1): verl has no place for it
          reward_status (1): verl has no place for it
          advantage (1): verl has no place for it
          pair (1): verl has no place for it
          draws (1): verl has no place for it
          policy_version (1): verl has no place for it
          id (1): verl has no ids: the next import makes GROUP/INDEX of them
          extra.input (1): verl uses the name for something else

        """)
    try sandbox.output(
      "shuffle-r1 convert -q out.jsonl back.jsonl; shuffle-r1 convert -q --to verl back.jsonl again.jsonl")
    #expect(sandbox.text("again.jsonl") == sandbox.text("out.jsonl"))
  }

  @Test("bare NaN becomes null and is counted; nothing is ever written that is no JSON")
  func notANumber() throws {
    let outcome = try sandbox.run("shuffle-r1 convert '\(Self.fixtures)/verl.jsonl' -")
    #expect(
      outcome.errors == """
        verl → shuffle-r1: 8 records in 4 groups, 8 lines written
        note: group sizes differ: 1 group of 1, 2 groups of 2, 1 group of 3
        note: NaN or Infinity became null in 1 line

        """)
    #expect(!outcome.output.contains("NaN"))
    for line in outcome.output.split(separator: "\n") {
      #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(line.utf8)) }
    }
  }

  @Test("several files, standard streams, and compression by the ending")
  func streams() throws {
    try sandbox.write("scored.jsonl", Samples.scored)
    try sandbox.write("more.jsonl", Samples.record("x", "h"))
    try sandbox.output(
      """
      shuffle-r1 convert -q scored.jsonl more.jsonl both.jsonl.gz
      cat scored.jsonl more.jsonl | shuffle-r1 convert -q - - > piped.jsonl
      gzip -dc both.jsonl.gz > both.jsonl; cmp both.jsonl piped.jsonl
      shuffle-r1 convert -q both.jsonl.gz both.jsonl.zst; shuffle-r1 convert -q - - < both.jsonl.zst | cmp - both.jsonl
      """)
    #expect(sandbox.text("both.jsonl") == Samples.scored + Samples.record("x", "h"))
  }

  static let refused: [Case] = [
    Case(
      "not lines of the format that was named", "shuffle-r1 convert -q --from trl --max-bad-records 0 scored.jsonl out",
      """
      shuffle-r1: error: scored.jsonl:1:1: 'completion' is missing, every line of trl has it; correct the file, or allow more with --max-bad-records (now 0)
      """),
    Case(
      "not one line of the format that was named", "shuffle-r1 convert -q --from trl scored.jsonl out",
      """
      shuffle-r1: error: scored.jsonl:1:1: no line of scored.jsonl can be used (24 bad); the first: 'completion' is \
      missing, every line of trl has it
      """),
    Case(
      "lines of no format", "shuffle-r1 convert who.jsonl out",
      """
      shuffle-r1: error: who.jsonl:1:1: no known format has lines like these (a, b); name one with --from, or as 'format' in a spec's source: \
      shuffle-r1, verl, trl, ms-swift, roll, verifiers, open-instruct, trinity, openai-chat, easyr1-dataset, \
      verl-dataset, alpaca, sharegpt
      """),
    Case(
      "nothing in it", "shuffle-r1 convert /dev/null out",
      "shuffle-r1: error: /dev/null contains no rollouts; check that the right file was named"),
  ]

  @Test("what cannot be converted is refused, and makes no file", arguments: refused)
  func refuses(_ refused: Case) throws {
    try sandbox.write("scored.jsonl", Samples.scored)
    try sandbox.write("who.jsonl", #"{"a": 1, "b": 2}"# + "\n")
    try refused.check(in: sandbox)
  }

  @Test("--group-by makes groups of fields")
  func groupBy() throws {
    try sandbox.write("scored.jsonl", Samples.scored)
    let outcome = try sandbox.run("shuffle-r1 convert --group-by prompt,response scored.jsonl out.jsonl")
    #expect(outcome.errors == "shuffle-r1 → shuffle-r1: 24 records in 1 group, 24 lines written\n")
  }
}
