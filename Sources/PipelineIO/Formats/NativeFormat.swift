// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Our own format: one trajectory a line, see the fields of ``Field``.
package struct NativeFormat: RolloutFormat {
  /// `shuffle-r1`.
  package let name = "shuffle-r1"
  /// The summary that `convert` shows.
  package let summary = "This program's own records"

  /// The format.
  package init() {}

  /// `likely` when every line has a string `id` and a string `group`; `possible` when every line is a prompt with an id.
  package func likeness(of sample: [JSONValue]) -> FormatLikeness {
    if sample.allSatisfy({ $0["id"]?.stringValue != nil && $0["group"]?.stringValue != nil }) { return .likely }
    return sample.allSatisfy { Self.isPrompt($0) && $0["prompt"]?.stringValue == nil } ? .possible : .no
  }

  /// Whether a line asks and has no answer of a model: its id names the group of whatever will be drawn for it.
  static func isPrompt(_ line: JSONValue) -> Bool {
    line["id"]?.stringValue != nil && line["group"] == nil
      && (line["prompt"]?.arrayValue != nil || line["prompt"]?.stringValue != nil
        || line["prompt_tokens"]?.arrayValue != nil)
      && !["response", "tokens", "completion", "data_source", "reward_model"].contains { line[$0] != nil }
  }

  /// Checks `id` and `group` and changes nothing, unless `groupBy` defines other groups.
  package func makeImporter(options: ImportOptions) -> any RolloutImporter {
    options.groupBy.isEmpty ? NativeImporter() : RowImporter(format: RegroupedNative(), options: options)
  }

  /// Can hold everything.
  package func makeExporter() -> any RolloutExporter { NativeExporter() }
}

private struct NativeImporter: RolloutImporter {
  private var groups = GroupTable()

  mutating func records(from line: Cell, at location: SourceLocation) throws -> [ImportedRecord] {
    var row = try PeerRow(line, what: "the line", at: location)
    if !row.has("group"), NativeFormat.isPrompt(line.value), let members = line.value.objectValue,
      let id = line.value["id"]
    {
      row = try PeerRow(.object(members + [.init("group", id)]), what: "the line", at: location)
    }
    for key in ["id", "group"] {
      guard let cell = row.cell(key) else { throw row.missing(key, in: "shuffle-r1") }
      if !cell.isString { throw row.wrongKind(key, cell.value, "a string") }
    }
    var asked = RecordBuilder()
    for field in [Field.prompt, .images, .answer] { asked.set(field, row.cell(field.rawValue)) }
    _ = groups.place(
      .named(row.peek("group")?.stringValue ?? ""), asking: GroupTable.Question(asked), file: location.file,
      step: row.peek("step")?.intValue)
    return [ImportedRecord(members: row.members)]
  }

  var rows: Int { groups.rows }

  var summary: ImportSummary {
    let sizes = groups.sizes
    return ImportSummary(
      lines: groups.rows, rows: groups.rows, groupSizes: sizes,
      notes: sizes.isUneven ? ["group sizes differ: \(sizes)"] : [])
  }
}

private struct NativeExporter: RolloutExporter {
  mutating func lines(for record: JSONValue) throws -> [JSONValue] {
    _ = try PeerRow(record, what: "the record", at: nil)
    return [record]
  }
  var keepsRecords: Bool { true }
  mutating func finish() -> [JSONValue] { [] }
  var losses: [ConversionLoss] { [] }
}

/// Our own records with new ids and groups.
private struct RegroupedNative: RowFormat {
  let name = "shuffle-r1"
  let summary = ""

  func likeness(of sample: [JSONValue]) -> FormatLikeness { .no }

  func read(_ row: inout PeerRow, into record: inout RecordBuilder, options: ImportOptions) throws
    -> GroupIdentity
  {
    for field in Field.reserved {
      let value = row.take(field)
      switch field {
      case .id, .group: continue
      case .rewards: record.addParts(value?.objectValue ?? [])
      case .extra: for member in value?.objectValue ?? [] { record.adopt(member) }
      default: record.set(field, value)
      }
    }
    return .ownRow
  }

  func write(_ record: inout OutgoingRecord) throws {}
}
