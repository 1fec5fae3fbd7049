// SPDX-License-Identifier: Apache-2.0
package import PipelineCore
import PipelineSpec

/// A study as its file says it: arms and settings, each with several seeds, and what is measured.
package struct Study: ComponentOptions {
  /// What the study asks.
  package var title = ""
  /// The spec that arms change.
  package var spec = SpecPath("")
  /// What all arms change in it: paths, as `--set` has them, and values; an arm's own come before.
  package var set = OptionTree.empty
  /// The seeds of every arm.
  package var seeds = StudySeeds.count(3)
  /// What is compared, by name.
  package var arms: [String: StudyArmOptions] = [:]
  /// A grid that is crossed with the arms: from a path, as `--set` has it, to a list of values.
  package var settings = OptionTree.empty
  /// What is measured.
  package var measure = StudyMeasure()
  /// The arm that others are compared with; empty for the first one.
  package var baseline = ""
  /// The folder of the runs.
  package var output = SpecPath("")

  /// A study of nothing yet.
  package init() {}

  /// One line for each option.
  package static let help = [
    "title": "What the study asks",
    "spec": "The spec that arms change",
    "set":
      "What all arms change in the spec: a path, as --set has it, and the value, in which {seed} stands for the seed of a run; an arm may say otherwise",
    "seeds": "How many seeds, from 1 on, or a list of them",
    "arms": "What is compared: names, each with what it changes in the spec",
    "settings": "A grid that is crossed with the arms: a path, as --set has it, and a list of values",
    "measure": "What is measured",
    "baseline": "The arm that others are compared with; empty for the first one",
    "output": "The folder of the runs: OUTPUT/ARM/seed-N, with settings OUTPUT/ARM/SETTING/seed-N",
  ]

  /// Everything that can be said without the specs.
  package func problems() -> [OptionProblem] {
    var problems: [OptionProblem] = []
    let withoutSpec = arms.filter { $0.value.spec.text.isEmpty }.keys.sorted()
    if spec.text.isEmpty, let arm = withoutSpec.first {
      problems.append(OptionProblem("spec", "is missing, and arm '\(arm)' has none of its own; name a spec"))
    }
    if arms.isEmpty { problems.append(OptionProblem("arms", "is empty, it must name at least one arm")) }
    for name in arms.keys.sorted() where !Self.isFolderName(name) {
      problems.append(
        OptionProblem(
          "arms.\(name)",
          "is no name of an arm: it must be a word of letters, digits, '-' and '_', without what reads as a seed, such as 'seed-1' or 's2'"
        ))
    }
    if !baseline.isEmpty, arms[baseline] == nil {
      problems.append(
        OptionProblem(
          "baseline", "is '\(baseline)', it must be one of the arms: \(arms.keys.sorted().joined(separator: ", "))"))
    }
    if !set.isTable { problems.append(OptionProblem("set", "must be a table from paths to values")) }
    if !settings.isTable {
      problems.append(OptionProblem("settings", "must be a table from paths to lists of values"))
    }
    if output.text.isEmpty { problems.append(OptionProblem("output", "is missing; name a folder for the runs")) }
    return problems + seeds.problems
  }

  /// Whether a name makes a folder whose seed can be told from it: `seed-1` and `s2` would be taken for seeds.
  private static func isFolderName(_ name: String) -> Bool {
    !name.isEmpty && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_".contains($0)) }
      && name.lowercased().firstMatch(of: /(?:^|[-_])s(?:eed)?[-_]?[0-9]+(?:$|[-_])/) == nil
  }
}

/// An arm of a study.
package struct StudyArmOptions: ComponentOptions {
  /// What it changes in the spec: paths, as `--set` has them, and values.
  package var set = OptionTree.empty
  /// A spec of its own; empty for that of the study.
  package var spec = SpecPath("")

  /// An arm that changes nothing.
  package init() {}

  /// One line for each option.
  package static let help = [
    "set": "What it changes in the spec: a path, as --set has it, and the value",
    "spec": "A spec of its own; empty for that of the study",
  ]

  /// Changes are a table.
  package func problems() -> [OptionProblem] {
    set.isTable ? [] : [OptionProblem("set", "must be a table from paths to values")]
  }
}

