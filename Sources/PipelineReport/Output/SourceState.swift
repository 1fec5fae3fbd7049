// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineIO
import PipelineRuntime

/// How far a source has been read, and what the page is told of it beside its rows.
struct SourceState {
  let source: ReportSource
  /// Its name in the report.
  let name: String
  var progress = RunFolder.Progress()
  var isAtWork = false
  /// How much of each file has been read.
  var read: [String: UInt64] = [:]
  /// How many pieces of each series there are.
  var seriesParts: [String: Int] = [:]
  var rowCount = 0
  var isRead = false
  private(set) var events: [JSONValue] = []
  /// The texts of its tokens; nil where there is no tokenizer.
  var tokenTexts: TokenTexts?
  private var watch = TrainingWatch()
  private var started: String?

  init(_ source: ReportSource, name: String) {
    (self.source, self.name) = (source, name)
    if case .run(let run) = source { tokenTexts = TokenTexts(run) }
  }

  /// Looks at a line of metrics for signs of trouble; a run says them on the terminal, and keeps no record of them.
  mutating func watch(_ line: UnsafeRawBufferPointer) {
    guard let value = try? JSONValue(parsing: line), let step = value["step"]?.intValue else { return }
    var numbers: [String: Double] = [:]
    for member in value.objectValue ?? [] {
      if case .null = member.value {
        numbers[member.key] = .nan
      } else {
        numbers[member.key] = member.value.doubleValue
      }
    }
    for warning in watch.warnings(step: step, metrics: numbers) {
      events.append([
        "step": .number(step), "kind": "warning", "code": .string(warning.code), "text": .string(warning.message),
        "advice": .string(warning.advice),
      ])
    }
  }

  /// Looks at a line of timings for where the run was resumed: the steps of each part name the time of its start.
  mutating func watchStart(_ line: UnsafeRawBufferPointer) {
    guard let value = try? JSONValue(parsing: line), let step = value["step"]?.intValue,
      let time = value["started"]?.stringValue
    else { return }
    defer { started = time }
    guard let started, started != time else { return }
    events.append(["step": .number(step), "kind": "resume", "text": .string("resumed at \(time)")])
  }

  /// What the manifest says of it.
  func json(registry: Registry) -> JSONValue {
    switch source {
    case .files(let options):
      return [
        "kind": "files", "name": .string(name), "paths": .array(options.paths.prefix(200).map { .string($0) }),
        "files": .number(options.paths.count), "rows": .number(rowCount),
      ]
    case .run(let run):
      return [
        "kind": "run", "name": .string(name), "path": .string(run.path), "rows": .number(rowCount),
        "steps": .number(progress.completeSteps), "finished": .bool(progress.isFinished), "at_work": .bool(isAtWork),
        "stages": .array(Self.stages(run.spec, registry)), "spec": run.spec,
        "series": .object(seriesParts.sorted { $0.key < $1.key }.map { .init($0.key, .number($0.value)) }),
        "events": .array(events + checkpointEvents),
        "lineage": .bool(progress.lengths["lineage.jsonl"] != nil),
      ]
    }
  }

  private var checkpointEvents: [JSONValue] {
    progress.checkpoints.compactMap { name in
      guard name.hasPrefix("step-"), let step = Int(name.dropFirst("step-".count)) else { return nil }
      let isBest = name == progress.best
      return ["step": .number(step), "kind": "checkpoint", "text": .string(name + (isBest ? ", the best" : ""))]
    }
  }

  /// The stages with the rules they drop by, in the order of the spec.
  private static func stages(_ spec: JSONValue, _ registry: Registry) -> [JSONValue] {
    (spec["stages"]?.arrayValue ?? []).compactMap { entry in
      guard let use = entry["use"]?.stringValue else { return nil }
      let about = registry.component(.stage, use)?.about
      let rules = (about?.rules ?? []) + RunReference.rules
      return [
        "name": .string(entry["name"]?.stringValue ?? use), "use": .string(use),
        "summary": .string(about?.summary ?? ""),
        "rules": .object(rules.map { .init($0.name, .string($0.reason)) }),
      ]
    }
  }
}
