// SPDX-License-Identifier: Apache-2.0
import Foundation
import Synchronization

/// Standard error, for everything that is said to a person; standard output carries data alone.
enum Terminal {
  /// Whether a person looks at standard error.
  static var showsErrors: Bool { isatty(2) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb" }

  /// Whether a person looks at standard output.
  static var showsOutput: Bool { isatty(1) == 1 }

  /// The width of the terminal, 80 where it is unknown.
  static var width: Int {
    var size = winsize()
    for descriptor: Int32 in [1, 2] where ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 {
      return Int(size.ws_col)
    }
    return ProcessInfo.processInfo.environment["COLUMNS"].flatMap(Int.init) ?? 80
  }

  /// Writes a line to standard error.
  static func say(_ line: String) { write(line + "\n", to: 2) }

  /// Writes text to a descriptor; what cannot be written is nobody's to read.
  static func write(_ text: String, to descriptor: Int32) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      if count <= 0 { return }
      bytes = bytes.dropFirst(count)
    }
  }
}

/// A line at the bottom of the terminal that says how far a long job is; nothing where nobody looks.
final class ProgressLine: Sendable {
  private struct State {
    var isShown = false
    var lastDrawn: ContinuousClock.Instant?
  }
  private let state = Mutex(State())
  private let started = ContinuousClock().now
  private let isEnabled: Bool

  init(quiet: Bool) { isEnabled = !quiet && Terminal.showsErrors }

  /// Draws the line, at most ten times a second, and not before half a second has passed.
  ///
  /// - Parameters:
  ///   - label: What is going on.
  ///   - share: How much is done, 0…1, or nil when nobody knows.
  func update(_ label: String, share: Double?) {
    guard isEnabled else { return }
    let now = ContinuousClock().now
    guard now - started > .milliseconds(500) else { return }
    state.withLock { state in
      if let last = state.lastDrawn, now - last < .milliseconds(100) { return }
      state.lastDrawn = now
      state.isShown = true
      Terminal.write("\r\u{1B}[K" + line(label, share, elapsed: now - started), to: 2)
    }
  }

  /// Prints a line above the progress line.
  func say(_ line: String) {
    clear()
    Terminal.say(line)
  }

  /// Removes the line.
  func clear() {
    state.withLock { state in
      if state.isShown { Terminal.write("\r\u{1B}[K", to: 2) }
      state.isShown = false
      state.lastDrawn = nil
    }
  }

  private func line(_ label: String, _ share: Double?, elapsed: Duration) -> String {
    let seconds = Double(elapsed.components.seconds)
    guard let share, share > 0 else { return "\(label)  \(Int(seconds)) s" }
    let cells = 24
    let filled = Int((share * Double(cells)).rounded())
    let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: cells - filled)
    let left = share >= 1 ? "" : "  \(Int((seconds / share - seconds).rounded(.up))) s left"
    return "\(bar) \(Int(share * 100)) %  \(label)\(left)"
  }
}
