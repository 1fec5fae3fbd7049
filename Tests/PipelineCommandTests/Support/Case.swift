// SPDX-License-Identifier: Apache-2.0
import Testing

/// A line of shell that fails, and what its user then reads.
struct Case: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let command: String
  let status: Int32
  let errors: String
  /// Files that the command makes all the same.
  let leaves: Set<String>
  /// Whether what it printed is looked at; nothing must be there.
  let prints: Bool

  init(
    _ description: String, _ command: String, status: Int32 = 1, leaves: Set<String> = [], prints: Bool = false,
    _ errors: String
  ) {
    self.testDescription = description
    self.command = command
    self.status = status
    self.errors = errors
    self.leaves = leaves
    self.prints = prints
  }

  /// Runs the line and compares: the status, every word of what it says, and that files are as they were.
  func check(in sandbox: Sandbox) throws {
    let before = sandbox.tree()
    let outcome = try sandbox.run(command)
    #expect(outcome.status == status)
    #expect(outcome.errors == errors + "\n")
    if !prints { #expect(outcome.output == "") }
    let after = sandbox.tree()
    #expect(Set(after.keys).subtracting(before.keys) == leaves)
    for (name, data) in before { #expect(after[name] == data, "\(name) has changed") }
  }
}
