// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineRuntime

/// The figures of a training step, in one line.
struct TrainingFigures {
  private let metrics: [String: Double]
  private let seconds: Double
  private let generated: Double?

  /// - Parameter generating: The stage that makes the rollouts; nil for none.
  init(_ report: StepReport, generating: String?) {
    metrics = report.metrics
    generated = generating.flatMap { report.metrics["\($0)/kept"] }
    seconds = report.seconds
  }

  /// `reward .62 acc .58 kept 33% util 98% 3.2k tok/s`; nil for a step that trains nothing.
  var text: String? {
    guard metrics["actor/lr"] != nil || metrics["response_length/mean"] != nil else { return nil }
    var parts: [String] = []
    func add(_ name: String, _ value: Double?, _ format: (Double) -> String) {
      if let value { parts.append("\(name) \(format(value))") }
    }
    add("reward", metrics["reward/overall"], Self.decimals)
    add("acc", metrics["reward/accuracy"], Self.decimals)
    if metrics["reward/overall"] == nil { add("loss", metrics["actor/pg_loss"], Self.decimals) }
    if let distinct = metrics["data/trained_distinct"], let made = generated, made > 0 {
      add("kept", distinct / made, Self.percent)
      add("util", metrics["actor/rollout_util_rate"], Self.percent)
    }
    if let tokens = metrics["perf/response_tokens"], seconds > 0 {
      parts.append(Self.short(tokens / seconds) + " tok/s")
    }
    return parts.joined(separator: " ")
  }

  private static func decimals(_ value: Double) -> String {
    let text = String(format: "%.2f", value)
    return text.hasPrefix("0.") ? String(text.dropFirst()) : text
  }

  private static func percent(_ share: Double) -> String { "\(Int((share * 100).rounded()))%" }

  private static func short(_ number: Double) -> String {
    number < 1000
      ? "\(Int(number))" : number < 100_000 ? String(format: "%.1fk", number / 1000) : "\(Int(number / 1000))k"
  }
}

/// The result of an evaluation, for display.
enum EvaluationFigures {
  /// `val/accuracy 62.0 % (58.1–65.8), open 51.5 %, yes-no 72.4 %`; nil if nothing was scored.
  static func line(_ metrics: [StageReport.Metric]) -> String? {
    let values = Dictionary(metrics.map { ($0.name, $0.value) }, uniquingKeysWith: { _, last in last })
    guard
      let score = metrics.map(\.name).first(where: { values[$0 + "_low"] != nil && values[$0 + "_high"] != nil }),
      let value = values[score], let low = values[score + "_low"], let high = values[score + "_high"]
    else { return nil }
    let name = String(score.drop { $0 != "/" }.dropFirst())
    var parts = ["\(score) \(percent(value)) % (\(percent(low))–\(percent(high)))"]
    for metric in metrics where metric.name != score && metric.name.hasSuffix("/" + name) {
      parts.append("\(metric.name.dropFirst(4).dropLast(name.count + 1)) \(percent(metric.value)) %")
    }
    return parts.joined(separator: ", ")
  }

  private static func percent(_ share: Double) -> String { String(format: "%.1f", share * 100) }
}
