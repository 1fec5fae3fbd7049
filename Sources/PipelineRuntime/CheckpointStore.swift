// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore

/// The checkpoints of a run: `checkpoints/step-N`, and the links `latest` and `best`.
///
/// The run's `state.json` says which of them count. It is replaced after a checkpoint is complete and before an older
/// one is removed, so that a kill at any moment leaves one to continue from.
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
  }

  private let folder: String
  private let options: (keep: Int, keepBest: Bool)
  var record = Record()

  init(folder: String, keep: Int, keepBest: Bool, state: JSONValue?) throws {
    self.folder = folder
    options = (keep, keepBest)
    guard let state, state != .null else { return }
    record.latest = state["latest"]?.stringValue
    record.kept = (state["kept"]?.arrayValue ?? []).compactMap(\.stringValue)
    record.best = state["best"]?.stringValue
    record.bestScore = state["best_score"]?.doubleValue
    for name in record.kept + [record.latest, record.best].compactMap({ $0 }) where !Self.isName(name) {
      throw PipelineError(
        .invalidData, "the run's state names the checkpoint \(name.quotedForMessage); start anew with --overwrite")
    }
    if let latest = record.latest, !FileManager.default.fileExists(atPath: path(of: latest)) {
      throw PipelineError(
        .inputOutput,
        "\(path(of: latest)), from which the run would continue, is gone; put it back, or start anew with --overwrite")
    }
  }

  /// The folder of a checkpoint.
  func path(of name: String) -> String { folder + "/" + name }

  static func name(steps: Int) -> String { "step-\(steps)" }

  private static func isName(_ name: String) -> Bool { name.hasPrefix("step-") && Int(name.dropFirst(5)) != nil }

  /// For `state.json`.
  var json: JSONValue {
    var members: [JSONValue.Member] = []
    if let latest = record.latest { members.append(.init("latest", .string(latest))) }
    members.append(.init("kept", .array(record.kept.map { .string($0) })))
    if let best = record.best { members.append(.init("best", .string(best))) }
    if let score = record.bestScore { members.append(.init("best_score", .number(score))) }
    return .object(members)
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
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        // What is there was made by a part of the run that was killed before it counted.
        if FileManager.default.fileExists(atPath: path(of: name)) {
          try FileManager.default.removeItem(atPath: path(of: name))
        }
      } catch {
        throw PipelineError(.inputOutput, "cannot write in \(folder); check its permissions")
      }
      do {
        try await policy.save(to: path(of: name))
        Self.synchronize(folder)
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
    // Links first, so that none ever leads to what is gone.
    link("latest", to: record.latest)
    link("best", to: record.best)
    removeUnnamed()
  }

  private func removeUnnamed() {
    let wanted = Set(record.kept + [record.latest, record.best].compactMap { $0 })
    for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
      // A policy that is being saved has a hidden folder beside the one that it will be.
      let isLeftover = name.hasPrefix(".step-") || (Self.isName(name) && !wanted.contains(name))
      if isLeftover { try? FileManager.default.removeItem(atPath: path(of: name)) }
    }
  }

  private func link(_ name: String, to target: String?) {
    guard let target else {
      unlink(path(of: name))
      return
    }
    let partial = path(of: ".\(name).partial")
    unlink(partial)
    if symlink(target, partial) == 0 { rename(partial, path(of: name)) }
  }

  private static func synchronize(_ folder: String) {
    let descriptor = open(folder, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }
}
