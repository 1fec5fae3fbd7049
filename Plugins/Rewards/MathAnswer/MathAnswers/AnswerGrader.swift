// SPDX-License-Identifier: Apache-2.0

/// Finds the answer in a response and compares it with the expected one.
package struct AnswerGrader: Sendable {
  private let rules: AnswerRules
  private let comparison: MathComparison

  /// A grader by rules.
  package init(rules: AnswerRules = AnswerRules()) {
    self.rules = rules
    comparison = MathComparison(rules: rules)
  }

  /// What grading a response found.
  package enum Grade: Sendable, Hashable {
    /// The answer of the response, compared with those that are accepted.
    case compared(MathVerdict)
    /// The response holds nothing to compare.
    case nothingFound
  }

  /// Whether the response gives one of the accepted answers, each of which may stand in a solution or in a box.
  package func grade(_ response: String, accepted: [String]) -> Grade {
    grade(Array(response.utf8), accepted: accepted.map { Array($0.utf8) })
  }

  private func grade(_ response: [UInt8], accepted: [[UInt8]]) -> Grade {
    guard let text = rules.thought.rest(of: Fullwidth.plain(response)[...]), let found = answer(in: text) else {
      return .nothingFound
    }
    var unknown: MathVerdict?
    for answer in accepted {
      switch grade(found, Fullwidth.plain(answer)) {
      case .equal: return .compared(.equal)
      case .different: continue
      case let verdict: unknown = unknown ?? verdict
      }
    }
    // A statement in words, where the answer is none.
    if found.isEmpty || found.isStatement && !accepted.contains(where: { ProseSearch.isOnlyWords($0[...]) }) {
      return .nothingFound
    }
    return .compared(unknown ?? .different)
  }

  private func answer(in text: ArraySlice<UInt8>) -> FoundAnswer? {
    switch rules.extract {
    case .automatic: AnswerPart.automatic(in: text)
    case .boxed: AnswerPart.boxed(in: text)
    case .answerTag: FoundAnswer(AnswerPart.tagged(in: text) ?? text)
    case .none: FoundAnswer(text)
    }
  }

  private func grade(_ found: FoundAnswer, _ expected: [UInt8]) -> MathVerdict {
    let key = AnswerPart.expected(in: expected[...])
    let verdict = comparison.compare(found, FoundAnswer(key))
    if verdict == .equal { return verdict }
    // The same answer in every box.
    if !found.boxes.isEmpty, found.boxes.allSatisfy({ comparison.compare($0, key) == .equal }) { return .equal }
    // An answer in words, letter by letter; and whatever the expected answer was cut from.
    if found.statements.isEmpty, key.count == expected.count { return verdict }
    let forms = [AnswerForm(key[...]), AnswerForm(expected[...])]
    for statement in [found.bytes[...]] + found.statements {
      let said = AnswerForm(statement)
      if forms.contains(where: said.isSame) { return .equal }
    }
    return verdict
  }
}
