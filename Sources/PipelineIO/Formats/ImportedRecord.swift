// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// A record of ours that was made of a peer's row; valid until the next line is read.
package struct ImportedRecord {
  /// Its members, in order; all keys differ.
  let members: [PeerRow.Member]

  /// The record as a value.
  package var json: JSONValue { .object(members.map { .init($0.key, $0.cell.value) }) }

  /// Whether it may name images, in its prompt or beside it.
  var mayNameImages: Bool {
    members.contains { member in
      member.key == Field.images.rawValue || member.key == Field.prompt.rawValue && !member.cell.isString
    }
  }

  /// Appends the record as compact JSON.
  func write(to bytes: inout [UInt8]) { Cell.write(members, to: &bytes) }

  /// Appends the record as a line of compact JSON, and its reserved members, whose places count from the start of the line.
  func write(lineTo bytes: inout [UInt8], members places: inout [RecordMember]) {
    let line = bytes.count
    Cell.write(members, to: &bytes) { index, value in
      guard let field = RecordBuilder.order(of: members[index].key) else { return }
      places.append(
        RecordMember(
          fieldIndex: field, value: value.lowerBound - line..<value.upperBound - line, holdsNonFinite: false))
    }
    bytes.append(0x0A)
  }
}
