// SPDX-License-Identifier: Apache-2.0
import Foundation
import Synchronization

/// A file that lines are added to, for what another program says.
///
/// It is bounded: at `limit` bytes it becomes `NAME.1`, in the place of an earlier one, and a new file begins. A full disk
/// does not stop the work for the sake of its log; the lines that could not be written are counted, and the next that can
/// be written is preceded by their number.
package final class LogFile: Sendable {
  private struct State {
    var descriptor: FileDescriptor
    var size: UInt64
    var lost = 0
  }

  private let limit: UInt64
  private let open: @Sendable () throws -> FileDescriptor
  private let turnOver: @Sendable () -> Void
  private let state: Mutex<State>

  /// Opens or makes a file that the user named, to add to its end.
  package convenience init(path: String, limit: UInt64 = 64 << 20) throws {
    try self.init(limit: limit) {
      try FileDescriptor(opening: path, O_WRONLY | O_CREAT | O_APPEND, or: "cannot write")
    } turnOver: {
      rename(path, path + ".1")
    }
  }

  /// Opens or makes a file of a folder, to add to its end; links are not followed.
  package convenience init(in folder: Folder, name: String, limit: UInt64 = 64 << 20) throws {
    try self.init(limit: limit) {
      guard let file = try folder.open(name, O_WRONLY | O_CREAT | O_APPEND) else {
        throw SystemError.current("cannot write", folder.path(of: name), code: ENOENT)
      }
      return file
    } turnOver: {
      _ = try? folder.rename(name, to: name + ".1")
    }
  }

  private init(
    limit: UInt64, open: @escaping @Sendable () throws -> FileDescriptor, turnOver: @escaping @Sendable () -> Void
  ) throws {
    self.limit = limit
    self.open = open
    self.turnOver = turnOver
    let descriptor = try open()
    state = Mutex(State(descriptor: descriptor, size: try descriptor.size()))
  }

  /// Adds a line.
  package func add(_ line: String) {
    state.withLock { state in
      let note = state.lost > 0 ? "(\(state.lost) lines could not be written)\n" : ""
      let bytes = Array((note + line + "\n").utf8)
      do {
        if state.size > 0, state.size + UInt64(bytes.count) > limit {
          turnOver()
          state.descriptor = try open()
          state.size = 0
        }
        try bytes.withUnsafeBytes { try state.descriptor.write($0) }
        state.size += UInt64(bytes.count)
        state.lost = 0
      } catch {
        state.lost += 1
      }
    }
  }
}
