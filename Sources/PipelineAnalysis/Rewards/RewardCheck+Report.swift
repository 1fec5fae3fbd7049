// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

extension RewardCheck {
  /// The report as text: how many are right, and each case that is not.
  package func text(style: TerminalStyle = TerminalStyle()) -> String {
    var page = Page(style)
    let right = count - mismatches.count
    page.heading(
      "\(style.safe(name)) on \(NumberText.count(count, "case"))", style.safe(file))
    page.line("  \(NumberText.count(right)) as expected, \(NumberText.percent(right, of: count))")
    for fault in Fault.allCases {
      let found = mismatches.filter { $0.fault == fault }
      guard !found.isEmpty else { continue }
      page.heading(NumberText.count(found.count) + " " + (found.count == 1 ? fault.noun : fault.plural), fault.meaning)
      for mismatch in found { write(mismatch, to: &page) }
    }
    return page.text
  }

  private func write(_ mismatch: Mismatch, to page: inout Page) {
    let style = page.style
    let place = "\(style.safe(mismatch.case.location.file)):\(mismatch.case.location.line)"
    let id = mismatch.case.trajectory.id
    page.line(
      "  " + place + (id == "line \(mismatch.case.location.line)" ? "" : "  " + style.safe(id)) + "  "
        + style.paint("\(mismatch.verdict.phrase), expected \(mismatch.case.expectation.phrase)", .bad))
    for field in [Field.response, .answer] {
      let value = (try? mismatch.case.trajectory.value(of: field)) ?? nil
      guard let text = value.map({ $0.stringValue ?? $0.json }) else { continue }
      page.line(
        "    " + TextWidth.left(field.rawValue, 10) + TextWidth.fit(style.safe(text), style.columns - 14, style))
    }
    if case .unscored(_, let reason) = mismatch.verdict {
      page.line("    " + TextWidth.left("reason", 10) + TextWidth.fit(style.safe(reason), style.columns - 14, style))
    }
  }

  /// Everything that ``text(style:)`` shows, as JSON.
  package var json: JSONValue {
    [
      "reward": .string(name), "file": .string(file), "cases": .number(count),
      "as_expected": .number(count - mismatches.count),
      "faults": .object(
        Fault.allCases.map { fault in
          .init(fault.key, .number(mismatches.count { $0.fault == fault }))
        }),
      "mismatches": .array(
        mismatches.map { mismatch in
          [
            "line": .number(mismatch.case.location.line), "id": .string(mismatch.case.trajectory.id),
            "fault": .string(mismatch.fault.key), "expected": mismatch.case.expectation.json,
            "verdict": mismatch.verdict.json,
          ]
        }),
    ]
  }
}

extension RewardCheck.Fault {
  fileprivate var key: String { rawValue.replacing(" ", with: "_") }

  fileprivate var noun: String {
    switch self {
    case .falsePositive, .falseNegative: rawValue
    case .notScored: "case not scored"
    case .otherwise: "case with another status"
    }
  }

  fileprivate var plural: String {
    switch self {
    case .falsePositive, .falseNegative: rawValue + "s"
    case .notScored: "cases not scored"
    case .otherwise: "cases with another status"
    }
  }

  fileprivate var meaning: String {
    switch self {
    case .falsePositive: "scored more than expected"
    case .falseNegative: "scored less than expected"
    case .notScored: "a score was expected"
    case .otherwise: "no score was expected, or another reason for none"
    }
  }
}

extension RewardCase.Expectation {
  fileprivate var phrase: String {
    switch self {
    case .score(let score): NumberText.short(score)
    case .status(let status): status.rawValue
    }
  }

  fileprivate var json: JSONValue {
    switch self {
    case .score(let score): .number(score)
    case .status(let status): .string(status.rawValue)
    }
  }
}

extension RewardVerdict {
  /// `scored 0.5`, `abstained`.
  var phrase: String { score.map { "scored \(NumberText.short($0))" } ?? status.rawValue }

  /// The score and its parts, or the status and the reason.
  var json: JSONValue {
    switch self {
    case .scored(let score, let parts):
      parts.isEmpty
        ? ["score": .number(score)]
        : ["score": .number(score), "parts": .object(parts.map { .init($0.name, .number($0.score)) })]
    case .unscored(let status, let reason): ["status": .string(status.rawValue), "reason": .string(reason)]
    }
  }
}
