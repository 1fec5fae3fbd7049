// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore

/// The columns of a block of rows: for each, its distinct values and a code for every row.
///
/// Rewards, groups, prompts and answers repeat, so that a code of a byte or two is what most values take; numbers keep
/// all their digits. Code 0 means that a row has no value.
struct ColumnTable {
  /// A block has no more rows, so that a code fits into two bytes.
  static let mostRows = 4096
  /// Columns beyond these are left out, so that keys which are data cannot fill the page.
  private static let mostColumns = 96

  private enum Value {
    case number(Double)
    case text(String)
  }

  private struct Column {
    let name: String
    var codes: [UInt16] = []
    var values: [Value] = []
    var numbers: [UInt64: UInt16] = [:]
    var texts: [ExactText: UInt16] = [:]
    var last: (text: ExactText, code: UInt16)?
  }

  private(set) var rowCount = 0
  /// The names for which there was no room.
  private(set) var leftOut: Set<String> = []
  private var columns: [Column] = []
  private var positions: [String: Int] = [:]

  /// The position of a column, made where it is new; nil where there is no room for another.
  mutating func position(of name: String) -> Int? {
    if let position = positions[name] { return position }
    guard columns.count < Self.mostColumns else {
      if leftOut.count < 64 { leftOut.insert(name) }
      return nil
    }
    columns.append(Column(name: name))
    positions[name] = columns.count - 1
    return columns.count - 1
  }

  /// Gives the current row a number, unless it has a value in this column.
  mutating func set(_ position: Int?, number: Double?) {
    guard let position, let number, number.isFinite, columns[position].codes.count <= rowCount else { return }
    let bits = (number == 0 ? 0 : number).bitPattern
    let code: UInt16
    if let known = columns[position].numbers[bits] {
      code = known
    } else {
      columns[position].values.append(.number(number))
      code = UInt16(columns[position].values.count)
      columns[position].numbers[bits] = code
    }
    put(code, position)
  }

  /// Gives the current row a text, unless it has a value in this column.
  mutating func set(_ position: Int?, text: String?) {
    guard let position, let plain = text, columns[position].codes.count <= rowCount else { return }
    let text = ExactText(plain)
    if let last = columns[position].last, last.text == text { return put(last.code, position) }
    let code: UInt16
    if let known = columns[position].texts[text] {
      code = known
    } else {
      columns[position].values.append(.text(plain))
      code = UInt16(columns[position].values.count)
      columns[position].texts[text] = code
    }
    columns[position].last = (text, code)
    put(code, position)
  }

  /// Whether the current row has a value in a column.
  func isSet(_ position: Int) -> Bool { columns[position].codes.count > rowCount }

  /// Goes on to the next row.
  mutating func endRow() { rowCount += 1 }

  private mutating func put(_ code: UInt16, _ position: Int) {
    let missing = rowCount - columns[position].codes.count
    if missing > 0 { columns[position].codes.append(contentsOf: repeatElement(0, count: missing)) }
    columns[position].codes.append(code)
  }

  /// Appends the columns as a JSON array: `{"name":…,"values":[…],"codes":BASE64}`, a byte for each code if all fit, else two.
  func write(to output: inout [UInt8]) {
    output.append(UInt8(ascii: "["))
    for (index, column) in columns.filter({ !$0.values.isEmpty }).enumerated() {
      if index > 0 { output.append(UInt8(ascii: ",")) }
      output.append(contentsOf: "{\"name\":".utf8)
      JSONValue.writeString(column.name, to: &output)
      output.append(contentsOf: ",\"values\":[".utf8)
      for (index, value) in column.values.enumerated() {
        if index > 0 { output.append(UInt8(ascii: ",")) }
        switch value {
        case .number(let number): output.append(contentsOf: Self.text(of: number).utf8)
        case .text(let text): JSONValue.writeString(text, to: &output)
        }
      }
      output.append(contentsOf: "],\"codes\":\"".utf8)
      output.append(contentsOf: codes(of: column))
      output.append(contentsOf: "\"}".utf8)
    }
    output.append(UInt8(ascii: "]"))
  }

  private static func text(of number: Double) -> String {
    number == number.rounded() && abs(number) < 1e15 ? String(Int64(number)) : number.description
  }

  private func codes(of column: Column) -> Data {
    var bytes = Data(capacity: rowCount * 2)
    let codes = column.codes + repeatElement(0, count: rowCount - column.codes.count)
    if column.values.count < 256 {
      for code in codes { bytes.append(UInt8(code)) }
    } else {
      for code in codes {
        bytes.append(UInt8(truncatingIfNeeded: code))
        bytes.append(UInt8(code >> 8))
      }
    }
    return bytes.base64EncodedData()
  }
}
