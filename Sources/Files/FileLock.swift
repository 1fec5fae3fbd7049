// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A lock that one process holds on a file at a time; it ends with the object, or with the process.
package final class FileLock: Sendable {
  private let descriptor: FileDescriptor

  /// Takes the lock at once; nil where another holds it.
  package init?(_ descriptor: FileDescriptor) {
    guard flock(descriptor.rawValue, LOCK_EX | LOCK_NB) == 0 else { return nil }
    self.descriptor = descriptor
  }

  /// Whether somebody holds the lock on a file, which is left as it is.
  package static func isHeld(on descriptor: FileDescriptor) -> Bool {
    guard flock(descriptor.rawValue, LOCK_SH | LOCK_NB) == 0 else { return true }
    flock(descriptor.rawValue, LOCK_UN)
    return false
  }

  // Closing alone would leave it locked while a child that is just being started has a copy of the descriptor.
  deinit { flock(descriptor.rawValue, LOCK_UN) }
}
