// SPDX-License-Identifier: Apache-2.0

/// A piece of a shell word: text that stands for itself, or text in which `$` has a meaning.
struct ShellPiece: Sendable, Hashable {
  /// How the piece was quoted.
  enum Quoting: Sendable, Hashable {
    /// In single quotes, or behind a backslash: every character stands for itself.
    case literal
    /// In double quotes: variables count, and what they hold stays one word.
    case double
    /// Without quotes: variables count, and what they hold is split at white space.
    case none
  }

  var text: String
  var quoting: Quoting
}

/// A token of a shell script.
enum ShellToken: Sendable, Hashable {
  /// A word: quoted and unquoted pieces that belong together.
  case word([ShellPiece])
  /// `;`, `&`, `|`, `&&`, `||`, `(`, `)`, `;;`, or a redirection.
  case symbol(String)
  /// The end of a line.
  case newline
}

extension [ShellPiece] {
  /// The word as text if nothing of it is quoted, as keywords and assignments are.
  var plain: String? {
    allSatisfy { $0.quoting == .none } ? map(\.text).joined() : nil
  }
}
