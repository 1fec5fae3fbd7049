// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import PipelineCore
import PipelineIO
import PipelineSpec
import Synchronization

/// The resolved spec as a run directory keeps it: with paths that lead to the files from that directory, and with what
/// the program and the inputs were.
struct ResolvedForRun {
  /// The document.
  let spec: JSONValue
  /// The places of paths in it, such as `source.prompts`.
  let paths: Set<String>

  private let pipeline: AssembledPipeline

  /// Resolves a pipeline's spec.
  ///
  /// - Throws: When an input cannot be read.
  init(_ pipeline: AssembledPipeline, directory: String) throws {
    self.pipeline = pipeline
    let folder = pipeline.folder
    let places = try Self.places(in: pipeline)
    paths = Set(places.keys)
    let resolved = try pipeline.resolved { path in
      path.isStandardStream ? "-" : RelativePath.path(from: directory, to: path.resolved(in: folder))
    }
    guard case .object(let members) = resolved else {
      spec = resolved
      return
    }
    spec = .object(members + [.init("provenance", try Self.provenance(of: pipeline, places))])
  }

  /// Where paths stand in the resolved spec.
  private static func places(in pipeline: AssembledPipeline) throws -> [String: SpecPath] {
    // A spec can hold no NUL, so that a text which begins with one is a mark of ours.
    let marked = Mutex<[SpecPath]>([])
    let spec = try pipeline.resolved { path in
      marked.withLock { paths in
        paths.append(path)
        return "\0\(paths.count - 1)"
      }
    }
    let paths = marked.withLock { $0 }
    var places: [String: SpecPath] = [:]
    func visit(_ value: JSONValue, _ place: String) {
      if let members = value.objectValue {
        for member in members { visit(member.value, place.isEmpty ? member.key : "\(place).\(member.key)") }
      } else if let elements = value.arrayValue {
        for (index, element) in elements.enumerated() { visit(element, "\(place).\(index)") }
      } else if let text = value.stringValue, text.hasPrefix("\0"), let index = Int(text.dropFirst()) {
        places[place] = paths[index]
      }
    }
    visit(spec, "")
    return places
  }

  /// What of this machine numbers depend on: its kind, and what the policy says.
  private static func machine(of policy: (any PolicyBackend)?) -> JSONValue {
    #if arch(x86_64)
      let architecture = "x86_64"
    #elseif arch(arm64)
      let architecture = "aarch64"
    #else
      let architecture = "other"
    #endif
    #if os(Linux)
      let system = "linux"
    #else
      let system = "macos"
    #endif
    let known = (policy?.machine ?? [:]).sorted { $0.key < $1.key }.map { JSONValue.Member($0.key, .string($0.value)) }
    return .object([.init("architecture", .string(architecture)), .init("system", .string(system))] + known)
  }

  private static func provenance(of pipeline: AssembledPipeline, _ places: [String: SpecPath]) throws -> JSONValue {
    let folder = pipeline.folder
    func fingerprint(_ path: String) throws -> JSONValue {
      guard let found = try InputFingerprint(path: path) else { return [:] }
      return ["bytes": .number(String(found.bytes)), "hash": .string(found.hash)]
    }
    let inputs = try pipeline.source.paths.map { path -> JSONValue in
      try path.isStandardStream ? [:] : fingerprint(path.resolved(in: folder))
    }
    var members: [JSONValue.Member] = [
      .init("program", .string("shuffle-r1 \(Toolkit.version)")), .init("inputs", .array(inputs)),
    ]
    let evaluated = try pipeline.training.evaluation.prompts.paths.map { try fingerprint($0.resolved(in: folder)) }
    if !evaluated.isEmpty { members.append(.init("evaluation", .array(evaluated))) }
    if let policy = pipeline.policy {
      members.append(.init("policy", .array(try policy.files(in: folder).map(fingerprint))))
    }
    members.append(.init("machine", machine(of: pipeline.policy)))
    // What else the spec names: where it is a file, it may move, and where it is none, nobody can tell.
    let others = places.filter { place, path in
      !["source.prompts", "source.rollouts", "training.", "policy.", "output."].contains(where: place.hasPrefix)
        && !path.isStandardStream
    }
    let files = try others.sorted { $0.key < $1.key }.compactMap { place, path -> JSONValue.Member? in
      let path = path.resolved(in: folder)
      guard FileManager.default.isReadableFile(atPath: path) else { return nil }
      let found = try fingerprint(path)
      return found == [:] ? nil : .init(place, found)
    }
    if !files.isEmpty { members.append(.init("files", .object(files))) }
    return .object(members)
  }
}
