// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import PipelineCore

/// A file of lines that is read from its start, one line in memory at a time.
struct LineFile {
  let path: String
  /// The bytes that belong to complete steps; nil for all.
  var limit: UInt64?

  /// How the file ended.
  enum End: Equatable {
    /// After a whole line, or before any.
    case clean
    /// Within a line, which was left out.
    case insideLine(Int)
  }

  /// A whole line, without its end.
  struct Line {
    let bytes: UnsafeRawBufferPointer
    /// Its number, from 1, among those read.
    let number: Int
    /// Where it begins in the file.
    let start: UInt64
    /// Where the next one begins.
    var end: UInt64 { start + UInt64(bytes.count) + 1 }
  }

  /// Passes each whole line without its end, and its number from 1, until `body` returns false.
  ///
  /// - Throws: When the file cannot be read; errors of `body`.
  @discardableResult
  func forEachLine(_ body: (UnsafeRawBufferPointer, Int) throws -> Bool) throws -> End {
    try forEachLine(in: nil) { try body($0.bytes, $0.number) }
  }

  /// Passes each whole line of a part of the file, by default of all of it, until `body` returns false.
  ///
  /// - Parameter part: Where the first line begins, and where the last one ends.
  @discardableResult
  func forEachLine(in part: Range<UInt64>?, _ body: (Line) throws -> Bool) throws -> End {
    let limit = [limit, part?.upperBound].compactMap { $0 }.min()
    guard let file = fopen(path, "rb") else { throw SystemError.current("cannot read", path) }
    defer { fclose(file) }
    var buffer: UnsafeMutablePointer<CChar>?
    var capacity = 0
    defer { free(buffer) }
    var number = 0
    var position = part?.lowerBound ?? 0
    if position > 0 { fseeko(file, off_t(position), SEEK_SET) }
    while limit.map({ position < $0 }) ?? true {
      let count = getline(&buffer, &capacity, file)
      guard count > 0, let start = buffer else { break }
      number += 1
      let bytes = UnsafeRawBufferPointer(start: start, count: count)
      guard bytes.last == 0x0A else { return .insideLine(number) }
      let line = Line(bytes: UnsafeRawBufferPointer(rebasing: bytes.dropLast()), number: number, start: position)
      position += UInt64(count)
      guard try body(line) else { break }
    }
    return .clean
  }
}
