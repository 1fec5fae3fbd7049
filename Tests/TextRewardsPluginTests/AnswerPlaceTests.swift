// SPDX-License-Identifier: Apache-2.0
import MathAnswers
import PipelineCore
import PipelineTesting
import Testing
import TextRewardsPlugin

@Suite("Where an answer is looked for", .timeLimit(.minutes(15)))
struct AnswerPlaceTests {
  @Test(
    "boxed-answer keeps space between digits, and reads mixed numbers",
    arguments: [
      ("\\boxed{2 3}", "23", 0.0), ("\\boxed{1 1/2}", "1.5", 1.0), ("\\boxed{1 1/2}", "5.5", 0.0),
      ("\\boxed{3 1/4}", "3.25", 1.0), ("\\boxed{3 1/4}", "7.75", 0.0), ("\\boxed{1 2 3}", "123", 0.0),
      ("\\boxed{10 000}", "10000", 1.0), ("\\boxed{1\\,234}", "1234", 1.0), ("\\boxed{2\\quad 3}", "23", 0.0),
      ("\\boxed{2\\;3}", "23", 0.0), ("\\boxed{1\\frac{1}{2}}", "1.5", 1.0), ("\\boxed{1 \\frac{1}{2}}", "1.5", 1.0),
      ("\\boxed{２５}", "25", 1.0), ("\\boxed{**25**}", "25", 1.0), ("\\boxed{25。}", "25", 1.0),
      ("\\boxed{25.}", "25", 1.0), ("\\boxed{2\n3}", "23", 0.0), ("\\boxed{12 34}", "1234", 0.0),
      ("\\boxed{1~2}", "12", 0.0), ("\\boxed{2\\ 3}", "23", 0.0), ("\\boxed{x y}", "xy", 1.0),
    ] as [(String, String, Double)])
  func boxed(response: String, answer: String, score: Double) throws {
    let reward = BoxedAnswerReward(assembly: .plain())
    #expect(try reward.score(trajectory(response, answer: .string(answer))).score == score)
  }

  @Test(
    "contains finds whole numbers and whole words, also in scripts without space",
    arguments: [
      ("那是一只猫在睡觉", "猫", 1.0), ("12.5", "12", 0.0), ("12", "12", 1.0), ("12.", "12", 1.0),
      ("about 12, maybe", "12", 1.0), ("1,212", "212", 0.0), ("1,212", "1", 0.0), ("-12", "12", 0.0),
      ("3.12", "12", 0.0), ("12/5", "12", 0.0), ("A red cat.", "cat", 1.0), ("concatenate", "cat", 0.0),
      ("die Katze", "Katze", 1.0), ("これは猫です", "猫", 1.0), ("고양이가 있다", "고양이", 1.0),
      ("the **cat** sat", "cat sat", 1.0), ("１２", "12", 1.0), ("10-12", "12", 1.0), ("cats", "cat", 0.0),
      ("It is 12%", "12%", 1.0), ("猫狗", "狗", 1.0), ("über", "ber", 0.0), ("12 13", "12", 1.0),
      ("the  cat\nsat", "cat sat", 1.0), ("112", "12", 0.0), ("on 12,13 and 14", "12", 1.0), ("12:30", "12", 0.0),
    ] as [(String, String, Double)])
  func contains(response: String, answer: String, score: Double) throws {
    let reward = ContainsReward(assembly: .plain())
    #expect(try reward.score(trajectory(response, answer: .string(answer))).score == score)
  }

  @Test(
    "an answer in a thought counts, or does not, or a thought must be there",
    arguments: [
      ("<think>\\boxed{25}</think> so \\boxed{24}", 0.0, 0.0, 0.0),
      ("<think>\\boxed{24}</think> so \\boxed{25}", 1, 1, 1),
      ("<think>it is \\boxed{25}", 1, 0, 0), ("\\boxed{25}", 1, 1, 0), ("a thought </think> \\boxed{25}", 1, 1, 1),
      ("< think >\\boxed{25}< / think > no", 1, 0, 0), ("<think>a</think> \\boxed{25} <think>b", 1, 0, 1),
    ])
  func thought(response: String, counts: Double, ignored: Double, required: Double) throws {
    for (thought, score) in [(Thought.counts, counts), (.ignored, ignored), (.required, required)] {
      let boxed = with(BoxedAnswerReward.Options.self) { $0.thought = thought }
      #expect(try BoxedAnswerReward(options: boxed, assembly: .plain()).score(trajectory(response)).score == score)
      let numeric = with(NumericReward.Options.self) { ($0.thought, $0.extract) = (thought, .boxed) }
      #expect(try NumericReward(options: numeric, assembly: .plain()).score(trajectory(response)).score == score)
      let exact = with(ExactReward.Options.self) { ($0.thought, $0.extract) = (thought, .boxed) }
      #expect(try ExactReward(options: exact, assembly: .plain()).score(trajectory(response)).score == score)
      let counting = with(CountingReward.Options.self) { $0.thought = thought }
      #expect(try CountingReward(options: counting, assembly: .plain()).score(trajectory(response)).score == score)
      let contains = with(ContainsReward.Options.self) { ($0.thought, $0.extract) = (thought, .boxed) }
      #expect(try ContainsReward(options: contains, assembly: .plain()).score(trajectory(response)).score == score)
    }
  }

  @Test("any of a list of answers is right, for every reward that compares")
  func accepted() async throws {
    let rewards: [any RewardFunction] = [
      BoxedAnswerReward(assembly: .plain()), NumericReward(assembly: .plain()), CountingReward(assembly: .plain()),
      ContainsReward(assembly: .plain()),
      ExactReward(options: with(ExactReward.Options.self) { $0.extract = .boxed }, assembly: .plain()),
    ]
    func score(_ reward: any RewardFunction, _ answer: JSONValue) async throws -> Double? {
      try await reward.score(trajectory("\\boxed{3}", answer: answer)).score
    }
    for reward in rewards {
      #expect(try await score(reward, ["2", "3"]) == 1)
      #expect(try await score(reward, [2, 3]) == 1)
      #expect(try await score(reward, ["2", "4"]) == 0)
    }
  }

  @Test("what is looked for and not there scores 0 and says so")
  func nothingFound() throws {
    let text = trajectory("twenty-five")
    #expect(try BoxedAnswerReward(assembly: .plain()).score(text) == .nothingFound)
    for extract in [AnswerExtraction.boxed, .answerTag] {
      let exact = with(ExactReward.Options.self) { $0.extract = extract }
      #expect(try ExactReward(options: exact, assembly: .plain()).score(text) == .nothingFound)
      let contains = with(ContainsReward.Options.self) { $0.extract = extract }
      #expect(try ContainsReward(options: contains, assembly: .plain()).score(text) == .nothingFound)
    }
    #expect(RewardOutcome.nothingFound == .scored(0, parts: [RewardPart("found", 0)]))
  }

  @Test(
    "automatic: the box, then the tag, then what follows \"answer is\", then all of it",
    arguments: [
      ("\\boxed{Blue} <answer>Red</answer>", 1.0), ("<answer>Blue</answer>", 1), ("The answer is Blue.", 1),
      ("Answer: Blue\nas it is", 1),
      ("**Answer:** Blue", 1), ("答案：Blue。", 1), (" Blue ", 1), ("The answer is Red. Blue", 0), ("It is Blue", 0),
    ])
  func automatic(response: String, score: Double) throws {
    let options = with(ExactReward.Options.self) { $0.extract = .automatic }
    #expect(
      try ExactReward(options: options, assembly: .plain()).score(trajectory(response, answer: "Blue")).score == score)
  }
}
