// SPDX-License-Identifier: Apache-2.0
import CRecordScanner
public import Synchronization

/// Where the bytes of records are: in memory, in a file that can be read again, or in a spool file.
public protocol RecordStorage: AnyObject, Sendable {
  /// Hands over `count` bytes from `offset`, valid only during the call.
  ///
  /// - Throws: When the bytes can no longer be read.
  func withBytes<Result>(
    at offset: UInt64, count: Int, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result
}

/// Record bytes in memory.
public final class MemoryRecordStorage: RecordStorage {
  private let bytes: [UInt8]

  /// Keeps `bytes`; offsets count from its start.
  public init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Hands over a part of the bytes.
  public func withBytes<Result>(
    at offset: UInt64, count: Int, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    try bytes.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[Int(offset)..<Int(offset) + count])) }
  }
}

/// The place of one reserved member in a record's line.
public struct RecordMember: Sendable {
  /// The position of its field in ``Field/reserved``.
  public let fieldIndex: Int
  /// The first byte of the key's opening quote, from the start of the line.
  public let keyStart: Int
  /// The bytes of the value, from the start of the line.
  public let value: Range<Int>
  /// Whether the value contains a bare NaN or Infinity.
  public let holdsNonFinite: Bool

  /// Describes a member.
  public init(fieldIndex: Int, keyStart: Int, value: Range<Int>, holdsNonFinite: Bool) {
    self.keyStart = keyStart
    self.value = value
    self.fieldIndex = fieldIndex
    self.holdsNonFinite = holdsNonFinite
  }
}

/// The members of records that were read together, packed to save memory.
public final class RecordChunk: Sendable {
  /// Where the bytes are.
  public let storage: any RecordStorage
  /// The line of the input at which the chunk starts, from 1.
  ///
  /// Set once by the reader, which knows it only after chunks have been read in parallel.
  public let firstLine = Atomic<Int>(1)
  /// The file as the user named it, or `standard input`; set with ``firstLine``.
  public let file = Mutex("")
  private let packed: [Packed]

  struct Packed: Sendable {
    let keyStart: UInt32
    let valueStart: UInt32
    let valueEnd: UInt32
    let field: UInt8
    let holdsNonFinite: Bool
  }

  /// Packs the members of a chunk's records, one record after the other.
  public init(storage: any RecordStorage, members: [RecordMember]) {
    self.storage = storage
    self.packed = members.map {
      Packed(
        keyStart: UInt32($0.keyStart), valueStart: UInt32($0.value.lowerBound),
        valueEnd: UInt32($0.value.upperBound), field: UInt8($0.fieldIndex), holdsNonFinite: $0.holdsNonFinite)
    }
  }

  func member(at index: Int) -> RecordMember {
    let member = packed[index]
    return RecordMember(
      fieldIndex: Int(member.field), keyStart: Int(member.keyStart),
      value: Int(member.valueStart)..<Int(member.valueEnd), holdsNonFinite: member.holdsNonFinite)
  }

  func firstIndex(ofField field: Int, in range: Range<Int>) -> Int? {
    range.first { packed[$0].field == UInt8(field) }
  }

  /// The fields of members, a bit for each position in ``Field/reserved``.
  func fields(in range: Range<Int>) -> UInt64 {
    range.reduce(0) { $0 | UInt64(1) << UInt64(packed[$1].field) }
  }
}

/// A line as it was read: its bytes, and the places of the reserved members in it.
///
/// Bytes are decoded only on demand. What is never asked for passes through unchanged.
public struct Record: Sendable {
  /// The chunk that it was read with.
  public let chunk: RecordChunk
  /// Where the line starts in the storage.
  public let offset: UInt64
  /// The bytes of the line, without its line end.
  public var byteCount: Int { Int(byteCount32) }
  /// The line of the input, from 1; 0 for a record that was not read from anywhere.
  public var line: Int { chunk.firstLine.load(ordering: .relaxed) + Int(lineInChunk) }
  /// The file that it was read from, as the user named it; empty for a record that was not read from anywhere.
  public var file: String { chunk.file.withLock { $0 } }
  /// A line has 1 GiB at most.
  private let byteCount32: UInt32
  private let lineInChunk: Int32
  /// Which reserved fields the line has, a bit each: most questions are about fields that it does not have.
  private let fields: UInt64
  private let firstMember: UInt32
  private let memberCount: UInt16
  /// Whether the line contains a bare NaN or Infinity anywhere.
  public let holdsNonFinite: Bool

  /// Describes a line.
  ///
  /// - Parameters:
  ///   - lineInChunk: The line, counted from 0 at the start of the chunk.
  ///   - members: The positions, in the chunk's list, of the line's reserved members, in order.
  public init(
    chunk: RecordChunk, offset: UInt64, byteCount: Int, lineInChunk: Int, members: Range<Int>,
    holdsNonFinite: Bool
  ) {
    self.chunk = chunk
    self.offset = offset
    self.byteCount32 = UInt32(byteCount)
    self.fields = chunk.fields(in: members)
    self.lineInChunk = Int32(lineInChunk)
    self.firstMember = UInt32(members.lowerBound)
    self.memberCount = UInt16(members.count)
    self.holdsNonFinite = holdsNonFinite
  }

  /// The record that was not read from anywhere: `{}`.
  public static let empty = Record(
    chunk: RecordChunk(storage: MemoryRecordStorage(Array("{}".utf8)), members: []), offset: 0, byteCount: 2,
    lineInChunk: -1, members: 0..<0, holdsNonFinite: false)

  /// The reserved members, in the order of the line.
  public var members: [RecordMember] { memberRange.map { chunk.member(at: $0) } }

  /// The member of a reserved field, if the line has one.
  public func member(of field: Field) -> RecordMember? {
    guard let index = Field.reservedIndex[field] else { return nil }
    return member(ofReserved: index)
  }

  /// The member of a reserved field, by the field's position in ``Field/reserved``.
  public func member(ofReserved index: Int) -> RecordMember? {
    guard has(reserved: index) else { return nil }
    return chunk.firstIndex(ofField: index, in: memberRange).map { chunk.member(at: $0) }
  }

  /// Whether the line has a reserved field, by the field's position in ``Field/reserved``.
  package func has(reserved index: Int) -> Bool { fields & UInt64(1) << UInt64(index) != 0 }

  /// Hands over the bytes of the line, valid only during the call.
  public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
    try chunk.storage.withBytes(at: offset, count: byteCount, body)
  }

  /// Hands over the bytes of a reserved field's value, valid only during the call; nil if the line does not have the field.
  public func withBytes<Result>(of field: Field, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result? {
    guard let member = member(of: field) else { return nil }
    return try chunk.storage.withBytes(
      at: offset + UInt64(member.value.lowerBound), count: member.value.count, body)
  }

  /// The value of a key as it is in the line, or nil if the line does not have the key.
  ///
  /// A reserved field is found at once; any other key requires a walk over the line.
  public func value(of field: Field) throws -> JSONValue? {
    if Field.reservedIndex[field] != nil {
      return try withBytes(of: field) { try JSONValue(parsing: $0) }
    }
    return try withBytes { try RecordWalk.value(of: field, in: $0) }
  }

  /// The number of elements of a reserved field that holds an array; nil if it does not.
  public func elementCount(of field: Field) throws -> Int? {
    try withBytes(of: field) { bytes in
      guard bytes.first == UInt8(ascii: "[") else { return nil }
      return Int(record_count_elements(bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count))
    } ?? nil
  }

  private var memberRange: Range<Int> { Int(firstMember)..<Int(firstMember) + Int(memberCount) }
}
