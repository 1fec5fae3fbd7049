// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// What the reader of an imported spec should know.
package struct Finding: Sendable, Hashable, CustomStringConvertible {
  /// What kind of matter it is.
  package enum Kind: Sendable, Hashable, CaseIterable {
    /// Something that the spec names has to be supplied before it runs.
    case supply
    /// The results differ from the peer's.
    case differs
    /// A setting that changes no result has no counterpart.
    case silent
  }

  /// What kind of matter it is.
  package let kind: Kind
  /// The peer's key, with dots; or the spec's, for what has to be supplied.
  package let path: String
  /// Its value; nil where there is none.
  package let value: JSONValue?
  /// The reason, without a full stop.
  package let reason: String

  /// A finding.
  package init(_ kind: Kind, _ path: String, _ value: JSONValue?, _ reason: String) {
    (self.kind, self.path, self.value, self.reason) = (kind, path, value, reason)
  }

  /// `algorithm.lam = 0.95: …`.
  package var description: String {
    guard let value else { return "\(path): \(reason)" }
    return "\(path) = \(value.json.shortenedForMessage): \(reason)"
  }
}

/// Findings as they are made.
struct Findings {
  private(set) var all: [Finding] = []
  /// Keys about which something was said.
  private(set) var paths: Set<String> = []

  mutating func differs(_ path: String, _ value: JSONValue?, _ reason: String) {
    add(Finding(.differs, path, value, reason))
  }

  mutating func supply(_ path: String, _ value: JSONValue?, _ reason: String) {
    add(Finding(.supply, path, value, reason))
  }

  mutating func silent(_ path: String, _ value: JSONValue?, _ reason: String) {
    add(Finding(.silent, path, value, reason))
  }

  private mutating func add(_ finding: Finding) {
    paths.insert(finding.path)
    all.append(finding)
  }
}
