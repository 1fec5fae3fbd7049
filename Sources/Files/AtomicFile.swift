// SPDX-License-Identifier: Apache-2.0
import Foundation
package import PipelineCore

/// A file that appears under its name only when it is complete.
///
/// Bytes go to a hidden file beside it, with a name that nobody can guess, which ``commit(_:durable:)`` gives the final
/// one. A process that is killed leaves what was there before.
package final class AtomicFile {
  /// What to do about a file that exists.
  package enum Existing: Sendable {
    /// Refuse.
    case refuse
    /// Replace it.
    case replace
  }

  /// The open file.
  package let descriptor: FileDescriptor
  private let parent: FileDescriptor?
  private let name: String
  private let temporary: String
  private var isCommitted = false

  /// Starts a file in a folder.
  package init(in folder: Folder, name: String) throws {
    guard let (parent, last) = try folder.parent(of: name, making: true) else {
      throw SystemError.current("cannot write", folder.path(of: name), code: ENOENT)
    }
    self.parent = parent
    self.name = last
    temporary = ".\(last).\(Self.unpredictable()).partial"
    descriptor = try Self.make(temporary, in: parent.rawValue, path: folder.path(of: name))
  }

  /// Starts a file at a path that the user named.
  package init(path: String) throws {
    parent = nil
    name = path
    let slash = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
    temporary = path[..<slash] + ".\(path[slash...]).\(Self.unpredictable()).partial"
    descriptor = try Self.make(temporary, in: AT_FDCWD, path: path)
  }

  deinit { if !isCommitted { unlinkat(directory, temporary, 0) } }

  /// Gives the file its name.
  ///
  /// - Parameters:
  ///   - existing: Refusing, nothing is replaced that has appeared meanwhile either.
  ///   - durable: Whether the file and its name are on the disk once this returns.
  package func commit(_ existing: Existing, durable: Bool = false) throws {
    if durable { try descriptor.synchronize() }
    try giveName(existing)
    isCommitted = true
    if durable { try parent?.synchronize() }
  }

  /// Whether a name is that of a file that was begun, by whatever process, and has not got the name `name`.
  package static func isPartial(_ candidate: String, of name: String) -> Bool {
    candidate.hasPrefix(".\(name).") && candidate.hasSuffix(".partial")
  }

  private var directory: Int32 { parent?.rawValue ?? AT_FDCWD }

  private func giveName(_ existing: Existing) throws {
    if existing == .refuse {
      if linkat(directory, temporary, directory, name, 0) == 0 {
        unlinkat(directory, temporary, 0)
        return
      }
      if errno == EEXIST { throw Self.existsAlready(descriptor.path) }
      // Not every file system has links; what is left then is to rename.
    }
    guard renameat(directory, temporary, directory, name) == 0 else {
      throw SystemError.current("cannot write", descriptor.path)
    }
  }

  private static func make(_ name: String, in directory: Int32, path: String) throws -> FileDescriptor {
    let rawValue = uninterrupted {
      openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o666)
    }
    guard rawValue >= 0 else { throw SystemError.current("cannot write", path) }
    return FileDescriptor(rawValue, path: path)
  }

  /// The refusal to replace a file.
  package static func existsAlready(_ path: String) -> PipelineError {
    PipelineError(.inputOutput, "\(path) exists already; name another file, or say --force to replace it")
  }

  /// Sixteen hexadecimal digits from the system's generator of random numbers.
  package static func unpredictable() -> String {
    var generator = SystemRandomNumberGenerator()
    let digits = String(generator.next(), radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