/// The number that a study is about.
package struct StudyMeasure: ComponentOptions {
  /// A name of `evaluations.jsonl`, or else of `metrics.jsonl`.
  package var metric = "val/accuracy"
  /// Which point of its curve counts.
  package var at = StudyPoint.last
  /// Which direction is better.
  package var better = Direction.higher

  /// A direction of numbers.
  package enum Direction: String, Codable, Sendable, CaseIterable {
    case higher, lower
  }

  /// The accuracy of the last evaluation.
  package init() {}

  /// One line for each option.
  package static let help = [
    "metric": "A name of evaluations.jsonl, or else of metrics.jsonl",
    "at": "Which point of its curve counts: 'last', 'best', or a number of steps",
    "better": "Whether 'higher' or 'lower' is better, for 'best' and for the steps to a level",
  ]

  /// A metric has a name, and a step a number.
  package func problems() -> [OptionProblem] {
    var problems: [OptionProblem] = []
    if metric.isEmpty { problems.append(OptionProblem("metric", "is empty; name a metric, such as val/accuracy")) }
    if case .step(let step) = at, step < 0 { problems.append(OptionProblem("at", "is \(step), it must be at least 0")) }
    return problems
  }
}

/// A point of a run's curve.
package enum StudyPoint: Codable, Sendable, Hashable {
  /// The last one.
  case last
  /// The best one.
  case best
  /// The one after this many steps.
  case step(Int)

  /// A word or a number.
  package init(from decoder: any Decoder) throws {
    let single = try decoder.singleValueContainer()
    if let step = try? single.decode(Int.self) {
      self = .step(step)
      return
    }
    switch try? single.decode(String.self) {
    case "last": self = .last
    case "best": self = .best
    default:
      throw DecodingError.dataCorrupted(
        DecodingError.Context(
          codingPath: decoder.codingPath, debugDescription: "must be 'last', 'best' or a number of steps"))
    }
  }

  /// Writes a form that can be read again.
  package func encode(to encoder: any Encoder) throws {
    var single = encoder.singleValueContainer()
    switch self {
    case .last: try single.encode("last")
    case .best: try single.encode("best")
    case .step(let step): try single.encode(step)
    }
  }
}

/// The seeds of a study.
package enum StudySeeds: Codable, Sendable, Hashable {
  /// 1 up to a number.
  case count(Int)
  /// These.
  case list([UInt64])

  /// The seeds, in order.
  package var all: [UInt64] {
    switch self {
    case .count(let count): count < 1 ? [] : (1...UInt64(count)).map { $0 }
    case .list(let seeds): seeds
    }
  }

  var problems: [OptionProblem] {
    switch self {
    case .count(let count): [OptionProblem.unless("seeds", count, in: 1...100_000)].compactMap { $0 }
    case .list(let seeds):
      if seeds.isEmpty {
        [OptionProblem("seeds", "is empty, it must name at least one seed")]
      } else if Set(seeds).count < seeds.count {
        [OptionProblem("seeds", "names a seed twice; each counts once")]
      } else {
        []
      }
    }
  }

  /// A number or a list.
  package init(from decoder: any Decoder) throws {
    if let count = try? decoder.singleValueContainer().decode(Int.self) {
      self = .count(count)
    } else if var list = try? decoder.unkeyedContainer() {
      var seeds: [UInt64] = []
      while !list.isAtEnd { seeds.append(try list.decode(UInt64.self)) }
      self = .list(seeds)
    } else {
      throw DecodingError.dataCorrupted(
        DecodingError.Context(
          codingPath: decoder.codingPath,
          debugDescription: "must be how many (3 for the seeds 1, 2 and 3), or a list of seeds"))
    }
  }

  /// Writes a form that can be read again.
  package func encode(to encoder: any Encoder) throws {
    var single = encoder.singleValueContainer()
    switch self {
    case .count(let count): try single.encode(count)
    case .list(let seeds): try single.encode(seeds)
    }
  }
}
