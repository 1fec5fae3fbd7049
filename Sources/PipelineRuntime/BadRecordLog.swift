// SPDX-License-Identifier: Apache-2.0
package import PipelineIO
import Synchronization

/// Collects bad records between steps.
package final class BadRecordLog: Sendable {
  private let state = Mutex<(lines: [UInt8], first: BadRecord?)>(([], nil))
  private let observer: any RunObserver

  /// An empty log that tells `observer` of every record.
  package init(observer: any RunObserver) { self.observer = observer }

  /// The first record that cannot be used.
  package var first: BadRecord? { state.withLock { $0.first } }

  /// Adds a record.
  package func add(_ record: BadRecord) {
    state.withLock { state in
      state.first = state.first ?? record
      record.write(to: &state.lines)
    }
    observer.found(record)
  }

  /// The records since the last call, as JSONL.
  package func take() -> [UInt8] {
    state.withLock { state in
      defer { state.lines = [] }
      return state.lines
    }
  }

  func discard() { _ = take() }
}
