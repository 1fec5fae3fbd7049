// SPDX-License-Identifier: Apache-2.0
public import PipelineCore

/// Where a pipeline's trajectories come from.
public struct SourceOptions: ComponentOptions {
  /// Files of saved rollouts, read one after the other.
  public var rollouts = SpecPaths()
  /// How records are written: `auto`, or one of the formats that the program knows.
  public var format = "auto"
  /// What every record carries beside ``alwaysProvided``.
  public var provides: [Field] = []
  /// The fields that make up a group; none for the records' own `group`.
  public var groupBy: [Field] = []
  /// How records are cut into batches.
  public var batch = SourceBatch.auto
  /// How many unreadable records a run puts up with.
  public var maxBadRecords = RecordLimit.atMost(100)

  /// What every saved rollout has.
  public static let alwaysProvided: Set<Field> = [.id, .group, .prompt, .response]

  /// One line on each option.
  public static let help = [
    "rollouts": "Files of saved rollouts, relative to the spec's folder; \"-\" is standard input",
    "format": "How the records are written; 'auto' looks at the first one",
    "provides": "Fields that every record carries beside id, group, prompt and response",
    "group_by": "Fields whose values together name a record's group; none for 'group' itself",
    "batch":
      "'auto' goes by the records' batch or else takes all as one; 'all', {\"groups\": 64} or {\"by\": \"step\"}",
    "max_bad_records": "How many unreadable records to put up with before the run stops, or 'unlimited'",
  ]

  /// Nothing to read yet.
  public init() {}

  /// There must be something to read.
  public func problems() -> [OptionProblem] {
    var problems: [OptionProblem] = []
    if rollouts.paths.isEmpty || rollouts.paths.contains(where: \.text.isEmpty) {
      problems.append(
        OptionProblem("rollouts", "is missing; name a file of saved rollouts, or \"-\" for standard input"))
    }
    if rollouts.paths.count(where: \.isStandardStream) > 1 {
      problems.append(OptionProblem("rollouts", "names standard input twice"))
    }
    if case .groups(let count) = batch, count < 1 {
      problems.append(OptionProblem("batch.groups", "is \(count), it must be at least 1"))
    }
    if case .atMost(let count) = maxBadRecords, count < 0 {
      problems.append(OptionProblem("max_bad_records", "is \(count), it must be at least 0"))
    }
    return problems
  }
}

/// How records are cut into batches.
public enum SourceBatch: Codable, Sendable, Hashable, SelfDescribingOption {
  /// By the records' own `batch` where they carry it, else all as one.
  case auto
  /// All records as one batch.
  case all
  /// So many groups a batch.
  case groups(Int)
  /// A new batch whenever the value of a field changes.
  case by(Field)

  private enum CodingKeys: String, CodingKey { case groups, by }

  /// A word, or a table of one key.
  public init(from decoder: any Decoder) throws {
    switch try? decoder.singleValueContainer().decode(String.self) {
    case "auto": self = .auto
    case "all": self = .all
    default:
      if let keyed = try? decoder.container(keyedBy: CodingKeys.self) {
        switch (keyed.contains(.groups), keyed.contains(.by)) {
        case (true, false):
          self = .groups(try keyed.decode(Int.self, forKey: .groups))
          return
        case (false, true):
          self = .by(try keyed.decode(Field.self, forKey: .by))
          return
        default: break
        }
      }
      throw DecodingError.dataCorrupted(
        DecodingError.Context(
          codingPath: decoder.codingPath,
          debugDescription: "must be 'auto', 'all', {\"groups\": 64} or {\"by\": \"step\"}"))
    }
  }

  /// Writes what can be read again.
  public func encode(to encoder: any Encoder) throws {
    switch self {
    case .auto, .all:
      var single = encoder.singleValueContainer()
      try single.encode(self == .auto ? "auto" : "all")
    case .groups(let count):
      var keyed = encoder.container(keyedBy: CodingKeys.self)
      try keyed.encode(count, forKey: .groups)
    case .by(let field):
      var keyed = encoder.container(keyedBy: CodingKeys.self)
      try keyed.encode(field, forKey: .by)
    }
  }

  /// A word, or a table of one key.
  public static let schema: JSONValue = [
    "oneOf": [
      ["enum": ["auto", "all"]],
      [
        "type": "object", "additionalProperties": false, "required": ["groups"],
        "properties": ["groups": ["type": "integer", "minimum": 1]],
      ],
      [
        "type": "object", "additionalProperties": false, "required": ["by"],
        "properties": ["by": ["type": "string"]],
      ],
    ]
  ]
}

/// A number of records, or no limit.
public enum RecordLimit: Codable, Sendable, Hashable, SelfDescribingOption {
  /// So many at most.
  case atMost(Int)
  /// As many as there are.
  case unlimited

  /// A number or the word `unlimited`.
  public init(from decoder: any Decoder) throws {
    let single = try decoder.singleValueContainer()
    if let count = try? single.decode(Int.self) {
      self = .atMost(count)
    } else if (try? single.decode(String.self)) == "unlimited" {
      self = .unlimited
    } else {
      throw DecodingError.dataCorrupted(
        DecodingError.Context(
          codingPath: decoder.codingPath, debugDescription: "must be a whole number or 'unlimited'"))
    }
  }

  /// Writes what can be read again.
  public func encode(to encoder: any Encoder) throws {
    var single = encoder.singleValueContainer()
    switch self {
    case .atMost(let count): try single.encode(count)
    case .unlimited: try single.encode("unlimited")
    }
  }

  /// A number or the word `unlimited`.
  public static let schema: JSONValue = [
    "oneOf": [["type": "integer", "minimum": 0], ["const": "unlimited"]]
  ]
}
