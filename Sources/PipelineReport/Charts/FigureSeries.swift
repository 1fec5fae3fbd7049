// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// A figure of a run over its steps.
struct FigureSeries {
  /// The run.
  let name: String
  /// Steps and values, in order; an interval where there is one.
  var points: [Point] = []

  struct Point {
    let step: Double
    let value: Double
    var interval: ClosedRange<Double>?
  }
}

/// All figures of some runs, as far as their steps are complete.
struct RunFigures {
  /// For each figure, a series for each run that has it.
  private(set) var series: [String: [FigureSeries]] = [:]

  /// Reads the metrics, evaluations and timings of runs.
  init(_ sources: [ReportSource]) throws {
    for (source, name) in zip(sources, SourceNames.names(of: sources)) {
      guard case .run(let run) = source else { continue }
      let progress = try run.progress()
      for file in ["metrics.jsonl", "evaluations.jsonl", "timings.jsonl"] {
        guard let part = run.part(of: file, in: progress, from: 0) else { continue }
        try LineRange(path: run.file(file), part: part).forEachLine {
          add($0, run: name, isEvaluation: file == "evaluations.jsonl")
        }
      }
    }
  }

  private mutating func add(_ line: UnsafeRawBufferPointer, run: String, isEvaluation: Bool) {
    guard let value = try? JSONValue(parsing: line), let step = value["step"]?.doubleValue else { return }
    let numbers = Dictionary(
      (value.objectValue ?? []).compactMap { member in member.value.doubleValue.map { (member.key, $0) } },
      uniquingKeysWith: { $1 })
    for (name, number) in numbers
    where name != "step" && !isBound(name, numbers) && name.hasPrefix("val/") == isEvaluation {
      var interval: ClosedRange<Double>?
      if let low = numbers[name + "_low"], let high = numbers[name + "_high"], low <= high { interval = low...high }
      var runs = series[name] ?? []
      if runs.last?.name != run { runs.append(FigureSeries(name: run)) }
      runs[runs.count - 1].points.append(.init(step: step, value: number, interval: interval))
      series[name] = runs
    }
  }

  /// Whether a figure is the end of another one's interval.
  private func isBound(_ name: String, _ numbers: [String: Double]) -> Bool {
    ["_low", "_high"].contains { name.hasSuffix($0) && numbers[String(name.dropLast($0.count))] != nil }
  }
}
