// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

extension SpecLoader {
  /// Makes a policy's backend without opening a model.
  ///
  /// - Parameters:
  ///   - use: The registered name.
  ///   - options: Its options.
  ///   - registry: The components that can be named.
  /// - Throws: ``PipelineErrors``, at least one, with the places of the options.
  package static func policy(
    _ use: String, with options: OptionTree, registry: Registry
  ) throws -> any PolicyBackend {
    try gathering {
      try Assembly(registry: registry, reader: SpecOptionsReader()).policy(ComponentReference(use, with: options))
    }
  }

  /// Makes a policy's backend from a text, written as in a spec: `{"use": "bundled", "with": {"model": "DIR"}}`.
  ///
  /// - Throws: ``PipelineErrors``, at least one, with places in the text, named `--policy`.
  package static func policy(reference text: String, registry: Registry) throws -> any PolicyBackend {
    try gathering {
      let tree = try SpecText(text, file: "--policy").tree()
      guard case .table(let entries) = tree.node, case .string(let use)? = tree["use"]?.node else {
        throw PipelineError(
          .invalidSpec, "must name a policy: {\"use\": NAME, \"with\": OPTIONS}", at: tree.location)
      }
      if let other = entries.first(where: { !["use", "with"].contains($0.key) }) {
        throw PipelineError(
          .invalidSpec, "unknown key \(other.key.quotedForMessage); a policy has 'use' and 'with'", at: other.location)
      }
      let reference = ComponentReference(use, with: tree["with"] ?? .empty, at: tree.location)
      return try Assembly(registry: registry, reader: SpecOptionsReader()).policy(reference)
    }
  }
}
