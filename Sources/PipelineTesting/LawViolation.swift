// SPDX-License-Identifier: Apache-2.0

/// Which laws a component broke, and on which input.
public struct LawViolation: Error, Sendable, CustomStringConvertible {
  /// The component, by its registered name or type.
  public let subject: String
  /// The broken laws, each with the input that shows it; at least one.
  public let broken: [String]

  /// The subject, then one line for each broken law.
  public var description: String {
    "\(subject) breaks \(broken.count == 1 ? "a law" : "\(broken.count) laws"):\n"
      + broken.map { "- \($0)" }.joined(separator: "\n")
  }
}

/// Collects broken laws, a few for each check, so that one report shows them together.
struct LawBook {
  let subject: String
  private var broken: [String] = []
  private var seen: [String: Int] = [:]

  init(subject: String) { self.subject = subject }

  /// Records a broken law, at most two examples of the same law.
  mutating func breaks(_ law: String, _ example: String) {
    seen[law, default: 0] += 1
    if seen[law, default: 0] <= 2 { broken.append("\(law): \(example)") }
  }

  /// Throws the recorded violations, if there are any.
  func verdict() throws {
    if !broken.isEmpty { throw LawViolation(subject: subject, broken: broken) }
  }
}
