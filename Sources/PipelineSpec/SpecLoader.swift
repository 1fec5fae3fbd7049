// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Loads a pipeline: text, tree, overrides, options, stages, all checked.
package enum SpecLoader {
  /// What is done with the plug-ins that a spec names.
  package enum PlugInUse: Sendable {
    /// They are loaded: their code runs.
    case load
    /// Their files are looked at, and nothing of them runs. What only they know stays unchecked.
    case leave
  }

  /// Loads a spec from a file.
  ///
  /// - Parameters:
  ///   - file: A path; `.json` or `.jsonc`, `.yaml` or `.yml`, otherwise recognized by content.
  ///   - overrides: The arguments of `--set`, as in `seed=2`, applied in order.
  ///   - registry: The components that the spec can name.
  ///   - formats: The record formats that the program can read.
  ///   - plugIns: Whether those that the spec names are loaded.
  ///   - numbered: Whether the line of a place in `--set` says which of the arguments it is in, from 1.
  /// - Throws: ``PipelineErrors``, at least one, sorted by place; ``UnloadedPlugIns`` where nothing is wrong as far as can be
  ///   told without them.
  package static func load(
    file: String, overrides: [String] = [], registry: Registry, formats: [String], plugIns: PlugInUse = .load,
    numbered: Bool = false
  ) throws -> AssembledPipeline {
    try gathering {
      try load(
        try SpecText(contentsOf: file), overrides: overrides, registry: registry, formats: formats, plugIns: plugIns,
        numbered: numbered)
    }
  }

  /// Loads a spec from a text; see ``load(file:overrides:registry:formats:plugIns:numbered:)``.
  package static func load(
    _ text: SpecText, overrides: [String] = [], registry: Registry, formats: [String], plugIns: PlugInUse = .load,
    numbered: Bool = false
  ) throws -> AssembledPipeline {
    var faults: [PipelineError] = []
    var parsed: [SpecOverride] = []
    for (index, argument) in overrides.enumerated() {
      do { parsed.append(try SpecOverride(argument, line: numbered ? index + 1 : 1)) } catch let fault as PipelineError
      {
        faults.append(fault)
      }
    }
    do {
      let folder = AssembledPipeline.folder(of: text.file)
      let pipeline = try gathering {
        let tree = try text.tree()
        // What cannot be set is reported by the check.
        let set = parsed.reduce(tree) { (try? $1.applied(to: $0)) ?? $0 }
        let (registry, unloaded) = try loadPlugIns(of: set, folder: folder, into: registry, plugIns)
        let checker = PipelineChecker(registry: registry, formats: formats, folder: folder, unloaded: unloaded)
        return try checker.check(tree, file: text.file, overrides: parsed)
      }
      if faults.isEmpty { return pipeline }
    } catch let errors as PipelineErrors {
      faults = errors.errors + faults
    }
    throw PipelineErrors(faults.sortedByPlace())
  }

  /// Makes one stage that runs alone.
  ///
  /// - Parameters:
  ///   - use: The registered name.
  ///   - options: The argument of `--with`, JSON or YAML; blank for the defaults.
  ///   - registry: The components that can be named.
  /// - Throws: ``PipelineErrors``, at least one, with places in `--with`.
  package static func stage(_ use: String, with options: String = "", registry: Registry) throws -> any Stage {
    try gathering {
      let isBlank = options.allSatisfy(\.isWhitespace)
      let tree = isBlank ? OptionTree.empty : try SpecText(options, file: "--with").tree()
      let assembly = Assembly(registry: registry, reader: SpecOptionsReader())
      do {
        return try assembly.stage(ComponentReference(use, with: tree))
      } catch let error where !(error is PipelineError || error is PipelineErrors) {
        throw PipelineError(.plugIn, "stage '\(use)' cannot be made: \(error)")
      }
    }
  }

  static func gathering<Result>(_ body: () throws -> Result) throws -> Result {
    do { return try body() } catch let error as PipelineError { throw PipelineErrors([error]) }
  }
}
