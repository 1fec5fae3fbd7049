// SPDX-License-Identifier: Apache-2.0

/// Splits a child's standard error into lines, passes on as many as are allowed, and keeps the last ones.
struct ErrorLines {
  private let limit: Int
  private let byteLimit: Int
  private let keeping: Int
  private var line: [UInt8] = []
  private var isCut = false
  private var allowed: Int
  private var withheld = 0
  /// The last lines.
  private(set) var last: [String] = []

  init(_ configuration: ChildConfiguration) {
    limit = configuration.errorLineLimit
    byteLimit = configuration.errorLineBytes
    keeping = configuration.lastWordsCount
    allowed = limit
  }

  /// Takes what was read and returns the lines to pass on.
  mutating func add(_ bytes: UnsafeRawBufferPointer) -> [String] {
    var passed: [String] = []
    for byte in bytes {
      if byte == UInt8(ascii: "\n") {
        endLine(&passed)
      } else if line.count < byteLimit {
        line.append(byte)
      } else {
        isCut = true
      }
    }
    return passed
  }

  /// Allows as many lines again, and returns a note about those that were withheld.
  mutating func renew() -> [String] {
    allowed = limit
    defer { withheld = 0 }
    return withheld > 0 ? ["… and \(withheld) more lines"] : []
  }

  /// Ends the last line.
  mutating func finish() -> [String] {
    var passed: [String] = []
    if !line.isEmpty { endLine(&passed) }
    return passed + renew()
  }

  private mutating func endLine(_ passed: inout [String]) {
    if line.last == UInt8(ascii: "\r") { line.removeLast() }
    let text = String(decoding: line, as: UTF8.self) + (isCut ? "…" : "")
    line.removeAll(keepingCapacity: true)
    isCut = false
    if !text.allSatisfy(\.isWhitespace) {
      if last.count == keeping { last.removeFirst() }
      if keeping > 0 { last.append(text) }
    }
    if allowed > 0 {
      allowed -= 1
      passed.append(text)
    } else {
      withheld += 1
    }
  }
}
