// SPDX-License-Identifier: Apache-2.0

/// The memory that a policy takes, estimated before it is opened.
public struct PolicyMemory: Sendable, Hashable {
  /// A part of it.
  public struct Part: Sendable, Hashable {
    /// What takes it, in a few words.
    public var name: String
    /// How much.
    public var byteCount: Int

    /// A part.
    public init(_ name: String, byteCount: Int) {
      self.name = name
      self.byteCount = byteCount
    }
  }

  /// What it consists of.
  public var parts: [Part]
  /// What to change where it is too much, in a few words each, what helps most first.
  public var remedies: [String]

  /// An estimate.
  public init(parts: [Part], remedies: [String] = []) {
    self.parts = parts
    self.remedies = remedies
  }

  /// All of it.
  public var byteCount: Int { parts.reduce(0) { $0 + $1.byteCount } }
}
