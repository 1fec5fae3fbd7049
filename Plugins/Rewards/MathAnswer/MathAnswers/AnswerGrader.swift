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

  /// Whether the response gives one of the accepted answers, each of which may stand in a solution or in a box.
  ///
  /// - Returns: ``MathVerdict/different`` also where the response holds no answer, or none is accepted.
  package func grade(_ response: String, accepted: [String]) -> MathVerdict {
    grade(Array(response.utf8), accepted: accepted.map { Array($0.utf8) })
  }

  private func grade(_ response: [UInt8], accepted: [[UInt8]]) -> MathVerdict {
    var text = Fullwidth.plain(response)[...]
    if rules.thinking == .ignored {
      guard let said = AnswerPart.afterThinking(in: text) else { return .different }
      text = said
    }
    let found = answer(in: text)
    var unknown: MathVerdict?
    for answer in accepted {
      switch grade(found, Fullwidth.plain(answer)) {
      case .equal: return .equal
      case .different: continue
      case let verdict: unknown = unknown ?? verdict
      }
    }
    return unknown ?? .different
  }

  private func answer(in text: ArraySlice<UInt8>) -> FoundAnswer? {
    switch rules.extract {
    case .automatic: AnswerPart.automatic(in: text)
    case .boxed: AnswerPart.boxed(in: text)
    case .answerTag: FoundAnswer(AnswerPart.tagged(in: text) ?? text)
    case .none: FoundAnswer(text)
    }
  }

  private func grade(_ found: FoundAnswer?, _ expected: [UInt8]) -> MathVerdict {
    guard let found else { return .different }
    let key = AnswerPart.expected(in: expected[...])
    let verdict = comparison.compare(found.bytes, key)
    if verdict == .equal { return verdict }
    // The same answer in every box.
    if !found.boxes.isEmpty, found.boxes.allSatisfy({ comparison.compare($0, key) == .equal }) { return .equal }
    // An answer in words, letter by letter.
    if !found.statements.isEmpty {
      let form = AnswerForm(key[...])
      let whole = AnswerForm(expected[...])
      for statement in found.statements {
        let said = AnswerForm(statement)
        if said.isSame(as: form) || said.isSame(as: whole) { return .equal }
      }
    }
    return verdict
  }
}
