// SPDX-License-Identifier: Apache-2.0

extension Trajectory {
  /// Appends the trajectory as one JSON object without a line end, in the form that other programs read.
  ///
  /// Members are in the order of the line, followed by those that stages added; a bare NaN or Infinity becomes null.
  /// - Parameters:
  ///   - isWanted: Which fields are written.
  ///   - further: Members to write at the end.
  /// - Throws: When the record can no longer be read.
  public func writeJSON(
    to output: inout [UInt8], fields isWanted: (Field) -> Bool = { _ in true }, further: [JSONValue.Member] = []
  ) throws {
    var left = changes.fields + overrides.map(\.field)
    let changed = Set(left)
    var isFirst = true
    func begin(_ key: String, _ output: inout [UInt8]) {
      if !isFirst { output.append(UInt8(ascii: ",")) }
      isFirst = false
      JSONValue.writeString(key, to: &output)
      output.append(UInt8(ascii: ":"))
    }
    output.append(UInt8(ascii: "{"))
    try record.withBytes { line in
      try RecordWalk.forEachMember(in: line) { key, range in
        let field = Field(key)
        guard isWanted(field), !further.contains(where: { $0.key == key }) else { return true }
        if changed.contains(field) {
          guard left.contains(field) else { return true }
          left.removeAll { $0 == field }
          guard has(field) else { return true }
          begin(key, &output)
          writeValue(of: field, to: &output)
        } else {
          begin(key, &output)
          let value = UnsafeRawBufferPointer(rebasing: line[range])
          if record.holdsNonFinite {
            try JSONValue(parsing: value).write(to: &output)
          } else {
            output.append(contentsOf: value)
          }
        }
        return true
      }
    }
    for field in left where isWanted(field) && has(field) {
      begin(field.rawValue, &output)
      writeValue(of: field, to: &output)
    }
    for member in further {
      begin(member.key, &output)
      member.value.write(to: &output)
    }
    output.append(UInt8(ascii: "}"))
  }

  /// Appends the value that a stage gave a field, as JSON.
  ///
  /// If the field has a property of its own, that property's value; otherwise what ``set(_:to:)`` set.
  public func writeValue(of field: Field, to output: inout [UInt8]) {
    guard let stored = Changes.stored(field) else {
      return (overrides.first { $0.field == field }?.value ?? .null).write(to: &output)
    }
    writeValue(stored: stored, to: &output)
  }

  /// Appends the value of a stored property, as JSON.
  package func writeValue(stored property: Changes, to output: inout [UInt8]) {
    switch property {
    case .id: JSONValue.writeString(id, to: &output)
    case .group: JSONValue.writeString(group, to: &output)
    case .reward: write(reward, to: &output)
    case .rewards:
      output.append(UInt8(ascii: "{"))
      for (index, part) in (rewards ?? []).enumerated() {
        if index > 0 { output.append(UInt8(ascii: ",")) }
        JSONValue.writeString(part.name, to: &output)
        output.append(UInt8(ascii: ":"))
        write(part.score, to: &output)
      }
      output.append(UInt8(ascii: "}"))
    case .rewardStatus: JSONValue.writeString(rewardStatus?.rawValue ?? "", to: &output)
    case .advantage: write(advantage, to: &output)
    case .advantages: JSONValue.array((advantages ?? []).map { .number($0) }).write(to: &output)
    case .baseline: write(baseline, to: &output)
    case .pair:
      guard let pair else { return }
      output.append(text: "{\"rank\":")
      output.append(text: String(pair.rank))
      output.append(text: pair.side == .high ? ",\"side\":\"high\"" : ",\"side\":\"low\"")
      output.append(text: ",\"weight\":")
      write(pair.weight, to: &output)
      output.append(text: ",\"partner\":")
      JSONValue.writeString(pair.partner, to: &output)
      output.append(UInt8(ascii: "}"))
    case .lossWeight: write(lossWeight, to: &output)
    case .batch: output.append(text: String(batch ?? 0))
    case .draws:
      output.append(UInt8(ascii: "["))
      for (index, draw) in (draws ?? []).enumerated() {
        if index > 0 { output.append(UInt8(ascii: ",")) }
        output.append(text: String(draw))
      }
      output.append(UInt8(ascii: "]"))
    case .step: output.append(text: String(step ?? 0))
    default: output.append(text: "null")
    }
  }

  private func write(_ number: Double?, to output: inout [UInt8]) {
    guard let number, number.isFinite else { return output.append(text: "null") }
    output.append(text: number.description)
  }
}
