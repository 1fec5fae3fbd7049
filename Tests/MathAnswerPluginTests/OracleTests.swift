// SPDX-License-Identifier: Apache-2.0
import Foundation
import MathAnswerPlugin
import PipelineCore
import PipelineTesting
import Testing

/// Agreement with other graders on texts of others.
///
/// The texts are not in the repository: set `SHUFFLE_R1_ORACLES` to the folder that has them.
@Suite(
  "math-answer and other graders", .timeLimit(.minutes(15)),
  .enabled(
    if: ProcessInfo.processInfo.environment["SHUFFLE_R1_ORACLES"] != nil,
    "SHUFFLE_R1_ORACLES does not name the folder of the texts"))
struct OracleTests {
  private func lines<Line: Decodable>(_ name: String) throws -> [Line] {
    let folder = try #require(ProcessInfo.processInfo.environment["SHUFFLE_R1_ORACLES"])
    let file = URL(fileURLWithPath: folder).appending(path: name)
    return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map {
      try JSONDecoder().decode(Line.self, from: Data($0.utf8))
    }
  }

  /// Counts agreements, and prints what differs.
  private struct Tally {
    var agreed = 0
    var total = 0
    var falsePositives = 0

    mutating func add(_ found: MathVerdict, expected: Bool, _ pair: String) {
      total += 1
      if found == (expected ? .equal : .different) {
        agreed += 1
      } else {
        if found == .equal { falsePositives += 1 }
        print("math-answer: \(found), other grader: \(expected ? "equal" : "different"): \(pair)")
      }
    }

    var share: Double { Double(agreed) / Double(total) }
  }

  private struct Equivalence: Decodable {
    let gold: String?
    let pred: String
    let expected: Expectation?
    let result: Int?

    enum Expectation: Decodable {
      case verdict(Int)
      case letters([String])

      init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let verdict = try? container.decode(Int.self) {
          self = .verdict(verdict)
        } else {
          self = .letters(try container.decode([String].self))
        }
      }
    }
  }

  @Test("at least 95 % of Math-Verify's own cases, in either order, none wrongly equal")
  func equivalence() throws {
    let comparison = MathComparison()
    var tally = Tally()
    for line: Equivalence in try lines("math_equivalence.jsonl") {
      switch (line.gold, line.expected) {
      case (let gold?, .verdict(let verdict)?):
        tally.add(
          comparison.compareTexts(line.pred, gold), expected: verdict == 1, "\(gold) | \(line.pred.suffix(200))")
      case (let gold?, nil):
        tally.add(comparison.compareTexts(line.pred, gold), expected: line.result == 1, "\(gold) | \(line.pred)")
      case (nil, .letters(let letters)?):
        // Which letter is found, if any.
        let found = ["A", "B", "C", "D"].first { comparison.compareTexts(line.pred, $0) == .equal }
        tally.add(found == letters.last ? .equal : .different, expected: true, line.pred)
      default: Issue.record("no verdict for \(line.pred)")
      }
      guard let gold = line.gold else { continue }
      #expect(comparison.compareTexts(line.pred, gold) == comparison.compareTexts(gold, line.pred), "\(gold)")
      #expect(comparison.compareTexts(gold, gold) == .equal, "\(gold)")
    }
    #expect(tally.total == 92)
    #expect(tally.share >= 0.95)
    #expect(tally.falsePositives == 0)
  }

  private struct Grade: Decodable {
    let given: String
    let ground_truth: String
    let grade_answer: Bool
  }

  @Test("at least 97 % of mathruler's grades, in either order, none wrongly equal")
  func grades() throws {
    let comparison = MathComparison()
    var tally = Tally()
    for line: Grade in try lines("answer_grades.jsonl") {
      let verdict = comparison.compare(line.given, line.ground_truth)
      tally.add(verdict, expected: line.grade_answer, "\(line.ground_truth) | \(line.given.suffix(100))")
      #expect(comparison.compare(line.ground_truth, line.given) == verdict)
      #expect(comparison.compare(line.given, line.given) == .equal)
    }
    #expect(tally.total > 150)
    #expect(tally.share >= 0.97)
    #expect(tally.falsePositives == 0)
  }

  private struct Response: Decodable {
    let response: String
    let ground_truth: String
    let math: Scores
    let r1v: Scores

    struct Scores: Decodable { let accuracy: Double }
  }

  @Test("at least 99 % of Shuffle-R1's accuracy on real responses, boxed and between answer tags")
  func responses() throws {
    var boxed = MathAnswerOptions()
    boxed.extract = .boxed
    var tagged = MathAnswerOptions()
    tagged.extract = .answerTag
    var (boxes, tags) = (Tally(), Tally())
    for line: Response in try lines("rewards_on_real_responses.jsonl") {
      let trajectory = Trajectory(
        id: "t", group: "g", fields: [.response: .string(line.response), .answer: .string(line.ground_truth)])
      let name = "\(line.ground_truth) | \(line.response.suffix(120))"
      boxes.add(try verdict(boxed, trajectory), expected: line.math.accuracy == 1, name)
      tags.add(try verdict(tagged, trajectory), expected: line.r1v.accuracy == 1, name)
    }
    #expect(boxes.share >= 0.99)
    #expect(tags.share >= 0.99)
    // Three boxes with the right letter and something after it, which the published function calls wrong.
    #expect(boxes.falsePositives == 3)
    #expect(tags.falsePositives == 0)
  }

  private func verdict(_ options: MathAnswerOptions, _ trajectory: Trajectory) throws -> MathVerdict {
    switch try MathAnswerReward(options: options, assembly: .plain()).score(trajectory) {
    case .scored(let score, _): score == 1 ? .equal : .different
    case .abstained(let reason): .unknown(reason)
    }
  }
}
