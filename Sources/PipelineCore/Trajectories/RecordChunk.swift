// SPDX-License-Identifier: Apache-2.0
public import Synchronization

/// The place of one reserved member in a record's line.
public struct RecordMember: Sendable {
  /// The position of its field in ``Field/reserved``.
  public let fieldIndex: Int
  /// The bytes of the value, from the start of the line.
  public let value: Range<Int>
  /// Whether the value contains a bare NaN or Infinity.
  public let holdsNonFinite: Bool

  /// Describes a member.
  public init(fieldIndex: Int, value: Range<Int>, holdsNonFinite: Bool) {
    self.value = value
    self.fieldIndex = fieldIndex
    self.holdsNonFinite = holdsNonFinite
  }
}

/// The members of records that were read together, packed to save memory: a few bytes for each.
public final class RecordChunk: Sendable {
  /// Where the bytes are.
  public let storage: any RecordStorage
  /// The line of the input at which the chunk starts, from 1.
  ///
  /// Set once by the reader, which knows it only after chunks have been read in parallel.
  public let firstLine = Atomic<Int>(1)
  /// The file as the user named it, or `standard input`; set with ``firstLine``.
  public let file = Mutex("")
  private let shapes: [Shape]
  /// Of each member of each line, how many bytes lie between the value before and its own, and how many its own has.
  ///
  /// Seven bits a byte, the lowest first; the highest bit says that more follow.
  private let places: [UInt8]

  /// Which reserved members a line has, in order: the same for most lines of a file.
  fileprivate struct Shape: Hashable {
    var fields: [UInt8] = []
    /// The same, a bit for each position in ``Field/reserved``.
    var set: UInt64 = 0
    /// Of its members those that contain a bare NaN or Infinity, a bit each; 0 for nearly all lines.
    var nonFinite: UInt64 = 0
    /// Whether the line does, anywhere.
    var holdsNonFinite = false
  }

  /// The members of a chunk's lines as they are found, one line after the other.
  public struct Builder {
    fileprivate var shapes = [Shape()]
    fileprivate var numbers: [Shape: UInt32] = [Shape(): 0]
    fileprivate var places: [UInt8] = []
    private var last: UInt32 = 0
    /// That of the line in hand: its memory is used again.
    private var shape = Shape()

    /// No line yet.
    public init() {}

    /// Packs the members of a line, in its order.
    ///
    /// - Parameter holdsNonFinite: Whether the line contains a bare NaN or Infinity anywhere.
    /// - Returns: What ``Record`` finds them by.
    public mutating func add(_ members: [RecordMember], holdsNonFinite: Bool) -> PackedMembers {
      let start = UInt32(places.count)
      shape.fields.removeAll(keepingCapacity: true)
      (shape.set, shape.nonFinite, shape.holdsNonFinite) = (0, 0, holdsNonFinite)
      var end = 0
      for member in members {
        let bit = UInt64(1) << UInt64(member.fieldIndex)
        shape.fields.append(UInt8(member.fieldIndex))
        shape.set |= bit
        if member.holdsNonFinite { shape.nonFinite |= bit }
        append(member.value.lowerBound - end)
        append(member.value.count)
        end = member.value.upperBound
      }
      return PackedMembers(shape: number(), start: start)
    }

    private mutating func number() -> UInt32 {
      if shapes[Int(last)] == shape { return last }
      last = numbers[shape] ?? UInt32(shapes.count)
      if Int(last) == shapes.count {
        shapes.append(shape)
        numbers[shape] = last
      }
      return last
    }

    private mutating func append(_ number: Int) {
      var rest = UInt(number)
      while rest > 0x7F {
        places.append(UInt8(truncatingIfNeeded: rest) | 0x80)
        rest >>= 7
      }
      places.append(UInt8(rest))
    }
  }

  /// Where a line's members stand in its chunk.
  public struct PackedMembers: Sendable {
    fileprivate let shape: UInt32
    fileprivate let start: UInt32
  }

  /// Takes over what was built.
  public init(storage: any RecordStorage, members: Builder) {
    self.storage = storage
    shapes = members.shapes
    places = members.places
  }

  /// The members of a line, in order.
  func members(_ line: PackedMembers) -> [RecordMember] { Array(unpacked(line)) }

  /// The member of a field that the line has.
  func member(ofField field: Int, _ line: PackedMembers) -> RecordMember? {
    if fields(line) >> UInt64(field) & 1 == 0 { return nil }
    var members = unpacked(line)
    while let member = members.next() {
      if member.fieldIndex == field { return member }
    }
    return nil
  }

  /// The fields of members, a bit for each position in ``Field/reserved``.
  func fields(_ line: PackedMembers) -> UInt64 { shapes[Int(line.shape)].set }

  func holdsNonFinite(_ line: PackedMembers) -> Bool { shapes[Int(line.shape)].holdsNonFinite }

  private func unpacked(_ line: PackedMembers) -> UnpackedMembers {
    UnpackedMembers(shape: shapes[Int(line.shape)], places: places, position: Int(line.start))
  }

  /// The members of a line, one after the other.
  private struct UnpackedMembers: Sequence, IteratorProtocol {
    let shape: Shape
    let places: [UInt8]
    var position: Int
    var index = 0
    /// Where the value before ends.
    var end = 0

    mutating func next() -> RecordMember? {
      if index == shape.fields.count { return nil }
      let field = shape.fields[index]
      index += 1
      let start = end + number()
      end = start + number()
      return RecordMember(
        fieldIndex: Int(field), value: start..<end, holdsNonFinite: shape.nonFinite >> UInt64(field) & 1 != 0)
    }

    private mutating func number() -> Int {
      var (number, shift) = (0, 0)
      while true {
        let byte = Int(places[position])
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80 { return number }
        shift += 7
      }
    }
  }
}
