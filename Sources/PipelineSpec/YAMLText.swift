// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import Yams

/// Reads YAML documents into trees with places; plain scalars stay text.
///
/// Anchors and aliases work. Merge keys (`<<`), tags and keys that are not text are refused.
enum YAMLText {
  /// The deepest nesting that a document may have.
  static let depthLimit = 64
  /// The most values that a document may have, with aliases expanded.
  static let valueLimit = 100_000

  /// Reads a document.
  ///
  /// - Parameters:
  ///   - text: The text, without byte order mark and NUL.
  ///   - file: The name for error messages.
  /// - Throws: ``PipelineError`` with the place of the first mistake.
  static func tree(of text: String, file: String) throws -> OptionTree {
    try YAMLGuard(file: file).check(text)
    let root: Node?
    do {
      root = try compose(yaml: text, .basic, .default, .utf8)
    } catch let error as YamlError {
      throw pipelineError(error, in: text, file: file)
    }
    guard let root else {
      throw PipelineError(
        .invalidSpec, "the document is empty", at: SourceLocation(file: file, line: 1, column: 1))
    }
    var builder = Builder(file: file)
    return try builder.tree(root, depth: 0, at: SourceLocation(file: file, line: 1, column: 1))
  }

  private static func pipelineError(_ error: YamlError, in text: String, file: String) -> PipelineError {
    func fault(_ message: String, _ mark: Mark?) -> PipelineError {
      let location = SourceLocation(file: file, line: mark?.line ?? 1, column: mark?.column ?? 1)
      return PipelineError(.invalidSpec, message, at: location)
    }
    switch error {
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _):
      let start = context.map { " (\($0.text) in line \($0.mark.line))" } ?? ""
      let remedy = isTab(at: mark, in: text) ? "; YAML is indented with spaces, not tabs" : ""
      return fault("not YAML: \(problem)\(start)\(remedy)", mark)
    case .composer(_, let problem, let mark, _): return fault("not YAML: \(problem)", mark)
    case .duplicatedKeysInMapping(let duplicates, let context):
      return fault("not YAML: the key '\(duplicates.first ?? "")' is given twice", context.mark)
    case .reader(let problem, _, _, _): return fault("not YAML: \(problem)", nil)
    default: return fault("not YAML: \(error)", nil)
    }
  }

  private static func isTab(at mark: Mark, in text: String) -> Bool {
    let lines = text.split(separator: "\n", maxSplits: mark.line, omittingEmptySubsequences: false)
    guard mark.line <= lines.count else { return false }
    return lines[mark.line - 1].unicodeScalars.dropFirst(mark.column - 1).first == "\t"
  }

  private struct Builder {
    let file: String
    var count = 0

    /// The place of an alias is not known: its values have the place of the anchor.
    mutating func tree(_ node: Node, depth: Int, at fallback: SourceLocation) throws -> OptionTree {
      let location =
        node.mark.map { SourceLocation(file: file, line: $0.line, column: $0.column) } ?? fallback
      count += 1
      guard count <= valueLimit else {
        throw PipelineError(
          .invalidSpec, "more than \(valueLimit) values, once aliases are written out", at: location)
      }
      guard depth <= depthLimit else {
        throw PipelineError(.invalidSpec, "nested deeper than \(depthLimit) levels", at: location)
      }
      switch node {
      case .scalar(let scalar): return OptionTree(try value(scalar, at: location), at: location)
      case .sequence(let sequence):
        var elements: [OptionTree] = []
        for element in sequence { elements.append(try tree(element, depth: depth + 1, at: location)) }
        return OptionTree(.list(elements), at: location)
      case .mapping(let mapping):
        var entries: [OptionTree.Entry] = []
        var keys: Set<String> = []
        for (key, value) in mapping {
          let entry = try self.entry(key, value, depth: depth, at: location)
          guard keys.insert(entry.key).inserted else {
            throw PipelineError(
              .invalidSpec, "not YAML: the key '\(entry.key)' is given twice", at: entry.location)
          }
          entries.append(entry)
        }
        return OptionTree(.table(entries), at: location)
      case .alias:
        throw PipelineError(.invalidSpec, "an alias that stands for nothing", at: location)
      }
    }

    private mutating func entry(
      _ key: Node, _ value: Node, depth: Int, at table: SourceLocation
    ) throws -> OptionTree.Entry {
      let location = key.mark.map { SourceLocation(file: file, line: $0.line, column: $0.column) } ?? table
      guard case .scalar(let scalar) = key else {
        throw PipelineError(.invalidSpec, "a key must be text", at: location)
      }
      if scalar.string == "<<", scalar.style == .plain {
        throw PipelineError(
          .invalidSpec, "merge keys ('<<') are not supported; write the keys out, or alias a whole value",
          at: location)
      }
      return OptionTree.Entry(
        key: scalar.string, location: location, value: try tree(value, depth: depth + 1, at: location))
    }

    private func value(_ scalar: Node.Scalar, at location: SourceLocation) throws -> OptionTree.Node {
      switch scalar.tag.description {
      case "", "!", "tag:yaml.org,2002:str": break
      case let tag:
        throw PipelineError(
          .invalidSpec, "the tag '\(tag)' is not supported; an option's type is known without it",
          at: location)
      }
      if scalar.style == .plain {
        return scalar.string.isEmpty ? .null : .plain(scalar.string)
      }
      return .string(scalar.string)
    }
  }
}
