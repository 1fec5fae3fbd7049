// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore

/// A file's bytes, read by the system when they are accessed; unmapped with the last reference.
///
/// The file must not become shorter in the meantime: accessing removed bytes ends the process.
final class MappedFile: @unchecked Sendable {
  let path: String
  let bytes: UnsafeRawBufferPointer

  /// Maps a file.
  ///
  /// - Throws: When it cannot be read or is empty.
  init(path: String) throws {
    self.path = path
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemFailure.current("cannot read", path) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw SystemFailure.current("cannot read", path) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw PipelineError(.inputOutput, "\(path) is no file") }
    guard status.st_size > 0 else { throw PipelineError(.invalidData, "\(path) is empty") }
    let count = Int(status.st_size)
    guard let address = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED else {
      throw SystemFailure.current("cannot map", path)
    }
    bytes = UnsafeRawBufferPointer(start: address, count: count)
  }

  deinit { munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count) }
}

/// Errors of the system.
enum SystemFailure {
  /// What `errno` says about a path.
  static func current(_ action: String, _ path: String, code: Int32 = errno) -> PipelineError {
    PipelineError(.inputOutput, "\(action) \(path): \(String(cString: strerror(code)))")
  }
}
