// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Where a pipeline's trajectories come from.
package struct SourceOptions: ComponentOptions {
  /// Files of prompts to sample from, read in order.
  package var prompts = SpecPaths()
  /// Files of saved rollouts, read in order.
  package var rollouts = SpecPaths()
  /// The format of the records: `auto`, or one of the known formats.
  package var format = "auto"
  /// Which column holds which field, for rows of no known format; a dot leads into objects.
  package var columns: [String: String] = [:]
  /// The columns that hold the parts of the reward, with their weights; none to tell by their names.
  package var rewards: [String: Double] = [:]
  /// The number of rollouts of each group, where groups lie one after the other; 0 where something else names them.
  package var groupSize = 0
  /// Which answers of a conversation become responses.
  package var turns = SourceTurns.last
  /// The system message of prompts that have none.
  package var systemPrompt = PromptText.none
  /// A Jinja template around the question: the text of the last user message is its `content`.
  package var formatPrompt = PromptText.none
  /// The fields that every record carries in addition to ``alwaysProvided``.
  package var provides: [Field] = []
  /// The fields that make up a group; none for the records' own `group`.
  package var groupBy: [Field] = []
  /// How records are divided into batches.
  package var batch = SourceBatch.auto
  /// The number of the first batch; above 0 for a source that is a later part of a larger one.
  package var firstBatch = 0
  /// The order of the groups.
  package var order = SourceOrder.auto
  /// What chooses the prompts of each step; without a name, they come in ``order``, epoch after epoch.
  package var sampler = ComponentReference("")
  /// How often the records are passed through; 0 for as often as `training.steps` needs, or once if it is not set.
  package var epochs = 0
  /// Folders beside that of the records that their images may lie in.
  package var imageRoots: [SpecPath] = []
  /// Hosts whose addresses of images are passed on to servers.
  package var imageHosts: [String] = []
  /// How many bad records a run tolerates.
  package var maxBadRecords = RecordLimit.atMost(100)

  /// The fields that every record has: a prompt its text, a saved rollout also the response.
  package var alwaysProvided: Set<Field> {
    prompts.paths.isEmpty ? [.id, .group, .prompt, .response] : [.id, .group, .prompt]
  }

  /// The files with the records, of either kind.
  package var paths: [SpecPath] { prompts.paths.isEmpty ? rollouts.paths : prompts.paths }

  /// Whether groups come in a random order.
  package var isShuffled: Bool { order == .shuffled || (order == .auto && !prompts.paths.isEmpty) }

  /// Whether all records are read at the start, because they are passed through in another order or more than once.
  package var isPooled: Bool { !prompts.paths.isEmpty || isShuffled || epochs > 1 }

  /// One line for each option.
  package static let help = [
    "prompts": "Files of prompts for the rollout stage, relative to the spec's folder; \"-\" is standard input",
    "rollouts": "Files of saved rollouts, instead of prompts",
    "format": "The format of the records; 'auto' recognizes it by the first ones",
    "columns":
      "Which column holds which field, for rows of no known format: {\"prompt\": \"question\"}; a dot leads into objects",
    "rewards":
      "The columns that hold the parts of the reward, with their weights: {\"accuracy\": 1}; none to tell by their names",
    "group_size":
      "The rollouts of each group, where the groups of a file lie one after the other without a name; 0 if they have one",
    "turns":
      "Which answers of a conversation become responses: the last ones, or every one, as a record each with all before it as its prompt",
    "system_prompt":
      "The system message of prompts without one of their own: a text, or {\"file\": \"system.txt\"}",
    "format_prompt":
      "A Jinja template that the text of the last user message goes into, as 'content': a text, or {\"file\": \"math.jinja\"}",
    "provides": "Fields that every record carries in addition to id, group, prompt and, for rollouts, response",
    "group_by": "Fields whose values together identify a record's group; none for 'group' itself",
    "batch":
      "'auto' goes by the records' batch, or else their step, or else takes all as one; 'all', {\"groups\": 64} or {\"by\": \"step\"}",
    "first_batch": "The number of the first batch; above 0 if the source is a later part of a larger one",
    "order": "The order of the groups: file, shuffled (anew for each epoch), or auto, which shuffles only prompts",
    "sampler":
      "What chooses the prompts of each step, such as greso or mopps; without one they come in their order, epoch after epoch",
    "epochs": "How often to pass through the records; 0 for as often as training.steps needs, or else once",
    "image_roots":
      "Folders beside that of the records' own file that their images may lie in, relative to the spec's; images elsewhere are refused",
    "image_hosts":
      "Hosts whose http(s) addresses of images are passed on to a server to fetch, such as images.example.org; none by default",
    "max_bad_records": "How many bad records are tolerated before the run stops, or 'unlimited'",
  ]

  /// A sampler of prompts is named in `sampler`.
  package static let componentKinds: [String: ComponentKind] = ["sampler": .sampler]

  /// Nothing to read is set.
  package init() {}

  /// There must be something to read.
  package func problems() -> [OptionProblem] {
    var problems: [OptionProblem] = []
    let key = prompts.paths.isEmpty ? "rollouts" : "prompts"
    if paths.isEmpty || paths.contains(where: \.text.isEmpty) {
      problems.append(
        OptionProblem(
          key, "is missing; name a file of saved rollouts, or \"-\" for standard input, or name 'prompts' instead"))
    }
    if paths.count(where: \.isStandardStream) > 1 {
      problems.append(OptionProblem(key, "names standard input twice"))
    }
    if !prompts.paths.isEmpty, !rollouts.paths.isEmpty {
      problems.append(OptionProblem("rollouts", "stands beside 'prompts'; a pipeline starts from one of them"))
    }
    for (index, host) in imageHosts.enumerated() {
      if let problem = MediaAccess.problem(ofHost: host) {
        problems.append(OptionProblem("image_hosts.\(index)", problem))
      }
    }
    if isPooled, case .by = batch {
      problems.append(
        OptionProblem("batch", "goes by a field, but groups that are shuffled or come again need {\"groups\": 64}"))
    }
    if !sampler.use.isEmpty, !isPooled {
      problems.append(
        OptionProblem(
          "sampler", "chooses among all records, but saved rollouts are taken as they come; say \"order\": \"shuffled\""
        ))
    }
    if !columns.isEmpty, format != "auto" {
      problems.append(
        OptionProblem("columns", "stands beside 'format'; columns are named for rows of no known format, leave one out")
      )
    }
    problems += Self.columnProblems(columns)
    if columns.isEmpty == false, columns["prompt"] == nil, columns["prompt_tokens"] == nil {
      problems.append(OptionProblem("columns", "names no column for 'prompt'"))
    }
    for (column, weight) in rewards.sorted(by: { $0.key < $1.key }) where !weight.isFinite {
      problems.append(OptionProblem("rewards.\(column)", "is \(weight), a weight must be finite"))
    }
    if groupSize < 0 { problems.append(OptionProblem("group_size", "is \(groupSize), it must be 0 or more")) }
    if groupSize > 0, !groupBy.isEmpty {
      problems.append(OptionProblem("group_size", "stands beside 'group_by'; groups are named by one of them"))
    }
    if !prompts.paths.isEmpty {
      if groupSize > 0 { problems.append(OptionProblem("group_size", "is for 'rollouts', and the source has prompts")) }
      if turns != .last { problems.append(OptionProblem("turns", "is for 'rollouts', and the source has prompts")) }
      if !rewards.isEmpty { problems.append(OptionProblem("rewards", "is for 'rollouts', and the source has prompts")) }
    }
    if firstBatch < 0 { problems.append(OptionProblem("first_batch", "is \(firstBatch), it must be 0 or more")) }
    if firstBatch > 0, isPooled {
      problems.append(
        OptionProblem("first_batch", "is \(firstBatch); it goes with saved rollouts that are read once, as they stand"))
    }
    if epochs < 0 { problems.append(OptionProblem("epochs", "is \(epochs), it must be 0 or more")) }
    if case .groups(let count) = batch, count < 1 {
      problems.append(OptionProblem("batch.groups", "is \(count), it must be at least 1"))
    }
    if case .atMost(let count) = maxBadRecords, count < 0 {
      problems.append(OptionProblem("max_bad_records", "is \(count), it must be at least 0"))
    }
    return problems
  }
}

