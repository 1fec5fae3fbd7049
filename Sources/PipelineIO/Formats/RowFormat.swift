// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// A format that is read and written row by row; importer and exporter are the same for all of them.
protocol RowFormat: RolloutFormat {
  /// The rows of a line.
  func rows(of line: Cell, at location: SourceLocation) throws -> [PeerRow]

  /// Converts a row to a record and returns its group.
  func read(_ row: inout PeerRow, into record: inout RecordBuilder, options: ImportOptions) throws
    -> GroupIdentity

  /// Converts a record to a row of the target.
  func write(_ record: inout OutgoingRecord) throws

  /// What to do with keys that the format does not know.
  var unknownKeys: UnknownKeys { get }

  /// This format, for files whose first lines are these; for a format that has several forms.
  func adapted(to sample: [JSONValue]) -> Self

  /// What a user should know about an import, besides group sizes.
  func notes(_ tally: ImportTally) -> [String]
}

extension RowFormat {
  func rows(of line: Cell, at location: SourceLocation) throws -> [PeerRow] {
    [try PeerRow(line, what: "the line", at: location)]
  }

  var unknownKeys: UnknownKeys { .pass(except: []) }

  func adapted(to sample: [JSONValue]) -> Self { self }

  func notes(_ tally: ImportTally) -> [String] { [] }

  /// Reads with this format's rules.
  package func makeImporter(options: ImportOptions) -> any RolloutImporter {
    RowImporter(format: self, options: options)
  }

  /// Writes a line for each record.
  package func makeExporter() -> any RolloutExporter { RowExporter(format: self) }

  /// `likely` when every line is an object that has all of `marks`, `possible` when it has all of `needs`.
  func likeness(
    of sample: [JSONValue], needs: [String], marks: (JSONValue) -> Bool
  ) -> FormatLikeness {
    var likeness = FormatLikeness.likely
    for line in sample {
      guard line.objectValue != nil, needs.allSatisfy({ line[$0] != nil }) else { return .no }
      if !marks(line) { likeness = .possible }
    }
    return likeness
  }
}

/// Counts of an import.
struct ImportTally {
  /// How many records got their reward as the sum of its parts.
  var summedRewards = 0
  /// How many numbers stood in quotes.
  var textNumbers = 0
  /// How many completions have several messages.
  var conversations = 0
  /// How many conversations to learn from have earlier answers, which stay in the prompt.
  var earlierAnswers = 0
}

/// Reads any ``RowFormat``.
struct RowImporter<Format: RowFormat>: RolloutImporter {
  private var format: Format
  private let options: ImportOptions
  private var groups = GroupTable()
  private var lines = 0
  private var tally = ImportTally()

  init(format: Format, options: ImportOptions) {
    self.format = format
    self.options = options
  }

  mutating func look(at sample: [JSONValue]) { format = format.adapted(to: sample) }

  mutating func records(from line: Cell, at location: SourceLocation) throws -> [ImportedRecord] {
    let rows =
      options.turns == .last
      ? try format.rows(of: line, at: location)
      : try options.turns.rows(of: line.value).flatMap { try format.rows(of: Cell($0), at: location) }
    lines += 1
    return try rows.map { row in
      var row = row
      var builder = RecordBuilder()
      var identity = try format.read(&row, into: &builder, options: options)
      if !options.groupBy.isEmpty { identity = .named(try groupName(row)) }
      if options.groupSize > 0 { identity = .sequence(of: options.groupSize) }
      try RowMedia.take(from: &row, into: &builder)
      for member in row.leftovers { builder.adopt(member) }
      tally.textNumbers += row.textNumbers
      if builder.rewardIsSum { tally.summedRewards += 1 }
      if builder.isConversation { tally.conversations += 1 }
      if options.turns == .last, Self.hasEarlierAnswers(builder) { tally.earlierAnswers += 1 }
      let place = groups.place(
        identity, asking: GroupTable.Question(builder), file: location.file, step: builder.step)
      return builder.record(id: "\(place.group)/\(place.index)", group: place.group)
    }
  }

  private static func hasEarlierAnswers(_ record: RecordBuilder) -> Bool {
    guard record.has(.response), !record.has(.reward), record.cell(of: .prompt)?.isString != true else { return false }
    return record.value(of: .prompt)?.arrayValue?.contains {
      $0["role"] == "assistant" && $0["content"]?.stringValue?.isEmpty == false
    } == true
  }

  private func groupName(_ row: PeerRow) throws -> String {
    try options.groupBy.map { path in
      guard let value = row.value(at: path), value != .null else {
        throw row.fault(path, "is missing, but groups are named by it")
      }
      let text = value.scalarText ?? value.json
      if text.utf8.count <= 64, !text.contains(where: \.isNewline) { return text }
      var hash = StableHash()
      hash.add(text)
      return String(hash.low ^ hash.high, radix: 16)
    }.joined(separator: "-")
  }

  var rows: Int { groups.rows }

  var summary: ImportSummary {
    let sizes = groups.sizes
    var notes: [String] = []
    if sizes.isUneven { notes.append("group sizes differ: \(sizes)") }
    if groups.groupsOverSteps > 0 {
      notes.append(
        "\(groups.groupsOverSteps) groups have rollouts of several steps: group by the step too, if these are "
          + "different samplings of one prompt")
    }
    if let first = groups.contradictoryGroups.first {
      notes.append(
        "\(groups.contradictoryGroups.count) groups, such as \(first.quotedForMessage), hold several prompts or answers: "
          + "rollouts are compared that answer different questions; name what makes a group with --group-by")
    }
    if tally.summedRewards > 0 {
      notes.append(
        "\(format.name) keeps only the parts of rewards: in \(tally.summedRewards) records, 'reward' is their "
          + (options.rewardWeights.isEmpty ? "plain sum" : "weighted sum"))
    }
    if tally.textNumbers > 0 {
      notes.append("\(tally.textNumbers) numbers were written as text, and are read as numbers")
    }
    if tally.conversations > 0 {
      notes.append(
        "\(tally.conversations) completions have several messages or tool calls: 'response' is the text of the last "
          + "answer, 'completion' keeps them all")
    }
    if tally.earlierAnswers > 0 {
      notes.append(
        "\(tally.earlierAnswers) conversations have earlier answers of the assistant, which stay in the prompt; --turns every "
          + "makes a record of each")
    }
    return ImportSummary(
      lines: lines, rows: groups.rows, groupSizes: sizes, notes: notes + format.notes(tally))
  }
}

/// Writes any ``RowFormat``, one line for each record.
struct RowExporter<Format: RowFormat>: RolloutExporter {
  let format: Format
  private var ledger = LossLedger()

  init(format: Format) { self.format = format }

  mutating func lines(for record: JSONValue) throws -> [JSONValue] { [.object(try row(for: record))] }

  mutating func row(for record: JSONValue) throws -> [JSONValue.Member] {
    var outgoing = try OutgoingRecord(record, target: format.name, ledger: ledger)
    try format.write(&outgoing)
    outgoing.finish(unknownKeys: format.unknownKeys)
    ledger = outgoing.ledger
    return outgoing.members
  }

  mutating func lose(_ field: String, _ reason: String) { ledger.note(field, reason) }

  mutating func finish() -> [JSONValue] { [] }

  var losses: [ConversionLoss] { ledger.losses }
}
