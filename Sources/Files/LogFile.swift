// SPDX-License-Identifier: Apache-2.0
package import Foundation
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

  private let path: String
  private let limit: UInt64
  private let state: Mutex<State>

  /// Opens or makes a file, to add to its end.
  package init(path: String, limit: UInt64 = 64 << 20) throws {
    self.path = path
    self.limit = limit
    let descriptor = try Self.open(path)
    state = Mutex(State(descriptor: descriptor, size: try descriptor.size()))
  }

  /// Adds a line.
  package func add(_ line: String) {
    state.withLock { state in
      let note = state.lost > 0 ? "(\(state.lost) lines could not be written)\n" : ""
      let bytes = Array((note + line + "\n").utf8)
      do {
        if state.size > 0, state.size + UInt64(bytes.count) > limit {
          rename(path, path + ".1")
          state.descriptor = try Self.open(path)
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

  private static func open(_ path: String) throws -> FileDescriptor {
    try FileDescriptor(opening: path, O_WRONLY | O_CREAT | O_APPEND, or: "cannot write")
  }
}
