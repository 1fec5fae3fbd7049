// SPDX-License-Identifier: Apache-2.0

/// A counter-based random number generator, Philox4x64-10, whose every draw is a pure function of its key and position.
///
/// A stream is named by its purpose, not by when it is used: adding a stage, changing the number of threads or resuming
/// a run changes no other draw. The output equals NumPy's `Philox(key=[seed, purpose], counter=[0, a, b,
/// c]).random_raw()`, so that draws can be checked from Python.
///
/// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
public struct PhiloxGenerator: RandomNumberGenerator, Sendable {
  private var key: (UInt64, UInt64)
  private var counter: (UInt64, UInt64, UInt64, UInt64)
  private var block: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
  private var used = 4

  /// Opens the stream of draws that belongs to a key and a position.
  ///
  /// - Parameters:
  ///   - seed: The seed of the run.
  ///   - purpose: What the draws are for, usually a stage's name; hashed with FNV-1a (64 bit).
  ///   - position: Up to three coordinates, for example step, group and round.
  public init(seed: UInt64, purpose: String, position: (UInt64, UInt64, UInt64) = (0, 0, 0)) {
    self.key = (seed, Self.hash(purpose))
    self.counter = (0, position.0, position.1, position.2)
  }

  /// The next 64 random bits.
  public mutating func next() -> UInt64 {
    if used == 4 {
      counter.0 &+= 1
      block = Self.rounds(counter, key)
      used = 0
    }
    defer { used += 1 }
    switch used {
    case 0: return block.0
    case 1: return block.1
    case 2: return block.2
    default: return block.3
    }
  }

  /// A uniform number strictly between 0 and 1: the middle of one of 2^53 equal intervals.
  public mutating func uniform() -> Double { Self.uniform(from: next()) }

  /// The uniform number made from 64 random bits; see ``uniform()``.
  public static func uniform(from bits: UInt64) -> Double {
    // The middle of the last interval would round to 1.
    min((Double(bits >> 11) + 0.5) * 0x1p-53, 1 - 0x1p-53)
  }

  /// FNV-1a (64 bit) over the UTF-8 bytes of `text`: turns names into coordinates and keys.
  public static func hash(_ text: String) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return hash
  }

  private static func rounds(
    _ counter: (UInt64, UInt64, UInt64, UInt64), _ key: (UInt64, UInt64)
  ) -> (UInt64, UInt64, UInt64, UInt64) {
    var (x0, x1, x2, x3) = counter
    var (k0, k1) = key
    for round in 0..<10 {
      if round > 0 {
        k0 &+= 0x9E37_79B9_7F4A_7C15
        k1 &+= 0xBB67_AE85_84CA_A73B
      }
      let product0 = x0.multipliedFullWidth(by: 0xD2E7_470E_E14C_6C93)
      let product1 = x2.multipliedFullWidth(by: 0xCA5A_8263_9512_1157)
      (x0, x1, x2, x3) = (product1.high ^ x1 ^ k0, product1.low, product0.high ^ x3 ^ k1, product0.low)
    }
    return (x0, x1, x2, x3)
  }
}
