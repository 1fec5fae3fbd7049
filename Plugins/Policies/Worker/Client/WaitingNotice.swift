// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import Synchronization

/// Says again and again what is waited for, so that whoever sits before a terminal sees that it goes on.
final class WaitingNotice: Sendable {
  private let activity = Mutex("")
  private let task = Mutex<Task<Void, any Error>?>(nil)

  /// Begins to tell, about once a second.
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

  /// What is waited for now.
  func say(_ text: String) { activity.withLock { $0 = text } }

  /// Says nothing more.
  func end() { task.withLock { $0?.cancel() } }
}
