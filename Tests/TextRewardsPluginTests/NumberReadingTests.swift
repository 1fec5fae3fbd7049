// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineTesting
import Testing
import TextRewardsPlugin

@Suite("NumericReward, CountingReward: which number a response gives", .timeLimit(.minutes(15)))
struct NumberReadingTests {
  @Test(
    "numeric reads a response as its author means it",
    arguments: [
      ("2或3", "2", 0.0), ("2或3", "3", 0.0), ("\\boxed{>5}", "5", 0.0), ("\\boxed{<5}", "5", 0.0),
      ("between 3 and 4", "4", 0.0), ("maybe 3, maybe 4", "4", 0.0), ("2 dogs or 3 dogs", "3", 0.0),
      ("We add 5 to 7 to get 12.", "12", 1.0), ("It takes 3 days to walk 12 miles", "12", 1.0),
      ("The answer is 5!", "5", 1.0), ("There are 5! ways", "120", 1.0), ("½", "0.5", 1.0), ("1½", "1.5", 1.0),
      ("\\fbox{27}", "27", 1.0), ("The correct option is 27.", "27", 1.0), ("정답은 27", "27", 1.0),
      ("\\boxed{10^3}", "1000", 1.0), ("\\boxed{5\\pi}", "5", 0.0), ("\\boxed{5\\pi}", "15.708", 1.0),
      ("\\boxed{2^{10}}", "10", 0.0), ("\\boxed{2^{10}}", "1024", 1.0), ("\\boxed{2\\sqrt{3}}", "3", 0.0),
      ("\\boxed{2\\sqrt{3}}", "3.4641", 1.0), ("\\boxed{25 cm^2}", "25", 1.0), ("25 cm^2", "25", 1.0),
      ("\\boxed{25\\text{ cm}^2}", "25", 1.0), ("\\boxed{25\\,\\mathrm{cm}^2}", "25", 1.0),
      ("\\boxed{9.8 m/s^2}", "9.8", 1.0), ("\\boxed{9.8 m/s^2}", "2", 0.0), ("\\boxed{25 cm²}", "25", 1.0),
      ("\\boxed{1 1/2}", "1.5", 1.0), ("\\boxed{1\\frac{1}{2}}", "1.5", 1.0), ("\\boxed{1\\frac12}", "1.5", 1.0),
      ("12 + 15 equals 27.", "27", 1.0), ("12 + 15 = 27", "27", 1.0), ("The answer is 27", "27", 1.0),
      ("The answer is 27, since 12 + 15 = 27", "27", 1.0), ("So 27.", "27", 1.0), ("27", "27", 1.0),
      ("**27**", "27", 1.0), ("２７", "27", 1.0), ("27。", "27", 1.0), ("`27`", "27", 1.0), ("```\n27\n```", "27", 1.0),
      ("<answer>27</answer>", "27", 1.0), ("Answer: 27", "27", 1.0), ("\\boxed{27}", "27", 1.0),
      ("\\boxed{x = 27}", "27", 1.0), ("\\boxed{x > 27}", "27", 0.0), ("\\boxed{\\ge 27}", "27", 0.0),
      ("\\boxed{27x}", "27", 0.0), ("\\boxed{27\\theta}", "27", 0.0), ("\\boxed{x^{27}}", "27", 0.0),
      ("\\boxed{x_27}", "27", 0.0), ("\\boxed{2 or 3}", "3", 0.0), ("\\boxed{2 or 3}", "2", 0.0),
      ("\\boxed{2, 3}", "3", 0.0), ("\\boxed{2 and 3}", "3", 0.0), ("\\boxed{2}\\boxed{3}", "3", 0.0),
      ("\\boxed{2} or \\boxed{3}", "3", 0.0), ("\\boxed{3} or \\boxed{3}", "3", 1.0), ("1,234.5", "1234.5", 1.0),
      ("about 25.001 cm", "25", 1.0), ("25.1", "25", 0.0), ("\\boxed{\\frac{3}{4}}", "0.75", 1.0),
      ("3/4", "0.75", 1.0), ("\\boxed{-\\dfrac{3}{4}}", "-0.75", 1.0), ("50\\%", "50", 1.0),
      ("6.02e23", "6.02E+23", 1.0), ("\\boxed{6.02 \\times 10^{23}}", "6.02e23", 1.0),
      ("6.02 × 10²³", "6.02e23", 1.0), ("x2", "2", 0.0), ("blue", "2", 0.0), ("1/0", "1", 0.0), ("−3", "-3", 1.0),
      ("1e999", "1", 0.0), ("$5$", "5", 1.0), ("\\$5", "5", 1.0), ("$1,000", "1000", 1.0), ("€5", "5", 1.0),
      ("5 dollars", "5", 1.0), ("5元", "5", 1.0), ("5厘米", "5", 1.0), ("30°", "30", 1.0), ("30^\\circ", "30", 1.0),
      ("\\boxed{30^{\\circ}}", "30", 1.0), ("30度", "30", 1.0), ("2,74 €", "2.74", 1.0), ("2,74", "2.74", 1.0),
      ("3:4", "4", 0.0), ("12:30", "30", 0.0), ("\\boxed{4:30}", "30", 0.0), ("10 000", "10000", 1.0),
      ("1 234 567", "1234567", 1.0), ("5 million", "5000000", 1.0), ("5 million", "5", 0.0),
      ("\\boxed{\\sqrt{2}}", "1.41421", 1.0), ("√2", "1.41421", 1.0), ("π", "3.14159", 1.0),
      ("\\boxed{\\pi}", "3.14159", 1.0), ("\\boxed{\\frac{\\pi}{2}}", "1.5708", 1.0), ("\\boxed{(1/2)}", "0.5", 1.0),
      ("\\boxed{2(3+4)}", "14", 1.0), ("\\boxed{\\sin 30}", "30", 0.0), ("\\boxed{\\log 5}", "5", 0.0),
      ("The result is 12 apples and not 15.", "12", 1.0), ("not 15", "15", 0.0),
      ("In 2020, 27 people came.", "27", 1.0), ("There are 3 red and 4 blue, so 7.", "7", 1.0),
      ("the value is 5kg", "5", 1.0), ("\\boxed{5~\\text{kg}}", "5", 1.0), ("2D", "2", 0.0),
      ("\\boxed{+5}", "5", 1.0), ("\\boxed{-5}", "5", 0.0), ("\\boxed{|-5|}", "5", 1.0), ("\\boxed{5!}", "120", 1.0),
      ("27!", "27", 1.0), ("\\boxed{12\\div 4}", "3", 1.0), ("\\boxed{≈ 27}", "27", 1.0),
      ("\\boxed{\\approx 27}", "27", 1.0), ("\\boxed{27.0}", "27", 1.0), ("\\boxed{27.}", "27", 1.0),
      ("\\boxed{.5}", "0.5", 1.0), ("答案是27", "27", 1.0), ("答案：27。", "27", 1.0), ("The answer is 3 or 4", "4", 0.0),
      ("The answer is 3 or 4", "3", 0.0), ("Answer: 2-3", "3", 0.0), ("\\boxed{[2,3]}", "3", 0.0),
      ("\\boxed{(2,3)}", "3", 0.0), ("\\boxed{2,3}", "3", 0.0), ("\\boxed{5^\\circ C}", "5", 1.0),
      ("\\boxed{20\\%}", "20", 1.0), ("\\boxed{e^2}", "2", 0.0), ("\\boxed{5\\text{ or }6}", "6", 0.0),
      ("\\boxed{100\\text{ degrees}}", "100", 1.0), ("\\boxed{x=5, y=6}", "6", 0.0),
      ("The total is $27.50.", "27.5", 1.0), ("x is 27", "27", 1.0), ("\\boxed{10^{-3}}", "0.001", 1.0),
      ("\\boxed{\\sqrt[3]{27}}", "3", 1.0), ("\\boxed{3\\times4}", "12", 1.0), ("\\boxed{3 x 4}", "12", 1.0),
      ("<b>27</b>", "27", 1.0), ("> 27", "27", 1.0), ("$x = 27$ cm", "27", 1.0), ("\\( x = 27 \\)", "27", 1.0),
      ("\\[ x = 27 \\]", "27", 1.0), ("The length is $27$.", "27", 1.0), ("$27$ y", "27", 1.0),
    ] as [(String, String, Double)])
  func numeric(response: String, answer: String, score: Double) throws {
    let reward = NumericReward(assembly: .plain())
    #expect(try reward.score(trajectory(response, answer: .string(answer))).score == score)
  }

