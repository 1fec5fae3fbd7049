// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineTesting
import Testing
import TextRewardsPlugin

@Suite("ChoiceReward: what a response chooses", .timeLimit(.minutes(15)))
struct ChoiceReadingTests {
  private func scores(_ response: String) throws -> [String: Double?] {
    var scores: [String: Double?] = [:]
    for letter in ["A", "B", "C", "D"] {
      scores[letter] = try ChoiceReward(assembly: .plain()).score(trajectory(response, answer: .string(letter))).score
    }
    return scores
  }

  @Test(
    "a response that chooses B is right for B, and for nothing else",
    arguments: [
      "B", "b", "(B)", "B.", "B) 25 cm", "B: blue", "**B**", "so <answer>B</answer>",
      "<answer> (B) 5 and 9 </answer>", "\\boxed{B}", "\\boxed{\\text{(B)}}", "\\boxed{\\text{B}}",
      "\\boxed{\\text{(B) } x + 1}", "A or C? Answer: B", "the answer is B.", "The answer is: **B**",
      "The correct answer is (B) 5 and 9.", "I think it is (B), yes (B)", "(A) is wrong. <answer>B</answer>",
      "**Answer**: B", "**Answer:** B", "### Answer\nB", "Final Answer: B", "答案：B", "答案是B。", "答案为B", "故选B", "故选：B。",
      "选B", "应选B项", "<answer>\\boxed{B}</answer>", "\\boxed{B. 12}", "\\boxed{\\text{Option B}}",
      "The correct option is B.", "The correct option is **(B)**.", "Option B is correct.",
      "(B) is the correct answer.", "I choose B.", "I would select option (B).", "Let me think.\n\nB",
      "Let me think.\n\nB. 12 cm", "A: 1\nB: 2\nC: 3\nD: 4\n\nThe shape is a cube.\n\nB",
      "The answer is B because A and C are parallel.", "The answer is B, since triangle ABC is equilateral.",
      "The answer is not A but B.", "It's not A. The answer is B.", "<answer>The answer is B</answer>",
      "<answer>B is correct</answer>", "<answer>I think B</answer>", "```\nB\n```", "```text\nB\n```", "`B`",
      "__B__", "*B*", "$B$", "$\\boxed{B}$", "\\(B\\)", "\\[ B \\]", "Ｂ", "（Ｂ）", "【B】", "B．", "「B」", "Ⓑ", "答えはB",
      "正解はBです", "정답은 B입니다", "정답: B", "<answer>\n**B**\n</answer>", "< answer > B </ answer >", "\\boxed{ B }",
      "\\boxed{\\textbf{B}}", "\\boxed{\\mathrm{B}}", "\\boxed{\\mathbf{(B)}}", "\\boxed{\\text{B. blue}}",
      "Answer: B) 12 cm", "Answer: b", "answer is b", "The best choice is B", "My final answer is B.",
      "The answer to the question in the image is B.", "The answer should be B", "Thus the correct choice is (B).",
      "So, option B.", "Therefore, B.", "So the answer is (B) 12, not (A).", "\\boxed{B}\n\n\\boxed{B}",
      "Answer: Option B: 12 cm", "The answer is B. A is too small.",
      "Among the options, (A) 5 is too small, (C) is too large. The answer is (B).",
      "A. 5\nB. 6\nC. 7\nAnswer: B. 6", "<think>A or B? Maybe A.</think>\nB",
      "<think>(A)...</think><answer>B</answer>", "B because the sky is blue", "B is the answer",
      "B, because A is wrong", "Answer - B", "Ans: B", "ANSWER: B", "the answer is option b", "The answer is \"B\"",
      "The answer is 'B'.", "answer=B", "choose b", "B fits here", "like B",
      "The answer is for sure B, it can't be A or C", "Surely the answer is of course B.",
      "\\fbox{B}", "The correct answer is option (B): 12 cm.", "Correct Answer: B", "The answer is:\n\nB",
      "The answer is $\\boxed{B}$.", "<answer>B. A cat</answer>", "<answer>B: A cat and a dog</answer>",
      "B. I am here", "The answer is B, not A or C.", "B (not A)", "<answer>B (not A)</answer>",
      "The answer is (B), as (A) and (C) are wrong.",
      "Looking at the choices: A is wrong, C is wrong, D is wrong. So B.", "I'd go with B.", "My choice is B",
      "My choice: B", "选择B", "正确答案是：B", "正确选项为B。", "因此，选项B正确。", "所以答案选B。", "The correct answer is:\n**B. 12**",
      "**B. 12**", "**(B) 12**", "Answer: **B. 12 cm**", "\\boxed{\\textbf{(B)}\\ 12}", "\\boxed{(B)\\ 12}",
      "\\boxed{B \\; 12}", "\\boxed{B) 12}", "\\boxed{\\text{B) }12}", "\\boxed{\\mathbf{B}}",
      "\\boxed{\\text{choice B}}", "\\boxed{\\text{B: 12}}", "The option that matches is B.", "Choice B",
      "Option (B)", "**Option B**", "B)", "(B", "B is correct because A is too big", "The answer is B (12 cm).",
      "The answer is B; A fails.", "The answer is option (B) 12 and not option (A) 10.",
    ])
  func chosen(response: String) throws {
    #expect(try scores(response) == ["A": 0, "B": 1, "C": 0, "D": 0])
  }

