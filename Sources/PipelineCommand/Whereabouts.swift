// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Says where the work is when SIGQUIT comes (Ctrl-\, or `kill -QUIT`), and lets it go on.
final class Whereabouts {
  private let listener: SignalListener?

  /// Answers from now on.
  ///
  /// - Parameter text: Where the work is, in a line.
  init(_ text: @escaping @Sendable () -> String) {
    listener = SignalListener(
      [SIGQUIT],
      .init(heard: { _ in
        Terminal.say("shuffle-r1: " + text())
        return nil
      }))
  }

  deinit { listener?.end() }
}
