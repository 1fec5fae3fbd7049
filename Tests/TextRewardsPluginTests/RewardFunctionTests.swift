// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineTesting
import RewardPlugin
import Testing
import TextRewardsPlugin

@Suite("BoxedAnswerReward", .timeLimit(.minutes(15)))
struct BoxedAnswerRewardTests {
  private let reward = BoxedAnswerReward(assembly: .plain())

  @Test(
    "the last box counts, with balanced braces",
    arguments: [
      ("\\boxed{25}", "25", 1.0), ("\\boxed{24} then \\boxed{25}", "25", 1),
      ("\\boxed{25} then \\boxed{24}", "25", 0),
      ("\\boxed{\\frac{1}{2}}", "\\frac{1}{2}", 1), ("\\boxed{\\boxed{25}}", "25", 1), ("25", "25", 0),
      ("\\boxed{25", "25", 0), ("\\boxed{}", "25", 0), ("\\boxed{\\{1\\}}", "\\{1\\}", 1),
      ("\\boxed{25}", "\\boxed{25}", 1),
    ])
  func box(response: String, answer: String, score: Double) throws {
    #expect(try reward.score(trajectory(response, answer: .string(answer))).score == score)
  }

  @Test(
    "what changes only the looks does not count",
    arguments: [
      ("$25$", "25"), (" 25 . ", "25"), ("\\text{blue}", "blue"), ("\\left(1,2\\right)", "(1, 2)"),
      ("\\dfrac{1}{3}", "\\frac13"), ("1,234", "1234"), ("1{,}234{,}567.5", "1,234,567.50"),
      ("30^\\circ", "30"),
      ("30^{\\circ}", "30°"), ("50\\%", "50"), ("0.5", "\\frac{1}{2}"), ("13/2", "6.5"), (".5", "0.5"),
      ("b", "B"),
      ("\\text{(C)}", "C"), ("(E)", "E"), ("\u{2212}3", "-3"), ("25", "25.0"), ("\\text{E}", "E"), ("1 / 2", "1/2"),
    ])
  func same(boxed: String, answer: String) throws {
    #expect(try reward.score(trajectory("\\boxed{\(boxed)}", answer: .string(answer))) == .scored(1))
    #expect(try reward.score(trajectory("\\boxed{\(answer)}", answer: .string(boxed))) == .scored(1))
  }

  @Test(
    "what says something else is wrong",
    arguments: [
      ("24", "25"), ("1,2", "12"), ("\\leftarrow", "arrow"), ("0.33", "1/3"), ("blue", "Blue"), ("-3", "3"),
      ("x2", "2"), ("12345678901234567", "12345678901234568"), ("1/0", "0"),
    ])
  func different(boxed: String, answer: String) throws {
    #expect(try reward.score(trajectory("\\boxed{\(boxed)}", answer: .string(answer))) == .scored(0))
  }

  @Test("an answer that is a number is compared as its digits; an empty one is abstained from")
  func shapes() throws {
    #expect(try reward.score(trajectory("\\boxed{25}", answer: 25)) == .scored(1))
    #expect(try reward.score(trajectory("\\boxed{25}", answer: "")) == .abstained("the answer is empty"))
    #expect { try reward.score(trajectory("\\boxed{25}", answer: ["a": 1])) } throws: {
      "\($0)" == "'answer' is an object, not a string, a number or a list of them"
    }
  }

  @Test("the reward obeys the laws")
  func laws() async throws {
    try await RewardLaws.check(
      reward, cases: [trajectory("\\boxed{25}"), trajectory("\\boxed{24}"), trajectory("")])
  }
}

@Suite("ExactReward, NumericReward, ChoiceReward", .timeLimit(.minutes(15)))
struct ComparingRewardTests {
  @Test(
    "exact compares the part asked for, character by character",
    arguments: [
      (AnswerExtraction.none, " Blue \n", 1.0), (.none, "blue", 0), (.boxed, "so \\boxed{ Blue }", 1),
      (.boxed, "Blue", 0),
      (.answerTag, "<answer>Red</answer><answer>Blue</answer>", 1), (.answerTag, "<answer>Blue", 0),
      (.lastLine, "Red\nBlue\n\n", 1), (.lastLine, "\n", 0),
    ])
  func exact(extract: AnswerExtraction, response: String, score: Double) async throws {
    var options = ExactReward.Options()
    options.extract = extract
    let reward = ExactReward(options: options, assembly: .plain())
    #expect(try reward.score(trajectory(response, answer: "Blue")).score == score)
  }

  @Test("exact can leave case out of account")
  func exactCase() throws {
    var options = ExactReward.Options()
    options.case = .insensitive
    let reward = ExactReward(options: options, assembly: .plain())
    #expect(try reward.score(trajectory("ÉTÉ", answer: "été")) == .scored(1))
    #expect(try reward.score(trajectory("ÉTÉ", answer: "ete")) == .scored(0))
  }