  @Test(
    "naming several options, denying one, or naming none scores 0 for every answer",
    arguments: [
      "A, no wait, B", "The answer is A? No. B.", "angle A", "Plan A is bad", "vitamin C", "C major", "Team B wins",
      "", "Both", "A or C", "A, C", "(A) or (C)", "(A)(B)", "A and B", "A/B", "A & B", "(A), (B)", "A B",
      "A) B) C) D)", "A.B", "<answer>A or B</answer>", "<answer>A, B</answer>", "<answer>A, B, C, D</answer>",
      "<answer>A B C D</answer>", "<answer>(A) and (B)</answer>", "\\boxed{A, B}", "\\boxed{A \\text{ or } B}",
      "\\boxed{A}\\boxed{B}\\boxed{C}\\boxed{D}", "\\boxed{A} or \\boxed{B}", "The answer is A or B",
      "The answer is (A) or maybe (B).", "The answer is A. Or B.", "The answer is either A or B", "A或B", "答案是A或B",
      "A、B", "答案：A、B", "A. 1\nB. 2\nC. 3\nD. 4", "A\nB\nC\nD", "<answer>A\nB</answer>",
      "<answer>(A) 5 or (B) 6</answer>", "Either A or B could be correct", "The answer is not A", "Not A",
      "It is not (A).", "<answer>not A</answer>", "<answer>Not (A)</answer>", "A is wrong", "(A) is incorrect.",
      "Option A is not correct", "<answer>A is incorrect</answer>", "\\boxed{\\text{not A}}", "A is false",
      "The answer isn't A.", "The answer cannot be A", "不是A", "答案不是A", "A不对", "A是错误的",
      "It could be A, but it could also be B", "A (or B)", "<answer>A</answer><answer>B</answer>",
      "The answer is A, B", "A|B", "A;B", "(A) (B)", "[A] [B]", "neither A nor B", "I am not sure", "A cat",
      "I think so", "x = A", "f(A)", "ABCD", "All of A, B, C", "Answer: A and B", "Answer: A / B",
      "The answer is A and/or B", "A, maybe B", "A - B", "选A或B", "选A、B", "Eliminate A", "Ruled out A",
      "Rather than A", "<answer>A or (B)</answer>", "\\boxed{A/B}", "\\boxed{A\\text{ and }B}",
      "\\boxed{\\text{A or B}}", "<answer>Either A or B</answer>", "<answer>A; B</answer>",
      "The answer could be A or B.", "Answer: A, B, C", "Answer: A B C D", "Answer: (A) (B) (C) (D)",
      "Answer: A) 5 B) 6", "Answer: A. 5\nB. 6", "<answer>A. 5, B. 6</answer>", "A. 5 or B. 6",
      "\\boxed{A. 5 \\text{ or } B. 6}", "<answer>A is wrong</answer>", "<answer>A is not the answer</answer>",
      "<answer>It's not A</answer>", "<answer>(A) wrong</answer>", "The answer is anything but A",
      "<answer>all except A</answer>", "<answer>A 或 B</answer>", "<answer>A和B</answer>", "The answer is A? Or B?",
      "A? B?", "A! B!", "I choose A and B", "I pick A, then B", "<answer>A → B</answer>", "Answer: A (maybe B)",
    ])
  func hedged(response: String) throws {
    #expect(try scores(response) == ["A": 0, "B": 0, "C": 0, "D": 0])
  }

