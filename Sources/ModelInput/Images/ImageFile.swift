// SPDX-License-Identifier: Apache-2.0
package import Foundation
import PipelineCore

/// An open image file, closed with the object.
package final class ImageFile {
  package let path: String
  package let status: stat
  private let descriptor: Int32

  /// Opens a regular file.
  ///
  /// - Parameter confined: Where it lies without links, as ``PipelineCore/MediaAccess/confined(_:to:)`` found it; nil to open
  ///   it as it is named.
  package init(path: String, confined: String? = nil) throws {
    self.path = path
    // Without O_NONBLOCK, a named pipe would wait for a writer.
    descriptor = open(confined ?? path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | (confined == nil ? 0 : O_NOFOLLOW))
    guard descriptor >= 0 else { throw Self.failure(path) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      let failure = Self.failure(path)
      close(descriptor)
      throw failure
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw PipelineError(.inputOutput, "\(path.shortenedForMessage): it is no regular file; name an image file")
    }
    self.status = status
  }

  deinit { close(descriptor) }

  /// All of it.
  package func read(limits: ImageLimits) throws -> [UInt8] {
    let size = Int(status.st_size)
    guard size <= limits.bytes else { throw ImageFailure.tooManyBytes(size, path.shortenedForMessage, limits) }
    return try [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      while count < size {
        let got = Foundation.read(descriptor, buffer.baseAddress?.advanced(by: count), size - count)
        if got < 0 && errno == EINTR { continue }
        guard got >= 0 else { throw Self.failure(path) }
        if got == 0 { break }
        count += got
      }
    }
  }

  private static func failure(_ path: String) -> PipelineError {
    let reason =
      switch errno {
      case ENOENT: "no such image file; check the path and the folder that it is relative to"
      case EACCES, EPERM: "the image file may not be read; check its permissions"
      case ENAMETOOLONG: "the path is too long; for an image in base64, write data:image/png;base64,…"
      case let code: "cannot read the image file: \(String(cString: strerror(code)))"
      }
    return PipelineError(.inputOutput, "\(path.shortenedForMessage): \(reason)")
  }
}
