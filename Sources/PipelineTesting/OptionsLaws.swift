// SPDX-License-Identifier: Apache-2.0
import Foundation
public import PipelineCore

/// The laws that every options struct must obey.
///
/// 1. Every key of the encoded options has a line of help under its snake_case name, and every line of help has such a
/// key.
/// 2. The defaults have no ``ComponentOptions/allProblems()``, but that an option "is missing" which only the user can know.
/// 3. Encoded options decode to the same value.
/// 4. No property is optional: if "none" has a meaning, it is an enum case.
public enum OptionsLaws {
  /// Checks an options struct.
  ///
  /// - Throws: ``LawViolation``, with every broken law.
  public static func check<Options: ComponentOptions>(_ type: Options.Type) throws {
    var book = LawBook(subject: "options '\(type)'")
    let defaults = Options()
    for child in Mirror(reflecting: defaults).children {
      guard let label = child.label else { continue }
      if Mirror(reflecting: child.value).displayStyle == .optional {
        book.breaks("no option is optional", "'\(OptionName.snakeCase(label))'")
      }
    }
    do {
      // What only the user can know, such as the folder of a model, has no default.
      for problem in try defaults.allProblems() where !problem.message.hasPrefix("is missing") {
        book.breaks("the defaults have no problems", "'\(problem.path)' \(problem.message)")
      }
      let first = try encoder.encode(defaults)
      var names: Set<String> = []
      if case .table(let entries) = try OptionsEncoder.tree(of: defaults).node { names = Set(entries.map(\.key)) }
      for name in names.sorted() where type.help[name, default: ""].isEmpty {
        book.breaks("every option has help", "'\(name)' has none")
      }
      for name in type.help.keys.sorted() where !names.contains(name) {
        book.breaks("help is about an option", "'\(name)' is none")
      }
      let second = try encoder.encode(JSONDecoder().decode(Options.self, from: first))
      if first != second {
        book.breaks("what is encoded decodes to the same", "\(String(decoding: first, as: UTF8.self))")
      }
    } catch {
      book.breaks("what is encoded decodes to the same", "\(error)")
    }
    try book.verdict()
  }

  private static var encoder: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return encoder
  }
}
