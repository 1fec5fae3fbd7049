// SPDX-License-Identifier: Apache-2.0

/// The tokens of pieces seen before.
///
/// Bounded: at most 32,768 pieces, a few megabytes; when it is full, it is emptied.
struct PieceCache {
  private struct Slot {
    var hash: UInt64 = 0
    var keyStart: Int32 = 0
    var keyCount: Int32 = 0
    var tokenStart: Int32 = 0
    var tokenCount: Int32 = 0
  }

  /// Longer pieces are not cached.
  static let longestPiece = 64

  private static let slotCount = 1 << 16
  private static let mostPieces = 1 << 15
  private static let probes = 8

  private var slots = [Slot](repeating: Slot(), count: slotCount)
  private var keys: [UInt8] = []
  private var tokens: [Int32] = []
  private var count = 0

  /// The hash of a piece, to pass to both methods below.
  static func hash(_ piece: UnsafeBufferPointer<UInt8>) -> UInt64 {
    let bytes = UnsafeRawBufferPointer(piece)
    var hash = UInt64(truncatingIfNeeded: piece.count) &* 0x9E37_79B9_7F4A_7C15
    var position = 0
    while position + 8 <= bytes.count {
      hash = mix(hash ^ bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
      position += 8
    }
    var rest: UInt64 = 0
    while position < bytes.count {
      rest = rest << 8 | UInt64(bytes[position])
      position += 1
    }
    return mix(hash ^ rest)
  }

  /// Appends the tokens of a piece, if it is known.
  func append(_ piece: UnsafeBufferPointer<UInt8>, hash: UInt64, to output: inout [Int32]) -> Bool {
    for probe in 0..<Self.probes {
      let slot = slots[(Int(truncatingIfNeeded: hash >> 32) + probe) & (Self.slotCount - 1)]
      if slot.keyCount == 0 { return false }
      if slot.hash == hash, Int(slot.keyCount) == piece.count,
        keys[Int(slot.keyStart)..<Int(slot.keyStart + slot.keyCount)].elementsEqual(piece)
      {
        output.append(contentsOf: tokens[Int(slot.tokenStart)..<Int(slot.tokenStart + slot.tokenCount)])
        return true
      }
    }
    return false
  }

  /// Stores the tokens of a piece, unless too many others have the same hash.
  mutating func store(_ piece: UnsafeBufferPointer<UInt8>, hash: UInt64, tokens new: ArraySlice<Int32>) {
    if count == Self.mostPieces { self = PieceCache() }
    for probe in 0..<Self.probes {
      let index = (Int(truncatingIfNeeded: hash >> 32) + probe) & (Self.slotCount - 1)
      guard slots[index].keyCount == 0 else { continue }
      slots[index] = Slot(
        hash: hash, keyStart: Int32(keys.count), keyCount: Int32(piece.count), tokenStart: Int32(tokens.count),
        tokenCount: Int32(new.count))
      keys.append(contentsOf: piece)
      tokens.append(contentsOf: new)
      count += 1
      return
    }
  }

  @inline(__always)
  private static func mix(_ word: UInt64) -> UInt64 {
    let product = (word ^ word >> 32) &* 0xD6E8_FEB8_6659_FD93
    return product ^ product >> 32
  }
}
