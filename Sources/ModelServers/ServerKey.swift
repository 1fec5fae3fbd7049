// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore

/// A server's key: it goes into one header, and nowhere else.
///
/// Whatever comes from the server passes ``redacted(_:)`` before anybody sees it, as servers repeat what they were sent.
package struct ServerKey: Sendable, CustomStringConvertible, CustomReflectable {
  private let secret: String
  private let variable: String

  /// Reads a key from the environment; nil where no variable is named.
  ///
  /// - Throws: When the variable is not set, or holds what no header can.
  package init?(variable: String, environment: [String: String]) throws {
    if variable.isEmpty { return nil }
    guard let secret = environment[variable]?.trimmingCharacters(in: .whitespacesAndNewlines), !secret.isEmpty else {
      throw PipelineError(
        .invalidSpec, "the environment variable \(variable), which 'key_from' names, is not set; export the key in it")
    }
    guard secret.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      throw PipelineError(
        .invalidSpec,
        "the environment variable \(variable) holds characters that no key has, such as spaces; export the key alone")
    }
    (self.secret, self.variable) = (secret, variable)
  }

  /// The value of the header `Authorization`.
  package var authorization: String { "Bearer \(secret)" }

  /// The text with the name of the variable wherever the key stands in it.
  package func redacted(_ text: String) -> String {
    guard text.contains(secret) || text.contains(escaped) else { return text }
    return text.replacing(secret, with: description).replacing(escaped, with: description)
  }

  /// As programs write it that escape slashes in JSON.
  private var escaped: String { secret.replacing("/", with: "\\/") }

  /// `[OPENAI_API_KEY]`.
  package var description: String { "[\(variable)]" }

  /// Nothing that a dump could show.
  package var customMirror: Mirror { Mirror(self, children: [:]) }

  /// What continues the sentence "'key_from' …", or nil when it can be the name of a variable.
  ///
  /// Only upper case: a key that somebody writes in the place of a name has other letters too, and must not be repeated.
  package static func problem(with variable: String) -> String? {
    let isName =
      variable.utf8.allSatisfy { ($0 >= 0x41 && $0 <= 0x5A) || ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x5F }
      && !(variable.utf8.first.map { $0 >= 0x30 && $0 <= 0x39 } ?? false)
    return isName
      ? nil
      : "must be the name of an environment variable in capitals, such as OPENAI_API_KEY, never the key itself"
  }
}

extension JSONValue {
  /// The value with every string in it changed.
  package func mapStrings(_ change: (String) -> String) -> JSONValue {
    switch self {
    case .string(let text): .string(change(text))
    case .array(let elements): .array(elements.map { $0.mapStrings(change) })
    case .object(let members): .object(members.map { .init(change($0.key), $0.value.mapStrings(change)) })
    default: self
    }
  }
}
