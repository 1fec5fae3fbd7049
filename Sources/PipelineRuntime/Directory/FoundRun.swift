// SPDX-License-Identifier: Apache-2.0
import Files
import PipelineCore

/// A run that a directory holds already.
struct FoundRun {
  /// The resolved spec that it was started with.
  let spec: JSONValue
  /// How far it has come; a run that has not begun where there was no state to read, and nothing else either.
  let state: RunState
  /// Whether something would be lost with it.
  let isWorthKeeping: Bool

  /// What a run may make beside the files that its state names.
  private static let others = ["checkpoints", "cache", "taps", "tensorboard", "logs"] + RunArchive.folders
  private static let streams = [
    "metrics.jsonl", "timings.jsonl", "lineage.jsonl", "evaluations.jsonl", "bad-records.jsonl",
  ]

  /// Looks at a directory; nil where it holds no run.
  ///
  /// - Parameter mayBeDamaged: Whether a state that cannot be read is no error, since the run is to be replaced.
  /// - Throws: When there are files of a run, and no state that says what to make of them.
  init?(in folder: Folder, mayBeDamaged: Bool) throws {
    guard let bytes = try folder.contents(of: RunDirectory.specFile) else { return nil }
    spec = (try? bytes.withUnsafeBytes { try JSONValue(parsing: $0) }) ?? .null
    if spec == .null, !mayBeDamaged {
      throw PipelineError(
        .invalidData,
        "\(folder.path(of: RunDirectory.specFile)) is damaged (\(bytes.isEmpty ? "it is empty" : "it is not JSON")); nothing was "
          + "changed: restore it from a copy, or start anew with --overwrite")
    }
    do {
      if let state = try RunState.read(in: folder) {
        self.state = state
        isWorthKeeping = state.progress.completeSteps > 0 || state.isFinished
        return
      }
      // Killed before it wrote its first state, a run has made no other files.
      let names = try folder.names().filter { !$0.hasPrefix(".") && $0 != RunDirectory.specFile && $0 != "cache" }
      guard names.isEmpty || mayBeDamaged else {
        throw PipelineError(
          .invalidData,
          "\(folder.path(of: RunState.file)) is missing, but there are \(names.sorted().prefix(3).joined(separator: ", ")) "
            + "beside it; nothing was changed: restore it from a copy, or start anew with --overwrite")
      }
    } catch let error as PipelineError {
      if !mayBeDamaged { throw error }
    }
    state = RunState()
    isWorthKeeping = false
  }

  /// Opens the streams where the run goes on, and checks that they hold what was written; changes nothing.
  ///
  /// - Parameter goesOn: Whether a run that has ended is to go on.
  func open(_ folder: Folder, goesOn: Bool) throws -> (RunState, RunStreams) {
    if state.isFinished, !goesOn { return (state, try RunStreams(in: folder)) }
    return (state, try RunStreams(in: folder, after: state.progress.streams))
  }

  /// Removes the run's files.
  func remove(from folder: Folder) throws {
    let names = Set(state.progress.streams.keys).union(Self.streams).union(Self.others)
    // The two files by which this is known for a run go last: a kill in between leaves a run, not rubble.
    for name in names.sorted() + [RunState.file, RunDirectory.specFile] { try folder.remove(name) }
  }
}
