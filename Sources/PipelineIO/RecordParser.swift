// SPDX-License-Identifier: Apache-2.0
import CRecordScanner
import Foundation
public import PipelineCore

/// A line that could not be used, and why.
public struct BadRecord: Sendable, Hashable {
  /// Where the fault is.
  public let location: SourceLocation
  /// What is wrong.
  public let reason: String
  /// The original line, cut after 2,000 characters; invalid UTF-8 is replaced.
  public let text: String

  /// Appends the record as a line of `bad-records.jsonl`.
  package func write(to output: inout [UInt8]) {
    let object: JSONValue = [
      "file": .string(location.file), "line": .number(location.line), "column": .number(location.column),
      "reason": .string(reason), "text": .string(text),
    ]
    object.write(to: &output)
    output.append(0x0A)
  }
}

/// The trajectories of a block of whole lines.
struct ParsedChunk: Sendable {
  struct Fault: Sendable {
    let lineInChunk: Int
    let column: Int
    let reason: String
    let text: String
  }
  let chunk: RecordChunk
  let trajectories: [Trajectory]
  let faults: [Fault]
  let lineCount: Int
  /// Lines that contain a bare NaN or Infinity.
  let nonFiniteLines: Int
}

/// Converts lines to trajectories: checks every byte, decodes the stored values, and leaves the rest in place.
struct RecordParser: Sendable {
  /// The reserved names in the form that the scanner looks up, made once.
  private final class Names: @unchecked Sendable {
    let table: OpaquePointer?
    init() {
      let names = Field.reserved.map { strdup($0.rawValue) }
      let lengths = Field.reserved.map { UInt16($0.rawValue.utf8.count) }
      table = names.map { UnsafePointer($0) }.withUnsafeBufferPointer {
        record_names_make($0.baseAddress, lengths, lengths.count)
      }
      for name in names { free(name) }
    }
    deinit { record_names_free(table) }
  }

  private static let names = Names()
  private let groupBy: [Field]
  private let kind: TrajectoryReader.RecordKind

  /// - Parameters:
  ///   - groupBy: Fields whose values together identify the group, instead of `group`; empty for `group`.
  ///   - kind: What the lines are.
  init(groupBy: [Field] = [], kind: TrajectoryReader.RecordKind = .trajectories) {
    self.groupBy = groupBy
    self.kind = kind
  }

  /// Parses the lines of `bytes`.
  ///
  /// - Parameters:
  ///   - storage: Where the same bytes can be read later.
  ///   - offset: Where `bytes` start in the storage.
  ///   - isOneLine: Whether all the lines come from a single line of the input.
  func parse(
    _ bytes: UnsafeRawBufferPointer, storage: any RecordStorage, offset: UInt64, isOneLine: Bool = false
  ) -> ParsedChunk {
    var lines = LineWork(parser: self, bytes: bytes)
    lines.run()
    return chunk(of: lines, storage: storage, offset: offset, isOneLine: isOneLine)
  }

  private func chunk(of lines: LineWork, storage: any RecordStorage, offset: UInt64, isOneLine: Bool) -> ParsedChunk {
    let chunk = RecordChunk(storage: storage, members: lines.packed)
    let trajectories = lines.found.map { line in
      Trajectory(
        record: Record(
          chunk: chunk, offset: offset + UInt64(line.range.lowerBound), byteCount: line.range.count,
          lineInChunk: isOneLine ? 0 : line.number, members: line.members),
        id: line.id, group: line.group, stored: line.stored, changes: groupBy.isEmpty ? [] : .group)
    }
    return ParsedChunk(
      chunk: chunk, trajectories: trajectories, faults: lines.faults, lineCount: isOneLine ? 1 : lines.lineCount,
      nonFiniteLines: lines.found.count { $0.holdsNonFinite })
  }

  /// Lines that were written here, whose members are known: they are not scanned for them again.
  struct WrittenLines: Sendable {
    struct Line: Sendable {
      let range: Range<Int>
      let number: Int
      let members: Range<Int>
    }

    private(set) var bytes: [UInt8] = []
    private(set) var members: [RecordMember] = []
    private(set) var lines: [Line] = []

    /// - Parameter room: About how many bytes they take.
    init(room: Int) { bytes.reserveCapacity(room) }

    /// Writes a record.
    ///
    /// - Parameter number: The line of the input, counted from 0 at the start of the chunk.
    mutating func append(_ record: ImportedRecord, number: Int) {
      let (start, first) = (bytes.count, members.count)
      record.write(lineTo: &bytes, members: &members)
      lines.append(Line(range: start..<bytes.count - 1, number: number, members: first..<members.count))
    }
  }

  /// The trajectories of lines that were written here; see ``parse(_:storage:offset:isOneLine:)-(UnsafeRawBufferPointer,_,_,_)``.
  func parse(
    _ written: WrittenLines, storage: any RecordStorage, offset: UInt64, isOneLine: Bool
  ) -> ParsedChunk {
    written.bytes.withUnsafeBytes { bytes in
      var lines = LineWork(parser: self, bytes: bytes)
      lines.take(written)
      return chunk(of: lines, storage: storage, offset: offset, isOneLine: isOneLine)
    }
  }

