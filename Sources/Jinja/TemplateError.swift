// SPDX-License-Identifier: Apache-2.0

/// Why a template cannot be parsed or rendered, and where in it.
package struct TemplateError: Error, Hashable, CustomStringConvertible {
  /// What kind of mistake it is; the names follow Jinja's and Python's.
  package enum Kind: String, Sendable {
    /// The template is not written as Jinja requires.
    case syntax = "TemplateSyntaxError"
    /// The template called `raise_exception`.
    case raised = "TemplateError"
    /// Something that is not defined was used.
    case undefined = "UndefinedError"
    /// A part of a value that templates may not reach.
    case security = "SecurityError"
    /// An operation or filter does not take such a value.
    case type = "TypeError"
    /// A value is out of range for an operation.
    case value = "ValueError"
    /// A division by zero.
    case zeroDivision = "ZeroDivisionError"
    /// A number that does not fit.
    case overflow = "OverflowError"
    /// A position that does not exist.
    case index = "IndexError"
    /// A key that does not exist.
    case key = "KeyError"
    /// Anything else that goes wrong while rendering.
    case runtime = "TemplateRuntimeError"
    /// The template needs more steps, depth or output than ``TemplateLimits`` allow.
    case limit = "LimitError"
    /// Valid in Jinja, but not part of this engine.
    case unsupported = "UnsupportedError"
  }

  /// What kind of mistake it is.
  package let kind: Kind
  /// What is wrong.
  package let message: String
  /// The line of the template, from 1; 0 while it is not known.
  package internal(set) var line: Int

  init(_ kind: Kind, _ message: String, line: Int = 0) {
    self.kind = kind
    self.message = message
    self.line = line
  }

  /// The message with its line.
  package var description: String { line > 0 ? "line \(line): \(message)" : message }
}
