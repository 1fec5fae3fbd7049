// SPDX-License-Identifier: Apache-2.0
import MathAnswerPlugin
import MathAnswers
import PipelineCore
import PipelineTesting
import Testing

@Suite("MathAnswerReward", .timeLimit(.minutes(15)))
struct MathAnswerRewardTests {
  private func trajectory(_ response: String, _ answer: JSONValue = "25") -> Trajectory {
    Trajectory(id: "t", group: "g", fields: [.response: .string(response), .answer: answer])
  }

  private func score(
    _ response: String, _ answer: JSONValue, _ change: (inout MathAnswerOptions) -> Void = { _ in }
  ) throws -> RewardOutcome {
    var options = MathAnswerOptions()
    change(&options)
    return try MathAnswerReward(options: options, assembly: .plain()).score(trajectory(response, answer))
  }

  @Test(
    "the answer is found wherever responses have it",
    arguments: [
      (#"<think>first 3</think> so \boxed{\frac{1}{2}}."#, "0.5"), (#"\boxed{3} no, \boxed{4}"#, "4"),
      (#"\boxed{x=1} and \boxed{x=2}"#, "1, 2"), (#"\boxed{1}, \boxed{2}"#, "{1,2}"), (#"\fbox{7}"#, "7"),
      ("<think>5</think><answer>7</answer>", "7"), (#"<answer>\(7\) cm</answer>"#, "7"),
      ("<answer> the length is 7 cm </answer>", "7"),
      ("The final answer is $\\frac{3}{4}$. I hope it is correct.", "0.75"),
      ("We add 3 and 4.\n\nAnswer: 7", "7"), ("**Answer:** 12 apples", "12"),
      ("So x = 3, and therefore $y = 12$.", "12"),
      ("There are 3 dogs and 4 cats, so 7 animals.", "7"), ("It costs $1,234.50 in all.", "1234.5"), ("42", "42"),
      ("The answer is (C).", "C"), ("I choose B.", "B"), (#"the solutions are $1$, $2$ and $3$"#, "1,2,3"),
      (#"\framebox{204}"#, "204"), (#"\boxed 5"#, "5"), ("\\boxed{5}\n\n\\boxed{5}", "5"),
      (#"\boxed{1/2} or \boxed{0.5}"#, "0.5"),
      (String(repeating: #"\boxed{5}, "#, count: 100) + #"\boxed{5.0}"#, "5"), (#"<answer>\boxed{B}</answer>"#, "B"),
      ("**Answer**: B", "B"), ("The correct option is B.", "B"), ("The answer is B because (A) is wrong.", "B"),
      (#"Answer: \(B\)"#, "B"), ("The answer is option B", "B"), ("B) 12", "B"),
      ("Answer: B. The length is 12 cm.", "B"), ("故选（C）", "C"), ("【答案】B", "B"),
      ("所以一共有12个苹果。", "12"), ("12 + 15 equals 27.", "27"), ("Answer:\n\n5", "5"),
      (#"So it is \boxed{5}. The final answer is correct."#, "5"),
      ("The answer is 5. I checked that this answer is right.", "5"),
      ("The answer is yes.", "yes"), ("答案：B", "B"), ("答案是5。", "5"),
      ("故选C", "C"),
      ("计划的比例为13/28", "13/28"), (#"答案：每份应该是 (\frac{2}{5}) 吨。"#, "2/5"), ("答え：5", "5"), ("Prix : 2,74 $", "2.74"),
      ("la somme est 2,74 €", "2.74"), (#"First \boxed{5}. Then the final answer is $6$."#, "6"),
      ("< answer > 7 </ answer >", "7"), ("< think > 5 < / think > < answer >7< / answer >", "7"),
      ("The answer is $no solution$.", "no solution"), ("We see that 3 + 4 = 7.\n#### 7", "7"),
      ("It is concave up on $(0,2)$", "It is concave up on $(0, 2)$"), ("Thus the probability is 3/8.", "0.375"),
      (#"Thus \(x \in (1,2]\)."#, "(1,2]"), ("final answer is -5", "-5"),
    ])
  func finds(response: String, answer: String) throws {
    #expect(try score(response, .string(answer)) == .scored(1))
  }

  @Test(
    "another answer, or none, scores 0",
    arguments: [
      (#"\boxed{3}"#, "4"), ("", "4"), ("I do not know.", "4"), (#"\boxed{4"#, "5"), (#"\boxed{}"#, "5"),
      ("<answer></answer>", "5"), ("it is 4 or 5", "45"), (#"\boxed{1} then some more words \boxed{2}"#, "1,2"),
      ("abc5d", "5"), (#"\boxed{5} and then \boxed{6}"#, "5"), (#"\boxed{5}, \boxed{6}"#, "5"), ("(A) or (B)", "A"),
      ("concave down on $(0,2)$", "concave up on $(0, 2)$"), ("The function has a max at $x=1$", #"$\min$ at $x=1$"#),
    ])
  func misses(response: String, answer: String) throws {
    #expect(try score(response, .string(answer)) == .scored(0))
  }

  @Test("extract says where the answer must be")
  func extract() throws {
    let response = #"<answer>5</answer> \boxed{6}"#
    #expect(try score(response, "6") == .scored(1))
    #expect(try score(response, "6") { $0.extract = .boxed } == .scored(1))
    #expect(try score(response, "5") { $0.extract = .answerTag } == .scored(1))
    #expect(try score("5", "5") { $0.extract = .boxed } == .scored(0))
    #expect(try score("5", "5") { $0.extract = .answerTag } == .scored(1))
    #expect(try score(" 5.0 ", "5") { $0.extract = .none } == .scored(1))
    #expect(try score("so 5", "5") { $0.extract = .none } == .scored(0))
  }

  @Test("what it cannot tell it abstains from, or scores 0 when asked to")
  func unknown() throws {
    let response = #"\boxed{9^{9^{9^{9}}}}"#
    #expect(
      try score(response, "9^{9^{9^{9}}}+1") == .abstained("the comparison takes more work than its bound"))
    #expect(try score(response, "9^{9^{9^{9}}}+1") { $0.unknown = .zero } == .scored(0))
    #expect(try score(response, " ") == .abstained("the answer is empty"))
  }

  @Test("answers may be numbers, boxed, or a solution that ends in a box; others are a fault of the record")
  func shapes() throws {
    #expect(try score(#"\boxed{25}"#, 25) == .scored(1))
    #expect(try score(#"\boxed{25}"#, #"We see that $5^2=\boxed{25}$."#) == .scored(1))
    #expect(try score(#"\boxed{the 30~g ball}"#, "the 30 g ball") == .scored(1))
    #expect(try score(#"\boxed{4}"#, "3 boys and 4 girls") == .scored(0))
    #expect(try score("We add: 25.", "We add 3 and 22.\n#### 25") == .scored(1))
    let bare = Trajectory(id: "t", group: "g", fields: [.response: "25"])
    #expect { try MathAnswerReward(assembly: .plain()).score(bare) } throws: { "\($0)" == "has no 'answer'" }
    let silent = Trajectory(id: "t", group: "g", fields: [.answer: "25"])
    #expect { try MathAnswerReward(assembly: .plain()).score(silent) } throws: { "\($0)" == "has no 'response'" }
  }

  @Test("an array of answers holds those that are accepted")
  func accepted() throws {
    let answers: JSONValue = ["24", 25, #"\frac{1}{2}"#, " "]
    for response in ["24", "25", "0.5"] { #expect(try score(response, answers) == .scored(1)) }
    #expect(try score("26", answers) == .scored(0))
    #expect(try score(#"\boxed{9^{9^{9^{9}}}}"#, ["1", "9^{9^{9^{9}}}+1"]).isAbstained)
    #expect(try score("1", ["1", "9^{9^{9^{9}}}+1"]) == .scored(1))
    #expect(try score("25", []) == .abstained("the answer is empty"))
    for answer: JSONValue in [["25", [25]], ["25": 1], [.null]] {
      #expect { try score("25", answer) } throws: {
        "\($0)".hasSuffix(", not a string, a number or an array of them")
      }
    }
  }

  @Test("an answer in the model's thoughts counts, unless it is not to")
  func thinking() throws {
    let thought = #"<think>so \boxed{25}</think> It is clear."#
    #expect(try score(thought, "25") == .scored(1))
    #expect(try score(thought, "25") { $0.thinking = .ignored } == .scored(0))
    let said = #"<think>maybe \boxed{3}< /think > It is \boxed{25}."#
    #expect(try score(said, "25") { $0.thinking = .ignored } == .scored(1))
    #expect(try score(#"<think>\boxed{25}"#, "25") { $0.thinking = .ignored } == .scored(0))
    #expect(try score(#"\boxed{25}"#, "25") { $0.thinking = .ignored } == .scored(0))
  }

  @Test("the reward and its options obey the laws")
  func laws() async throws {
    for extract in MathAnswerOptions.Extraction.allCases {
      var options = MathAnswerOptions()
      options.extract = extract
      try await RewardLaws.check(
        MathAnswerReward(options: options, assembly: .plain()),
        cases: [trajectory(#"\boxed{25}"#), trajectory("so 24"), trajectory("")])
    }
    try OptionsLaws.check(MathAnswerOptions.self)
    var options = MathAnswerOptions()
    options.decimalPlaces = 0
    #expect(options.problems().map(\.message) == ["is 0, it must lie in 1…15"])
  }
}

extension RewardOutcome {
  fileprivate var isAbstained: Bool { if case .abstained = self { true } else { false } }
}
