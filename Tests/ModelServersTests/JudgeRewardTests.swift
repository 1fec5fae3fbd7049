// SPDX-License-Identifier: Apache-2.0
import FakeServer
import Foundation
import JudgePlugin
import ModelServers
import OpenAIPlugin
import PipelineCore
import PipelineTesting
import Testing

@Suite("judge", .timeLimit(.minutes(15)))
struct JudgeRewardTests {
  let server: FakeServer

  init() throws { server = try FakeServer() }

  private func judge(_ change: (inout JudgeReward.Options) -> Void = { _ in }) -> JudgeReward {
    var options = JudgeReward.Options()
    (options.url, options.model) = (server.url, "judge")
    (options.backoffSeconds, options.retries) = (0.001, 1)
    change(&options)
    return JudgeReward(options: options, assembly: .empty)
  }

  private func rollout(_ response: String, id: String = "a/0", answer: String = "3") -> Trajectory {
    Trajectory(
      id: id, group: "a", fields: [.prompt: "What is 1 + 2?", .answer: .string(answer), .response: .string(response)])
  }

  @Test("the last number that the judge says, on its scale, is the score; without one it abstains")
  func scores() async throws {
    let verdicts = try await judge().verdicts(
      on: [
        rollout("\\boxed{3}"), rollout("\\boxed{4}"), rollout("[unclear]"), rollout("[beyond]"), rollout("[refuse]"),
        Trajectory(id: "b", group: "b", fields: [.prompt: "p", .response: "r"]),
      ], in: StageContext(stage: "reward"))
    #expect(
      verdicts == [
        .scored(1), .scored(0.2), .unscored(.abstained, reason: "the judge gave no score: 'I cannot tell.'"),
        .unscored(.abstained, reason: "the judge said 11.0, which lies beyond 0.0…10.0"),
        .unscored(.failed, reason: "\(server.url) refuses the request (400: \"this prompt is not taken\")"),
        .unscored(.failed, reason: "has no 'answer'"),
      ])
  }

  @Test("a pattern or a member of JSON is read instead, a scale may fall")
  func readings() async throws {
    let pattern = judge {
      $0.score = .pattern("Score: ([0-9]+)")
      ($0.worst, $0.best) = (12, 2)
    }
    #expect(try await pattern.score(rollout("\\boxed{4}")) == .scored(1))
    let member = judge {
      $0.prompt = "{response} as JSON"
      $0.score = .member("score")
      $0.best = 1
    }
    #expect(try await member.score(rollout("x")) == .scored(0.75))
    #expect(try await member.score(rollout("[unclear]")) == .abstained("the judge gave no score: 'I cannot tell.'"))
  }

  @Test("the same question is asked once")
  func once() async throws {
    let scratch = try Scratch()
    let same = (0..<8).map { rollout($0 < 6 ? "\\boxed{3}" : "\\boxed{\($0)}", id: "a/\($0)") }
    let context = StageContext(stage: "reward", cacheFolder: scratch.path)
    do {
      let verdicts = try await judge().verdicts(on: same, in: context)
      #expect(verdicts.count { $0 == .scored(1) } == 6)
    }
    #expect(try server.requests().count == 3)
    #expect(try await judge().verdicts(on: same, in: context).count { $0 == .scored(0.2) } == 2)
    #expect(try server.requests().count == 3)
    #expect(scratch.text("judge.jsonl").split(separator: "\n").count == 3)
  }

  @Test("braces in a response name no field; other braces stay; any field may be named")
  func template() async throws {
    let judge = judge { $0.prompt = #"{"kind": "{kind}", "text": "{response}"} {x y} as JSON"# }
    #expect(judge.reads == [Field("kind"), .response])
    var record = rollout("{answer} {secret}")
    record.set(Field("kind"), to: 7)
    _ = try await judge.score(record)
    let scratch = try Scratch()
    try scratch.write("a.png", imageBytes)
    let seeing = self.judge { $0.images = .send }
    record.set(
      .prompt,
      to: [["role": "user", "content": [["type": "image", "image": .string(scratch.path + "/a.png")]]]])
    let context = StageContext(stage: "reward", media: MediaAccess(roots: [scratch.path]))
    _ = try await seeing.scores(of: [record], in: context)[0].get()
    #expect(try server.requests().count == 2)
  }

  @Test("what no repetition mends stops the run")
  func fatal() async throws {
    let nobody = judge { $0.model = "nobody" }
    await #expect(throws: PipelineError.self) {
      try await nobody.verdicts(on: [rollout("x")], in: StageContext(stage: "reward"))
    }
  }

  @Test("options that cannot work are found when the spec is checked")
  func problems() throws {
    var options = JudgeReward.Options()
    #expect(try options.allProblems().map(\.path) == ["url", "model"])
    (options.url, options.model) = ("https://host", "m")
    #expect(try options.allProblems().isEmpty)
    options.prompt = "Is {answer} right?"
    options.score = .pattern("(")
    options.best = 0
    #expect(try options.allProblems().map(\.path) == ["prompt", "score", "best"])
  }
}

@Suite("Reading a judge's score", .timeLimit(.minutes(15)))
struct ScoreReadingTests {
  @Test(
    "numbers",
    arguments: [
      ("Score: 7", 7), ("7/10", 10), ("I say 3. No, 4.5.", 4.5), ("-2", -2), ("1e1", 10), ("none", nil), ("", nil),
      ("Score: .5", 0.5),
    ] as [(String, Double?)])
  func numbers(_ text: String, _ number: Double?) { #expect(ScoreReading.lastNumber.number(in: text) == number) }

  @Test(
    "patterns",
    arguments: [
      ("(\\d+)/10", "3/10, then 7/10", 7), ("yes|no", "yes", nil), ("\\d+", "a 12", 12), ("(a)|(\\d)", "5", 5),
    ] as [(String, String, Double?)])
  func patterns(_ pattern: String, _ text: String, _ number: Double?) {
    #expect(ScoreReading.pattern(pattern).number(in: text) == number)
  }

  @Test(
    "members",
    arguments: [
      (#"{"score": 3}"#, 3), (#"```json\#n{"a": {"b": "}"}, "score": "4"}\#n```"#, 4), (#"{"score": null}"#, nil),
      (#"{"score": 1} or rather {"score": 2} {"other": 3}"#, 2), ("{", nil), ("{{{{", nil), (#"{"x": 1}"#, nil),
    ] as [(String, Double?)])
  func members(_ text: String, _ number: Double?) {
    #expect(ScoreReading.member("score").number(in: text) == number)
  }

  @Test("hostile texts cost little")
  func hostile() {
    let braces = String(repeating: "{", count: 1 << 20) + String(repeating: "}", count: 1 << 20)
    #expect(ScoreReading.member("score").number(in: braces) == nil)
    #expect(ScoreReading.lastNumber.number(in: String(repeating: "9", count: 1 << 20)) == nil)
    // Each of these would take longer than anybody waits.
    let letters = String(repeating: "a", count: 1 << 14)
    for pattern in ["(a|a)*b", "(.*)*z", "a*a*a*a*b"] {
      #expect(ScoreReading.pattern(pattern).number(in: letters) == nil)
    }
    #expect(ScoreReading.pattern("Score: ([0-9]+)").number(in: letters + " Score: 7") == 7)
    #expect(ScoreReading.pattern(".*? ([0-9]+)$").number(in: letters.prefix(1000) + " 7") == 7)
  }
}
