// SPDX-License-Identifier: Apache-2.0
import Files
package import Foundation
package import PipelineCore

/// The small files of a model's folder.
package enum DocumentFile {
  /// The bytes of a file, or nil if it does not exist.
  ///
  /// - Throws: When it is larger than `limit`, or cannot be read.
  package static func bytes(_ path: String, limit: Int = 256 << 20) throws -> Data? {
    var status = stat()
    guard stat(path, &status) == 0 else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw SystemError.current("cannot read", path)
    }
    guard status.st_mode & S_IFMT == S_IFREG else { throw PipelineError(.inputOutput, "\(path) is no file") }
    guard status.st_size <= limit else {
      throw PipelineError(.invalidData, "\(path) has \(status.st_size) bytes, more than the \(limit) that are read")
    }
    do {
      return try Data(contentsOf: URL(fileURLWithPath: path))
    } catch {
      throw PipelineError(.inputOutput, "cannot read \(path): \(error.localizedDescription)")
    }
  }

  /// The value in a JSON file, or nil if it does not exist.
  ///
  /// - Throws: When it cannot be read or is not JSON; the error names line and column.
  package static func json(_ path: String, limit: Int = 256 << 20) throws -> JSONValue? {
    guard let data = try bytes(path, limit: limit) else { return nil }
    return try data.withUnsafeBytes { try JSONValue(document: $0, file: path) }
  }

  /// The object in a JSON file, or nil if it does not exist.
  package static func object(_ path: String) throws -> JSONValue? {
    guard let value = try json(path) else { return nil }
    guard value.objectValue != nil else {
      throw PipelineError(.invalidData, "\(path) holds \(value.kindDescription), it must be a JSON object")
    }
    return value
  }
}
