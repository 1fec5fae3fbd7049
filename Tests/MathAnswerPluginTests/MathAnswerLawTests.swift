// SPDX-License-Identifier: Apache-2.0
import MathAnswerPlugin
import MathAnswers
import PipelineCore
import PipelineTesting
import Testing

/// What holds for every expected answer, whatever it says.
@Suite("math-answer: laws of expected answers", .timeLimit(.minutes(15)))
struct MathAnswerLawTests {
  /// Expected answers of every kind, in TeX and in words; no digit of them can be changed without changing what they say.
  static let answers = [
    "7", "-12", "3.25", "1,234", #"\frac{3}{7}"#, #"-\frac{11}{4}"#, #"2\sqrt{3}"#, #"3\frac{1}{5}"#, #"5\pi"#,
    "2^{10}",
    #"\sqrt[3]{17}"#, "3x^2-5x+1", #"\frac{2x+3}{x-4}"#, "x=5", "x=2, y=3", #"x=2 \quad y=3"#, #"x=2 \\ y=3"#, "(3,-4)",
    "[2,5)", #"(-\infty,3)\cup(7,\infty)"#, #"\{1,4,9\}"#, "x>4", #"-2\le x<6"#, "y=2x+7", "x^2+y^2=25", "12 cm",
    #"17\text{ m/s}"#, #"35^\circ"#, "45%", "4:35 PM", "12:05", "3:8", #"2\sqrt{3} \approx 3.46"#, #"\log_2(32)=5"#,
    #"\cos(2.5) \approx -0.801"#, #"f(20) > 7000"#, "I(0)+3", #"f^{-1}(x)=\frac{5+4x}{3}"#, #"\sum_{k=1}^{30} 2^{k-1}"#,
    #"\int_0^1 x^3\,dx"#, #"\lim_{x\to 4} g(x)"#, #"\begin{pmatrix}1&2\\3&5\end{pmatrix}"#, "2+3i", "52_8",
    #"n\equiv 3 \pmod 8"#,
    #"\lfloor\frac{2n-1}{5}\rfloor"#, #"|x-5|+2"#, #"\gcd(n,12)"#, #"\max(x,14)"#, "5厘米", "3小时45分钟", "2或3",
    #"concave up on $(2, \infty)$"#, #"$\min$ at $x=3$"#, #"C. {x \mid-3<x<4}"#, "C. 1-2i", "$5 per ticket",
    "The largest rectangle has area 12 square inches.", #"$\$ 3000 @ 11 \%$; $\$ 24000 @ 7 \%$"#,
    #"$63^{\circ} 45^{\prime}$"#, #"\bigcup_{k=-\infty}^{\infty}\left(\frac{k \pi}{2}, \frac{(k+1) \pi}{2}\right)"#,
    #"a_n = 3a_{n-1}+4"#, #"\frac{at^2}{2}"#, "v_0+at", #"e^{3t}\cos 2t"#, "x \\neq \\pm 5",
    "9 (apples)", "12 (square feet)", "1.5 million", #"v^2_0 + 3"#, #"\bar{z}_1+2"#, #"A \subset B_3"#, #"x \to 7"#,
    #"\mathbb{Z}_7"#, #"\text{A5}_{13}"#, "x \\equiv 3 (mod 8)", "5 red and 3 blue marbles", "between 3 and 8 days",
    "no solution", "neither", "concave down",
  ]

  private func score(_ response: String, _ answer: String) throws -> RewardOutcome {
    let trajectory = Trajectory(
      id: "t", group: "g", fields: [.response: .string(response), .answer: .string(answer)])
    return try MathAnswerReward(assembly: .plain()).score(trajectory)
  }

