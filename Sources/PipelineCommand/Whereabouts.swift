// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Says where the work is when SIGQUIT comes (Ctrl-\, or `kill -QUIT`), and lets it go on.
final class Whereabouts {
  private let source: any DispatchSourceSignal

  /// Answers from now on.
  ///
  /// - Parameter text: Where the work is, in a line.
  init(_ text: @escaping @Sendable () -> String) {
    signal(SIGQUIT, SIG_IGN)
    source = DispatchSource.makeSignalSource(signal: SIGQUIT, queue: .global())
    source.setEventHandler { Terminal.say("shuffle-r1: " + text()) }
    source.resume()
  }

  deinit {
    source.cancel()
    signal(SIGQUIT, SIG_DFL)
  }
}
