// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineAnalysis
import PipelineCore
import PipelineRuntime
import PipelineSpec
import Testing

/// Runs of which the files are written here, so that every number can be checked by hand.
@Suite("The results of a study", .timeLimit(.minutes(15)))
final class StudyResultsTests {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("shuffle-r1-\(UUID())").path

  deinit { _ = try? FileManager.default.removeItem(atPath: folder) }

  /// A run with the accuracy after 0, 4 and 8 steps.
  private func write(_ name: String, _ accuracy: [Double], finished: Bool = true, trained: Int = 50) throws {
    let run = folder + "/" + name
    try FileManager.default.createDirectory(atPath: run, withIntermediateDirectories: true)
    func file(_ file: String, _ lines: [String]) throws {
      try (lines.map { $0 + "\n" }.joined()).write(toFile: run + "/" + file, atomically: true, encoding: .utf8)
    }
    try file("state.json", [#"{"finished": \#(finished)}"#])
    try file(
      "resolved.json", [#"{"stages": [{"use": "rollout", "name": "roll"}, {"use": "update", "name": "update"}]}"#])
    try file(
      "evaluations.jsonl", accuracy.enumerated().map { #"{"step": \#(4 * $0.offset), "val/accuracy": \#($0.element)}"# }
    )
    try file(
      "metrics.jsonl",
      (0..<8).map {
        #"{"step": \#($0), "roll/kept": 32, "perf/response_tokens": 100, "data/trained_tokens": \#(trained), "reward/overall": 0.\#($0), "actor/optimizer_steps": \#(2 * $0 + 2)}"#
      })
    try file("timings.jsonl", (0..<8).map { #"{"step": \#($0), "started": "2026-01-01", "timing_s/step": 0.5}"# })
  }

  private func plan(seeds: Int = 2, measure: String = "{}") throws -> StudyPlan {
    try StudyPlan(
      SpecText(
        #"{"spec": "a", "title": "T", "seeds": \#(seeds), "output": "\#(folder)", "arms": {"a": {}, "b": {}}, "measure": \#(measure)}"#,
        file: "s.json"))
  }

  @Test("means, paired differences, areas, steps to the baseline's level and costs, by hand")
  func numbers() throws {
    try write("a/seed-1", [0, 0.25, 0.5])
    try write("a/seed-2", [0, 0.5, 0.75])
    try write("b/seed-1", [0, 0.75, 0.75])
    try write("b/seed-2", [0, 0.25, 0.5])
    let results = try StudyResults(of: plan())
    let (a, b) = (results.cells[0], results.cells[1])
    #expect(a.values?.mean == 0.625)
    #expect(b.values?.mean == 0.625)
    #expect(a.difference == nil)
    #expect(b.difference?.values == [0.25, -0.25])
    #expect(results.differenceDeviation == 0.125.squareRoot())
    // (0 + 0.25) / 2 and (0.25 + 0.5) / 2, each over 4 of 8 steps; and the other seed's.
    #expect(a.area == (0.25 + 0.4375) / 2)
    #expect(a.level == 0.625)
    #expect(a.stepsToLevel(.higher) == [8])
    #expect(b.stepsToLevel(.higher) == [4])
    var cost = StudyCost()
    (cost.rollouts, cost.tokensSampled, cost.tokensTrained, cost.updates, cost.seconds) = (512, 1600, 800, 32, 8)
    #expect(a.cost == cost)
    #expect(results.missing.isEmpty)
    let again = try StudyResults(of: plan())
    #expect(results.json == again.json)
    #expect(
      results.text() == """
        T  val/accuracy at the end, higher is better
          arm  seeds   mean  spread    area  steps to level
          a        2  0.625  0.1768  0.3438      8 (1 of 2)
          b        2  0.625  0.1768  0.4062      4 (1 of 2)

        difference to a  seed by seed, with 95 % intervals of the mean
          arm  seeds  mean                t      bootstrap
          b        2     0  -3.177 … +3.177  -0.25 … +0.25

        cost  summed over the seeds
          arm  rollouts  tokens sampled  tokens trained  updates  seconds
          a         512           1,600             800       32        8
          b         512           1,600             800       32        8

        """)
  }

  @Test("at equal cost: on the line between evaluations, where the run that spent least has ended")
  func equalCost() throws {
    try write("a/seed-1", [0, 0.25, 0.5])
    try write("a/seed-2", [0, 0.5, 0.75])
    try write("b/seed-1", [0, 0.5, 0.75], trained: 100)
    try write("b/seed-2", [0.25, 0.25, 1], trained: 100)
    let results = try StudyResults(of: plan())
    let (a, b) = (results.cells[0].atEqualCost, results.cells[1].atEqualCost)
    #expect(a.map(\.kind) == StudyCost.Kind.allCases)
    #expect(a.map(\.budget) == [256, 800, 400, 16, 4])
    // In as many steps all are at their ends.
    #expect(b[0].values?.values == [0.75, 1] && b[0].difference?.values == [0.25, 0.25])
    // The 400 tokens that `a` trains on in 8 steps are those of 4 steps of `b`.
    #expect(a[2].values?.values == [0.5, 0.75])
    #expect(b[2].values?.values == [0.5, 0.25] && b[2].difference?.values == [0, -0.5])
    #expect(
      results.text().contains(
        """
        at equal cost  in brackets the difference to a, ± for its 95 % t interval
          arm         tokens trained
          a                    0.625
          b    0.375 (-0.25 ± 3.177)

        """))
    let equal = results.json["cells"]?.arrayValue?[1]["at_equal_cost"]?["tokens_trained"]
    #expect(equal?["budget"] == 400.0 && equal?["mean"] == 0.375)
  }

  @Test("between two evaluations, before the first and behind the last one")
  func budgets() throws {
    try write("a/seed-1", [0, 0.25, 0.5])
    let run = try #require(try FinishedRun.read(folder + "/a/seed-1", metric: "val/accuracy"))
    #expect(run.value(at: 6, of: .updates) == 0.1875)
    #expect(run.value(at: 16, of: .updates) == 0.5)
    #expect(run.value(at: 17, of: .updates) == nil)
    let trained = try #require(try FinishedRun.read(folder + "/a/seed-1", metric: "reward/overall"))
    #expect(trained.value(at: 1, of: .updates) == nil)
  }

  @Test("the best point, a step, and a metric of the steps")
  func points() throws {
    for name in ["a/seed-1", "b/seed-1"] { try write(name, [0.5, 0.75, 0.25]) }
    func value(_ measure: String) throws -> Double? {
      try StudyResults(of: plan(seeds: 1, measure: measure)).cells[0].values?.mean
    }
    #expect(try value(#"{"at": "last"}"#) == 0.25)
    #expect(try value(#"{"at": "best"}"#) == 0.75)
    #expect(try value(#"{"at": "best", "better": "lower"}"#) == 0.25)
    #expect(try value(#"{"at": 4}"#) == 0.75)
    #expect(try value(#"{"metric": "reward/overall", "at": 3}"#) == 0.2)
  }

  @Test("runs that have not ended are named and left out")
  func missing() throws {
    try write("a/seed-1", [0, 0, 1])
    try write("b/seed-2", [0, 0, 1])
    try write("b/seed-1", [0, 0, 1], finished: false)
    let results = try StudyResults(of: plan())
    #expect(results.missing.map(\.name) == ["b/seed-1", "a/seed-2"])
    #expect(results.cells[1].difference == nil)
    #expect(results.text().contains("2 of 4 runs have not ended, and are left out: b/seed-1, a/seed-2"))
  }

  @Test("a metric or a step that a run does not have is an error with the remedy")
  func unknown() throws {
    for name in ["a/seed-1", "b/seed-1"] { try write(name, [0, 0, 1]) }
    func message(_ measure: String) -> String? {
      do {
        _ = try StudyResults(of: plan(seeds: 1, measure: measure))
        return nil
      } catch {
        return (error as? PipelineErrors)?.errors.first?.message
      }
    }
    #expect(
      message(#"{"metric": "val/acuracy"}"#)
        == "\(folder)/a/seed-1 has no values of 'val/acuracy', which 'measure.metric' names; did you mean 'val/accuracy'?"
    )
    #expect(
      message(#"{"at": 5}"#)
        == "\(folder)/a/seed-1 has no 'val/accuracy' where 'measure.at' says; it has one after 0, 4, 8 steps")
  }
}
