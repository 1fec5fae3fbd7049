// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

extension SpecLoader {
  /// Makes a single reward function.
  ///
  /// - Parameters:
  ///   - use: The registered name.
  ///   - options: The argument of `--with`, JSON or YAML; blank for the defaults.
  ///   - registry: The components that can be named.
  /// - Throws: ``PipelineErrors``, at least one, with places in `--with`.
  package static func reward(
    _ use: String, with options: String = "", registry: Registry
  ) throws -> any RewardFunction {
    try gathering {
      let tree = options.allSatisfy(\.isWhitespace) ? OptionTree.empty : try SpecText(options, file: "--with").tree()
      return try Assembly(registry: registry, reader: SpecOptionsReader()).reward(ComponentReference(use, with: tree))
    }
  }

  /// Makes a reward function from a text that names it: `exact`, or `{"use": "exact", "with": {"extract": "boxed"}}`.
  ///
  /// - Throws: ``PipelineErrors``, at least one, with places in the text.
  package static func reward(reference text: String, registry: Registry) throws -> any RewardFunction {
    guard text.drop(while: \.isWhitespace).first == "{" else { return try reward(text, registry: registry) }
    return try gathering {
      let tree = try SpecText(text, file: "reward").tree()
      guard case .table(let entries) = tree.node, case .string(let use)? = tree["use"]?.node else {
        throw PipelineError(.invalidSpec, "must name a reward: {\"use\": NAME, \"with\": OPTIONS}", at: tree.location)
      }
      if let other = entries.first(where: { !["use", "with"].contains($0.key) }) {
        throw PipelineError(
          .invalidSpec, "unknown key \(other.key.quotedForMessage); a reward has 'use' and 'with'", at: other.location)
      }
      let reference = ComponentReference(use, with: tree["with"] ?? .empty, at: tree.location)
      return try Assembly(registry: registry, reader: SpecOptionsReader()).reward(reference)
    }
  }

  /// Makes the `reward` stage with one reward function, for a command that scores without a spec.
  ///
  /// - Parameters:
  ///   - function: The reward function's registered name, the argument of `--reward`.
  ///   - options: The argument of `--with`, JSON or YAML; blank for the defaults.
  ///   - part: The name of the score in `rewards`.
  ///   - registry: The components that can be named.
  package static func rewardStage(
    _ function: String, with options: String = "", named part: String, registry: Registry
  ) throws -> any Stage {
    do {
      let place = SourceLocation(file: "--reward", line: 1, column: 1)
      func tree(_ node: OptionTree.Node) -> OptionTree { OptionTree(node, at: place) }
      var entries = [
        OptionTree.Entry(key: "use", location: place, value: tree(.string(function))),
        OptionTree.Entry(key: "name", location: place, value: tree(.string(part))),
      ]
      if !options.allSatisfy(\.isWhitespace) {
        let with = try SpecText(options, file: "--with").tree()
        entries.append(OptionTree.Entry(key: "with", location: with.location, value: with))
      }
      let functions = OptionTree.Entry(key: "functions", location: place, value: tree(.list([tree(.table(entries))])))
      let assembly = Assembly(registry: registry, reader: SpecOptionsReader())
      return try assembly.stage(ComponentReference("reward", with: tree(.table([functions]))))
    } catch let error as PipelineError {
      throw PipelineErrors([error])
    }
  }
}
