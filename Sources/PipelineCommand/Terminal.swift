// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineIO
import Synchronization

/// Standard error, for all messages; standard output is for data only.
enum Terminal {
  /// Whether standard error is a terminal.
  static var showsErrors: Bool { isatty(2) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb" }

  /// Whether standard output is a terminal.
  static var showsOutput: Bool { isatty(1) == 1 }

  /// The width of the terminal, 80 where it is unknown.
  static var width: Int {
    var size = winsize()
    for descriptor: Int32 in [1, 2] where ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 {
      return Int(size.ws_col)
    }
    return ProcessInfo.processInfo.environment["COLUMNS"].flatMap(Int.init) ?? 80
  }

  /// Writes lines to standard error.
  ///
  /// Ids, groups and paths come from files: characters that could move the cursor or colour the text are escaped.
  static func say(_ lines: String) { draw(escaped(lines) + "\n") }

  /// Prints text to standard output.
  ///
  /// - Throws: When it cannot be written, for example on a full disk.
  static func print(_ text: String) throws {
    let output = try OutputFile(path: "-")
    try output.write(Array(text.utf8))
    try output.finish()
  }

  /// Writes to standard error without escaping; failures are ignored.
  static func draw(_ text: String) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Foundation.write(2, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      if count <= 0 { return }
      bytes = bytes.dropFirst(count)
    }
  }

  private static func escaped(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isControl) else { return text }
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      if isControl(scalar) {
        result.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars)
      } else {
        result.append(scalar)
      }
    }
    return String(result)
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x0A: false
    case 0..<0x20, 0x7F..<0xA0, 0x2028...0x202E, 0x2066...0x2069: true
    default: false
    }
  }
}

/// A progress line at the bottom of the terminal; nothing if standard error is not a terminal.
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
  ///   - label: The current activity.
  ///   - shorter: Shorter versions of it for narrow terminals, in order of length.
  ///   - share: The share done, 0…1, or nil if it is unknown.
  ///   - secondsLeft: The remaining time, if the caller knows it better than by the share and the time so far.
  func update(_ label: String, shorter: [String] = [], share: Double?, secondsLeft: Double? = nil) {
    guard isEnabled else { return }
    let now = ContinuousClock().now
    guard now - started > .milliseconds(500) else { return }
    state.withLock { state in
      if let last = state.lastDrawn, now - last < .milliseconds(100) { return }
      state.lastDrawn = now
      state.isShown = true
      Terminal.draw("\r\u{1B}[K" + line([label] + shorter, share, secondsLeft, elapsed: now - started))
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
      if state.isShown { Terminal.draw("\r\u{1B}[K") }
      state.isShown = false
      state.lastDrawn = nil
    }
  }

  private func line(_ labels: [String], _ share: Double?, _ secondsLeft: Double?, elapsed: Duration) -> String {
    let seconds = Double(elapsed.components.seconds)
    // A wrapped line could not be drawn over.
    let width = max(20, Terminal.width - 1)
    let known = share.flatMap { $0 > 0 ? $0 : nil }
    let percent = known.map { "\(Int($0 * 100)) %  " } ?? ""
    let left =
      switch known {
      case nil: "  \(Self.time(seconds))"
      case let share? where share >= 1: ""
      case let share?: "  \(Self.time((secondsLeft ?? seconds / share - seconds).rounded(.up))) left"
      }
    let room = width - percent.count - left.count
    let label = labels.first { $0.count <= room } ?? String((labels.last ?? "").prefix(room))
    let text = percent + label + left
    let cells = min(24, width - text.count - 1)
    guard let known, cells >= 8 else { return text }
    let filled = Int((known * Double(cells)).rounded())
    return String(repeating: "█", count: filled) + String(repeating: "░", count: cells - filled) + " " + text
  }

  /// `9 s`, `1:05 min`, `2:03 h`.
  private static func time(_ seconds: Double) -> String {
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let seconds = Int(min(max(seconds, 0), 1e9))
    if seconds < 60 { return "\(seconds) s" }
    if seconds < 3600 { return "\(seconds / 60):\(two(seconds % 60)) min" }
    return "\(seconds / 3600):\(two(seconds / 60 % 60)) h"
  }
}
