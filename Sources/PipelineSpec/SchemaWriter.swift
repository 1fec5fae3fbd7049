// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Writes the JSON Schemas (2020-12) of specs and records, for editors and other programs.
///
/// The schema of specs lists every registered component with its options. It is a little stricter than the
/// program: a component in a table must be named with `use`.
package struct SchemaWriter: Sendable {
  private let registry: Registry
  private let formats: [String]
  private static let dialect: JSONValue = "https://json-schema.org/draft/2020-12/schema"

  /// A writer for specs that may name these components and record formats.
  package init(registry: Registry, formats: [String]) {
    self.registry = registry
    self.formats = formats
  }

  /// A schema and the name of its file.
  package struct File: Sendable {
    /// The file's name in `Schemas/`, which is also the schema's `$id`.
    package let name: String
    /// The schema.
    package let schema: JSONValue
  }

  /// All schemas.
  package var files: [File] {
    [
      File(name: "pipeline.schema.json", schema: pipeline),
      File(name: "trajectory.schema.json", schema: RecordSchema.trajectory.json(dialect: Self.dialect)),
      File(name: "prompt.schema.json", schema: RecordSchema.prompt.json(dialect: Self.dialect)),
    ]
  }

  /// The schema of pipeline specs.
  package var pipeline: JSONValue {
    let options = OptionProbe(registry: registry).options(of: PipelineSpec.self)
    var schema = table(options)
      .merging("required", ["source", "stages"], at: [])
      .merging(
        "oneOf", [["required": ["rollouts"]], ["required": ["prompts"]]], at: ["properties", "source"]
      )
      .merging("minItems", 1, at: ["properties", "stages"])
      .merging(
        "enum", .array((["auto"] + formats).map { .string($0) }),
        at: ["properties", "source", "properties", "format"]
      )
      .merging(
        "enum", .array((["auto"] + formats).map { .string($0) }),
        at: ["properties", "training", "properties", "evaluation", "properties", "format"])
    let definitions = ComponentKind.allCases.flatMap { kind in
      registry.names(of: kind).compactMap { name -> JSONValue.Member? in
        guard let component = try? ComponentDescription(kind, name, in: registry) else { return nil }
        return JSONValue.Member(
          Self.definition(kind, name), Self.described(table(component.options), component.about.summary))
      }
    }
    schema = schema.removing("default", at: ["properties", "stages"])
      .removing("default", at: ["properties", "source", "properties", "rollouts"])
      .removing("default", at: ["properties", "source", "properties", "prompts"])
      .merging("$defs", .object(definitions), at: [])
    let head: [JSONValue.Member] = [
      JSONValue.Member("$schema", Self.dialect), JSONValue.Member("$id", "pipeline.schema.json"),
      JSONValue.Member("title", "Pipeline spec"),
      JSONValue.Member(
        "description", "A pipeline: where trajectories come from, the stages they pass, where they go"),
    ]
    return .object(head + (schema.objectValue ?? []))
  }

  private static func definition(_ kind: ComponentKind, _ name: String) -> String {
    "\(kind.rawValue)-\(name)"
  }

  private func table(_ options: [OptionDescription]) -> JSONValue {
    [
      "type": "object", "additionalProperties": false,
      "properties": .object(options.map { JSONValue.Member($0.name, property($0)) }),
    ]
  }

  private func property(_ option: OptionDescription) -> JSONValue {
    var schema = Self.described(self.schema(of: option.shape), option.help)
    // A table's defaults are in its options.
    if case .table = option.shape { return schema }
    if let value = option.defaultValue { schema = schema.merging("default", value, at: []) }
    return schema
  }

  private static func described(_ schema: JSONValue, _ text: String) -> JSONValue {
    guard !text.isEmpty, let members = schema.objectValue else { return schema }
    return .object([JSONValue.Member("description", .string(text))] + members)
  }

  private func schema(of shape: OptionShape) -> JSONValue {
    switch shape {
    case .boolean: ["type": "boolean"]
    case .integer: ["type": "integer"]
    case .number: ["type": "number"]
    case .text: ["type": "string"]
    case .words(let words): ["enum": .array(words.map { .string($0) })]
    case .list(let element): ["type": "array", "items": schema(of: element)]
    case .dictionary(let value): ["type": "object", "additionalProperties": schema(of: value)]
    case .table(let options): table(options)
    case .component(let kind, let further): component(kind, further)
    case .either(let shapes): ["anyOf": .array(shapes.map { schema(of: $0) })]
    case .schema(let schema): schema
    case .anything: [:]
    }
  }

  /// A bare name, or a table for each component that can be named.
  private func component(_ kind: ComponentKind?, _ further: [OptionDescription]) -> JSONValue {
    func form(use: JSONValue, with: JSONValue) -> JSONValue {
      let members =
        [JSONValue.Member("use", use)] + further.map { JSONValue.Member($0.name, property($0)) }
        + [JSONValue.Member("with", with)]
      return [
        "type": "object", "additionalProperties": false, "required": ["use"], "properties": .object(members),
      ]
    }
    guard let kind else {
      return ["oneOf": [["type": "string"], form(use: ["type": "string"], with: ["type": "object"])]]
    }
    let names = registry.names(of: kind)
    func words(_ name: String) -> [JSONValue] {
      ([name] + (registry.component(kind, name)?.aliases ?? [])).map { .string($0) }
    }
    let forms = names.map { name in
      let words = words(name)
      return form(
        use: words.count == 1 ? ["const": words[0]] : ["enum": .array(words)],
        with: ["$ref": .string("#/$defs/" + Self.definition(kind, name))])
    }
    return ["oneOf": .array([["enum": .array(names.flatMap(words))]] + forms)]
  }
}

extension JSONValue {
  /// The object with a member added or replaced in the object at a path of keys.
  fileprivate func merging(_ key: String, _ value: JSONValue, at path: [String]) -> JSONValue {
    guard case .object(var members) = self else { return self }
    let step = path.first ?? key
    let inner = path.isEmpty ? value : self[step]?.merging(key, value, at: Array(path.dropFirst())) ?? .null
    if let index = members.firstIndex(where: { $0.key == step }) {
      members[index].value = inner
    } else {
      members.append(Member(step, inner))
    }
    return .object(members)
  }

  /// The object without a member of the object at a path of keys.
  fileprivate func removing(_ key: String, at path: [String]) -> JSONValue {
    guard case .object(var members) = self else { return self }
    if let step = path.first, let index = members.firstIndex(where: { $0.key == step }) {
      members[index].value = members[index].value.removing(key, at: Array(path.dropFirst()))
    } else if path.isEmpty {
      members.removeAll { $0.key == key }
    }
    return .object(members)
  }
}
