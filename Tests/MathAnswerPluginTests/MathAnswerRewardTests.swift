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
    guard case .scored(0, _) = try score(response, .string(answer)) else {
      Issue.record("\(response) | \(answer)")
      return
    }
  }

  @Test("extract says where the answer must be")
  func extract() throws {
    let response = #"<answer>5</answer> \boxed{6}"#
    #expect(try score(response, "6") == .scored(1))
    #expect(try score(response, "6") { $0.extract = .boxed } == .scored(1))
    #expect(try score(response, "5") { $0.extract = .answerTag } == .scored(1))
    #expect(try score("5", "5") { $0.extract = .boxed } == .nothingFound)
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
  func thought() throws {
    let thought = #"<think>so \boxed{25}</think> It is clear."#
    #expect(try score(thought, "25") == .scored(1))
    let said = #"<think>maybe \boxed{3}< /think > It is \boxed{25}."#
    for rule in [Thought.ignored, .required] {
      #expect(try score(thought, "25") { $0.thought = rule } == .nothingFound)
      #expect(try score(said, "25") { $0.thought = rule } == .scored(1))
      #expect(try score(#"<think>\boxed{25}"#, "25") { $0.thought = rule } == .nothingFound)
    }
    #expect(try score(#"\boxed{25}"#, "25") { $0.thought = .ignored } == .scored(1))
    #expect(try score(#"\boxed{25}"#, "25") { $0.thought = .required } == .nothingFound)
  }

  @Test(
    "a response without anything to compare is told from a wrong one",
    arguments: [
      "", "   ", "I do not know.", #"\boxed{}"#, #"\boxed{ }"#, "<answer></answer>", "Let me think about it.",
      "It is clear.",
      "I am not sure",
    ])
  func nothingFound(response: String) throws {
    #expect(try score(response, "25") == .nothingFound)
    #expect(try score(response, ["24", "25"]) == .nothingFound)
  }

  @Test("a wrong answer, or one without the box that is asked for, is none that is missing, or one that is")
  func found() throws {
    for response in ["24", #"\boxed{24}"#, "The answer is B.", "red"] {
      #expect(try score(response, "25") == .scored(0), "\(response)")
    }
    #expect(try score("25", "25") { $0.extract = .boxed } == .nothingFound)
    #expect(try score("I do not know.", "I do not know.") == .scored(1))
    let sought = { (change: (inout MathAnswerOptions) -> Void) in
      var options = MathAnswerOptions()
      change(&options)
      return MathAnswerReward(options: options, assembly: .plain()).sought.map(\.description)
    }
    #expect(sought { _ in } == ["answer; 'extract' is automatic"])
    #expect(sought { $0.extract = .boxed } == [#"\boxed{…}; 'extract' is boxed"#])
    #expect(sought { $0.extract = .answerTag } == ["<answer>…</answer>; 'extract' is answer-tag"])
  }

  @Test(
    "in a sentence a unit counts, and numbers that are offered beside each other are all the answer",
    arguments: [
      ("The length is 5 km.", "5 km", 1.0), ("The length is 5 km.", "5 m", 0), ("The length is 5 km.", "5", 1),
      ("We need 30 minutes", "0.5 hours", 1), ("It drives at 60 miles per hour.", "60", 1),
      ("The area is 25 cm^2.", "25 m^2", 0), ("It costs $5.", "5", 1), ("It costs 5 dollars.", "5 cents", 0),
      ("so x = 5 or x = 6", "5,6", 1), ("so x = 5 or x = 6", "6", 0), ("Either 3 or 4.", "4", 0),
      ("I think 3, but it could be 4", "4", 0), ("between 3 and 4", "4", 0), ("It is not 4.", "4", 0),
      ("In 2020, 27 people came.", "27", 1), ("The roots are 1, 2, 3.", "1,2,3", 1), ("The roots are 1, 2, 3.", "3", 0),
      ("The roots are 1, 2 and 3 indeed", "1,2,3", 1), ("We add 5 to 7 to get 12.", "12", 1),
      ("12 boys and 15 girls make 27 children", "27", 1),
      ("The answer is 5!", "5", 1), ("The answer is 5!", "120", 0), ("It is 5!", "5", 1),
      ("There are 5! ways", "120", 1),
      ("The answer is $5!$", "120", 1), (#"\boxed{5!}"#, "120", 1), ("The answer is n!", "n!", 1),
      ("The total is 3,50 €", "3.5", 1), ("It lasts 5 in total", "5", 1),
      (#"\boxed{3}，所以面积是\boxed{4}"#, "4", 1), (#"\boxed{3}和\boxed{4}"#, "3,4", 1),
      (#"It is \boxed{5}, so we write \boxed"#, "5", 1),
    ])
  func sentences(response: String, answer: String, expected: Double) throws {
    guard case .scored(expected, _) = try score(response, .string(answer)) else {
      Issue.record("\(response) | \(answer)")
      return
    }
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
