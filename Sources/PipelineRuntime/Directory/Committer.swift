// SPDX-License-Identifier: Apache-2.0
import Files
import PipelineCore
import Synchronization

/// The one place where a run's files grow, a step counts, and the state is saved.
///
/// What stages, metrics and evaluations write goes through ``append(_:to:)``; a step counts with ``stepEnded()``; a
/// resume goes by what the last ``save(_:isLast:training:)`` wrote. Safe to use from several threads.
final class Committer: Sendable {
  /// When a state is saved; all that is saved outlives a power cut.
  enum Durability: Sendable {
    /// Now.
    case always
    /// As often as it takes no more than a tenth of the time: what was done since the last time is done again by a resume.
    case whenCheap
  }

  private struct Contents {
    var streams: RunStreams
    /// What `state.json` says.
    var saved: RunState
    /// The progress at the end of the last complete step.
    var current: RunState.Progress
    /// When saving is cheap again.
    var nextSave: ContinuousClock.Instant?
    var tapOwners: [String: String] = [:]
    var hasTidied = false
    var logs: [String: LogFile] = [:]
    /// Files that the step in progress has released.
    var released: Set<String> = []
    /// Files that complete steps have released, and that the saved state may still name.
    var leaving: Set<String> = []
  }

  private let folder: Folder
  private let contents: Mutex<Contents>

  /// Goes on from a state, whose streams were opened.
  init(folder: Folder, state: RunState, streams: sending RunStreams) {
    self.folder = folder
    contents = Mutex(Contents(streams: streams, saved: state, current: state.progress))
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
    // Not under the lock: a file is hashed and written while another is.
    let file = try contents.withLock { try stream(name, &$0) }
    try file.write(bytes)
  }

  /// Adds lines to a log, which is bounded and no part of what a resume goes by; a full disk does not stop the run for it.
  ///
  /// - Throws: When it cannot be opened.
  func log(_ lines: [String], to name: String) throws {
    try contents.withLock { contents in
      let log = try contents.logs[name] ?? LogFile(in: folder, name: name)
      contents.logs[name] = log
      for line in lines { log.add(line) }
    }
  }

  /// The length of a file so far; makes it where it is new.
  func length(of name: String) throws -> UInt64 { try contents.withLock { try stream(name, &$0).offset } }

  /// Reads bytes that were appended.
  ///
  /// - Throws: When the file is shorter.
  func read(_ count: Int, at offset: UInt64, of name: String) throws -> [UInt8] {
    try contents.withLock { try stream(name, &$0).read(count, at: offset) }
  }

  /// Gives a file up; it is removed when a state without it has been saved.
  func release(_ name: String) { contents.withLock { _ = $0.released.insert(name) } }

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
      try Self.note(&contents)
      contents.current.completeSteps += 1
    }
  }

  /// Notes what was written since the last step as part of it.
  func streamsGrew() throws { try contents.withLock { try Self.note(&$0) } }

  /// Writes `state.json` as of the last complete step.
  ///
  /// - Parameters:
  ///   - durability: Whether it can wait.
  ///   - isLast: Whether the run has come to its end.
  ///   - training: What a run with a policy keeps beside.
  func save(_ durability: Durability, isLast: Bool = false, training: JSONValue = .null) throws {
    try contents.withLock { contents in
      contents.current.training = training
      if durability == .always || isLast || contents.nextSave.map({ .now >= $0 }) ?? true {
        try save(&contents, isLast: isLast)
      }
    }
  }

  /// Saves complete steps that could wait until now, when the run is about to stop.
  func saveWhatWaits() throws {
    try contents.withLock { contents in
      if contents.current.completeSteps > contents.saved.progress.completeSteps { try save(&contents, isLast: false) }
    }
  }

  private func save(_ contents: inout Contents, isLast: Bool) throws {
    let began = ContinuousClock.now
    var state = RunState()
    state.progress = contents.current
    state.isFinished = isLast
    for (name, extent) in contents.saved.progress.streams
    where state.progress.streams[name] == nil && !contents.leaving.contains(name) {
      state.progress.streams[name] = extent
    }
    // What it tells of is on the disk before it is.
    try contents.streams.synchronize()
    try write(state)
    contents.saved = state
    // Nothing that is saved names them any more.
    for name in contents.leaving { try contents.streams.remove(name) }
    contents.leaving = []
    contents.nextSave = .now.advanced(by: began.duration(to: .now) * 10)
    try tidyOnce(&contents)
  }

  /// Goes on with a run that had ended.
  func reopen() throws {
    try contents.withLock { contents in
      contents.saved.isFinished = false
      try write(contents.saved)
    }
  }

  /// Notes files that are about to be made, at once: each note waits for the disk.
  func announce(_ names: [String]) throws { try contents.withLock { try note(names, &$0) } }

  private func stream(_ name: String, _ contents: inout Contents) throws -> AppendOnlyFile {
    try note([name], &contents)
    return try contents.streams.stream(name)
  }

  /// Notes files before they are made, so that a resume knows of them whatever happens next.
  private func note(_ names: [String], _ contents: inout Contents) throws {
    let new = names.filter { contents.saved.progress.streams[$0] == nil }
    if new.isEmpty { return }
    for name in new { contents.saved.progress.streams[name] = .empty }
    try write(contents.saved)
  }

  private static func note(_ contents: inout Contents) throws {
    contents.leaving.formUnion(contents.released)
    contents.released = []
    for (name, extent) in try contents.streams.extents() { contents.current.streams[name] = extent }
    for name in contents.leaving { contents.current.streams[name] = nil }
  }

  private func write(_ state: RunState) throws {
    try folder.replace(RunState.file, with: Array((state.json.prettyJSON + "\n").utf8), durable: true)
  }

  /// Removes what a part of the run that was killed had begun to write and not yet named.
  private func tidyOnce(_ contents: inout Contents) throws {
    if contents.hasTidied { return }
    contents.hasTidied = true
    for name in try folder.names()
    where AtomicFile.isPartial(name, of: RunState.file) || AtomicFile.isPartial(name, of: RunDirectory.specFile) {
      try folder.remove(name)
    }
    for archive in RunArchive.folders {
      for name in try folder.folder(archive)?.names() ?? [] {
        let path = archive + "/" + name
        if contents.saved.progress.streams[path] == nil { try folder.remove(path) }
      }
    }
  }
}
