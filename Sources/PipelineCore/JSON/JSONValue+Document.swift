// SPDX-License-Identifier: Apache-2.0

extension JSONValue {
  /// Reads the whole text of a JSON file.
  ///
  /// - Parameters:
  ///   - bytes: The text.
  ///   - file: The name for error messages.
  /// - Throws: ``PipelineError`` with the line and column of the first mistake.
  package init(document bytes: UnsafeRawBufferPointer, file: String) throws {
    do {
      try self.init(parsing: bytes)
    } catch let error as ParseError {
      throw PipelineError(
        .invalidData, "not JSON: \(error.reason)",
        at: TextPositions(file: file, bytes: Array(bytes)).location(of: error.offset))
    }
  }
}
