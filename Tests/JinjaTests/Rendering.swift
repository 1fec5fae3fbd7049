// SPDX-License-Identifier: Apache-2.0
import Jinja

/// What a template prints, or how it fails: `line N: message`.
func rendered(
  _ text: String, _ context: [String: Value] = [:], options: TemplateOptions = .chat
) -> String {
  do {
    return try Template(text, options: options).render(context)
  } catch {
    return "\(error)"
  }
}

/// What an expression prints.
func value(_ expression: String, _ context: [String: Value] = [:]) -> String {
  rendered("{{ \(expression) }}", context)
}
