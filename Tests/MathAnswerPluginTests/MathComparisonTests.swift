// SPDX-License-Identifier: Apache-2.0
import MathAnswers
import Testing

@Suite("MathComparison", .timeLimit(.minutes(15)))
struct MathComparisonTests {
  static let equal =
    NumbersPairs.equal + FractionsPairs.equal + RootsPairs.equal + AlgebraPairs.equal + CollectionsPairs.equal
    + IntervalsPairs.equal + RelationsPairs.equal + MatricesPairs.equal + UnitsPairs.equal + ComplexPairs.equal
    + WordsPairs.equal + BoundsPairs.equal + ClaimsPairs.equal + PiecesPairs.equal + CommasPairs.equal
    + ApplicationPairs.equal + SideBySidePairs.equal + VariablesPairs.equal + ForeignPairs.equal + ClockPairs.equal
    + ChoicePairs.equal + StatementsPairs.equal
  static let different =
    NumbersPairs.different + FractionsPairs.different + RootsPairs.different + AlgebraPairs.different
    + CollectionsPairs.different + IntervalsPairs.different + RelationsPairs.different + MatricesPairs.different
    + UnitsPairs.different + ComplexPairs.different + WordsPairs.different + ClaimsPairs.different
    + PiecesPairs.different + CommasPairs.different + ApplicationPairs.different + SideBySidePairs.different
    + VariablesPairs.different + ForeignPairs.different + ClockPairs.different + ChoicePairs.different
    + StatementsPairs.different
  static let unknown = UnitsPairs.unknown + BoundsPairs.unknown

  private let comparison = MathComparison()

  @Test("what says the same is equal, in either order")
  func equal() {
    for (first, second) in Self.equal {
      #expect(comparison.compare(first, second) == .equal, "\(first) | \(second)")
      #expect(comparison.compare(second, first) == .equal, "\(second) | \(first)")
    }
  }

  @Test("what says different things is different, in either order")
  func different() {
    for (first, second) in Self.different {
      #expect(comparison.compare(first, second) == .different, "\(first) | \(second)")
      #expect(comparison.compare(second, first) == .different, "\(second) | \(first)")
    }
  }

  @Test("what cannot be told is unknown, in either order, with a reason")
  func unknown() {
    for (first, second) in Self.unknown {
      for verdict in [comparison.compare(first, second), comparison.compare(second, first)] {
        guard case .unknown(let reason) = verdict else {
          Issue.record("\(first) | \(second): \(verdict)")
          continue
        }
        #expect(!reason.isEmpty)
      }
    }
  }

  @Test("every answer equals itself, also with marks of TeX around it")
  func reflexive() {
    for (first, second) in Self.equal + Self.different + Self.unknown {
      for answer in [first, second] where !answer.isEmpty {
        #expect(comparison.compare(answer, answer) == .equal, "\(answer)")
        if !answer.contains("$") { #expect(comparison.compare(answer, " $\(answer)$ ") == .equal, "\(answer)") }
      }
    }
  }

  @Test("decimal places decide from where on a number counts as rounded")
  func decimalPlaces() {
    var rules = AnswerRules()
    rules.decimalPlaces = 2
    let rough = MathComparison(rules: rules)
    #expect(rough.compare("0.33", #"\frac13"#) == .equal)
    #expect(rough.compare("3.14", #"\pi"#) == .equal)
    #expect(rough.compare("3.1", #"\pi"#) == .different)
    #expect(rough.compare("3.15", #"\pi"#) == .different)
    #expect(rough.compare("1.01", "1.012") == .equal)
    #expect(rough.compare("0.01", "0.001") == .different)
  }

  @Test("a percent sign is a hundredth, nothing, or either")
  func percent() {
    var rules = AnswerRules()
    let pairs = [("50%", "0.5"), ("50%", "50")]
    for (percent, verdicts) in [
      (AnswerRules.Percent.either, [MathVerdict.equal, .equal]), (.hundredths, [.equal, .different]),
      (.number, [.different, .equal]),
    ] {
      rules.percent = percent
      let comparison = MathComparison(rules: rules)
      #expect(pairs.map { comparison.compare($0, $1) } == verdicts, "\(percent)")
      #expect(pairs.map { comparison.compare($1, $0) } == verdicts, "\(percent)")
    }
  }

  @Test("variables are real numbers of either sign, or positive")
  func variables() {
    var rules = AnswerRules()
    #expect(MathComparison().compare(#"\sqrt{a^2b}"#, #"a\sqrt{b}"#) == .different)
    rules.variables = .positive
    #expect(MathComparison(rules: rules).compare(#"\sqrt{a^2b}"#, #"a\sqrt{b}"#) == .equal)
    #expect(MathComparison(rules: rules).compare(#"\sqrt{a^2b}"#, #"-a\sqrt{b}"#) == .different)
  }

  @Test("a hundred thousand parts, a megabyte of braces, deep fractions: an answer, and no more than that")
  func bounds() {
    let count = 100_000
    let texts = [
      String(repeating: "{", count: 1 << 20), String(repeating: "}", count: 1 << 20),
      String(repeating: #"\frac{1}{"#, count: count), #"\{"# + String(repeating: "7,", count: count) + #"8\}"#,
      String(repeating: "9", count: count), "2^{" + String(repeating: "9", count: 40) + "}",
      String(repeating: "(", count: 10_000) + "1" + String(repeating: ")", count: 10_000),
      String(repeating: #"1&2\\"#, count: 10_000), String(repeating: "-", count: 60_000) + "1",
    ]
    for text in texts {
      #expect(comparison.compare(text, text) == .equal)
      #expect(comparison.compare(text, "5") != .equal)
      #expect(comparison.compare("5", text) != .equal)
    }
    let large = (0..<2000).map { "\($0)" }
    let set = #"\{"# + large.joined(separator: ", ") + #"\}"#
    #expect(comparison.compare(set, large.reversed().joined(separator: ", ")) == .equal)
    #expect(comparison.compare(set, large.dropLast().joined(separator: ", ")) == .different)
  }
}
