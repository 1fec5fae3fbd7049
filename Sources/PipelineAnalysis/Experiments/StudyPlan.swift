// SPDX-License-Identifier: Apache-2.0
package import PipelineCore
package import PipelineSpec

/// A study with all its runs: arms × settings × seeds, in the order in which they are made.
///
/// Paths start from the study's folder.
package struct StudyPlan: Sendable {
  /// A value that is set in a spec.
  package struct Change: Sendable, Hashable {
    /// The path, as `--set` has it.
    package let path: String
    /// The value.
    package let value: OptionTree
    /// Where the study says so.
    package let location: SourceLocation

    /// What is said after `--set`.
    package var argument: String { path + "=" + Self.text(value) }

    /// The change as a run with this seed makes it: `{seed}` in its text stands for the seed.
    func with(seed: UInt64) -> Change {
      Change(path: path, value: value.replacing("{seed}", with: String(seed)), location: location)
    }

    /// The value as `--set` reads it.
    static func text(_ value: OptionTree) -> String {
      switch value.node {
      case .plain(let text), .number(let text): text
      default: value.json.json
      }
    }
  }

  /// An arm.
  package struct Arm: Sendable {
    /// Its name.
    package let name: String
    /// Its spec.
    package let spec: String
    /// Where the study names it.
    package let location: SourceLocation
    /// What it changes.
    package let changes: [Change]
  }

  /// One combination of the grid's values.
  package struct Setting: Sendable {
    /// Its name, as a folder has it: `rate=1e-4,rounds=8`; empty where there is no grid.
    package let name: String
    /// What it sets.
    package let changes: [Change]
  }

  /// A run.
  package struct Job: Sendable {
    /// The arm.
    package let arm: Arm
    /// The setting.
    package let setting: Setting
    /// The seed.
    package let seed: UInt64
    /// Its name: `ARM/seed-N`, or `ARM/SETTING/seed-N`.
    package var name: String { (setting.name.isEmpty ? arm.name : arm.name + "/" + setting.name) + "/seed-\(seed)" }
    /// What it sets in the spec, the seed left out.
    package var changes: [Change] { (arm.changes + setting.changes).map { $0.with(seed: seed) } }
    /// The arguments of `--set`, the seed last.
    package var overrides: [String] { changes.map(\.argument) + ["seed=\(seed)"] }
  }

  /// The study.
  package let study: Study
  /// The arms, in the order of the file.
  package let arms: [Arm]
  /// The settings; one without a name where there is no grid.
  package let settings: [Setting]
  /// The seeds.
  package let seeds: [UInt64]
  /// The arm that others are compared with.
  package let baseline: String
  /// The folder of the runs.
  package let output: String

  /// The runs: all arms and settings of one seed before those of the next, so that what is there early can be compared.
  package var jobs: [Job] {
    seeds.flatMap { seed in
      settings.flatMap { setting in arms.map { Job(arm: $0, setting: setting, seed: seed) } }
    }
  }

  /// Whether there is a grid.
  package var hasGrid: Bool { settings.contains { !$0.name.isEmpty } }

  /// The folder of a run.
  package func folder(of job: Job) -> String { output + "/" + job.name }

  /// Reads a study.
  ///
  /// - Throws: ``PipelineErrors`` with the place of everything that is wrong.
  package init(_ text: SpecText) throws {
    do {
      if text.bytes.allSatisfy({ [0x20, 0x09, 0x0A, 0x0D].contains($0) }) {
        throw PipelineError(
          .invalidSpec, "the file is empty; a study has at least 'spec', 'arms' and 'output'",
          at: SourceLocation(file: text.file, line: 1, column: 1))
      }
      let tree = try text.tree()
      guard tree.isTable else {
        throw PipelineError(.invalidSpec, "a study must be a table, found \(tree.kindDescription)", at: tree.location)
      }
      try self.init(SpecOptionsReader().read(Study.self, from: tree), tree)
    } catch let error as PipelineError {
      throw PipelineErrors([error])
    }
  }

  private init(_ study: Study, _ tree: OptionTree) throws {
    var errors: [PipelineError] = []
    self.study = study
    let common = Self.changes(tree["set"])
    arms = tree["arms"].entries.map { entry in
      let spec = study.arms[entry.key]?.spec.text ?? ""
      let own = Self.changes(entry.value["set"])
      let others = common.filter { change in !own.contains { $0.path == change.path } }
      return Arm(
        name: entry.key, spec: spec.isEmpty ? study.spec.text : spec, location: entry.location, changes: others + own)
    }
    settings = Self.grid(tree["settings"].entries, &errors)
    seeds = study.seeds.all
    baseline = study.baseline.isEmpty ? arms.first?.name ?? "" : study.baseline
    var output = study.output.text
    while output.count > 1, output.hasSuffix("/") { output.removeLast() }
    self.output = output
    errors += Self.conflicts(arms, settings)
    errors.sort {
      ($0.location?.line ?? 0, $0.location?.column ?? 0) < ($1.location?.line ?? 0, $1.location?.column ?? 0)
    }
    if !errors.isEmpty { throw PipelineErrors(errors) }
  }

  private static func changes(_ table: OptionTree?) -> [Change] {
    table.entries.map { Change(path: $0.key, value: $0.value, location: $0.location) }
  }

  /// Every combination of the grid's values, the last path changing fastest.
  private static func grid(_ entries: [OptionTree.Entry], _ errors: inout [PipelineError]) -> [Setting] {
    var settings = [Setting(name: "", changes: [])]
    let last = entries.map { $0.key.split(separator: ".").last.map(String.init) ?? $0.key }
    for (entry, short) in zip(entries, last) {
      guard case .list(let values) = entry.value.node, !values.isEmpty else {
        errors.append(
          PipelineError(
            .invalidSpec, "'settings.\(entry.key)' must be a list of values, at least one",
            at: entry.location))
        continue
      }
      let label = last.count(where: { $0 == short }) > 1 ? entry.key : short
      let names = values.map { "\(label)=\(Change.text($0))".map(fileCharacter).map(String.init).joined() }
      if Set(names).count < names.count {
        errors.append(
          PipelineError(
            .invalidSpec,
            "two values of 'settings.\(entry.key)' would have one folder: \(names.joined(separator: ", "))",
            at: entry.location))
      }
      settings = settings.flatMap { setting in
        zip(values, names).map { value, name in
          Setting(
            name: setting.name.isEmpty ? name : setting.name + "," + name,
            changes: setting.changes + [Change(path: entry.key, value: value, location: value.location)])
        }
      }
    }
    return settings
  }

  /// A character that every file system takes and no shell reads.
  private static func fileCharacter(_ character: Character) -> Character {
    let isPlain = character.isASCII && (character.isLetter || character.isNumber || ".=+-".contains(character))
    return isPlain ? character : "_"
  }

  /// A seed that is set, and what both an arm and the grid set.
  private static func conflicts(_ arms: [Arm], _ settings: [Setting]) -> [PipelineError] {
    let grid = settings.first?.changes ?? []
    let seeds = (arms.flatMap(\.changes) + grid).filter { $0.path == "seed" }.map { change in
      PipelineError(.invalidSpec, "'seed' is for 'seeds' to say; leave it out here", at: change.location)
    }
    let twice = arms.flatMap(\.changes).filter { change in grid.contains { $0.path == change.path } }.map { change in
      PipelineError(
        .invalidSpec, "'\(change.path)' is set by 'settings' too; leave one of them out", at: change.location)
    }
    var seen: Set<SourceLocation> = []
    return (seeds + twice).filter { error in error.location.map { seen.insert($0).inserted } ?? true }
  }
}

extension OptionTree {
  /// The value with a word replaced in every text.
  fileprivate func replacing(_ word: String, with other: String) -> OptionTree {
    var copy = self
    copy.node =
      switch node {
      case .string(let text): .string(text.replacing(word, with: other))
      case .plain(let text): .plain(text.replacing(word, with: other))
      case .list(let values): .list(values.map { $0.replacing(word, with: other) })
      case .table(let entries):
        .table(
          entries.map { entry in
            var entry = entry
            entry.value = entry.value.replacing(word, with: other)
            return entry
          })
      case .null, .bool, .number: node
      }
    return copy
  }
}

extension OptionTree? {
  /// The entries of a table; none of anything else.
  fileprivate var entries: [OptionTree.Entry] {
    if case .table(let entries)? = self?.node { entries } else { [] }
  }
}