  /// The state of parsing one chunk.
  private struct LineWork {
    struct Line {
      let range: Range<Int>
      let number: Int
      let members: RecordChunk.PackedMembers
      let holdsNonFinite: Bool
      let id: String
      let group: String
      let stored: Trajectory.StoredValues
    }

    let parser: RecordParser
    let bytes: UnsafeRawBufferPointer
    var packed = RecordChunk.Builder()
    /// The reserved members of the line in hand.
    var members: [RecordMember] = []
    var found: [Line] = []
    var faults: [ParsedChunk.Fault] = []
    var lineCount = 0
    var scanned = [record_member](repeating: record_member(), count: 64)

    init(parser: RecordParser, bytes: UnsafeRawBufferPointer) {
      self.parser = parser
      self.bytes = bytes
    }

    mutating func run() {
      guard let base = bytes.baseAddress else { return }
      var start = 0
      while start < bytes.count {
        let newline = memchr(base + start, 0x0A, bytes.count - start).map { UnsafeRawPointer($0) - base }
        let end = newline ?? bytes.count
        line(start..<end)
        lineCount += 1
        start = end + 1
      }
    }

    mutating func line(_ whole: Range<Int>) {
      var range = whole
      while let last = range.last, bytes[last] <= 0x20 { range = range.dropLast() }
      while let first = range.first, bytes[first] <= 0x20 { range = range.dropFirst() }
      if range.isEmpty { return }
      let line = UnsafeRawBufferPointer(rebasing: bytes[range])
      var count = 0
      var error = record_error()
      var status = scan(line, &count, &error)
      if status == RECORD_CAPACITY.rawValue {
        scanned = Array(repeating: record_member(), count: count)
        status = scan(line, &count, &error)
      }
      guard status == RECORD_OK.rawValue else {
        var reason = String(cString: record_error_message(Int32(status)))
        if line.first == 0xEF || line.first == 0xFE || line.first == 0xFF {
          reason += " (a byte order mark belongs only at the start of a file)"
        }
        return fault(line, at: Int(error.offset), "not JSON: " + reason)
      }
      members.removeAll(keepingCapacity: true)
      var holdsNonFinite = false
      for member in scanned[..<count] {
        holdsNonFinite = holdsNonFinite || member.holdsNonFinite
        guard member.name >= 0 else { continue }
        members.append(
          RecordMember(
            fieldIndex: Int(member.name), value: Int(member.value_start)..<Int(member.value_end),
            holdsNonFinite: member.holdsNonFinite))
      }
      use(range, holdsNonFinite: holdsNonFinite)
    }

    /// Takes lines whose members are known.
    mutating func take(_ written: WrittenLines) {
      for line in written.lines {
        lineCount = line.number
        members.removeAll(keepingCapacity: true)
        members += written.members[line.members]
        use(line.range, holdsNonFinite: false)
      }
    }

    /// Decodes the values of the line in hand.
    mutating func use(_ range: Range<Int>, holdsNonFinite: Bool) {
      let line = UnsafeRawBufferPointer(rebasing: bytes[range])
      var decoder = StoredValueDecoder(line: line)
      for member in members { decoder.decode(fieldAt: member.fieldIndex, at: member.value) }
      if let problem = decoder.problem {
        return fault(line, at: problem.offset, problem.reason)
      }
      var group = decoder.group
      if !parser.groupBy.isEmpty {
        let parts = parser.groupBy.map { field in
          (try? RecordWalk.value(of: field, in: line))?.map { $0.scalarText ?? $0.json }
        }
        if let missing = zip(parser.groupBy, parts).first(where: { $0.1 == nil })?.0 {
          return fault(line, at: 0, "the record has no '\(missing)', which group_by names")
        }
        group = parts.compactMap { $0 }.joined(separator: "|")
      }
      if parser.kind == .prompts { group = group ?? decoder.id }
      guard let id = decoder.id, let group else {
        let name = decoder.id == nil ? "id" : "group"
        let hint = name == "id" ? "`shuffle-r1 convert` gives it one" : "or name the fields that make it in group_by"
        return fault(line, at: 0, "the record has no '\(name)'; every \(parser.kind.noun) needs one (\(hint))")
      }
      found.append(
        Line(
          range: range, number: lineCount, members: packed.add(members, holdsNonFinite: holdsNonFinite),
          holdsNonFinite: holdsNonFinite, id: id, group: group, stored: decoder.stored))
    }

    mutating func scan(_ line: UnsafeRawBufferPointer, _ count: inout Int, _ error: inout record_error) -> UInt32 {
      scanned.withUnsafeMutableBufferPointer { room in
        UInt32(
          record_scan(
            line.baseAddress?.assumingMemoryBound(to: UInt8.self), line.count, RecordParser.names.table,
            room.baseAddress, room.count, &count, &error))
      }
    }

    mutating func fault(_ line: UnsafeRawBufferPointer, at offset: Int, _ reason: String) {
      let column = TextPositions.column(of: offset, inLine: line)
      let text = String(decoding: line.prefix(8_000), as: UTF8.self).prefix(2_000)
      faults.append(
        ParsedChunk.Fault(lineInChunk: lineCount, column: column, reason: reason, text: String(text)))
    }
  }
}
