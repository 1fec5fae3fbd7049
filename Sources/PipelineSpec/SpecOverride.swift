// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// One `--set PATH=VALUE` of the command line, which changes a spec before it is read.
///
/// A path consists of keys and list positions: `seed`, `source.batch.groups`. After `stages` comes a stage's name in
/// the run, or its position, and then its options: `stages.pairwise-sample.keep`. A value that is a JSON list, table or
/// string is parsed; any other is text whose type the option determines. `null` removes a stage, an element of another list,
/// or a table: `stages.shuffle=null`, `training.evaluation=null`.
package struct SpecOverride: Sendable, Hashable {
  /// The name of the command line in error messages.
  package static let file = SourceLocation.commandLineOptions[0]

  private struct Step: Sendable, Hashable {
    let name: String
    let location: SourceLocation
  }

  private let steps: [Step]
  private let value: OptionTree

  /// Reads `PATH=VALUE`.
  ///
  /// - Parameter line: The line of its places, by which one of several can be told.
  /// - Throws: ``PipelineError`` when there is no path or no `=`.
  package init(_ argument: String, line: Int = 1) throws {
    func location(_ column: Int) -> SourceLocation {
      SourceLocation(file: Self.file, line: line, column: column)
    }
    guard let equals = argument.firstIndex(of: "=") else {
      throw PipelineError(
        .invalidSpec, "'\(argument)' says no value; write PATH=VALUE, as in seed=2", at: location(1))
    }
    var steps: [Step] = []
    var column = 1
    for name in argument[..<equals].split(separator: ".", omittingEmptySubsequences: false) {
      guard !name.isEmpty else {
        throw PipelineError(
          .invalidSpec,
          "'\(argument)' has an empty step in its path; write PATH=VALUE, as in source.format=verl",
          at: location(column))
      }
      steps.append(Step(name: String(name), location: location(column)))
      column += name.unicodeScalars.count + 1
    }
    self.steps = steps
    let text = String(argument[argument.index(after: equals)...])
    if let first = text.first, "[{\"".contains(first), let json = try? JSONValue(parsing: text) {
      self.value = OptionTree(json: json, at: location(column))
    } else {
      self.value = OptionTree(.plain(text), at: location(column))
    }
  }

  /// The spec with this value set.
  ///
  /// - Throws: ``PipelineError`` when the path leads to a stage or a list element that does not exist. Other unknown
  ///   paths become unknown options, which the check reports.
  package func applied(to tree: OptionTree) throws -> OptionTree {
    guard let first = steps.first, first.name == "stages", steps.count > 1 else {
      return try setting(steps[...], in: tree)
    }
    var tree = tree
    guard case .list(var elements) = tree["stages"]?.node else {
      throw PipelineError(.invalidSpec, "the spec has no list of stages to set this in", at: first.location)
    }
    let names = elements.map { $0.word ?? $0["name"]?.word ?? $0["use"]?.word ?? "" }
    let step = steps[1]
    guard let index = names.firstIndex(of: step.name) ?? Int(step.name), elements.indices.contains(index)
    else {
      throw PipelineError(
        .invalidSpec, UnknownName.message("stage", step.name, known: names, plural: "stages"),
        at: step.location)
    }
    var rest = steps.dropFirst(2)
    if rest.isEmpty, removes {
      elements.remove(at: index)
    } else if rest.isEmpty {
      elements[index] = value
    } else {
      if rest.first?.name == "with", rest.count > 1 { rest = rest.dropFirst() }
      let entry = Self.expanded(elements[index])
      let options = try setting(rest, in: entry["with"] ?? OptionTree(.table([]), at: entry.location))
      elements[index] = entry.setting("with", to: options, at: step.location)
    }
    let stages = OptionTree(.list(elements), at: tree["stages"]?.location ?? first.location)
    tree = tree.setting("stages", to: stages, at: first.location)
    return tree
  }

  private var removes: Bool { value.node == .null || value.node == .plain("null") }

  private func setting(_ steps: ArraySlice<Step>, in tree: OptionTree) throws -> OptionTree {
    guard let step = steps.first else { return value }
    let rest = steps.dropFirst()
    switch tree.node {
    case .list(var elements):
      guard let index = Int(step.name), elements.indices.contains(index) else {
        throw PipelineError(
          .invalidSpec, "'\(step.name)' is no position in a list of \(elements.count), counted from 0",
          at: step.location)
      }
      if rest.isEmpty, removes {
        elements.remove(at: index)
      } else {
        elements[index] = try setting(rest, in: elements[index])
      }
      return OptionTree(.list(elements), at: tree.location)
    case .table(let entries) where rest.isEmpty && removes && tree[step.name]?.isTable == true:
      return OptionTree(.table(entries.filter { $0.key != step.name }), at: tree.location)
    case .table:
      // A missing table gets the place where it would have been.
      let inner = tree[step.name] ?? OptionTree(.table([]), at: tree.location)
      return tree.setting(step.name, to: try setting(rest, in: inner), at: step.location)
    default:
      // A bare name becomes a table when its options are set; any other scalar is replaced.
      let table = step.name == "with" ? Self.expanded(tree) : OptionTree(.table([]), at: step.location)
      return try setting(steps, in: table.isTable ? table : OptionTree(.table([]), at: step.location))
    }
  }

  /// The table that is equivalent to a bare name.
  private static func expanded(_ tree: OptionTree) -> OptionTree {
    guard tree.word != nil else { return tree }
    let use = OptionTree.Entry(key: "use", location: tree.location, value: tree)
    return OptionTree(.table([use]), at: tree.location)
  }
}

extension OptionTree {
  /// A value without places of its own, all at one place.
  init(json: JSONValue, at location: SourceLocation) {
    switch json {
    case .null: self.init(.null, at: location)
    case .bool(let flag): self.init(.bool(flag), at: location)
    case .number(let text): self.init(.number(text), at: location)
    case .string(let text): self.init(.string(text), at: location)
    case .array(let elements):
      self.init(.list(elements.map { OptionTree(json: $0, at: location) }), at: location)
    case .object(let members):
      let entries = members.map {
        Entry(key: $0.key, location: location, value: OptionTree(json: $0.value, at: location))
      }
      self.init(.table(entries), at: location)
    }
  }

  /// The table with a key set: in place if it exists, otherwise at the end.
  func setting(_ key: String, to value: OptionTree, at location: SourceLocation) -> OptionTree {
    guard case .table(var entries) = node else { return self }
    if let index = entries.firstIndex(where: { $0.key == key }) {
      // The innermost change determines the place of a mistake: the key keeps its place unless its value is new.
      let isNew = value.location.file == SpecOverride.file
      entries[index] = Entry(key: key, location: isNew ? location : entries[index].location, value: value)
    } else {
      entries.append(Entry(key: key, location: location, value: value))
    }
    return OptionTree(.table(entries), at: self.location)
  }
}
