// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import PipelineCore

/// The checkpoints of a run: `checkpoints/step-N`, and the links `latest` and `best`.
///
/// The run's `state.json` says which of them count, and what is in them. It is replaced after a checkpoint is complete
/// and before an older one is removed, so that a kill at any moment leaves one to continue from.
struct CheckpointStore {
  /// What the run's state says of checkpoints.
  struct Record: Sendable, Equatable {
    /// The newest, to continue from.
    var latest: String?
    /// Those that stay for their age, oldest first.
    var kept: [String] = []
    /// The one that evaluated best.
    var best: String?
    /// What it evaluated to.
    var bestScore: Double?
    /// What each of them holds.
    var files: [String: CheckpointFiles] = [:]

    /// All that count.
    var names: Set<String> { Set(kept + [latest, best].compactMap { $0 }) }
  }

  private static let folder = "checkpoints"
  private let run: Folder
  private let options: (keep: Int, keepBest: Bool)
  private let threads: Int
  private(set) var record = Record()

  /// The checkpoints of a run, as its state tells of them.
  init(run: Folder, keep: Int, keepBest: Bool, threads: Int, state: JSONValue?) throws {
    self.run = run
    self.threads = threads
    options = (keep, keepBest)
    guard let state, state != .null else { return }
    guard let record = Record(state) else {
      throw PipelineError(
        .invalidData,
        "\(run.path(of: RunState.file)) says something of checkpoints that cannot be read; start anew with --overwrite")
    }
    self.record = record
    if let latest = record.latest, try run.kind(of: Self.place(of: latest)) == nil {
      throw PipelineError(
        .inputOutput,
        "\(path(of: latest)), from which the run would continue, is gone; put it back, or start anew with --overwrite")
    }
  }

  /// The folder of a checkpoint.
  func path(of name: String) -> String { run.path(of: Self.place(of: name)) }

  private static func place(of name: String) -> String { folder + "/" + name }

  private static func name(steps: Int) -> String { "step-\(steps)" }

  fileprivate static func isName(_ name: String) -> Bool { name.hasPrefix("step-") && Int(name.dropFirst(5)) != nil }

  /// Checks that the newest checkpoint is what was saved; takes the time of reading it.
  ///
  /// - Throws: An error that names the file that is another one, or gone.
  func verifyLatest() async throws {
    guard let latest = record.latest, let folder = try run.folder(Self.place(of: latest)) else { return }
    guard let files = record.files[latest] else {
      throw PipelineError(
        .invalidData, "\(run.path(of: RunState.file)) does not say what \(latest) holds; start anew with --overwrite")
    }
    try await files.verify(in: folder, threads: threads)
  }

  /// Writes a checkpoint, whole or not at all.
  ///
  /// - Parameters:
  ///   - isRegular: Whether it stays for its age; one that an interruption made goes with the next.
  ///   - score: What the policy evaluated to, where it did.
  mutating func save(_ policy: any TrainablePolicy, steps: Int, isRegular: Bool, score: Double?) async throws {
    let name = Self.name(steps: steps)
    if record.latest != name {
      do {
        let folder = try run.folder(Self.folder, making: true)
        // What is there was made by a part of the run that was killed before it counted.
        try folder?.remove(name)
        try await policy.save(to: path(of: name))
        guard let saved = try folder?.folder(name) else {
          throw PipelineError(.plugIn, "the policy saved nothing in \(path(of: name))")
        }
        record.files[name] = try await CheckpointFiles(of: saved, threads: threads)
        try folder?.synchronize()
      } catch {
        removeUnnamed()
        throw Self.unsaved(error, steps: steps)
      }
    }
    record.latest = name
    if isRegular, record.kept.last != name { record.kept.append(name) }
    if record.kept.count > options.keep { record.kept.removeFirst(record.kept.count - options.keep) }
    if options.keepBest, let score, score > record.bestScore ?? -.infinity {
      (record.best, record.bestScore) = (name, score)
    }
    record.files = record.files.filter { record.names.contains($0.key) }
  }

  private static func unsaved(_ error: any Error, steps: Int) -> any Error {
    guard let error = error as? PipelineError else { return error }
    return PipelineError(
      error.code,
      "cannot save the checkpoint \(name(steps: steps)): \(error.message). What was saved before is as it was; mend that, "
        + "and continue with --resume", at: error.location)
  }

  /// Whether a score would make a checkpoint the best so far.
  func wouldBeBest(_ score: Double) -> Bool { options.keepBest && score > record.bestScore ?? -.infinity }

  /// Removes what the record does not name, and points the links at what it does.
  func tidy() {
    guard let folder = try? run.folder(Self.folder) else { return }
    // Links first, so that none ever leads to what is gone.
    for (name, target) in [("latest", record.latest), ("best", record.best)] {
      if let target { try? folder.link(name, to: target) } else { try? folder.remove(name) }
    }
    removeUnnamed()
  }

  private func removeUnnamed() {
    guard let folder = try? run.folder(Self.folder) else { return }
    let wanted = record.names
    for name in (try? folder.names()) ?? [] {
      // A policy that is being saved has a hidden folder beside the one that it will be.
      let isLeftover =
        name.hasPrefix(".step-") || AtomicFile.isPartial(name, of: "latest") || AtomicFile.isPartial(name, of: "best")
        || (Self.isName(name) && !wanted.contains(name))
      if isLeftover { try? folder.remove(name) }
    }
  }

  /// For `state.json`.
  var json: JSONValue {
    var members: [JSONValue.Member] = []
    if let latest = record.latest { members.append(.init("latest", .string(latest))) }
    members.append(.init("kept", .array(record.kept.map { .string($0) })))
    if let best = record.best { members.append(.init("best", .string(best))) }
    if let score = record.bestScore { members.append(.init("best_score", .number(score))) }
    let files = record.files.sorted { $0.key < $1.key }.map { JSONValue.Member($0.key, $0.value.json) }
    members.append(.init("files", .object(files)))
    return .object(members)
  }
}

extension CheckpointStore.Record {
  /// Reads what ``CheckpointStore/json`` says; nil where a value has the wrong type.
  fileprivate init?(_ json: JSONValue) {
    func text(_ key: String) -> String?? {
      guard let value = json[key], value != .null else { return .some(nil) }
      return value.stringValue.map { .some($0) }
    }
    guard let latest = text("latest"), let best = text("best"), let kept = json["kept"]?.arrayValue,
      let files = json["files"]?.objectValue
    else { return nil }
    self.latest = latest
    self.best = best
    self.kept = kept.compactMap(\.stringValue)
    bestScore = json["best_score"]?.doubleValue
    for member in files {
      guard let files = CheckpointFiles(member.value) else { return nil }
      self.files[member.key] = files
    }
    guard self.kept.count == kept.count, (best == nil) == (bestScore == nil),
      names.union(self.files.keys).allSatisfy(CheckpointStore.isName)
    else { return nil }
  }
}
