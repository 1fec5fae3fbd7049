// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import Testing

@Suite("reward and reward-diff", .timeLimit(.minutes(15)), .ownThreads)
struct RewardCommandTests {
  let sandbox: Sandbox

  init() throws {
    sandbox = try Sandbox()
    try sandbox.write("cases.jsonl", Self.cases)
    try sandbox.write("rollouts.jsonl", Self.rollouts)
  }

  private static let cases = #"""
    {"response": "\\boxed{1/2}", "answer": "0.5", "expected": true}
    {"id":"three","response": "so \\boxed{3}", "answer": "4", "expected": 1}

    {"response": "\\boxed{4}", "answer": 4, "expected": false}
    {"response": "\\boxed{4}", "answer": "", "expected": "abstained"}
    {"response": "\\boxed{4}", "answer": "", "expected": 1}
    {"response": "\\boxed{4}", "expected": "abstained"}

    """#

  private static let rollouts = #"""
    {"id":"a/0","group":"a","response":"\\boxed{5}","answer":"5","reward":0}
    {"id":"a/1","group":"a","response":"five is \\boxed{5.0}","answer":"5","reward":0}
    {"id":"a/2","group":"a","response":"\\boxed{6}","answer":"5","reward":0}
    {"id":"b/0","group":"b","response":"\\boxed{1}","answer":"1","reward":1}
    {"id":"b/1","group":"b","response":"\\boxed{1.0}","answer":"1"}

    """#

  @Test("cases that name another reward are passed over")
  func others() throws {
    try sandbox.write(
      "mixed.jsonl",
      #"""
      {"reward": "choice", "response": "B", "answer": "B", "expected": true}
      {"reward": "counting", "response": "no count, and no expectation"}
      {"reward": 0.5, "response": "(A) or (B)", "answer": "A", "expected": false}

      """#)
    let output = try sandbox.output("shuffle-r1 reward choice --cases mixed.jsonl")
    #expect(output.hasPrefix("choice on 2 cases"))
  }

  @Test("cases that are judged otherwise are listed, false positives first")
  func mismatches() throws {
    let outcome = try sandbox.run("shuffle-r1 reward boxed-answer --cases cases.jsonl")
    #expect(outcome.status == 1 && outcome.errors == "")
    #expect(
      outcome.output == #"""
        boxed-answer on 6 cases  cases.jsonl
          2 as expected, 33 %

        1 false positive  scored more than expected
          cases.jsonl:4  scored 1, expected 0
            response  \boxed{4}
            answer    4

        1 false negative  scored less than expected
          cases.jsonl:2  three  scored 0, expected 1
            response  so \boxed{3}
            answer    4

        1 case not scored  a score was expected
          cases.jsonl:6  abstained, expected 1
            response  \boxed{4}
            answer
            reason    the answer is empty

        1 case with another status  no score was expected, or another reason for none
          cases.jsonl:7  failed, expected abstained
            response  \boxed{4}
            reason    has no 'answer'

        """#)
  }

  @Test("cases that are judged as expected end with status 0; a tolerance is a tolerance; JSON is JSON")
  func good() throws {
    let line = #"echo '{"response":"3","answer":4,"expected":0.7}' | shuffle-r1 reward counting --with "#
    let options = #"'{"extract": "none", "partial": "relative"}' --cases -"#
    #expect(try sandbox.run("\(line) \(options)").status == 1)
    #expect(
      try sandbox.output("\(line) \(options) --tolerance 0.06")
        == "counting on 1 case  standard input\n  1 as expected, 100 %\n")
    #expect(try sandbox.output("\(line) \(options) --tolerance 0.06 -q") == "")
    let json = try JSONValue(parsing: sandbox.output("\(line) \(options) --json || true"))
    #expect(json["faults"]?["false_positive"] == 1 && json["as_expected"] == 0)
    #expect(json["mismatches"]?.arrayValue?.first?["verdict"] == ["score": 0.75])
  }

  @Test("what flips, and what that does to the groups")
  func difference() throws {
    let command =
      #"shuffle-r1 reward-diff '{"use":"exact","with":{"extract":"boxed"}}' boxed-answer --rollouts rollouts.jsonl"#
    let text = try sandbox.output(command)
    #expect(
      text.split(separator: "\n").contains { $0.hasPrefix("  judged otherwise  ") && $0.hasSuffix("2 of 5, 40 %") })
    #expect(text.contains("  a/1  scored 0 → scored 1  A -0.57"))
    let json = try JSONValue(parsing: sandbox.output(command + " --json"))
    #expect(json["flipped"] == 2 && json["advantages_turned"] == 1 && json["groups_losing_contrast"] == 1)
    #expect(json["flips"]?.arrayValue?.map { $0["id"] } == ["a/1", "b/1"])
    #expect(json["sides"]?.arrayValue?.map { $0["groups_with_contrast"] } == [2, 1])
  }

  @Test("saved rewards are a side of their own")
  func saved() throws {
    let command = "shuffle-r1 reward-diff saved boxed-answer --rollouts rollouts.jsonl --json"
    let json = try JSONValue(parsing: sandbox.output(command))
    #expect(json["sides"]?.arrayValue?[0]["statuses"]?["scored"] == 4)
    #expect(json["groups_gaining_contrast"] == 1 && json["flipped"] == 3)
    let verdicts = json["flips"]?.arrayValue?.last?["verdicts"]
    #expect(verdicts == [["status": "abstained", "reason": "the record carries no reward"], ["score": 1.0]])
  }

  @Test(
    "what is wrong is said",
    arguments: [
      Case(
        "a case without a verdict", #"echo '{"response":"x"}' | shuffle-r1 reward exact --cases -"#,
        "shuffle-r1: error: standard input:1:1: a case must say what is 'expected': a score, true, false, or abstained, "
          + "failed or timed_out"),
      Case(
        "a verdict that is none", #"echo '{"expected":"right"}' | shuffle-r1 reward exact --cases -"#,
        "shuffle-r1: error: standard input:1:1: 'expected' is \"right\"; it must be a score, true, false, or abstained, "
          + "failed or timed_out"),
      Case(
        "no JSON", #"printf '\n{"a":1\n' | shuffle-r1 reward exact --cases -"#,
        "shuffle-r1: error: standard input:2:7: not JSON: the text ends inside a value"),
      Case(
        "no cases", ": | shuffle-r1 reward exact --cases -",
        "shuffle-r1: error: standard input holds no cases; a case is a line such as {\"response\": …, \"answer\": …, "
          + "\"expected\": 1}"),
      Case(
        "no file", "shuffle-r1 reward exact --cases nowhere.jsonl",
        "shuffle-r1: error: cannot open nowhere.jsonl: no such file; check the path"),
      Case(
        "an unknown option", #"shuffle-r1 reward exact --with '{"extact":1}' --cases cases.jsonl"#, status: 2,
        "shuffle-r1: error: --with:1:2: unknown option 'extact'; did you mean 'extract'?"),
      Case(
        "a reward with more keys", #"shuffle-r1 reward-diff exact '{"use":"exact","wth":2}' --rollouts x"#, status: 2,
        "shuffle-r1: error: reward:1:16: unknown key 'wth'; a reward has 'use' and 'with'"),
      Case(
        "an empty file of rollouts",
        ": > empty; shuffle-r1 reward-diff exact exact --rollouts empty; s=$?; rm empty; exit $s",
        "shuffle-r1: error: empty holds no trajectories to judge; look at it with inspect"),
    ])
  func bad(_ wrong: Case) throws { try wrong.check(in: sandbox) }
}
