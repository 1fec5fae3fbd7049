// SPDX-License-Identifier: Apache-2.0

/// Names of options: camelCase in Swift, snake_case in a spec.
package enum OptionName {
  /// `maxAttempts` becomes `max_attempts`; an acronym is one word: `useHTTPProxy`, `use_http_proxy`.
  package static func snakeCase(_ name: String) -> String {
    let letters = Array(name)
    var result = ""
    for (index, letter) in letters.enumerated() {
      if letter.isUppercase, index > 0, letters[index - 1] != "_" {
        let startsWord = index + 1 < letters.count && letters[index + 1].isLowercase
        if !letters[index - 1].isUppercase || startsWord { result.append("_") }
      }
      result.append(contentsOf: letter.lowercased())
    }
    return result
  }

  /// `max_attempts` becomes `maxAttempts`.
  package static func camelCase(_ name: String) -> String {
    let words = name.split(separator: "_", omittingEmptySubsequences: false)
    return words.dropFirst().reduce(String(words.first ?? "")) {
      $0 + $1.prefix(1).uppercased() + $1.dropFirst()
    }
  }
}

/// A key of any name.
package struct AnyCodingKey: CodingKey {
  package let stringValue: String
  package var intValue: Int? { nil }

  package init(_ name: String) { self.stringValue = name }
  package init(stringValue: String) { self.stringValue = stringValue }
  package init(intValue: Int) { self.stringValue = String(intValue) }
}

/// Dictionaries whose keys are the user's own words, not names of properties.
package protocol StringKeyedDictionary {
  /// The entries in the order of their keys.
  var sortedEntries: [(key: String, value: any Encodable)] { get }
  /// What the values are.
  static var valueType: Any.Type { get }
}

extension Dictionary: StringKeyedDictionary where Key == String, Value: Encodable {
  package var sortedEntries: [(key: String, value: any Encodable)] {
    sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }
  package static var valueType: Any.Type { Value.self }
}
