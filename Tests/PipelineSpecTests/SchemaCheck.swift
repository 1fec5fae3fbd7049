// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Checks values against the part of JSON Schema 2020-12 that our schemas use.
struct SchemaCheck {
  let root: JSONValue

  /// Where and by which keyword a value fails; empty when it passes.
  func faults(_ value: JSONValue) -> [String] { faults(value, root, "") }

  private func faults(_ value: JSONValue, _ schema: JSONValue, _ path: String) -> [String] {
    if case .bool(let allowed) = schema { return allowed ? [] : ["\(path): not allowed"] }
    guard let keywords = schema.objectValue else { return ["\(path): no schema"] }
    return keywords.flatMap { keyword -> [String] in
      let failed = ["\(path): \(keyword.key)"]
      switch keyword.key {
      case "$schema", "$id", "$defs", "title", "description", "default": return []
      case "$ref":
        let name = keyword.value.stringValue?.split(separator: "/").last.map(String.init) ?? ""
        return root["$defs"]?[name].map { faults(value, $0, path) } ?? ["\(path): no definition \(name)"]
      case "type":
        let types = keyword.value.arrayValue ?? [keyword.value]
        return types.contains { has(value, type: $0.stringValue ?? "") } ? [] : failed
      case "enum": return keyword.value.arrayValue?.contains(value) == true ? [] : failed
      case "const": return keyword.value == value ? [] : failed
      case "oneOf", "anyOf":
        let fits = (keyword.value.arrayValue ?? []).count { faults(value, $0, path).isEmpty }
        return fits == 1 || (fits > 1 && keyword.key == "anyOf") ? [] : failed
      case "required":
        guard value.objectValue != nil else { return [] }
        return (keyword.value.arrayValue ?? []).compactMap { key in
          value[key.stringValue ?? ""] == nil ? "\(path): required \(key.stringValue ?? "")" : nil
        }
      case "properties":
        return (keyword.value.objectValue ?? []).flatMap { property in
          value[property.key].map { faults($0, property.value, path + "/" + property.key) } ?? []
        }
      case "additionalProperties":
        return (value.objectValue ?? []).filter { schema["properties"]?[$0.key] == nil }.flatMap {
          faults($0.value, keyword.value, path + "/" + $0.key)
        }
      case "items":
        return (value.arrayValue ?? []).enumerated().flatMap {
          faults($0.element, keyword.value, path + "/\($0.offset)")
        }
      case "minItems":
        return value.arrayValue.map { $0.count >= keyword.value.intValue ?? 0 } ?? true ? [] : failed
      case "minLength":
        return value.stringValue.map { $0.count >= keyword.value.intValue ?? 0 } ?? true ? [] : failed
      case "minimum":
        return value.doubleValue.map { $0 >= keyword.value.doubleValue ?? 0 } ?? true ? [] : failed
      case "maximum":
        return value.doubleValue.map { $0 <= keyword.value.doubleValue ?? 0 } ?? true ? [] : failed
      default: return ["unknown keyword \(keyword.key)"]
      }
    }
  }

  private func has(_ value: JSONValue, type: String) -> Bool {
    switch (value, type) {
    case (.null, "null"), (.bool, "boolean"), (.number, "number"), (.string, "string"), (.array, "array"),
      (.object, "object"):
      true
    case (.number, "integer"): value.intValue != nil
    default: false
    }
  }
}
