// SPDX-License-Identifier: Apache-2.0

/// How a template is read, and what it finds.
package struct TemplateOptions: Sendable {
  /// Whether the first line end after a block is dropped (`trim_blocks`), and the spaces before it (`lstrip_blocks`).
  package var blockLines: BlockLines
  /// Which names and tags it finds.
  package var dialect: Dialect
  /// What rendering may use.
  package var limits: TemplateLimits
  /// What `strftime_now` gives for a format; without it the function is not defined, and a template that calls it fails.
  ///
  /// A prompt with today's date would be another one tomorrow; templates such as Llama 3.2's have a fixed one for this case.
  package var date: (@Sendable (_ format: String) -> String)?

  /// What becomes of the lines that hold blocks alone.
  package enum BlockLines: Sendable {
    /// They are kept.
    case kept
    /// They are removed.
    case trimmed
  }

  /// A way in which Python programs set Jinja up.
  package enum Dialect: Sendable {
    /// As `jinja2.Template(text)`.
    case plain
    /// As transformers renders chat templates: with `break`, `continue` and `generation`, `raise_exception`,
    /// `strftime_now`, and a `tojson` that does not escape HTML.
    case chat
  }

  /// As transformers renders chat templates.
  ///
  /// Source: `_compile_jinja_template` in transformers' `chat_template_utils.py`.
  package static let chat = TemplateOptions(blockLines: .trimmed, dialect: .chat)
  /// As `jinja2.Template(text)`.
  package static let plain = TemplateOptions(blockLines: .kept, dialect: .plain)

  /// Makes options.
  package init(
    blockLines: BlockLines, dialect: Dialect, limits: TemplateLimits = TemplateLimits(),
    date: (@Sendable (_ format: String) -> String)? = nil
  ) {
    self.blockLines = blockLines
    self.dialect = dialect
    self.limits = limits
    self.date = date
  }
}

/// What a template may use; templates come with downloaded models and may be hostile.
package struct TemplateLimits: Sendable {
  /// The longest template, in bytes.
  package var templateBytes = 4 << 20
  /// The longest output, and the longest string, in bytes.
  package var outputBytes = 16 << 20
  /// How many steps rendering may take; a step is a node of the template, an element of a list that is made, or 16
  /// bytes of a string that is made.
  package var steps = 20_000_000
  /// How deep macros, blocks and expressions may nest while rendering.
  package var depth = 400

  /// The usual limits.
  package init() {}

  /// How high an expression may be, counted in operations that wait for one another.
  static let height = 120
  /// How deep brackets and blocks may nest in a template's text.
  static let nesting = 60
  /// How deep lists and dictionaries may nest.
  static let valueDepth = 200
  /// How many values a list or dictionary may hold, with those inside.
  static let valueSize = 2_000_000
}
