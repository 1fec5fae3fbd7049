// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Lines that contain a table: each key is a column, its list the values of all rows.
enum ColumnarLine {
  /// The rows of a line; if a key's value is not a list, every row has that value; null is an empty cell.
  ///
  /// - Parameter lead: The column that determines the number of rows.
  /// - Throws: When a list has another length than `lead`'s, so that its values cannot be assigned to rows.
  static func rows(of line: Cell, lead: String, format: String, at location: SourceLocation) throws
    -> [PeerRow]
  {
    let columns = try PeerRow(line, what: "the line", at: location)
    guard let leading = columns.peek(lead) else { throw columns.missing(lead, in: format) }
    guard let count = leading.arrayValue?.count else { throw columns.wrongKind(lead, leading, "a list") }
    var rows = [[JSONValue.Member]](repeating: [], count: count)
    for column in columns.members {
      let value = column.value
      guard let values = value.arrayValue else {
        if value != .null {
          for index in rows.indices { rows[index].append(.init(column.key, value)) }
        }
        continue
      }
      guard values.count == count else {
        throw columns.fault(
          column.key, "has \(values.count) values, but '\(lead)' has \(count): the rows cannot be told apart")
      }
      for (index, value) in values.enumerated() { rows[index].append(.init(column.key, value)) }
    }
    return try rows.map { try PeerRow(.object($0), what: "the row", at: location, nulls: .areEmptyCells) }
  }
}

/// A format that writes the rows of a step as the columns of one line.
protocol ColumnarFormat: RowFormat {
  /// The columns that are in every line, in order, even if no row has a value.
  var columns: [String] { get }

  /// The column whose value is the same for all rows of a line.
  var stepColumn: String { get }

  /// The column before which parts of the reward are placed, and after which everything unknown; every row has it.
  var pivotColumn: String { get }
}

extension ColumnarFormat {
  /// Writes a line for each step.
  package func makeExporter() -> any RolloutExporter { ColumnarExporter(format: self) }
}

/// Collects the rows of one step in memory.
struct ColumnarExporter<Format: ColumnarFormat>: RolloutExporter {
  private let format: Format
  private var rows: RowExporter<Format>
  private var step: JSONValue?
  private var gathered: [[JSONValue.Member]] = []

  init(format: Format) {
    self.format = format
    self.rows = RowExporter(format: format)
  }

  mutating func lines(for record: JSONValue) throws -> [JSONValue] {
    let row = try rows.row(for: record)
    let step = row.first { $0.key == format.stepColumn }?.value ?? .null
    let complete = step == self.step ? [] : finish()
    self.step = step
    gathered.append(row)
    return complete
  }

  mutating func finish() -> [JSONValue] {
    if gathered.isEmpty { return [] }
    defer { gathered = [] }
    var before = format.columns
    var after = [format.pivotColumn]
    var known = Set(before + after)
    for row in gathered {
      var isBefore = true
      for member in row {
        if member.key == format.pivotColumn { isBefore = false }
        guard known.insert(member.key).inserted else { continue }
        if isBefore { before.append(member.key) } else { after.append(member.key) }
      }
    }
    let names = before + after
    var positions: [String: Int] = [:]
    for (position, name) in names.enumerated() { positions[name] = position }
    var columns = names.map { _ in [JSONValue](repeating: .null, count: gathered.count) }
    for (index, row) in gathered.enumerated() {
      for member in row {
        if let position = positions[member.key] { columns[position][index] = member.value }
      }
    }
    return [.object(zip(names, columns).map { .init($0, .array($1)) })]
  }

  var losses: [ConversionLoss] { rows.losses }
}