  @Test("an expected answer is right as it stands, in a box, in an answer tag, in dollars, in bold, fenced, announced")
  func itself() throws {
    for answer in Self.answers {
      var responses = [
        answer, #"So it is \boxed{\#(answer)}."#, "<answer>\(answer)</answer>", #"<answer>\boxed{\#(answer)}</answer>"#,
        #"\boxed{\#(answer)} and again \boxed{\#(answer)}"#, "```\n\(answer)\n```", "**\(answer)**",
        "The answer is **\(answer)**.", #"**\boxed{\#(answer)}**"#, "**Answer**: \(answer)",
      ]
      if !answer.contains("$") {
        responses += [
          "$\(answer)$", "$$\(answer)$$", "The answer is $\(answer)$.",
          "Final Answer: The final answer is $\(answer)$. I hope it is correct.",
          #"We found \boxed{0.123} there. The final answer is $\#(answer)$."#,
        ]
      }
      for response in responses { #expect(try score(response, answer) == .scored(1), "\(response) | \(answer)") }
    }
  }

  /// The same answer in other looks.
  static func looks(of answer: String) -> [String] {
    [
      answer + ".", answer + "。", " " + answer + "  ", #"\,"# + answer + #"\;"#,
      answer.replacing(#"\frac"#, with: #"\dfrac"#),
      answer.replacing("(", with: #"\left("#).replacing(")", with: #"\right)"#),
      answer.replacing("=", with: " = ").replacing("+", with: #"\, + \,"#), "**\(answer)**", "`\(answer)`",
      "```\n\(answer)\n```",
    ]
  }

  @Test("looks change no verdict: space, \\left and \\right, \\dfrac, bold, code fences, a full stop at the end")
  func looks() throws {
    for (index, answer) in Self.answers.enumerated() {
      let other = Self.answers[(index + 7) % Self.answers.count]
      for (changed, unchanged) in zip(Self.looks(of: answer), Self.looks(of: other)) {
        #expect(try score(#"\boxed{\#(changed)}"#, answer) == .scored(1), "\(changed) | \(answer)")
        #expect(try score(#"\boxed{\#(unchanged)}"#, answer) != .scored(1), "\(unchanged) | \(answer)")
      }
    }
  }

  @Test("an answer with one digit changed is wrong, and is said to be")
  func mutants() throws {
    for answer in Self.answers {
      let bytes = Array(answer.utf8)
      for (position, byte) in bytes.enumerated() where (0x30...0x39).contains(byte) {
        for shift: UInt8 in [1, 4, 9] {
          var mutant = bytes
          mutant[position] = (byte - 0x30 + shift) % 10 + 0x30
          let text = String(decoding: mutant, as: UTF8.self)
          for response in [text, #"\boxed{\#(text)}"#] {
            #expect(try score(response, answer) == .scored(0), "\(response) | \(answer)")
          }
        }
      }
    }
  }

  @Test("what is written as the expected answer is, with other digits or signs, gets a verdict")
  func verdicts() {
    let comparison = MathComparison()
    for answer in Self.answers + Self.undecided {
      let bytes = Array(answer.utf8)
      for (position, byte) in bytes.enumerated() {
        var mutant = bytes
        switch byte {
        case 0x30...0x39: mutant[position] = (byte - 0x30 + 3) % 10 + 0x30
        case UInt8(ascii: "+"): mutant[position] = UInt8(ascii: "-")
        case UInt8(ascii: "-"): mutant[position] = UInt8(ascii: "+")
        default: continue
        }
        let text = String(decoding: mutant, as: UTF8.self)
        if case .unknown(let reason) = comparison.compare(text, answer) {
          Issue.record("\(text) | \(answer): \(reason)")
        }
      }
    }
  }

  /// Answers whose value is not known here, so that only their form tells them apart.
  static let undecided = [
    #"\sum_{n=0}^{\infty} \frac{(-1)^n}{n+3} x^{n+1}"#, #"C-\sum_{n=0}^{\infty} \frac{x^n}{n!}"#,
    #"\lim_{x\to 2} (g(x)+1)"#,
    #"\int_0^2 f(x)\,dx + 3"#, "y^2=-2x-\\ln(x-1)", #"\prod_{k=1}^{\infty}(1-q^k)"#, "10^{10^{10^{10}}}", "2000!+1",
    #"m\frac{dv}{dt}+bv=f"#, #"\begin{pmatrix}1&2\\3&4\end{pmatrix}^{-1}"#,
  ]

  @Test("the order of the two decides nothing")
  func symmetry() {
    let comparison = MathComparison()
    for (index, answer) in Self.answers.enumerated() {
      for other in Self.answers[index...].prefix(12) {
        #expect(comparison.compare(answer, other) == comparison.compare(other, answer), "\(answer) | \(other)")
      }
    }
  }
}
