// SPDX-License-Identifier: Apache-2.0
import Foundation
public import PipelineCore
public import PipelineIO

/// A run's files, each of which grows step by step and is cut back to the last complete step on resume.
///
/// `state.json` is replaced, whole, after each step, or, where a policy is trained, with each checkpoint; it holds the
/// number of complete steps and the length of every file by then. A run that is killed at any moment therefore continues
/// to the same bytes.
public final class RunDirectory {
  /// What to do about a directory that holds a run already.
  public enum Existing: Sendable {
    /// Refuse.
    case refuse
    /// Remove that run's files and start anew.
    case overwrite
    /// Continue that run after its last complete step.
    case resume
  }

  /// The path as the user named it.
  public let path: String
  /// What a resume goes by.
  private struct State {
    var completeSteps = 0
    var isFinished = false
    var offsets: [String: UInt64] = [:]
    /// What a run that trains a policy keeps beside.
    var training = JSONValue.null
  }

  /// What `state.json` says.
  private var saved = State()
  /// The same as of the last complete step.
  private var current = State()
  private var streams: [String: AppendOnlyFile] = [:]
  private var lock: Int32 = -1
  private var tapOwners: [String: String] = [:]

  /// The steps that are complete and will not be done again.
  public var completeSteps: Int { saved.completeSteps }
  /// Whether the run has come to its end.
  public var isFinished: Bool { saved.isFinished }
  /// What a run that trains a policy kept with its newest checkpoint.
  public var training: JSONValue { saved.training }