  @Test(
    "numeric reads numbers as people write them",
    arguments: [
      ("1,234.5", "1234.5", 1.0), ("about 25.001 cm", "25", 1), ("25.1", "25", 0),
      ("\\frac{3}{4}", "0.75", 1),
      ("3/4", "0.75", 1), ("-\\dfrac{3}{4}", "-0.75", 1), ("50\\%", "50", 1), ("6.02e23", "6.02E+23", 1),
      ("x2", "2", 0),
      ("blue", "2", 0), ("1/0", "1", 0), ("7 and 8", "8", 0), ("\u{2212}3", "-3", 1), ("1e999", "1", 0),
    ])
  func numeric(boxed: String, answer: String, score: Double) throws {
    let reward = NumericReward(assembly: .plain())
    #expect(try reward.score(trajectory("\\boxed{\(boxed)}", answer: .string(answer))).score == score)
  }

  @Test("numeric tolerances, percentages and answers that are no number")
  func numericOptions() throws {
    var options = NumericReward.Options()
    options.extract = .none
    options.absoluteTolerance = 0.5
    options.percent = .hundredths
    let reward = NumericReward(options: options, assembly: .plain())
    #expect(try reward.score(trajectory("2.5", answer: "2")) == .scored(1))
    #expect(try reward.score(trajectory("2.6", answer: "2")) == .scored(0))
    #expect(try reward.score(trajectory("0.5", answer: "50%")) == .scored(1))
    #expect(
      try reward.score(trajectory("2", answer: "blue")) == .abstained("the answer is no number: 'blue'"))
    options.relativeTolerance = -1
    #expect(options.problems() == [OptionProblem("relative_tolerance", "is -1.0, it must not be negative")])
  }

  @Test(
    "choice finds the letter",
    arguments: [
      "B", "b", "(B)", "B.", "B) 25 cm", "B: blue", "**B**", "so <answer>B</answer>",
      "<answer> (B) 5 and 9 </answer>",
      "\\boxed{B}", "\\boxed{\\text{(B)}}", "\\boxed{\\text{B}}", "\\boxed{\\text{(B) } x + 1}",
      "A or C? Answer: B",
      "the answer is B.", "The answer is: **B**", "The correct answer is (B) 5 and 9.",
      "I think it is (B), yes (B)",
      "(A) is wrong. <answer>B</answer>",
    ])
  func choice(response: String) throws {
    #expect(try ChoiceReward(assembly: .plain()).score(trajectory(response, answer: "B")).score == 1)
  }

  @Test(
    "hedging, words and other letters are no choice",
    arguments: [
      "", "A", "Both", "B or C", "A, B", "(A) or (B)", "Bees buzz", "<answer></answer> B",
      "<answer>A</answer> B", "K",
      "A.B",
    ])
  func noChoice(response: String) throws {
    #expect(try ChoiceReward(assembly: .plain()).score(trajectory(response, answer: "B")).score == 0)
  }

  @Test("an answer that is no letter is abstained from; letters can be set")
  func choiceOptions() throws {
    let reward = ChoiceReward(assembly: .plain())
    #expect(try reward.score(trajectory("B", answer: "(b)")) == .scored(1))
    #expect(
      try reward.score(trajectory("B", answer: "blue"))
        == .abstained("the answer is no letter of a choice: 'blue'"))
    var options = ChoiceReward.Options()
    options.letters = "ABk"
    #expect(
      options.problems() == [
        OptionProblem("letters", "is 'ABk', it must be upper-case letters such as 'ABCD'")
      ])
    options.letters = "XYZ"
    #expect(
      try ChoiceReward(options: options, assembly: .plain()).score(trajectory("y", answer: "Y")) == .scored(1)
    )
  }

  @Test("the rewards obey the laws")
  func laws() async throws {
    for extract in AnswerExtraction.allCases {
      var exact = ExactReward.Options()
      exact.extract = extract
      exact.case = .insensitive
      try await RewardLaws.check(ExactReward(options: exact, assembly: .plain()), cases: [trajectory("25")])
      var numeric = NumericReward.Options()
      numeric.extract = extract
      try await RewardLaws.check(
        NumericReward(options: numeric, assembly: .plain()), cases: [trajectory("25")])
    }
    try await RewardLaws.check(ChoiceReward(assembly: .plain()), cases: [trajectory("B", answer: "B")])
    try OptionsLaws.check(ExactReward.Options.self)
    try OptionsLaws.check(NumericReward.Options.self)
    try OptionsLaws.check(ChoiceReward.Options.self)
  }
}
