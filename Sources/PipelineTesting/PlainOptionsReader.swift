// SPDX-License-Identifier: Apache-2.0
import Foundation
public import PipelineCore

/// Reads options like a spec, without places and suggestions: enough to assemble components in a test.
///
/// Keys of the tree replace the defaults at the top level; nested values are replaced as a whole.
public struct PlainOptionsReader: OptionsReader {
  /// Makes one.
  public init() {}

  /// Lays the tree over the defaults, refuses unknown keys, decodes and validates.
  public func read<Options: ComponentOptions>(_ type: Options.Type, from tree: OptionTree) throws -> Options {
    guard case .table(var merged) = try OptionsEncoder.tree(of: Options()).node, case .table(let wanted) = tree.node
    else {
      throw PipelineError(.invalidSpec, "options must be a table, not \(tree.kindDescription)")
    }
    for entry in wanted {
      guard let index = merged.firstIndex(where: { $0.key == entry.key }) else {
        throw PipelineError(.invalidSpec, "unknown option '\(entry.key)'")
      }
      merged[index].value = entry.value
    }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let bytes = try JSONEncoder().encode(OptionTree(.table(merged), at: tree.location))
    let options = try decoder.decode(Options.self, from: bytes)
    let problems = try options.allProblems()
    guard problems.isEmpty else {
      throw PipelineErrors(
        problems.map { PipelineError(.invalidSpec, "invalid option: '\($0.path)' \($0.message)") })
    }
    return options
  }
}

extension Assembly {
  /// An assembly for tests over the components of a registry.
  public static func plain(_ registry: Registry = Registry()) -> Assembly {
    Assembly(registry: registry, reader: PlainOptionsReader())
  }
}