  /// Makes or opens the directory.
  ///
  /// - Parameters:
  ///   - fingerprint: The resolved spec; a resume against another one is refused.
  ///   - acceptsChanges: Whether a resume takes another spec all the same.
  /// - Throws: When another run is at work there, or the directory holds what `existing` does not allow.
  public init(path: String, existing: Existing, fingerprint: JSONValue, acceptsChanges: Bool = false) throws {
    self.path = path
    var isDirectory: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), !isDirectory.boolValue {
      throw PipelineError(.inputOutput, "\(path) is a file; a run needs a directory: name another with --output")
    }
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw PipelineError(.inputOutput, "cannot make the directory \(path); check the path and its permissions")
    }
    // Looked at before the lock is made, so that a folder of somebody else's stays as it was.
    if !holdsRun, try !visibleFiles().isEmpty {
      throw PipelineError(
        .inputOutput, "\(path) is not empty and holds no run; name another directory with --output")
    }
    try takeLock()
    removeLeftovers()
    let holdsRun = holdsRun
    if holdsRun, existing == .refuse { try loadState() }
    let isWorthKeeping = holdsRun && (completeSteps > 0 || isFinished)
    switch existing {
    case .refuse where isWorthKeeping:
      throw PipelineError(
        .inputOutput,
        "\(path) holds a run already; continue it with --resume, replace it with --overwrite, or name another "
          + "directory with --output")
    case .resume where holdsRun:
      let isChanged = differs(from: fingerprint)
      if isChanged, !acceptsChanges { throw difference(from: fingerprint) }
      try loadState()
      for name in saved.offsets.keys.sorted() { _ = try stream(name) }
      if !isChanged { return }
      // Another spec may want more steps of a run that has come to its end.
      (saved.isFinished, current.isFinished) = (false, false)
      try saveState()
    case .refuse where holdsRun, .overwrite: try removeRun()
    default: break
    }
    try writeWhole("resolved.json", fingerprint.prettyJSON + "\n")
  }

  deinit {
    guard lock >= 0 else { return }
    // Closing alone would leave it locked while a child that is just being started has a copy of the descriptor.
    flock(lock, LOCK_UN)
    close(lock)
  }

  /// The path of a file of the run.
  public func file(_ name: String) -> String { path + "/" + name }

  /// Where stages and policies keep what is to outlive a run that is killed; it goes with the run.
  public var cacheFolder: String { file("cache") }

  /// The stream of a name, opened when it is first asked for, cut to its last complete step.
  public func stream(_ name: String) throws -> AppendOnlyFile {
    if let stream = streams[name] { return stream }
    if saved.offsets[name] == nil {
      // Noted before the file is made, so that a resume knows of it whatever happens next.
      saved.offsets[name] = 0
      try saveState()
    }
    let folder = URL(fileURLWithPath: file(name)).deletingLastPathComponent()
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch {
      throw PipelineError(.inputOutput, "cannot make the folder \(folder.path); check who may write in \(path)")
    }
    let stream = try AppendOnlyFile(path: file(name), offset: saved.offsets[name] ?? 0)
    streams[name] = stream
    return stream
  }

  /// The stream of a tap.
  ///
  /// - Throws: When another stage writes a tap of that name.
  func tap(_ name: String, of stage: String) throws -> AppendOnlyFile {
    if let owner = tapOwners[name], owner != stage {
      throw PipelineError(
        .invalidSpec, "stage '\(owner)' writes a tap named '\(name)' too; give one of them another name")
    }
    tapOwners[name] = stage
    return try stream("taps/\(name).jsonl")
  }

  /// Notes that a step is complete; a resume goes by it once it is saved.
  func stepEnded() throws {
    current.completeSteps += 1
    for (name, stream) in streams {
      try stream.flush()
      current.offsets[name] = stream.offset
    }
  }

  /// Notes what was written since the last step as part of it.
  func streamsGrew() throws {
    for (name, stream) in streams {
      try stream.flush()
      current.offsets[name] = stream.offset
    }
  }

  /// Writes `state.json` as of the last complete step.
  ///
  /// - Parameters:
  ///   - isLast: Whether the run has come to its end.
  ///   - training: What a run that trains a policy keeps beside.
  func save(isLast: Bool = false, training: JSONValue = .null) throws {
    // A policy takes long to train: not even a power cut shall leave a state ahead of its files.
    if training != .null { for stream in streams.values { try stream.synchronize() } }
    current.isFinished = isLast
    current.training = training
    for (name, offset) in saved.offsets where current.offsets[name] == nil { current.offsets[name] = offset }
    saved = current
    try saveState()
  }

  private func saveState() throws {
    var members: [JSONValue.Member] = [
      .init("version", 1), .init("complete_steps", .number(saved.completeSteps)),
      .init("finished", .bool(saved.isFinished)),
      .init(
        "offsets",
        .object(saved.offsets.sorted { $0.key < $1.key }.map { .init($0.key, .number(String($0.value))) })),
    ]
    if saved.training != .null { members.append(.init("training", saved.training)) }
    try writeWhole("state.json", JSONValue.object(members).prettyJSON + "\n")
  }

  private func writeWhole(_ name: String, _ text: String) throws {
    let output = try OutputFile(path: file(name), existing: .replace)
    try output.write(Array(text.utf8))
    if saved.training != .null { try output.synchronize() }
    try output.finish()
  }

  private func takeLock() throws {
    lock = open(file(".lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard lock >= 0 else {
      throw PipelineError(.inputOutput, "cannot write in \(path); check its permissions, or name another --output")
    }
    guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
      throw PipelineError(.inputOutput, "another run is at work in \(path); wait for it, or name another --output")
    }
  }

  /// Removes what a run that was killed had begun to write and not yet named.
  private func removeLeftovers() {
    for name in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    where name.hasSuffix(".partial") && (name.hasPrefix(".state.json.") || name.hasPrefix(".resolved.json.")) {
      unlink(file(name))
    }
  }

  private var holdsRun: Bool { FileManager.default.fileExists(atPath: file("resolved.json")) }

  private func visibleFiles() throws -> [String] {
    guard let files = try? FileManager.default.contentsOfDirectory(atPath: path) else {
      throw PipelineError(.inputOutput, "cannot look into \(path); check its permissions, or name another --output")
    }
    return files.filter { !$0.hasPrefix(".") }
  }

  private func removeRun() throws {
    let own = [
      "metrics.jsonl", "timings.jsonl", "lineage.jsonl", "evaluations.jsonl", "taps", "tensorboard",
      "bad-records.jsonl",
      "checkpoints", "cache",
    ]
    let streamed = ((try? savedOffsets()) ?? [:]).keys.sorted()
    // The two files by which this is known for a run go last: a kill in between leaves a run, not rubble.
    for name in streamed + own + ["state.json", "resolved.json"]
    where FileManager.default.fileExists(atPath: file(name)) {
      try FileManager.default.removeItem(atPath: file(name))
    }
    (streams, saved, current) = ([:], State(), State())
  }

  private func savedState() throws -> JSONValue {
    guard let data = FileManager.default.contents(atPath: file("state.json")) else {
      return ["complete_steps": 0, "offsets": [:]]
    }
    return try data.withUnsafeBytes { try JSONValue(parsing: $0) }
  }

  private func savedOffsets() throws -> [String: UInt64] {
    var offsets: [String: UInt64] = [:]
    for member in try savedState()["offsets"]?.objectValue ?? [] {
      // A file outside the directory can only come from a state that somebody has edited.
      guard let offset = member.value.intValue, offset >= 0, !member.key.isEmpty, !member.key.hasPrefix("/"),
        !member.key.split(separator: "/").contains("..")
      else { throw unreadableState() }
      offsets[member.key] = UInt64(offset)
    }
    return offsets
  }

  private func unreadableState() -> PipelineError {
    PipelineError(.invalidData, "\(file("state.json")) cannot be read; start anew with --overwrite")
  }

  private var resolved: Data { FileManager.default.contents(atPath: file("resolved.json")) ?? Data() }

  private func differs(from fingerprint: JSONValue) -> Bool {
    resolved != Data((fingerprint.prettyJSON + "\n").utf8)
  }

  private func difference(from fingerprint: JSONValue) -> PipelineError {
    let old = (try? resolved.withUnsafeBytes { try JSONValue(parsing: $0) }) ?? .null
    var paths = Self.differences(old, fingerprint, path: "")
    if let first = paths.firstIndex(where: { $0.hasPrefix("provenance.policy") }) {
      // Sizes and hashes of its files, which tell nobody anything.
      paths[first] = "the policy's model has other files"
      paths.removeAll { $0.hasPrefix("provenance.policy") }
    }
    return PipelineError(
      .invalidSpec,
      "the spec or its input differs from what \(path) was started with (\(paths.prefix(5).joined(separator: ", "))); "
        + "undo that to resume, resume all the same with --accept-changes, or start anew with --overwrite")
  }

  private func loadState() throws {
    guard let state = try? savedState() else { throw unreadableState() }
    saved.completeSteps = state["complete_steps"]?.intValue ?? 0
    saved.isFinished = state["finished"] == .bool(true)
    saved.offsets = try savedOffsets()
    saved.training = state["training"] ?? .null
    current = saved
  }

  /// The paths at which two specs differ.
  private static func differences(_ old: JSONValue, _ new: JSONValue, path: String) -> [String] {
    if old == new { return [] }
    guard let before = old.objectValue, let after = new.objectValue else {
      guard let a = old.arrayValue, let b = new.arrayValue, a.count == b.count else {
        return ["\(path) was \(old.json), is \(new.json)"]
      }
      return zip(a, b).enumerated().flatMap { differences($1.0, $1.1, path: "\(path).\($0)") }
    }
    var keys = before.map(\.key)
    keys += after.map(\.key).filter { !keys.contains($0) }
    return keys.flatMap {
      differences(old[$0] ?? .null, new[$0] ?? .null, path: path.isEmpty ? $0 : "\(path).\($0)")
    }
  }
}
