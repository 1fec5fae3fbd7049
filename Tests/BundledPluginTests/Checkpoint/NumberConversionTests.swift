// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore
import Testing

@Suite("Stored numbers", .timeLimit(.minutes(15)))
struct NumberConversionTests {
  private func widen(_ words: [UInt16], _ type: TensorType) -> [Float] {
    words.withUnsafeBytes { bytes in
      [Float](unsafeUninitializedCapacity: words.count) { target, count in
        if let base = target.baseAddress { NumberConversion.widen(bytes, type, into: base) }
        count = words.count
      }
    }
  }

  private func narrow(_ floats: [Float], _ type: TensorType) -> [UInt16] {
    floats.withUnsafeBufferPointer { source in
      [UInt16](unsafeUninitializedCapacity: floats.count) { target, count in
        if let base = target.baseAddress { NumberConversion.narrow(source, to: type, into: base) }
        count = floats.count
      }
    }
  }

  @Test("every F16 and BF16 number widens exactly, and narrows to itself")
  func everyNumber() {
    let words = (0...UInt16.max).map { $0 }
    let brain = widen(words, .bfloat16)
    #expect(brain.indices.allSatisfy { brain[$0].bitPattern == UInt32(words[$0]) << 16 })
    let half = widen(words, .float16)
    for (floats, type) in [(brain, TensorType.bfloat16), (half, .float16)] {
      let back = narrow(floats, type)
      #expect(back.indices.allSatisfy { back[$0] == words[$0] || floats[$0].isNaN })
      #expect(zip(floats, widen(back, type)).allSatisfy { $0 == $1 || $0.isNaN && $1.isNaN })
    }
    #if !os(macOS)
      #expect(
        half.indices.allSatisfy {
          let expected = Float(Float16(bitPattern: words[$0]))
          return half[$0] == expected && half[$0].sign == expected.sign || half[$0].isNaN && expected.isNaN
        })
    #endif
  }

  @Test("NaN and infinities are found in every format", arguments: TensorType.allCases)
  func finiteness(type: TensorType) {
    for value in [Float.nan, .infinity, -.infinity, 0, -1, 60000, 1e-7] {
      var bytes = [UInt8](repeating: 0, count: 5 * type.byteCount)
      let isFinite = [1, 2, value, 3, 4].withUnsafeBufferPointer { floats in
        bytes.withUnsafeMutableBytes { target in
          if let base = target.baseAddress { NumberConversion.narrow(floats, to: type, into: base) }
          return NumberConversion.isFinite(UnsafeRawBufferPointer(target), type)
        }
      }
      #expect(isFinite == value.isFinite)
    }
  }

  @Test("narrowing rounds to nearest, ties to even")
  func rounding() {
    var draw = PhiloxGenerator(seed: 1, purpose: "numbers")
    var floats = (0..<200_000).map { _ in Float(bitPattern: UInt32.random(in: 0...UInt32.max, using: &draw)) }
    // Around every half: just below, at, and just above the middle between two.
    for word in stride(from: UInt16(0), to: 0x7C00, by: 7) {
      let low = widen([word, word + 1], .float16)
      let middle = (low[0] + low[1]) / 2
      floats += [middle, middle.nextUp, middle.nextDown, -middle]
    }
    floats += [65504, 65519.996, 65520, 1e9, .infinity, -.infinity, 5.9e-8, 2.98e-8, 2.9e-8, 0, -0.0]
    let half = narrow(floats, .float16)
    #if !os(macOS)
      #expect(floats.indices.allSatisfy { Float16(floats[$0]).bitPattern == half[$0] || floats[$0].isNaN })
    #endif
    let brain = narrow(floats, .bfloat16)
    for (float, word) in zip(floats, brain) where float.isFinite {
      let exact = Double(float)
      let found = Double(Float(bitPattern: UInt32(word) << 16))
      let below = Double(Float(bitPattern: float.bitPattern & 0xFFFF_0000))
      let step = Double(Float(bitPattern: float.bitPattern & 0x7F80_0000).ulp) * 65536
      guard found.isFinite else { continue }
      #expect(abs(found - exact) <= step / 2 && (found == below || abs(found - below) == step))
    }
    #expect(narrow([1.00390625, 1.01171875], .bfloat16) == [0x3F80, 0x3F82])
  }
}
