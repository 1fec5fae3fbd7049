// SPDX-License-Identifier: Apache-2.0
package import PipelineCore
import PipelineSpec

/// Values as they stand on command lines and in YAML files.
enum SettingText {
  /// The value of `key=VALUE`: YAML, as OmegaConf and Hydra read it; otherwise text.
  static func value(_ text: String) -> JSONValue {
    let blank = text.allSatisfy(\.isWhitespace)
    if blank { return .string("") }
    // A word with a colon or a hash in it is no YAML table or comment here.
    if let first = text.first, "[{\"'".contains(first), let tree = try? SpecText(text, file: "value.yaml").tree() {
      return tree.jsonValue
    }
    return scalar(text)
  }

  /// A scalar by YAML 1.2's core schema, with Python's `None`.
  static func scalar(_ text: String) -> JSONValue {
    switch text {
    case "", "~", "null", "Null", "NULL", "None": return .null
    case "true", "True", "TRUE": return .bool(true)
    case "false", "False", "FALSE": return .bool(false)
    default:
      if case .number(let digits)? = try? JSONValue(parsing: text) { return .number(digits) }
      // `1_000`, `.5`, `1.`, `+3`: numbers for Python and YAML.
      let digits = text.replacing("_", with: "")
      if let first = text.first, first.isNumber || "+-.".contains(first), let value = Double(digits), value.isFinite {
        return .number(value)
      }
      return .string(text)
    }
  }
}

extension OptionTree {
  /// The tree without places; YAML scalars are interpreted by YAML 1.2's core schema.
  package var jsonValue: JSONValue {
    switch node {
    case .null: .null
    case .bool(let flag): .bool(flag)
    case .number(let text): .number(text)
    case .string(let text): .string(text)
    case .plain(let text): SettingText.scalar(text)
    case .list(let elements): .array(elements.map(\.jsonValue))
    case .table(let entries): .object(entries.map { .init($0.key, $0.value.jsonValue) })
    }
  }
}
