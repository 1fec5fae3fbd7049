// SPDX-License-Identifier: Apache-2.0
import MathAnswers
import PipelineCore

/// Grades responses from standard input, one JSON array of a response and its expected answer, or an array of accepted
/// ones, a line.
struct RewardProbe {
  private let grader = AnswerGrader()

  func run() throws {
    while let line = readLine() {
      guard case .array(let pair) = try JSONValue(parsing: line), pair.count == 2, let response = pair[0].stringValue
      else {
        print("unreadable")
        continue
      }
      let accepted = if case .array(let values) = pair[1] { values } else { [pair[1]] }
      switch grader.grade(response, accepted: accepted.compactMap(\.scalarText)) {
      case .compared(.equal): print("1.0")
      case .compared(.different), .nothingFound: print("0.0")
      case .compared(.unknown(let reason)): print("unknown \(reason)")
      }
    }
  }
}