  @Test(
    "counting reads numbers and words, and takes several for none",
    arguments: [
      ("\\boxed{3}", "3", 1.0), ("\\boxed{three}", "3", 1.0), ("\\boxed{there are 3 circles}", "three", 1.0),
      ("\\boxed{Twelve}", "12", 1.0), ("\\boxed{4}", "3", 0.0), ("\\boxed{3.5}", "3", 0.0),
      ("\\boxed{-3}", "3", 0.0), ("\\boxed{1,200}", "1200", 1.0), ("\\boxed{none}", "0", 0.0),
      ("\\boxed{3.0}", "3", 1.0), ("\\boxed{thirty}", "30", 1.0), ("\\boxed{2 or 3}", "3", 0.0),
      ("\\boxed{2 or 3}", "2", 0.0), ("\\boxed{two or three}", "3", 0.0), ("\\boxed{2-3}", "3", 0.0),
      ("\\boxed{2 to 3}", "3", 0.0), ("\\boxed{2～3}", "3", 0.0), ("\\boxed{twenty-one}", "21", 1.0),
      ("\\boxed{twenty one}", "21", 1.0), ("\\boxed{one hundred and five}", "105", 1.0),
      ("\\boxed{a dozen}", "12", 1.0), ("\\boxed{two dozen}", "24", 1.0), ("\\boxed{fifty}", "50", 1.0),
      ("\\boxed{ninety-nine}", "99", 1.0), ("\\boxed{two thousand three hundred}", "2300", 1.0),
      ("\\boxed{三}", "3", 1.0), ("\\boxed{三十二}", "32", 1.0), ("\\boxed{两只}", "2", 1.0), ("\\boxed{十二}", "12", 1.0),
      ("\\boxed{2或3}", "3", 0.0), ("\\boxed{３}", "3", 1.0), ("\\boxed{**3**}", "3", 1.0), ("\\boxed{3。}", "3", 1.0),
      ("\\boxed{\\text{three}}", "3", 1.0), ("\\boxed{3 circles}", "3", 1.0), ("\\boxed{3个}", "3", 1.0),
      ("\\boxed{thirteen or fourteen}", "14", 0.0), ("\\boxed{3, 4}", "4", 0.0), ("\\boxed{3 and 4}", "4", 0.0),
      ("\\boxed{circle one: 3}", "3", 1.0), ("\\boxed{3\\text{ apples}}", "3", 1.0),
      ("\\boxed{seventeen}", "17", 1.0), ("\\boxed{a hundred}", "100", 1.0), ("\\boxed{three hundred}", "300", 1.0),
      ("\\boxed{0}", "0", 1.0), ("\\boxed{zero}", "0", 1.0), ("3", "3", 0.0),
    ] as [(String, String, Double)])
  func counting(response: String, answer: String, score: Double) throws {
    let reward = CountingReward(assembly: .plain())
    #expect(try reward.score(trajectory(response, answer: .string(answer))).score == score)
  }

