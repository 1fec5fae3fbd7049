// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import PipelineCore
import PipelineIO
import PipelineRuntime
import PipelineSpec

/// A spec on the command line, and what `--set` changes in it.
struct SpecArguments: ParsableArguments {
  @Argument(help: "The pipeline spec, JSON (comments allowed) or YAML.")
  var spec: String

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp(
      "Change one value, as in seed=2, source.batch.groups=64 or stages.pairwise-sample.keep=0.25; may be repeated.",
      valueName: "path=value"))
  var overrides: [String] = []

  func load() throws -> AssembledPipeline {
    try SpecLoader.load(
      file: spec, overrides: overrides, registry: CommandEnvironment.registry,
      formats: FormatCatalog.standard.names)
  }
}

extension AssembledPipeline {
  /// The stages under their names.
  var namedStages: [PipelineRuntime.NamedStage] { stages.map { .init(name: $0.name, stage: $0.stage) } }

  /// How to read the source, from the working folder.
  func readerOptions(threads: Int) -> TrajectoryReader.Options {
    var options = TrajectoryReader.Options(paths: source.rollouts.paths.map { $0.resolved(in: folder) })
    options.format = source.format == "auto" ? nil : source.format
    options.cut =
      switch source.batch {
      case .auto: .automatic
      case .all: .all
      case .groups(let count): .groups(count)
      case .by(let field): .field(field)
      }
    options.groupBy = source.groupBy
    options.required = source.provides
    if case .atMost(let limit) = source.maxBadRecords {
      options.maxBadRecords = limit
    } else {
      options.maxBadRecords = nil
    }
    options.threads = threads
    return options
  }

  /// The resolved spec as a run directory keeps it: with paths that lead there from that directory, and with
  /// what the program and the inputs were.
  ///
  /// - Throws: When an input cannot be read.
  func resolved(for directory: String) throws -> JSONValue {
    let paths = source.rollouts.paths.map { path -> JSONValue in
      path.isStandardStream ? "-" : .string(Self.relativePath(from: directory, to: path.resolved(in: folder)))
    }
    let rollouts: JSONValue = paths.count == 1 ? paths[0] : .array(paths)
    guard case .object(let members) = resolved else { return resolved }
    return .object(
      try members.map { member in
        guard member.key == "source", case .object(let source) = member.value else { return member }
        return .init("source", .object(source.map { $0.key == "rollouts" ? .init("rollouts", rollouts) : $0 }))
      } + [.init("provenance", provenance())])
  }

  private func provenance() throws -> JSONValue {
    let inputs = try source.rollouts.paths.map { path -> JSONValue in
      guard !path.isStandardStream, let found = try InputFingerprint(path: path.resolved(in: folder)) else {
        return [:]
      }
      return ["bytes": .number(String(found.bytes)), "hash": .string(found.hash)]
    }
    return ["program": .string("shuffle-r1 \(PipelineProgram.version)"), "inputs": .array(inputs)]
  }

  /// The path of `file` as seen from `directory`, wherever links lead.
  static func relativePath(from directory: String, to file: String) -> String {
    let from = RealPath(directory).components
    let name = URL(fileURLWithPath: file).lastPathComponent
    let folder = file.hasSuffix("/" + name) ? String(file.dropLast(name.count)) : "."
    let to = RealPath(folder).components + [name]
    var shared = 0
    while shared < from.count, shared < to.count - 1, from[shared] == to[shared] { shared += 1 }
    return (Array(repeating: "..", count: from.count - shared) + to[shared...]).joined(separator: "/")
  }
}
