// SPDX-License-Identifier: Apache-2.0

/// A Jinja template: parsed once, rendered often, by several threads at once if need be.
///
/// What it prints equals what Jinja 3.1 for Python prints. It reaches nothing but the values that it is given, and
/// works within ``TemplateLimits``.
///
/// Sources: the documentation of Jinja, https://jinja.palletsprojects.com/en/stable/templates/, and its implementation.
package struct Template: Sendable {
  private let program: Program
  private let options: TemplateOptions

  /// Parses a template.
  ///
  /// - Throws: Why and where it is no valid template.
  package init(_ text: String, options: TemplateOptions = .plain) throws(TemplateError) {
    guard text.utf8.count <= options.limits.templateBytes else {
      throw TemplateError(
        .limit, "the template has \(text.utf8.count) bytes, more than \(options.limits.templateBytes)")
    }
    var lexer = Lexer(text, blockLines: options.blockLines)
    var parser = Parser(try lexer.tokens(), options: options)
    let root = try parser.template()
    program = try ScopeAnalysis.program(root, parser)
    self.options = options
  }

  /// Renders it with the names of a context.
  ///
  /// - Throws: Why and in which line it cannot be rendered; what the template says itself, if it calls
  ///   `raise_exception`.
  package func render(_ context: [String: Value]) throws(TemplateError) -> String {
    let interpreter = Interpreter(program, options, context)
    defer { interpreter.release() }
    return String(decoding: try interpreter.run(), as: UTF8.self)
  }
}
