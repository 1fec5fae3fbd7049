// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineSpec

/// The files of a run that say what became of its trajectories.
struct RunRecords {
  let path: String
  let stages: [ExplainedStage]
  /// What chose the prompts; nil for nothing, or where it cannot be made here.
  let sampler: (any PromptSampler)?
  let lineage: LineFile
  /// Lines that could not be used; nil when there were none.
  let badRecords: LineFile?

  /// Opens a run's directory.
  ///
  /// - Parameter registry: Makes the stages, so that they can explain what they did; missing ones stay unexplained.
  /// - Throws: When there is no run, or it has no lineage, with the remedy.
  init(path: String, registry: Registry) throws {
    self.path = path
    let files = FileManager.default
    var isDirectory: ObjCBool = false
    guard files.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw PipelineError(
        .inputOutput, "there is no run at \(path); name the directory that `run --output` made")
    }
    guard isDirectory.boolValue else {
      throw PipelineError(.inputOutput, "\(path) is a file; name the directory that `run --output` made")
    }
    guard let resolved = try Self.document(path + "/resolved.json") else {
      throw PipelineError(
        .inputOutput, "\(path) holds no run (no resolved.json); name the directory that `run --output` made")
    }
    stages = (resolved["stages"]?.arrayValue ?? []).compactMap { entry in
      guard let use = entry["use"]?.stringValue else { return nil }
      return ExplainedStage(
        name: entry["name"]?.stringValue ?? use, use: use, with: entry["with"] ?? .object([]), folder: path,
        registry: registry)
    }
    sampler = Self.sampler(resolved["source"]?["sampler"], folder: path, registry)
    let state = try Self.document(path + "/state.json")
    let offsets = state?["offsets"]
    let lineagePath = path + "/lineage.jsonl"
    let exists = files.fileExists(atPath: lineagePath)
    if !exists, (resolved["output"]?["lineage"] ?? resolved["lineage"]) == .bool(false) {
      throw PipelineError(
        .inputOutput,
        "the run in \(path) wrote no lineage, since its spec says \"lineage\": false; take that out and run again"
      )
    }
    if !exists || state?["complete_steps"]?.intValue == 0 {
      throw PipelineError(
        .inputOutput,
        "the run in \(path) has no complete step yet; wait for it, or go on with it with `run --resume`")
    }
    lineage = LineFile(path: lineagePath, limit: Self.limit(offsets, "lineage.jsonl"))
    let badPath = path + "/bad-records.jsonl"
    badRecords =
      files.fileExists(atPath: badPath)
      ? LineFile(path: badPath, limit: Self.limit(offsets, "bad-records.jsonl")) : nil
  }

  /// Makes the sampler from its entry in the resolved spec; it chooses nothing.
  private static func sampler(_ entry: JSONValue?, folder: String, _ registry: Registry) -> (any PromptSampler)? {
    guard let use = entry?["use"]?.stringValue else { return nil }
    let assembly = Assembly(registry: registry, reader: SpecOptionsReader(), folder: folder)
    guard let tree = try? SpecText((entry?["with"] ?? [:]).json, file: folder + "/resolved.json").tree() else {
      return nil
    }
    return try? assembly.sampler(ComponentReference(use, with: tree))
  }

  static func limit(_ offsets: JSONValue?, _ name: String) -> UInt64? {
    (offsets?[name]?.intValue).flatMap { UInt64(exactly: $0) }
  }

  static func document(_ path: String) throws -> JSONValue? {
    guard let data = FileManager.default.contents(atPath: path) else { return nil }
    do {
      return try data.withUnsafeBytes { try JSONValue(parsing: $0) }
    } catch {
      throw PipelineError(.invalidData, "\(path) cannot be read as JSON; was it changed by hand?")
    }
  }
}

extension RunRecords {
  /// Why the sampler chose a prompt.
  ///
  /// - Parameter choice: What the lineage says of the choice.
  func explanation(ofChoice choice: JSONValue?) -> Explanation? {
    guard let choice, let name = choice["sampler"]?.stringValue else { return nil }
    let facts = (choice.objectValue ?? []).filter { $0.key != "sampler" }
    guard let sampler, type(of: sampler).name == name, let reason = sampler.explanation(of: choice) else {
      return Explanation("chosen by \(name)", facts: facts)
    }
    return Explanation("chosen by \(name): \(reason)", facts: facts)
  }
}
