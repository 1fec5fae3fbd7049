// SPDX-License-Identifier: Apache-2.0
import Foundation
package import PipelineCore

/// Errors of the operating system, in words that say what to do.
///
/// The one table of them.
package enum SystemError {
  /// The error that `errno` holds now.
  ///
  /// - Parameters:
  ///   - action: What failed, such as `cannot write`.
  ///   - path: The path as the user named it.
  package static func current(_ action: String, _ path: String, code: Int32 = errno) -> PipelineError {
    PipelineError(.inputOutput, "\(action) \(path): \(remedy(of: code, writing: isWriting(action)))")
  }

  /// What to do about an error.
  ///
  /// - Parameter writing: Whether something was to be written or made.
  package static func remedy(of code: Int32, writing: Bool = false) -> String {
    switch code {
    case ENOENT where writing: "there is no such folder; make it, or name another file"
    case ENOENT: "no such file; check the path"
    case EACCES, EPERM: "permission denied; check who may read and write it"
    case EROFS: "the file system is read-only; name a place that can be written"
    case EISDIR: "it is a directory; name a file"
    case EEXIST, ENOTEMPTY: "it exists already; remove it, or name another"
    case ELOOP: "it is a symbolic link, which is not followed here; put the file itself there"
    case ENOSPC: "the disk is full; nothing that was complete is lost, free some space and run again"
    case EFBIG: "the file would be larger than the system allows; raise the limit with ulimit -f"
    case EDQUOT: "the disk quota is used up; free some space and run again"
    case ENOTDIR: "a part of the path is not a directory"
    case EBADF, EINVAL: "it is closed, or cannot be used for that; redirect it to a file or a pipe"
    case EMFILE, ENFILE: "too many open files; raise the limit with ulimit -n"
    case ENOMEM: "the system has no memory left; free some, or raise the limit"
    case EIO: "the disk reports an error; check it, nothing that was complete is lost"
    case ENAMETOOLONG: "the name is too long; choose a shorter one"
    default: String(cString: strerror(code))
    }
  }

  private static func isWriting(_ action: String) -> Bool {
    ["cannot write", "cannot make", "cannot store"].contains { action.hasPrefix($0) }
  }
}

/// The reader of our output has stopped reading it, as `head` does.
package struct ClosedPipe: Error {
  /// Marks the event.
  package init() {}
}
