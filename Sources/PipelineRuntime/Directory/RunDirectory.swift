// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
package import PipelineCore

/// A run's directory: who may work in it, what it holds, and what becomes of a run that is there already.
///
/// Files are reached through the directory alone, never through links, and nothing is removed or cut before all of the
/// run that is there has been found in order.
public final class RunDirectory: Sendable {
  /// What to do about a directory that holds a run already.
  public enum Existing: Sendable {
    /// Refuse.
    case refuse
    /// Remove that run's files and start anew.
    case overwrite
    /// Continue that run after its last complete step.
    case resume
  }

  /// The file with the resolved spec, by which a directory is known to hold a run.
  static let specFile = "resolved.json"

  /// The path as the user named it.
  public let path: String
  let folder: Folder
  let committer: Committer
  private let lock: FileLock

  /// The steps that are complete and will not be done again.
  package var completeSteps: Int { committer.completeSteps }
  /// Whether the run has come to its end.
  package var isFinished: Bool { committer.isFinished }

  /// Makes or opens the directory.
  ///
  /// - Parameters:
  ///   - fingerprint: The resolved spec; a resume against another one is refused.
  ///   - paths: The places of paths in it, which may differ where what they lead to is the same.
  ///   - accepting: Which differences a resume takes all the same.
  /// - Throws: When another run is at work there, the directory holds what `existing` does not allow, or the run that
  ///   is to go on is not as it was left.
  package init(
    path: String, existing: Existing, fingerprint: JSONValue, paths: Set<String> = [],
    accepting: AcceptedChanges = .none
  ) throws {
    self.path = path
    folder = try Self.make(path)
    // Looked at before the lock is made, so that a folder of somebody else's stays as it was.
    if try folder.kind(of: Self.specFile) == nil, try !folder.names().allSatisfy({ $0.hasPrefix(".") }) {
      throw PipelineError(
        .inputOutput, "\(path) is not empty and holds no run; name another directory with --output")
    }
    lock = try Self.takeLock(folder)
    for name in ["cache", "checkpoints"] { try Self.refuseLinks(name, in: folder) }
    let found = try FoundRun(in: folder, mayBeDamaged: existing == .overwrite)
    if existing == .resume, let found {
      let difference = SpecDifference(from: found.spec, to: fingerprint, paths: paths)
      guard difference.isAccepted(accepting) else { throw Self.refusal(difference, path) }
      let (state, streams) = try found.open(folder, goesOn: !difference.isHarmless)
      committer = Committer(folder: folder, state: state, streams: streams)
      tidyFinishedCheckpoints()
      if found.spec == fingerprint { return }
      // Another spec may want more steps of a run that has come to its end.
      if !difference.isHarmless { try committer.reopen() }
    } else {
      if existing == .refuse, found?.isWorthKeeping == true {
        throw PipelineError(
          .inputOutput,
          "\(path) holds a run already; continue it with --resume, replace it with --overwrite, or name another "
            + "directory with --output")
      }
      if let found { try found.remove(from: folder) }
      committer = Committer(folder: folder, state: RunState(), streams: try RunStreams(in: folder))
    }
    try folder.replace(Self.specFile, with: Array((fingerprint.prettyJSON + "\n").utf8), durable: true)
  }

  /// Points the links of a run that has ended at its checkpoints: the power may have failed between its last state and them.
  private func tidyFinishedCheckpoints() {
    guard committer.isFinished, committer.training != .null else { return }
    let state = committer.training["checkpoints"]
    try? CheckpointStore(run: folder, keep: 1, keepBest: false, threads: 1, state: state).tidy()
  }

  /// The path of a file of the run.
  package func file(_ name: String) -> String { folder.path(of: name) }

  /// Where stages and policies keep what is to outlive a run that is killed; it goes with the run.
  package var cacheFolder: String { file("cache") }

  private static func make(_ path: String) throws -> Folder {
    var isDirectory: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), !isDirectory.boolValue {
      throw PipelineError(.inputOutput, "\(path) is a file; a run needs a directory: name another with --output")
    }
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw PipelineError(.inputOutput, "cannot make the directory \(path); check the path and its permissions")
    }
    // A directory whose name is lost with the power is lost.
    let parent = URL(fileURLWithPath: path).deletingLastPathComponent().path
    try? FileDescriptor(opening: parent, O_RDONLY | O_DIRECTORY).synchronize()
    do {
      return try Folder(path: path)
    } catch {
      throw PipelineError(
        .inputOutput, "cannot look into \(path); check its permissions, or name another --output")
    }
  }

  private static func takeLock(_ folder: Folder) throws -> FileLock {
    let file: FileDescriptor?
    do {
      file = try folder.open(".lock", O_RDWR | O_CREAT)
    } catch let error as PipelineError {
      throw PipelineError(
        error.code, "cannot write in \(folder.path); check its permissions, or name another --output: \(error.message)")
    }
    guard let file, let lock = FileLock(file) else {
      throw PipelineError(
        .inputOutput, "another run is at work in \(folder.path); wait for it, or name another --output")
    }
    return lock
  }

  /// Refuses a folder that components get the path of where it, or a file in it, is a link.
  private static func refuseLinks(_ name: String, in folder: Folder) throws {
    // `checkpoints` has two links of ours, which are replaced and never followed.
    guard let inner = try folder.folder(name), name == "cache" else { return }
    for entry in try inner.names() where try inner.kind(of: entry) == .link {
      throw SystemError.current("cannot write", inner.path(of: entry), code: ELOOP)
    }
  }

  private static func refusal(_ difference: SpecDifference, _ path: String) -> PipelineError {
    if difference.remedy == "--accept-changes=machine" {
      return PipelineError(
        .invalidSpec,
        "this is another kind of machine than \(path) was started on (\(difference.text)), so that its bytes would differ from "
          + "here on; continue on one of that kind, or all the same with \(difference.remedy)")
    }
    return PipelineError(
      .invalidSpec,
      "the spec or its input differs from what \(path) was started with (\(difference.text)); "
        + "undo that to resume, resume all the same with --accept-changes, or start anew with --overwrite")
  }
}
