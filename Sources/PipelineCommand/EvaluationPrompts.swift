// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import PipelineCore
import PipelineIO
import PipelineRuntime

/// The prompts of an evaluation, all read and checked before the model does anything.
struct EvaluationPrompts {
  /// The fields that sampling a response adds to a prompt.
  private static let sampled: Set<Field> = [
    .id, .group, .prompt, .promptTokens, .response, .finish, .tokens, .logprobs, .sampling,
  ]

  /// The prompts.
  private(set) var prompts: [Trajectory] = []
  private let path: String
  private let reader: TrajectoryReader
  private let log: BadRecordLog
  private let required: [Field]

  /// - Parameters:
  ///   - path: A file, or `-`.
  ///   - limit: The most prompts to read; nil for all.
  ///   - scoring: The stages that score the responses, which determine the fields that prompts must carry.
  ///   - reading: Says how they are read: their format, their columns, what is put around them.
  init(
    _ path: String, limit: Int?, scoring: [NamedStage], maxBadRecords: Int, threads: Int, observer: any RunObserver,
    reading: (inout TrajectoryReader.Options) throws -> Void
  ) throws {
    if path != "-", access(path, R_OK) != 0 {
      throw SystemError.current("cannot open", path)
    }
    self.path = path == "-" ? "standard input" : path
    var (required, written): (Set<Field>, Set<Field>) = ([], Self.sampled)
    for stage in scoring {
      required.formUnion(stage.stage.reads.subtracting(written))
      written.formUnion(stage.stage.writes)
    }
    self.required = required.sorted { $0.rawValue < $1.rawValue }
    var options = TrajectoryReader.Options(paths: [path])
    options.kind = .prompts
    try reading(&options)
    options.cut = limit.map { .groups($0) } ?? .all
    options.required = self.required
    options.requiredBy = "scoring reads"
    options.maxBadRecords = maxBadRecords
    options.nameOfLimit = "--max-bad-records"
    options.threads = threads
    let log = BadRecordLog(observer: observer)
    self.log = log
    reader = TrajectoryReader(options) { log.add($0) }
  }

  /// Reads them.
  ///
  /// - Throws: When they cannot be read, or more of them cannot be used than allowed.
  mutating func read() async throws {
    prompts = try await reader.next()?.trajectories ?? []
    try await keep { [required] prompt in
      for field in required where try prompt.value(of: field) == .null {
        return "scoring reads '\(field)', which is null in this record"
      }
      return nil
    }
    try await checkAny()
  }

  /// Checks that at least one prompt has the field of `--by`.
  func check(category field: Field) throws {
    if prompts.contains(where: { $0.has(field) }) { return }
    var names: [String] = []
    for prompt in prompts.prefix(100) {
      try prompt.record.withBytes { line in
        try RecordWalk.forEachMember(in: line) { name, _ in
          if !names.contains(name) { names.append(name) }
          return true
        }
      }
    }
    let hint = NearestName.suggestion(for: field.rawValue, among: names).map { "; did you mean '\($0)'?" } ?? "."
    let shown = names.prefix(20).joined(separator: ", ")
    throw PipelineError(
      .invalidSpec,
      "--by: no prompt of \(path) has a field \(field.rawValue.quotedForMessage)\(hint) They have: \(shown)")
  }

  /// Removes prompts that turned out to be unusable.
  mutating func reject(_ failures: [EvaluationChunk.Failure]) async throws {
    let reasons = Dictionary(failures.map { (ExactText($0.prompt.id), $0.reason) }) { first, _ in first }
    try await keep { reasons[ExactText($0.id)] }
    try await checkAny()
  }

  /// How many lines could not be used.
  var badRecords: Int { get async { await reader.counts.badRecords } }

  /// The lines that could not be used, as lines of JSON.
  var badRecordLines: [UInt8] { log.take() }

  private mutating func keep(_ fault: (Trajectory) throws -> String?) async throws {
    var kept: [Trajectory] = []
    for prompt in prompts {
      if let reason = try fault(prompt) {
        try await reader.reject(prompt, because: reason)
      } else {
        kept.append(prompt)
      }
    }
    prompts = kept
  }

  private func checkAny() async throws {
    guard prompts.isEmpty else { return }
    guard let first = log.first else {
      throw PipelineError(.invalidData, "\(path) holds no prompts; check that the right file was named")
    }
    throw PipelineError(
      .invalidData, "no prompt of the input can be used (\(await badRecords) bad); the first: \(first.reason)",
      at: first.location)
  }
}
