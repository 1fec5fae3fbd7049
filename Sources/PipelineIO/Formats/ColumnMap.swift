// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Rows of a program that no format is known of: the user says which column holds which field.
///
/// Columns that are not named pass through. Without one for the group, rows of one file and step with the same prompt,
/// answer and images are a group; rows without a response are groups of their own.
package struct ColumnMap: RowFormat {
  /// Which column holds a field.
  package struct Entry: Sendable, Hashable {
    /// The field.
    package let field: Field
    /// The column; a dot leads into objects.
    package let column: String

    /// A field's column.
    package init(_ field: Field, column: String) {
      self.field = field
      self.column = column
    }
  }

  /// `columns`.
  package let name = "columns"
  /// What messages call it.
  package let summary = "Rows whose columns are named with --map"
  private let entries: [Entry]

  /// A format of these columns.
  package init(_ entries: [Entry]) { self.entries = entries }

  /// Never: it is only chosen by naming columns.
  package func likeness(of sample: [JSONValue]) -> FormatLikeness { .no }

  func read(_ row: inout PeerRow, into record: inout RecordBuilder, options: ImportOptions) throws -> GroupIdentity {
    var group: String?
    var prompt: JSONValue?
    // The prompt first: pictures go into it.
    for entry in entries.filter({ $0.field == .prompt }) + entries.filter({ $0.field != .prompt }) {
      guard let value = row.value(at: entry.column), value != .null else { continue }
      if row.has(entry.column) { _ = row.take(entry.column) }
      switch entry.field {
      case .prompt:
        prompt = value
        try record.setPrompt(value, key: entry.column, row: row, options: options)
      case .group: group = value.scalarText ?? value.json
      case .reward, .advantage:
        guard let number = PeerRow.number(value) else { throw row.wrongKind(entry.column, value, "a number") }
        record.set(entry.field, number)
      case .response:
        if value.stringValue != nil {
          record.set(.response, value)
        } else {
          try Completion.read(value, key: entry.column, isChat: true, row: row, into: &record)
        }
      case .images: try RowMedia.put(value, key: entry.column, of: row, into: &record)
      default: record.set(entry.field, value)
      }
    }
    guard record.has(.prompt) || record.has(.promptTokens) else {
      let column = entries.first { $0.field == .prompt }?.column ?? "prompt"
      throw row.fault(column, "is missing, and a record needs a prompt")
    }
    if let group { return .named(group) }
    let isPrompt = !record.has(.response) && !record.has(.tokens)
    return isPrompt ? .ownRow : .samePrompt(prompt.map { Cell($0) }, step: record.step)
  }

  func write(_ record: inout OutgoingRecord) throws {}

  /// What to write after `--map` for lines with such keys, as far as their names tell; nil where they tell too little.
  static func suggestion(for keys: [String]) -> String? {
    let words: [(field: Field, names: [String])] = [
      (.prompt, ["prompt", "question", "problem", "query", "instruction", "input"]),
      (.response, ["response", "completion", "output", "generation", "prediction"]),
      (.reward, ["reward", "score"]), (.answer, ["answer", "ground_truth", "solution", "target", "gts", "label"]),
      (.group, ["uid", "group", "prompt_id", "question_id"]), (.images, ["images", "image"]),
    ]
    var used: Set<String> = []
    var pairs: [String] = []
    for (field, names) in words {
      let found = names.lazy.compactMap { name in
        keys.first { !used.contains($0) && $0.lowercased().contains(name) }
      }.first
      guard let found else { continue }
      used.insert(found)
      pairs.append("\(field)=\(found)")
    }
    return pairs.first?.hasPrefix("prompt=") == true ? pairs.joined(separator: ",") : nil
  }
}
