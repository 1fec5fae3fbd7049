// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore

/// The directory of a run that has ended: the curve of one metric, and the cost.
package struct FinishedRun: Sendable {
  /// A point of a curve.
  package struct Point: Sendable, Hashable {
    /// The steps that were complete.
    package var steps: Int
    /// The value.
    package var value: Double
  }

  /// The metric after some steps, in order.
  package let curve: [Point]
  /// What the run took until each point of the curve.
  let costs: [StudyCost]
  /// What the run took.
  package let cost: StudyCost

  /// Reads a run.
  ///
  /// - Returns: Nil where no run is, or it has not ended.
  /// - Throws: ``PipelineError`` where files cannot be read, or none has the metric.
  package static func read(_ folder: String, metric: String) throws -> FinishedRun? {
    guard let state = try document(folder + "/state.json"), state["finished"] == .bool(true) else { return nil }
    let stages = try document(folder + "/resolved.json")?["stages"]?.arrayValue ?? []
    let sampling = stages.filter { $0["use"] == "rollout" }.compactMap { $0["name"]?.stringValue }
    // What was spent before each step, and at the end.
    var spent = [StudyCost()]
    var (trained, evaluated) = ([Point](), [Point]())
    var names: Set<String> = []
    func point(_ line: JSONValue, after steps: Int) -> Point? {
      names.formUnion((line.objectValue ?? []).filter { $0.value.doubleValue != nil }.map(\.key))
      guard let step = line["step"]?.intValue, let value = line[metric]?.doubleValue, value.isFinite else { return nil }
      return Point(steps: step + steps, value: value)
    }
    try lines(folder + "/metrics.jsonl") { line in
      var cost = spent[spent.count - 1]
      cost.add(metrics: line, sampling: sampling)
      spent.append(cost)
      // A line of a step is written once it is complete, one of an evaluation says how many are.
      if let point = point(line, after: 1) { trained.append(point) }
    }
    var (seconds, step) = (0.0, 0)
    try lines(folder + "/timings.jsonl") { line in
      seconds += line["timing_s/step"]?.doubleValue ?? 0
      step += 1
      if step < spent.count { spent[step].seconds = seconds }
    }
    try lines(folder + "/evaluations.jsonl") { line in
      if let point = point(line, after: 0) { evaluated.append(point) }
    }
    let curve = evaluated.isEmpty ? trained : evaluated
    guard !curve.isEmpty else { throw unknown(metric, in: folder, names) }
    return FinishedRun(
      curve: curve, costs: curve.map { spent[min(max(0, $0.steps), spent.count - 1)] }, cost: spent[spent.count - 1])
  }

  private static func unknown(_ metric: String, in folder: String, _ names: Set<String>) -> PipelineError {
    let hint = NearestName.suggestion(for: metric, among: names.sorted()).map { "; did you mean '\($0)'?" } ?? ""
    return PipelineError(
      .invalidData,
      "\(folder) has no values of '\(metric)', which 'measure.metric' names\(hint.isEmpty ? "; look into its evaluations.jsonl and metrics.jsonl" : hint)"
    )
  }

  private static func document(_ path: String) throws -> JSONValue? {
    guard let data = FileManager.default.contents(atPath: path) else { return nil }
    do {
      return try data.withUnsafeBytes { try JSONValue(parsing: $0) }
    } catch {
      throw PipelineError(.invalidData, "\(path) cannot be read as JSON; was it changed by hand?")
    }
  }

  private static func lines(_ path: String, _ body: (JSONValue) -> Void) throws {
    guard FileManager.default.fileExists(atPath: path) else { return }
    try LineFile(path: path).forEachLine { bytes, number in
      guard let line = try? JSONValue(parsing: bytes) else {
        throw PipelineError(.invalidData, "\(path):\(number) cannot be read as JSON; was it changed by hand?")
      }
      body(line)
      return true
    }
  }

  /// The value that counts.
  ///
  /// - Returns: Nil where the curve has no such point.
  package func value(_ measure: StudyMeasure) -> Double? {
    switch measure.at {
    case .last: curve.last?.value
    case .best: measure.better == .higher ? curve.map(\.value).max() : curve.map(\.value).min()
    case .step(let step): curve.first { $0.steps == step }?.value
    }
  }

  /// The value at a budget of one kind, on the line between the points before and after it.
  ///
  /// - Returns: Nil where the first point is beyond the budget, or the last one before it.
  package func value(at budget: Double, of kind: StudyCost.Kind) -> Double? {
    let spent = costs.map { $0[kind] }
    guard let above = spent.firstIndex(where: { $0 >= budget }) else { return nil }
    if spent[above] == budget { return curve[above].value }
    guard above > 0 else { return nil }
    let share = (budget - spent[above - 1]) / (spent[above] - spent[above - 1])
    return curve[above - 1].value + share * (curve[above].value - curve[above - 1].value)
  }

  /// The area under the curve by trapezoids, divided by its steps: the mean height; nil of one point.
  package var area: Double? {
    guard let first = curve.first, let last = curve.last, last.steps > first.steps else { return nil }
    let sum = zip(curve, curve.dropFirst()).reduce(0) { sum, pair in
      sum + (pair.0.value + pair.1.value) / 2 * Double(pair.1.steps - pair.0.steps)
    }
    return sum / Double(last.steps - first.steps)
  }

  /// The steps at the first point that is at least as good as a level; nil where none is.
  package func steps(to level: Double, _ direction: StudyMeasure.Direction) -> Int? {
    curve.first { direction == .higher ? $0.value >= level : $0.value <= level }?.steps
  }
}
