// SPDX-License-Identifier: Apache-2.0
import CRecordScanner
package import PipelineCore

/// Writes trajectories as JSONL: the original line with the changes of the stages.
///
/// If the line has a changed key, its value is replaced in place; a new key goes to the end, in the order of
/// ``Field/reserved``. Everything else is copied byte for byte, except that a bare NaN or Infinity becomes null.
package enum TrajectoryEncoder {
  /// Appends the line of a trajectory, with its line end.
  ///
  /// - Throws: When the record can no longer be read.
  package static func encode(_ trajectory: Trajectory, into output: inout [UInt8]) throws {
    try trajectory.record.withBytes { encode(trajectory, line: $0, into: &output) }
  }

  /// The same with the addresses of its images as seen from where it is written; the record is read once for both.
  ///
  /// - Parameters:
  ///   - anchor: Knows where the line is written.
  ///   - step: The step of a trajectory that has none.
  /// - Throws: When the record can no longer be read.
  package static func encode(
    _ trajectory: Trajectory, anchoredBy anchor: ImageAnchor, step: Int? = nil, into output: inout [UInt8]
  ) throws {
    try trajectory.record.withBytes { line in
      var moved = try anchor.anchored(trajectory, line: line)
      if let step, moved.step == nil { moved.step = step }
      encode(moved, line: line, into: &output)
    }
  }

  private static func encode(_ trajectory: Trajectory, line: UnsafeRawBufferPointer, into output: inout [UInt8]) {
    if trajectory.record.holdsNonFinite || trajectory.removesMembers {
      encodeMemberwise(trajectory, line, into: &output)
    } else {
      encodeSpliced(trajectory, line, into: &output)
    }
    output.append(0x0A)
  }

  private struct Edit {
    let range: Range<Int>
    let field: Field
  }

  /// The fast path: copies the parts of the line around the replaced values.
  private static func encodeSpliced(
    _ trajectory: Trajectory, _ line: UnsafeRawBufferPointer, into output: inout [UInt8]
  ) {
    if trajectory.changes.isEmpty, trajectory.overrides.isEmpty { return output.append(contentsOf: line) }
    let record = trajectory.record
    var edits: [Edit] = []
    for stored in Trajectory.Changes.writeOrder where trajectory.changes.contains(stored.change) {
      if let member = record.member(ofReserved: stored.reservedIndex) {
        edits.append(Edit(range: member.value, field: stored.field))
      }
    }
    for override in trajectory.overrides {
      if let range = range(of: override.field, in: line, of: record) {
        edits.append(Edit(range: range, field: override.field))
      }
    }
    if edits.count > 1 { edits.sort { $0.range.lowerBound < $1.range.lowerBound } }
    var position = 0
    for edit in edits {
      output.append(contentsOf: line[position..<edit.range.lowerBound])
      trajectory.writeValue(of: edit.field, to: &output)
      position = edit.range.upperBound
    }
    var end = line.count - 1
    while end > position, line[end - 1] <= 0x20 { end -= 1 }
    output.append(contentsOf: line[position..<end])
    var isFirst = line[end - 1] == UInt8(ascii: "{") && edits.isEmpty
    func add(_ field: Field) {
      if !isFirst { output.append(UInt8(ascii: ",")) }
      isFirst = false
      JSONValue.writeString(field.rawValue, to: &output)
      output.append(UInt8(ascii: ":"))
      trajectory.writeValue(of: field, to: &output)
    }
    if trajectory.overrides.isEmpty {
      for stored in Trajectory.Changes.writeOrder
      where trajectory.changes.contains(stored.change)
        && record.member(ofReserved: stored.reservedIndex) == nil && trajectory.has(stored: stored.change)
      {
        add(stored.field)
      }
    } else {
      for field in trajectory.changedFields
      where trajectory.hasValue(of: field) && range(of: field, in: line, of: record) == nil { add(field) }
    }
    output.append(UInt8(ascii: "}"))
  }

  /// The place of a field's value in the line.
  private static func range(
    of field: Field, in line: UnsafeRawBufferPointer, of record: Record
  ) -> Range<Int>? {
    if Field.reservedIndex[field] != nil { return record.member(of: field)?.value }
    var found: Range<Int>?
    try? RecordWalk.forEachMember(in: line) { key, range in
      if key == field.rawValue { found = range }
      return found == nil
    }
    return found
  }

  /// The slow path, member by member, for lines that lose a key or contain a bare NaN.
  private static func encodeMemberwise(
    _ trajectory: Trajectory, _ line: UnsafeRawBufferPointer, into output: inout [UInt8]
  ) {
    let changed = trajectory.changedFields
    var left = changed
    var isFirst = true
    output.append(UInt8(ascii: "{"))
    try? RecordWalk.forEachMember(in: line) { key, range in
      let field = Field(key)
      let isChanged = changed.contains(field)
      left.removeAll { $0 == field }
      if isChanged, !trajectory.hasValue(of: field) { return true }
      if !isFirst { output.append(UInt8(ascii: ",")) }
      isFirst = false
      JSONValue.writeString(key, to: &output)
      output.append(UInt8(ascii: ":"))
      if isChanged {
        trajectory.writeValue(of: field, to: &output)
      } else {
        copyFinite(UnsafeRawBufferPointer(rebasing: line[range]), to: &output)
      }
      return true
    }
    append(left, of: trajectory, isFirst: isFirst, to: &output)
    output.append(UInt8(ascii: "}"))
  }

  private static func append(
    _ fields: [Field], of trajectory: Trajectory, isFirst: Bool, to output: inout [UInt8]
  ) {
    var isFirst = isFirst
    for field in fields where trajectory.hasValue(of: field) {
      if !isFirst { output.append(UInt8(ascii: ",")) }
      isFirst = false
      JSONValue.writeString(field.rawValue, to: &output)
      output.append(UInt8(ascii: ":"))
      trajectory.writeValue(of: field, to: &output)
    }
  }

  private static func copyFinite(_ value: UnsafeRawBufferPointer, to output: inout [UInt8]) {
    let room = value.count + value.count / 3 + 1
    let finite = [UInt8](unsafeUninitializedCapacity: room) { buffer, initialized in
      initialized = record_nonfinite_to_null(
        value.baseAddress?.assumingMemoryBound(to: UInt8.self), value.count, buffer.baseAddress, nil)
    }
    output.append(contentsOf: finite)
  }
}

extension Trajectory {
  /// The fields to write, in the order of ``Field/reserved``, followed by others in the order in which they were set.
  fileprivate var changedFields: [Field] {
    var fields = changes.fields + overrides.map(\.field)
    if fields.count > 1 {
      let last = Field.reserved.count
      let order = fields.map { Field.reservedIndex[$0] ?? last }
      fields = fields.indices.sorted { (order[$0], $0) < (order[$1], $1) }.map { fields[$0] }
    }
    return fields
  }

  /// Whether a key of the line must be removed.
  fileprivate var removesMembers: Bool {
    Changes.writeOrder.contains {
      changes.contains($0.change) && record.member(ofReserved: $0.reservedIndex) != nil && !has(stored: $0.change)
    } || overrides.contains { $0.value == nil }
  }

  /// Whether there is a value to write.
  fileprivate func hasValue(of field: Field) -> Bool {
    overrides.first { $0.field == field }.map { $0.value != nil } ?? has(field)
  }
}
