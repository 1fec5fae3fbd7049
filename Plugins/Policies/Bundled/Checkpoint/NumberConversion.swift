// SPDX-License-Identifier: Apache-2.0

/// Conversions between stored numbers and `Float`, in loops that vectorise.
///
/// Widening is exact, including NaN. Narrowing rounds to nearest, ties to even, and preserves NaN. Numbers are in the
/// byte order of the machine, which must be little-endian like the files.
package enum NumberConversion {
  package static func widen(
    _ source: UnsafeRawBufferPointer, _ type: TensorType, into target: UnsafeMutablePointer<Float>
  ) {
    guard let base = source.baseAddress else { return }
    let count = source.count / type.byteCount
    switch type {
    case .float32: UnsafeMutableRawPointer(target).copyMemory(from: base, byteCount: source.count)
    case .bfloat16:
      let words = base.assumingMemoryBound(to: UInt16.self)
      for index in 0..<count { target[index] = Float(bitPattern: UInt32(words[index]) << 16) }
    case .float16:
      let words = base.assumingMemoryBound(to: UInt16.self)
      for index in 0..<count { target[index] = widenHalf(words[index]) }
    }
  }

  package static func narrow(
    _ source: UnsafeBufferPointer<Float>, to type: TensorType, into target: UnsafeMutableRawPointer
  ) {
    guard let base = source.baseAddress else { return }
    switch type {
    case .float32: target.copyMemory(from: base, byteCount: source.count * 4)
    case .bfloat16:
      let words = target.assumingMemoryBound(to: UInt16.self)
      for index in source.indices { words[index] = brain(source[index].bitPattern) }
    case .float16:
      let words = target.assumingMemoryBound(to: UInt16.self)
      for index in source.indices { words[index] = half(source[index].bitPattern) }
    }
  }

  /// Whether no exponent is the one of NaN and infinities.
  package static func isFinite(_ source: UnsafeRawBufferPointer, _ type: TensorType) -> Bool {
    func count<Word: FixedWidthInteger>(_ exponent: Word) -> Int {
      source.bindMemory(to: Word.self).reduce(0) { $0 &+ ($1 & exponent == exponent ? 1 : 0) }
    }
    return switch type {
    case .float32: count(UInt32(0x7F80_0000)) == 0
    case .bfloat16: count(UInt16(0x7F80)) == 0
    case .float16: count(UInt16(0x7C00)) == 0
    }
  }

  /// Scaling by 2¹¹² moves the exponent, and makes subnormal numbers normal.
  @inline(__always)
  private static func widenHalf(_ half: UInt16) -> Float {
    let magnitude = UInt32(half & 0x7FFF) << 13
    let scaled = (Float(bitPattern: magnitude) * Float(bitPattern: 0x7780_0000)).bitPattern
    let infinity: UInt32 = magnitude >= 0x0F80_0000 ? 0x7F80_0000 : 0
    return Float(bitPattern: scaled | infinity | UInt32(half & 0x8000) << 16)
  }

  @inline(__always)
  private static func brain(_ bits: UInt32) -> UInt16 {
    let rounded = UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
    let quiet = UInt16(truncatingIfNeeded: bits >> 16) | 0x40
    return bits & 0x7FFF_FFFF > 0x7F80_0000 ? quiet : rounded
  }

  @inline(__always)
  private static func half(_ bits: UInt32) -> UInt16 {
    let sign = UInt16(truncatingIfNeeded: bits >> 16) & 0x8000
    let magnitude = bits & 0x7FFF_FFFF
    // Adding 0.5 makes the addition itself round numbers that become subnormal.
    let subnormal = (Float(bitPattern: magnitude) + 0.5).bitPattern &- 0x3F00_0000
    let normal = (magnitude &+ 0xC800_0FFF &+ (magnitude >> 13 & 1)) >> 13
    let finite = magnitude < 0x3880_0000 ? subnormal : normal
    let large: UInt32 = magnitude > 0x7F80_0000 ? 0x7E00 : 0x7C00
    return sign | UInt16(truncatingIfNeeded: magnitude >= 0x4780_0000 ? large : finite)
  }
}
