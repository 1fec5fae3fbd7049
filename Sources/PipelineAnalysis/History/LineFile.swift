// SPDX-License-Identifier: Apache-2.0
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

  /// Passes each whole line without its end, and its number from 1, until `body` returns false.
  ///
  /// - Throws: When the file cannot be read; errors of `body`.
  @discardableResult
  func forEachLine(_ body: (UnsafeRawBufferPointer, Int) throws -> Bool) throws -> End {
    guard let file = fopen(path, "rb") else {
      let reason = String(cString: strerror(errno))
      throw PipelineError(.inputOutput, "cannot read \(path): \(reason); check who may read it")
    }
    defer { fclose(file) }
    var buffer: UnsafeMutablePointer<CChar>?
    var capacity = 0
    defer { free(buffer) }
    var number = 0
    var position: UInt64 = 0
    while limit.map({ position < $0 }) ?? true {
      let count = getline(&buffer, &capacity, file)
      guard count > 0, let start = buffer else { break }
      number += 1
      position += UInt64(count)
      let line = UnsafeRawBufferPointer(start: start, count: count)
      guard line.last == 0x0A else { return .insideLine(number) }
      guard try body(UnsafeRawBufferPointer(rebasing: line.dropLast()), number) else { break }
    }
    return .clean
  }
}
