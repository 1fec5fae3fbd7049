// SPDX-License-Identifier: Apache-2.0
import CRecordScanner
import Synchronization

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
  private let packed: RecordChunk.PackedMembers
  /// Whether the line contains a bare NaN or Infinity anywhere.
  public var holdsNonFinite: Bool { chunk.holdsNonFinite(packed) }

  /// Describes a line.
  ///
  /// - Parameters:
  ///   - lineInChunk: The line, counted from 0 at the start of the chunk.
  ///   - members: What the builder of the chunk gave for the line's reserved members.
  public init(
    chunk: RecordChunk, offset: UInt64, byteCount: Int, lineInChunk: Int, members: RecordChunk.PackedMembers
  ) {
    self.chunk = chunk
    self.offset = offset
    self.byteCount32 = UInt32(byteCount)
    self.lineInChunk = Int32(lineInChunk)
    packed = members
  }

  /// The record that was not read from anywhere: `{}`.
  public static let empty: Record = {
    var builder = RecordChunk.Builder()
    let members = builder.add([], holdsNonFinite: false)
    let chunk = RecordChunk(storage: MemoryRecordStorage(Array("{}".utf8)), members: builder)
    return Record(chunk: chunk, offset: 0, byteCount: 2, lineInChunk: -1, members: members)
  }()

  /// The reserved members, in the order of the line.
  public var members: [RecordMember] { chunk.members(packed) }

  /// The member of a reserved field, if the line has one.
  public func member(of field: Field) -> RecordMember? {
    guard let index = Field.reservedIndex[field] else { return nil }
    return member(ofReserved: index)
  }

  /// The member of a reserved field, by the field's position in ``Field/reserved``.
  public func member(ofReserved index: Int) -> RecordMember? {
    has(reserved: index) ? chunk.member(ofField: index, packed) : nil
  }

  /// Whether the line has a reserved field, by the field's position in ``Field/reserved``.
  package func has(reserved index: Int) -> Bool { chunk.fields(packed) & UInt64(1) << UInt64(index) != 0 }

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
}