extension SourceOptions {
  /// Names of fields that no column can be named for.
  static func columnProblems(_ columns: [String: String]) -> [OptionProblem] {
    columns.sorted { $0.key < $1.key }.compactMap { name, column in
      if column.isEmpty { return OptionProblem("columns.\(name)", "is empty, it must be the name of a column") }
      if Field.mappable.contains(Field(name)) { return nil }
      let names = Field.mappable.map(\.rawValue)
      let hint = NearestName.suggestion(for: name, among: names).map { "; did you mean '\($0)'?" } ?? "."
      return OptionProblem(
        "columns.\(name)", "is no field that a column can be named for\(hint) Known: \(names.joined(separator: ", "))")
    }
  }
}

/// Which answers of a conversation become responses.
package enum SourceTurns: String, Codable, Sendable, Hashable, CaseIterable {
  /// Those that end it.
  case last
  /// Every one.
  case every
}

/// The order of the groups.
package enum SourceOrder: String, Codable, Sendable, Hashable, CaseIterable {
  /// Prompts shuffled, saved rollouts in the order of the file.
  case auto
  /// In the order of the file.
  case file
  /// In a random order, a different one in each epoch.
  case shuffled
}

/// How records are divided into batches.
package enum SourceBatch: Codable, Sendable, Hashable, SelfDescribingOption {
  /// By the records' own `batch`, or else their `step`, if they carry it, otherwise all as one.
  case auto
  /// All records as one batch.
  case all
  /// This many groups in a batch.
  case groups(Int)
  /// A new batch whenever the value of a field changes.
  case by(Field)

  private enum CodingKeys: String, CodingKey { case groups, by }

  /// A word, or a table of one key.
  package init(from decoder: any Decoder) throws {
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

  /// Writes a form that can be read again.
  package func encode(to encoder: any Encoder) throws {
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
  package static let schema: JSONValue = [
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
package enum RecordLimit: Codable, Sendable, Hashable, SelfDescribingOption {
  /// At most this many.
  case atMost(Int)
  /// Without a limit.
  case unlimited

  /// A number or the word `unlimited`.
  package init(from decoder: any Decoder) throws {
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

  /// Writes a form that can be read again.
  package func encode(to encoder: any Encoder) throws {
    var single = encoder.singleValueContainer()
    switch self {
    case .atMost(let count): try single.encode(count)
    case .unlimited: try single.encode("unlimited")
    }
  }

  /// A number or the word `unlimited`.
  package static let schema: JSONValue = [
    "oneOf": [["type": "integer", "minimum": 0], ["const": "unlimited"]]
  ]
}
