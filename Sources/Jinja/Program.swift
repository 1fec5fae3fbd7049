// SPDX-License-Identifier: Apache-2.0

/// A template ready to be rendered.
struct Program: Sendable {
  let root: Block
  /// The variable of each use of a name.
  let bindings: [Variable]
  /// What happens to the variables of each scope when it is entered.
  let scopes: [[ScopeEntry]]
  /// The number of variables of each function; the first is the template itself.
  let functions: [Int]
}

/// A variable, seen from a function.
struct Variable: Sendable {
  /// How many functions further out it lives.
  let hops: Int
  let index: Int
}

/// How a variable begins when its scope is entered.
struct ScopeEntry: Sendable {
  enum Source: Sendable {
    /// With the value of a variable further out.
    case outer(Variable)
    /// With the value of this name in the context.
    case context(Text)
    /// Without a value.
    case nothing
  }
  let index: Int
  let source: Source
}