  @Test("an answer equals itself, boxed, tagged, in a sentence and alone; no other number does")
  func itself() throws {
    let answers = [
      "0", "27", "-3", "1,234.5", "3/4", "1 1/2", "\\frac{5}{4}", "2\\sqrt{3}", "6.02e23", "25 cm^2", "50%", "\\pi",
      "0.001",
    ]
    let reward = NumericReward(assembly: .plain())
    for answer in answers {
      for place in ["X", "\\boxed{X}", "<answer>X</answer>", "The answer is X.", "So we get X", "$X$", "Answer: X"] {
        for other in answers {
          let outcome = try reward.score(trajectory(place.replacing("X", with: answer), answer: .string(other)))
          #expect(outcome.score == (answer == other ? 1 : 0), "\(place) \(answer) \(other)")
        }
      }
    }
  }

  @Test("verdicts do not depend on Markdown, code fences, space, a full stop at the end or full-width digits")
  func looks() throws {
    let reward = NumericReward(assembly: .plain())
    for text in [
      "27", "The answer is 27", "x = 27 cm", "\\boxed{27}", "<answer>27</answer>", "26 or 27", "12 + 15 equals 27",
    ] {
      let expected = try reward.score(trajectory(text, answer: "27")).score
      for changed in Looks.variants(of: text) {
        #expect(try reward.score(trajectory(changed, answer: "27")).score == expected, "\(changed)")
      }
    }
  }

  @Test("a bare number in a sentence is found by default; no number is told from a wrong one")
  func found() throws {
    let reward = NumericReward(assembly: .plain())
    #expect(try reward.score(trajectory("12 + 15 equals 27.", answer: "27")) == .scored(1))
    #expect(try reward.score(trajectory("I cannot say.", answer: "27")) == .nothingFound)
    let boxed = NumericReward(options: with(NumericReward.Options.self) { $0.extract = .boxed }, assembly: .plain())
    #expect(try boxed.score(trajectory("27", answer: "27")) == .nothingFound)
    #expect(boxed.sought.map(\.description) == [#"\boxed{…}; 'extract' is boxed"#])
    #expect(try boxed.score(trajectory("\\boxed{28}", answer: "27")) == .scored(0))
    #expect(
      try CountingReward(assembly: .plain()).score(trajectory("\\boxed{many}", answer: "27")) == .nothingFound)
  }

  @Test("an answer that is no number can be compared as text")
  func text() throws {
    let options = with(NumericReward.Options.self) { $0.text = .compare }
    let reward = NumericReward(options: options, assembly: .plain())
    #expect(try reward.score(trajectory("The answer is Yes.", answer: "yes")) == .scored(1))
    #expect(try reward.score(trajectory("No", answer: "yes")) == .scored(0))
    #expect(try reward.score(trajectory("Bay 2", answer: "Bay 2")) == .scored(1))
    #expect(try reward.score(trajectory("2", answer: "Bay 2")) == .scored(0))
  }

  @Test(
    "long texts made to be slow are read in time linear in their length",
    arguments: ["1 or ", "((", "{", "$", "\\$", "1\\text{", "1 ", "- ", "\\frac{"])
  func hostile(part: String) throws {
    let text = String(repeating: part, count: 10_000)
    let (number, count) = (try NumericReward(assembly: .plain()), try CountingReward(assembly: .plain()))
    #expect(throws: Never.self) { try number.score(trajectory(text, answer: "1")) }
    #expect(throws: Never.self) { try count.score(trajectory("\\boxed{\(text)}", answer: "1")) }
  }
}
