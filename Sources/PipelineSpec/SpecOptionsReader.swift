// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Reads options from a spec's tree, and finds all faults in one pass.
package struct SpecOptionsReader: OptionsReader {
  /// Makes a reader.
  package init() {}

  /// Lays the tree over the defaults, refuses unknown keys at any depth, decodes and validates.
  ///
  /// - Throws: ``PipelineErrors`` with the place of each fault, sorted by place.
  package func read<Options: ComponentOptions>(_ type: Options.Type, from tree: OptionTree) throws -> Options {
    let reading = try read(type, from: tree, subject: "'with'")
    if !reading.errors.isEmpty { throw PipelineErrors(reading.errors) }
    return reading.options
  }

  /// The result of reading options.
  struct Reading<Options: Sendable> {
    /// The options, with the default for each value that could not be decoded.
    var options: Options
    /// Everything that is wrong, sorted by place.
    var errors: [PipelineError] = []
    /// Whether the options are nevertheless free of problems.
    var isUsable = true
  }

  /// Reads options as far as possible.
  func read<Options: ComponentOptions>(
    _ type: Options.Type, from tree: OptionTree, subject: String
  ) throws -> Reading<Options> {
    let session = DecodingSession()
    guard tree.isTable || OptionScalar.isNull(tree) else {
      let message = "\(subject) must be a table, found \(tree.kindDescription)"
      let error = PipelineError(.invalidSpec, message, at: tree.location)
      return Reading(options: Options(), errors: [error])
    }
    let table = tree.isTable ? tree : OptionTree(.table([]), at: tree.location)
    let decoder = OptionsDecoder(session: session, path: [], user: table, place: table.location)
    let options = try decoder.value(type)
    var faults = session.faults + session.unknownKeys()
    let problems = try options.allProblems()
    for problem in problems {
      let path = problem.path.split(separator: ".").map(String.init)
      // Problems of a default that replaces a faulty value would only confuse.
      if faults.contains(where: { $0.path.starts(with: path) || path.starts(with: $0.path) }) { continue }
      let message = "'\(problem.path)' \(problem.message)"
      faults.append(OptionFault(path: path, message: message, location: table.place(of: path)))
    }
    let errors = faults.map { PipelineError(.invalidSpec, $0.message, at: $0.location) }
    return Reading(options: options, errors: errors.sortedByPlace(), isUsable: problems.isEmpty)
  }
}

extension OptionTree {
  /// The place of a path's value: its key, or the innermost key or table above it in the spec.
  func place(of path: [String]) -> SourceLocation {
    var place = location
    var tree = self
    for name in path {
      switch tree.node {
      case .table(let entries):
        guard let entry = entries.first(where: { $0.key == name }) else { return place }
        (place, tree) = (entry.location, entry.value)
      case .list(let elements):
        guard let index = Int(name), elements.indices.contains(index) else { return place }
        (place, tree) = (elements[index].location, elements[index])
      default: return place
      }
    }
    return place
  }
}

extension [PipelineError] {
  /// In the order of the text: first places in a file, then the command line, then the rest.
  func sortedByPlace() -> [PipelineError] {
    func rank(_ error: PipelineError) -> (Int, Int, Int) {
      guard let location = error.location else { return (2, 0, 0) }
      return (location.file.hasPrefix("--") ? 1 : 0, location.line, location.column)
    }
    return enumerated().sorted { a, b in
      let (first, second) = (rank(a.element), rank(b.element))
      return first == second ? a.offset < b.offset : first < second
    }.map(\.element)
  }
}
