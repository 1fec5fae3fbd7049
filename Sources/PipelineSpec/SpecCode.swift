// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// The code that a spec names: what runs with the user's rights when the spec does.
package struct SpecCode: Sendable, Hashable {
  /// The libraries, from the working folder.
  package var plugIns: [String] = []
  /// The programs, with their arguments.
  package var programs: [String] = []
  /// All that decides what runs, as one text: another text is other code.
  package var identity = ""

  /// Whether it names none.
  package var isEmpty: Bool { plugIns.isEmpty && programs.isEmpty }

  /// One line for each.
  package var lines: [String] { plugIns.map { "plug-in  \($0)" } + programs.map { "program  \($0)" } }
}

/// Nothing is wrong with a spec as far as can be told without the plug-ins that it names, which were not loaded.
package struct UnloadedPlugIns: Error, Sendable {
  /// The libraries, from the working folder.
  package let libraries: [String]
}

extension SpecLoader {
  /// The code that a spec names; runs nothing of it.
  ///
  /// Mistakes are left to the check: an option that cannot be read names no program.
  package static func code(file: String, overrides: [String] = [], registry: Registry) throws -> SpecCode {
    try gathering {
      let text = try SpecText(contentsOf: file)
      let parsed = overrides.compactMap { try? SpecOverride($0) }
      let tree = try parsed.reduce(text.tree()) { (try? $1.applied(to: $0)) ?? $0 }
      var code = SpecCode()
      code.plugIns = plugIns(of: tree, folder: AssembledPipeline.folder(of: file)).map(\.path).filter { path in
        // What the user has named on the command line runs already.
        !registry.plugIns.contains((try? PlugInLoader.inspect(path)) ?? "")
      }
      code.identity = tree["plugins"]?.json.json ?? ""
      survey(tree, registry, &code)
      return code
    }
  }

  /// Looks at every table that names a component, wherever it stands.
  private static func survey(_ tree: OptionTree, _ registry: Registry, _ code: inout SpecCode) {
    switch tree.node {
    case .list(let elements):
      for element in elements { survey(element, registry, &code) }
    case .table(let entries):
      if let use = tree["use"]?.word {
        let types = ComponentKind.allCases.compactMap { registry.component($0, use) }
        let programs = types.flatMap { Self.programs(of: $0, tree["with"] ?? .empty) }
        for program in programs where !code.programs.contains(program) { code.programs.append(program) }
        if !programs.isEmpty { code.identity += "\n" + tree.json.json }
      }
      for entry in entries { survey(entry.value, registry, &code) }
    default: break
    }
  }

  private static func programs(of type: any Component.Type, _ options: OptionTree) -> [String] {
    func open<C: Component>(_ type: C.Type) -> [String] {
      let reading = try? SpecOptionsReader().read(C.Options.self, from: options, subject: "'with'")
      return reading?.options.programs() ?? []
    }
    return open(type)
  }
}
