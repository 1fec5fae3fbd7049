// SPDX-License-Identifier: Apache-2.0
import Files
import PipelineCore
import Synchronization

/// The one place where a run's files grow, a step counts, and the state is saved.
///
/// What stages, metrics and evaluations write goes through ``append(_:to:)``; a step counts with ``stepEnded()``; a
/// resume goes by what the last ``save(_:isLast:training:)`` wrote. Safe to use from several threads.
final class Committer: Sendable {
  /// Whether what is saved must outlive a power cut.
  enum Durability: Sendable {
    /// It must: a policy takes long to train.
    case always
    /// As often as it takes no more than a tenth of the time. After a power cut the run goes on from the last such state.
    case whenCheap
  }

  private struct Contents {
    var streams: RunStreams
    /// What `state.json` says.
    var saved: RunState
    /// The progress at the end of the last complete step.
    var current: RunState.Progress
    /// Progress that is on the disk.
    var durable: RunState.Progress?
    var nextDurable: ContinuousClock.Instant?
    var tapOwners: [String: String] = [:]
    var hasTidied = false
  }

  private let folder: Folder
  private let contents: Mutex<Contents>

  /// Goes on from a state, whose streams were opened.
  init(folder: Folder, state: RunState, streams: sending RunStreams) {
    self.folder = folder
    contents = Mutex(Contents(streams: streams, saved: state, current: state.progress, durable: state.durable))
  }

  /// The steps that are complete and will not be done again.
  var completeSteps: Int { contents.withLock { $0.saved.progress.completeSteps } }
  /// Whether the run has come to its end.
  var isFinished: Bool { contents.withLock { $0.saved.isFinished } }
  /// What a run with a policy kept when the state was saved.
  var training: JSONValue { contents.withLock { $0.saved.progress.training } }

  /// Removes what a part of the run that was killed wrote after its last complete step.
  ///
  /// Called once everything is known to be in order, so that a resume that is refused changes nothing.
  func begin() throws { try contents.withLock { try $0.streams.cut() } }

  /// Appends to the file of a name, which is made where it is new.
  func append(_ bytes: [UInt8], to name: String) throws {
    try contents.withLock { try stream(name, &$0).write(bytes) }
  }

  /// The length of a file so far; makes it where it is new.
  func length(of name: String) throws -> UInt64 { try contents.withLock { try stream(name, &$0).offset } }

  /// The name of a tap's file.
  ///
  /// - Throws: When another stage writes a tap of that name.
  func tap(_ name: String, of stage: String) throws -> String {
    try contents.withLock { contents in
      if let owner = contents.tapOwners[name], owner != stage {
        throw PipelineError(
          .invalidSpec, "stage '\(owner)' writes a tap named '\(name)' too; give one of them another name")
      }
      contents.tapOwners[name] = stage
    }
    return "taps/\(name).jsonl"
  }

  /// Notes that a step is complete; a resume goes by it once it is saved.
  func stepEnded() throws {
    try contents.withLock { contents in
      contents.current.completeSteps += 1
      try Self.note(&contents)
    }
  }

  /// Notes what was written since the last step as part of it.
  func streamsGrew() throws { try contents.withLock { try Self.note(&$0) } }

  /// Writes `state.json` as of the last complete step.
  ///
  /// - Parameters:
  ///   - durability: Whether it must outlive a power cut.
  ///   - isLast: Whether the run has come to its end, and everything is on the disk.
  ///   - training: What a run with a policy keeps beside.
  func save(_ durability: Durability, isLast: Bool = false, training: JSONValue = .null) throws {
    try contents.withLock { contents in
      var state = RunState()
      state.progress = contents.current
      state.isFinished = isLast
      state.progress.training = training
      for (name, extent) in contents.saved.progress.streams where state.progress.streams[name] == nil {
        state.progress.streams[name] = extent
      }
      let clock = ContinuousClock()
      let began = clock.now
      let isDurable = durability == .always || isLast || contents.nextDurable.map { began >= $0 } ?? true
      if isDurable { try contents.streams.synchronize() } else { state.durable = contents.durable }
      try write(state, durable: isDurable)
      contents.saved = state
      if isDurable {
        contents.durable = state.progress
        contents.nextDurable = clock.now.advanced(by: began.duration(to: clock.now) * 10)
      }
      try tidyOnce(&contents)
    }
  }

  /// Goes on with a run that had ended.
  func reopen() throws {
    try contents.withLock { contents in
      contents.saved.isFinished = false
      try write(contents.saved, durable: true)
    }
  }

  private func stream(_ name: String, _ contents: inout Contents) throws -> AppendOnlyFile {
    if contents.saved.progress.streams[name] == nil {
      // Noted before the file is made, so that a resume knows of it whatever happens next.
      contents.saved.progress.streams[name] = .empty
      // Before the first step there is nothing to lose.
      try write(contents.saved, durable: contents.saved.progress.completeSteps > 0)
    }
    return try contents.streams.stream(name)
  }

  private static func note(_ contents: inout Contents) throws {
    for (name, extent) in try contents.streams.extents() { contents.current.streams[name] = extent }
  }

  private func write(_ state: RunState, durable: Bool) throws {
    try folder.replace(RunState.file, with: Array((state.json.prettyJSON + "\n").utf8), durable: durable)
  }

  /// Removes what a part of the run that was killed had begun to write and not yet named.
  private func tidyOnce(_ contents: inout Contents) throws {
    if contents.hasTidied { return }
    contents.hasTidied = true
    for name in try folder.names()
    where AtomicFile.isPartial(name, of: RunState.file) || AtomicFile.isPartial(name, of: RunDirectory.specFile) {
      try folder.remove(name)
    }
  }
}
