// SPDX-License-Identifier: Apache-2.0
import Files
package import PipelineCore

/// What `state.json` says: the complete steps, and how long every file was by then.
///
/// It has a version, and a checksum over everything else in it. A state that is not what a run wrote is an error that
/// says so; it is never taken for the state of a run that has not begun.
package struct RunState: Sendable, Hashable {
  /// How far a run has come.
  struct Progress: Sendable, Hashable {
    /// The steps that are complete and will not be done again.
    var completeSteps = 0
    /// The length and the hash of every file that grows, by name.
    var streams: [String: AppendOnlyFile.Extent] = [:]
    /// What a run with a policy keeps beside.
    var training = JSONValue.null
  }

  /// The file's name.
  static let file = "state.json"
  /// The version that this program writes and reads.
  static let version = 2

  var progress = Progress()
  /// Whether the run has come to its end.
  var isFinished = false

  /// A run that has not begun.
  init() {}

  /// The document, with its checksum.
  var json: JSONValue {
    let members =
      [JSONValue.Member("version", .number(Self.version)), .init("finished", .bool(isFinished))]
      + Self.members(of: progress)
    return Self.sealed(.object(members))
  }

  /// An object with the checksum of all its other members, in the place of one that it has.
  package static func sealed(_ document: JSONValue) -> JSONValue {
    let members = (document.objectValue ?? []).filter { $0.key != "checksum" }
    return .object(members + [.init("checksum", .string(checksum(of: members)))])
  }

  private static func checksum(of members: [JSONValue.Member]) -> String {
    var bytes: [UInt8] = []
    JSONValue.object(members).write(to: &bytes)
    var hash = SHA256()
    hash.add(bytes)
    return hash.digits
  }

  private static func members(of progress: Progress) -> [JSONValue.Member] {
    let streams = progress.streams.sorted { $0.key < $1.key }
    return [
      .init("complete_steps", .number(progress.completeSteps)),
      .init("offsets", .object(streams.map { .init($0.key, .number(String($0.value.bytes))) })),
      .init("sha256", .object(streams.map { .init($0.key, .string($0.value.sha256)) })),
    ] + (progress.training == .null ? [] : [.init("training", progress.training)])
  }

  /// Reads the state of a run.
  ///
  /// - Returns: Nil where there is no such file.
  /// - Throws: When the file is not what a run wrote, or is of another version of the program.
  static func read(in folder: Folder) throws -> RunState? {
    guard let bytes = try folder.contents(of: file) else { return nil }
    func damaged(_ reason: String) -> PipelineError {
      PipelineError(
        .invalidData,
        "\(folder.path(of: file)) is damaged (\(reason)); nothing was changed: restore it from a copy, or "
          + "start anew with --overwrite")
    }
    let document: JSONValue
    do {
      document = try bytes.withUnsafeBytes { try JSONValue(parsing: $0) }
    } catch {
      throw damaged(bytes.isEmpty ? "it is empty" : "it is not JSON")
    }
    guard let members = document.objectValue else { throw damaged("it holds \(document.kindDescription)") }
    guard let version = document["version"]?.intValue else { throw damaged("it has no version") }
    guard version == Self.version else {
      let older = version < Self.version
      throw PipelineError(
        .invalidData,
        "the run in \(folder.path) was written by \(older ? "an older" : "a newer") version of this program (its state has "
          + "version \(version), this program writes \(Self.version)); continue it with that version, or start anew with "
          + "--overwrite")
    }
    let rest = members.filter { $0.key != "checksum" }
    guard document["checksum"]?.stringValue == checksum(of: rest) else { throw damaged("its checksum does not match") }
    guard let state = RunState(document) else { throw damaged("a value has the wrong type") }
    return state
  }

  private init?(_ document: JSONValue) {
    guard let progress = Self.progress(document), case .bool(let isFinished)? = document["finished"] else { return nil }
    self.progress = progress
    self.isFinished = isFinished
  }

  private static func progress(_ document: JSONValue) -> Progress? {
    guard let steps = document["complete_steps"]?.intValue, steps >= 0, let offsets = document["offsets"]?.objectValue,
      let hashes = document["sha256"]?.objectValue, hashes.count == offsets.count
    else { return nil }
    var progress = Progress(completeSteps: steps)
    progress.training = document["training"] ?? .null
    guard progress.training == .null || progress.training.objectValue != nil else { return nil }
    for offset in offsets {
      guard let bytes = offset.value.intValue, bytes >= 0,
        let hash = document["sha256"]?[offset.key]?.stringValue
      else { return nil }
      progress.streams[offset.key] = .init(bytes: UInt64(bytes), sha256: hash)
    }
    return progress
  }
}
