// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Changes every weight of a checkpoint a little, up or down at random, to measure how much that changes outcomes.
package enum WeightChange {
  /// A step, in the integer that a number's bits are, and the least that it is of a number: of the greatest significand.
  private static let steps: [String: (size: Int, step: UInt32, relative: Double)] = [
    "F32": (4, 1 << 10, 0x1p-14), "BF16": (2, 1, 0x1p-8),
  ]

  /// Changes the weights of a `.safetensors` file of the types F32 and BF16 in place, with signs chosen by `seed`.
  ///
  /// Returns by what share of itself a weight has changed at least.
  package static func apply(toFile path: String, seed: UInt64) throws -> Double {
    var bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
    let header = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    let document = try JSONSerialization.jsonObject(with: Data(bytes[8..<8 + header]))
    guard let tensors = document as? [String: Any] else { throw CocoaError(.fileReadCorruptFile) }
    var state = seed
    var least = 1.0
    for name in tensors.keys.sorted() where name != "__metadata__" {
      guard let tensor = tensors[name] as? [String: Any], let type = tensor["dtype"] as? String,
        let offsets = tensor["data_offsets"] as? [Int], let (size, step, relative) = steps[type]
      else { throw CocoaError(.fileReadCorruptFile) }
      least = min(least, relative)
      for start in stride(from: 8 + header + offsets[0], to: 8 + header + offsets[1], by: size) {
        // SplitMix64.
        state &+= 0x9E37_79B9_7F4A_7C15
        var random = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
        random = (random ^ random >> 27) &* 0x94D0_49BB_1331_11EB
        let bits = (0..<size).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32(bytes[start + $1]) }
        // Zero stays zero.
        guard bits << (33 - 8 * size) != 0 else { continue }
        let changed = random >> 63 == 0 ? bits + step : bits - step
        for byte in 0..<size { bytes[start + byte] = UInt8(truncatingIfNeeded: changed >> (8 * byte)) }
      }
    }
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return least
  }
}
