// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// The permitted values of an option.
package indirect enum OptionShape: Sendable, Hashable {
  /// `true` or `false`.
  case boolean
  /// A whole number.
  case integer
  /// Any number.
  case number
  /// Text.
  case text
  /// One of some words.
  case words([String])
  /// A list with elements of one shape.
  case list(OptionShape)
  /// A table with user-defined keys.
  case dictionary(OptionShape)
  /// A table of options.
  case table([OptionDescription])
  /// A component by name, or a table of `use`, `with` and further options; of any kind if nil.
  case component(ComponentKind?, further: [OptionDescription])
  /// Any of some shapes.
  case either([OptionShape])
  /// The JSON Schema that a type gives for itself.
  case schema(JSONValue)
  /// Anything.
  case anything

  /// The shape in words, such as `list of text`.
  package var type: String {
    switch self {
    case .boolean: "true or false"
    case .integer: "whole number"
    case .number: "number"
    case .text: "text"
    case .words(let words): words.map { "'\($0)'" }.joined(separator: " or ")
    case .list(let element): "list of " + element.type
    case .dictionary(let value): "table of " + value.type
    case .table: "table"
    case .component(let kind, _): kind.map { "\($0.rawValue) by name" } ?? "component by name"
    case .either(let shapes): shapes.map(\.type).joined(separator: " or ")
    case .schema(let schema): Self.type(of: schema)
    case .anything: "anything"
    }
  }

  /// The permitted words, if only some words are permitted.
  package var allowed: [String] { if case .words(let words) = self { words } else { [] } }

  private static func type(of schema: JSONValue) -> String {
    if let word = schema["const"]?.scalarText { return "'\(word)'" }
    if let words = schema["enum"]?.arrayValue {
      return words.map { "'\($0.scalarText ?? "")'" }.joined(separator: " or ")
    }
    if let forms = (schema["oneOf"] ?? schema["anyOf"])?.arrayValue {
      return forms.map { type(of: $0) }.joined(separator: " or ")
    }
    switch schema["type"]?.stringValue {
    case "boolean": return "true or false"
    case "integer": return "whole number"
    case "number": return "number"
    case "string": return "text"
    case "array": return "list of " + (schema["items"].map { type(of: $0) } ?? "anything")
    case "object":
      let keys = schema["properties"]?.objectValue?.map(\.key) ?? []
      return keys.isEmpty ? "table" : "{\(keys.joined(separator: ", "))}"
    default: return "anything"
    }
  }
}

/// One option, as `describe` and the schema show it.
package struct OptionDescription: Sendable, Hashable {
  /// The option's name in a spec.
  package let name: String
  /// The permitted values.
  package let shape: OptionShape
  /// The value if a spec does not set it; nil if it must be set.
  package let defaultValue: JSONValue?
  /// The help, in one line.
  package let help: String

  /// The description as JSON.
  package var json: JSONValue {
    var members = [
      JSONValue.Member("name", .string(name)), JSONValue.Member("type", .string(shape.type)),
    ]
    if let defaultValue { members.append(JSONValue.Member("default", defaultValue)) }
    if !shape.allowed.isEmpty {
      members.append(JSONValue.Member("allowed", .array(shape.allowed.map { .string($0) })))
    }
    members.append(JSONValue.Member("help", .string(help)))
    let inner = shape.options
    if !inner.isEmpty { members.append(JSONValue.Member("options", .array(inner.map(\.json)))) }
    return .object(members)
  }
}

extension OptionShape {
  /// The options of a permitted table, or of each element of a list.
  package var options: [OptionDescription] {
    switch self {
    case .table(let options), .component(_, let options): options
    case .list(let element): element.options
    default: []
    }
  }
}
