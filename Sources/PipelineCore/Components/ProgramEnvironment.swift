// SPDX-License-Identifier: Apache-2.0

/// The variables that a spec gives to a program, and keys, which have no place in a spec: it is kept in the run's
/// directory, sent to trackers and shared.
package enum ProgramEnvironment {
  /// What is wrong with the options `environment` and `environment_from`.
  package static func problems(_ environment: [String: String], from names: [String]) -> [OptionProblem] {
    var problems = environment.sorted { $0.key < $1.key }.compactMap { name, value -> OptionProblem? in
      guard isSecret(name), !value.isEmpty else { return nil }
      return OptionProblem(
        "environment.\(name)",
        "looks like a key by its name, and a spec is no place for one: it is kept in resolved.json. Set the variable where "
          + "you start the program, and name it: \"environment_from\": [\"\(name)\"]")
    }
    for (index, name) in names.enumerated() {
      if name.isEmpty || name.contains(where: { $0 == "=" || $0 == "\0" || $0.isWhitespace }) {
        problems.append(
          OptionProblem(
            "environment_from.\(index)", "is \(name.quotedForMessage), it must be the name of an environment variable"))
      } else if environment[name] != nil {
        problems.append(
          OptionProblem(
            "environment_from.\(index)", "is '\(name)', which 'environment' sets too; leave one of them out"))
      }
    }
    return problems
  }

  /// What is wrong with a command that has a key in it; nil where none is.
  package static func problem(ofCommand words: [String]) -> OptionProblem? {
    for (index, word) in words.enumerated() {
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(parts[0].drop { $0 == "-" })
      let isOption = word.hasPrefix("-")
      guard isSecret(name), isOption || parts.count == 2 else { continue }
      let value = parts.count == 2 ? String(parts[1]) : words.indices.contains(index + 1) ? words[index + 1] : ""
      if value.isEmpty || value.hasPrefix("-") { continue }
      return OptionProblem(
        "command.\(index)",
        "gives a value to '\(name)', which looks like a key by its name, and a spec is no place for one; have the program "
          + "read it from an environment variable")
    }
    return nil
  }

  /// The names that are not set in an environment.
  package static func missing(_ names: [String], in environment: [String: String]) -> [String] {
    names.filter { environment[$0] == nil }
  }

  /// A program with the variables that the spec sets for it, as a person would write it.
  package static func shown(_ words: [String], _ environment: [String: String]) -> String {
    (environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" } + words).joined(separator: " ")
  }

  private static let secretWords: Set<String> = [
    "TOKEN", "KEY", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "PWD", "CREDENTIAL", "CREDENTIALS", "APIKEY", "AUTH",
    "BEARER",
  ]

  /// Whether a variable's name says that its value is secret: `HF_TOKEN`, `OPENAI_API_KEY`; not `TOKENIZERS_PARALLELISM`.
  package static func isSecret(_ name: String) -> Bool {
    if ["PWD", "OLDPWD"].contains(name) { return false }
    // `apiKey` is two words.
    var text = ""
    var wasLower = false
    for character in name {
      if character.isUppercase, wasLower { text.append("_") }
      wasLower = character.isLowercase || character.isNumber
      text += character.uppercased()
    }
    return text.split(whereSeparator: { !($0.isLetter || $0.isNumber) }).contains { secretWords.contains(String($0)) }
  }
}
