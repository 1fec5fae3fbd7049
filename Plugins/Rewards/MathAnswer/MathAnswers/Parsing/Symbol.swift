// SPDX-License-Identifier: Apache-2.0

/// The name of a variable, known by its hash: names with the same letters are the same variable everywhere.
struct Symbol: Hashable {
  /// The 64-bit hash of the name, which also decides the values it takes in an identity test.
  let hash: UInt64
  /// The letter, where the name is one letter of ASCII; else 0.
  let letter: UInt8

  init(hash: UInt64, letter: UInt8 = 0) {
    self.hash = hash
    self.letter = letter
  }

  init(_ letter: UInt8) {
    self.init(hash: Self.hash(CollectionOfOne(letter)), letter: letter)
  }

  init(_ name: some Sequence<UInt8>) {
    self.init(hash: Self.hash(name))
  }

  init(_ name: StaticString) {
    self.init(hash: Self.hash(UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)))
  }

  /// The symbol with a subscript.
  func subscripted(_ subscriptHash: UInt64) -> Symbol { Symbol(hash: Self.mixed(hash, subscriptHash)) }

  /// What `> 5` speaks of.
  static let unnamed = Symbol("unnamed")
  /// The mark over a letter.
  static let hat = Symbol("hat")
  static let pi = Symbol("pi")
  static let e = Symbol(UInt8(ascii: "e"))
  static let i = Symbol(UInt8(ascii: "i"))

  /// FNV-1a.
  static func hash(_ bytes: some Sequence<UInt8>) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return hash
  }

  /// The finaliser of SplitMix64 over two words.
  static func mixed(_ first: UInt64, _ second: UInt64) -> UInt64 {
    var value = first ^ (second &* 0x9e37_79b9_7f4a_7c15 &+ 0x2545_f491_4f6c_dd1d)
    value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
    return value ^ (value >> 31)
  }
}
