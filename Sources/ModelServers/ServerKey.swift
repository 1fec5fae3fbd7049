// SPDX-License-Identifier: Apache-2.0
import Foundation
package import PipelineCore

/// A server's key: it is sent in one header, and goes nowhere else.
///
/// Everything that comes from the server passes through ``redacted(_:)`` first, since servers repeat what they were
/// sent.
package struct ServerKey: Sendable, CustomStringConvertible, CustomReflectable {
  private let secret: String
  private let variable: String

  /// Reads a key from the environment; nil if no variable is named.
  ///
  /// - Throws: When the variable is not set, or contains characters that a header cannot.
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

  /// The text with each occurrence of the key replaced by the name of its variable.
  package func redacted(_ text: String) -> String {
    guard text.contains(secret) || text.contains(escaped) else { return text }
    return text.replacing(secret, with: description).replacing(escaped, with: description)
  }

  /// As written by programs that escape slashes in JSON.
  private var escaped: String { secret.replacing("/", with: "\\/") }

  /// `[OPENAI_API_KEY]`.
  package var description: String { "[\(variable)]" }

  /// Shows nothing in a dump.
  package var customMirror: Mirror { Mirror(self, children: [:]) }

  /// What continues the sentence "'key_from' …", or nil if it can be the name of a variable.
  ///
  /// Only upper case: a key that was written there by mistake has other letters too, and must not be repeated.
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
