// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Writes a spec with every default filled in, including those of nested components.
struct ResolvedSpec {
  let registry: Registry
  private let reader = SpecOptionsReader()

  private let paths: OptionsEncoder.PathWriter?

  /// - Parameter paths: Converts paths; nil to leave them unchanged.
  init(registry: Registry, paths: OptionsEncoder.PathWriter? = nil) {
    self.registry = registry
    self.paths = paths
  }

  /// The resolved spec, without places and without entries for editors.
  ///
  /// - Parameters:
  ///   - spec: A spec without errors.
  ///   - written: The user's text, for the digits of its numbers.
  func json(of spec: PipelineSpec, written: OptionTree) throws -> JSONValue {
    var tree = try OptionsEncoder.tree(of: spec, paths: paths).keepingDigits(of: written)
    let stages = try spec.stages.map { entry in
      let type = try registry.stage(entry.reference.use)
      return OptionTree(
        .table([
          Self.entry("use", OptionTree(.string(entry.reference.use), at: tree.location)),
          Self.entry("name", OptionTree(.string(entry.runName), at: tree.location)),
          Self.entry("with", try options(of: type, entry.reference.with)),
        ]), at: tree.location)
    }
    tree = tree.setting("stages", to: OptionTree(.list(stages), at: tree.location), at: tree.location)
    var left = ["$schema", "provenance"]
    if spec.plugins.isEmpty { left.append("plugins") }
    if spec.paper.paper == nil { left.append("paper") }
    if spec.policy.use.isEmpty {
      left += ["policy", "training"]
    } else {
      let type = try registry.policy(spec.policy.use)
      let policy = OptionTree(
        .table([
          Self.entry("use", OptionTree(.string(spec.policy.use), at: tree.location)),
          Self.entry("with", try options(of: type, spec.policy.with)),
        ]), at: tree.location)
      tree = tree.setting("policy", to: policy, at: tree.location)
    }
    if let output = tree["output"] {
      // A name relative to the run's directory.
      let name = OptionTree(.string(spec.output.rollouts.text), at: output.location)
      tree = tree.setting(
        "output", to: output.setting("rollouts", to: name, at: output.location), at: tree.location)
    }
    let unused = spec.source.prompts.paths.isEmpty ? "prompts" : "rollouts"
    if let source = tree["source"], case .table(let entries) = source.node {
      let unnamed = spec.source.sampler.use.isEmpty ? "sampler" : nil
      var used = OptionTree(.table(entries.filter { $0.key != unused && $0.key != unnamed }), at: source.location)
      if unnamed == nil {
        let reference = spec.source.sampler
        let sampler = OptionTree(
          .table([
            Self.entry("use", OptionTree(.string(reference.use), at: tree.location)),
            Self.entry("with", try options(of: registry.sampler(reference.use), reference.with)),
          ]), at: tree.location)
        used = used.setting("sampler", to: sampler, at: used.location)
      }
      tree = tree.setting("source", to: used, at: tree.location)
    }
    guard case .table(let entries) = tree.node else { return tree.json }
    return OptionTree(.table(entries.filter { !left.contains($0.key) }), at: tree.location).json
  }

  /// All options of a component.
  func options(of type: any Component.Type, _ tree: OptionTree) throws -> OptionTree {
    func open<C: Component>(_ type: C.Type) throws -> OptionTree {
      let options = try reader.read(C.Options.self, from: tree)
      return try filled(
        OptionsEncoder.tree(of: options, paths: paths).keepingDigits(of: tree), C.Options.componentKinds)
    }
    return try open(type)
  }

  /// The options of a component, including those of all components that it names by `use` and `with`.
  ///
  /// - Parameter kinds: Which options name components of which kind.
  private func filled(_ tree: OptionTree, _ kinds: [String: ComponentKind]) throws -> OptionTree {
    guard case .table(let entries) = tree.node else { return try filled(tree, nil) }
    var tree = tree
    tree.node = .table(
      try entries.filter { kinds[$0.key] == nil || !$0.value.namesNothing }.map {
        OptionTree.Entry(key: $0.key, location: $0.location, value: try filled($0.value, kinds[$0.key]))
      })
    return tree
  }

  /// The tree with the options of all components in it, of one kind or, for nil, of any kind.
  private func filled(_ tree: OptionTree, _ kind: ComponentKind?) throws -> OptionTree {
    var tree = tree
    switch tree.node {
    case .list(let elements):
      tree.node = .list(try elements.map { try filled($0, kind) })
    case .table(let entries):
      if let use = tree["use"]?.word, let with = tree["with"] {
        let kinds = kind.map { [$0] } ?? ComponentKind.allCases
        let types = kinds.compactMap { registry.component($0, use) }
        if let options = types.lazy.compactMap({ try? options(of: $0, with) }).first {
          return tree.setting("with", to: options, at: tree.location)
        }
      }
      tree.node = .table(
        try entries.map { OptionTree.Entry(key: $0.key, location: $0.location, value: try filled($0.value, kind)) })
    default: break
    }
    return tree
  }

  private static func entry(_ key: String, _ value: OptionTree) -> OptionTree.Entry {
    OptionTree.Entry(key: key, location: value.location, value: value)
  }
}

extension OptionTree {
  /// Whether it is a component without a name: an option that nothing was named for.
  fileprivate var namesNothing: Bool { self["use"]?.word == "" }

  /// The tree with the user's digits for equal numbers that were written differently: `0.50`, `1e-6`.
  func keepingDigits(of written: OptionTree) -> OptionTree {
    var tree = self
    switch (node, written.node) {
    case (.number(let text), _):
      if let digits = OptionScalar.numberText(written), Double(digits) == Double(text) {
        tree.node = .number(digits)
      }
    case (.list(let elements), .list(let others)) where elements.count == others.count:
      tree.node = .list(zip(elements, others).map { $0.keepingDigits(of: $1) })
    case (.table(let entries), .table):
      tree.node = .table(
        entries.map { entry in
          let value = written[entry.key].map { entry.value.keepingDigits(of: $0) } ?? entry.value
          return Entry(key: entry.key, location: entry.location, value: value)
        })
    default: break
    }
    return tree
  }

  /// The tree as JSON, without places.
  ///
  /// Plain text that was not read becomes the number or truth value that it looks like, or else a string.
  package var json: JSONValue {
    switch node {
    case .null: .null
    case .bool(let flag): .bool(flag)
    case .number(let text): .number(text)
    case .string(let text): .string(text)
    case .plain("true"): .bool(true)
    case .plain("false"): .bool(false)
    case .plain("null"), .plain("~"): .null
    case .plain(let text): OptionScalar.isNumber(text) ? .number(text) : .string(text)
    case .list(let elements): .array(elements.map(\.json))
    case .table(let entries): .object(entries.map { JSONValue.Member($0.key, $0.value.json) })
    }
  }
}