  @Test("what was denied before the answer is named is not chosen")
  func denied() throws {
    #expect(
      try scores("<answer>(A) is incorrect. The answer is (B)</answer>") == ["A": 0, "B": 1, "C": 0, "D": 0])
  }

  @Test("naming two options is a hedge, whichever they are and however they are joined")
  func hedgingLaw() throws {
    for (first, second) in [("A", "B"), ("B", "A"), ("C", "D"), ("D", "A")] {
      for joiner in [" or ", ", ", " and ", "/", " & ", "; ", "或", "、", " or maybe ", ", or possibly "] {
        for place in [
          "X", "<answer>X</answer>", "\\boxed{X}", "The answer is X.", "Answer: X", "**Answer:** X", "答案：X",
        ] {
          for (open, close) in [("", ""), ("(", ")")] {
            let text = "\(open)\(first)\(close)\(joiner)\(open)\(second)\(close)"
            let response = place.replacing("X", with: text)
            #expect(try scores(response).values.allSatisfy { $0 == 0 }, "\(response)")
          }
        }
      }
    }
  }

  @Test("verdicts do not depend on Markdown, code fences, space, a full stop at the end or full-width characters")
  func looks() throws {
    for text in [
      "B", "(B)", "The answer is B", "Answer: B", "<answer>B</answer>", "\\boxed{B}", "Option B", "A or B", "not B",
    ] {
      let expected = try scores(text)
      for changed in Looks.variants(of: text) { #expect(try scores(changed) == expected, "\(changed)") }
    }
  }

  @Test("nothing named is told from a wrong choice")
  func nothingFound() throws {
    let reward = ChoiceReward(assembly: .plain())
    #expect(try reward.score(trajectory("I am not sure.", answer: "B")) == .nothingFound)
    #expect(try reward.score(trajectory("A or B", answer: "B")) == .scored(0))
    #expect(try reward.score(trajectory("C", answer: "B")) == .scored(0))
  }

  @Test("of a text longer than 64 KiB the end decides, also where a character is cut")
  func longTexts() throws {
    // Three bytes each, so that the cut falls within a character for one of the lengths.
    for length in 70_000...70_002 {
      let filler = String(repeating: "图", count: length / 3) + String(repeating: " ", count: length % 3)
      #expect(try scores("The answer is A. \(filler) The answer is B.") == ["A": 0, "B": 1, "C": 0, "D": 0])
      #expect(try scores("\(filler) (B)") == ["A": 0, "B": 1, "C": 0, "D": 0])
      // What was said before the last 64 KiB is not looked at.
      #expect(try scores("The answer is A. \(filler) I rest.") == ["A": 0, "B": 0, "C": 0, "D": 0])
    }
    let boxed = "\\boxed{A} " + String(repeating: "word ", count: 20_000)
    #expect(try ChoiceReward(assembly: .plain()).score(trajectory(boxed, answer: "A")) == .nothingFound)
  }

  @Test("any of a list of answers is right")
  func accepted() throws {
    let reward = ChoiceReward(assembly: .plain())
    #expect(try reward.score(trajectory("B", answer: ["A", "B. 12 cm"])) == .scored(1))
    #expect(try reward.score(trajectory("C", answer: ["A", "B"])) == .scored(0))
    #expect(try reward.score(trajectory("C", answer: ["blue", "C"])) == .scored(1))
    #expect { try reward.score(trajectory("C", answer: [])) } throws: {
      "\($0)" == "'answer' is an empty list, it must name what is right"
    }
    #expect { try reward.score(trajectory("C", answer: ["A", ["B"]])) } throws: {
      "\($0)" == "'answer' is a list that holds an array, not only strings and numbers"
    }
  }

  @Test(
    "long texts made to be slow are read in time linear in their length",
    arguments: ["A or ", "(A) ", "not ", "(", "answer is ", "A. "])
  func hostile(part: String) throws {
    let text = String(repeating: part, count: 10_000)
    let reward = try ChoiceReward(assembly: .plain())
    #expect(throws: Never.self) { try reward.score(trajectory(text, answer: "A")) }
  }
}
