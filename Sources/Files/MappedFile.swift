// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore

/// A file's bytes, read by the system when they are accessed; unmapped with the last reference.
///
/// The file must not become shorter meanwhile: touching what is gone ends the process.
package final class MappedFile: @unchecked Sendable {
  /// The path as it was given.
  package let path: String
  /// The bytes of the file.
  package let bytes: UnsafeRawBufferPointer

  /// Maps a file.
  ///
  /// - Throws: When it cannot be read or is empty.
  package init(path: String) throws {
    self.path = path
    let file = try FileDescriptor(opening: path, O_RDONLY, or: "cannot read")
    let status = try file.status()
    guard status.st_mode & S_IFMT == S_IFREG else { throw PipelineError(.inputOutput, "\(path) is no file") }
    guard status.st_size > 0 else { throw PipelineError(.invalidData, "\(path) is empty") }
    let count = Int(status.st_size)
    guard let address = mmap(nil, count, PROT_READ, MAP_PRIVATE, file.rawValue, 0), address != MAP_FAILED else {
      throw SystemError.current("cannot map", path)
    }
    bytes = UnsafeRawBufferPointer(start: address, count: count)
  }

  /// Lets the system take back the memory of some of the bytes; they are read from the file again when they are accessed.
  package func release(_ part: UnsafeRawBufferPointer) {
    let page = max(1, sysconf(Int32(_SC_PAGESIZE)))
    let start = (UInt(bitPattern: part.baseAddress) + UInt(page) - 1) / UInt(page) * UInt(page)
    let end = (UInt(bitPattern: part.baseAddress) + UInt(part.count)) / UInt(page) * UInt(page)
    guard end > start, let pages = UnsafeMutableRawPointer(bitPattern: start) else { return }
    madvise(pages, Int(end - start), MADV_DONTNEED)
  }

  deinit { munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count) }
}
