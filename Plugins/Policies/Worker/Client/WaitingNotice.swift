// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import Synchronization

/// Reports repeatedly what is being waited for, so that the user sees progress.
final class WaitingNotice: Sendable {
  private let activity = Mutex("")
  private let task = Mutex<Task<Void, any Error>?>(nil)

  /// Starts reporting, about once a second.
  init(_ progressed: @escaping @Sendable (String) -> Void) {
    task.withLock { task in
      task = Task { [weak self] in
        while let activity = self?.activity.withLock({ $0 }) {
          if !activity.isEmpty { progressed(activity) }
          try await Task.sleep(for: .seconds(1))
        }
      }
    }
  }

  /// What is being waited for.
  func say(_ text: String) { activity.withLock { $0 = text } }

  /// Stops reporting.
  func end() { task.withLock { $0?.cancel() } }
}
