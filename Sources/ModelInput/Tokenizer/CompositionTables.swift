// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Canonical decompositions and compositions of single scalars, made at first use (a few milliseconds).
///
/// ``CharacterRanges`` says which scalars have one, the system says what it is. Whole texts are not left to the system,
/// because Foundation on Linux does not normalise some sequences of marks and of Hangul letters.
final class CompositionTables: Sendable {
  static let shared = CompositionTables()

  private let decompositions: [UInt32: [UInt32]]
  private let composites: [UInt64: UInt32]

  private init() {
    var decompositions: [UInt32: [UInt32]] = [:]
    var composites: [UInt64: UInt32] = [:]
    var composed: [(parts: [UInt32], whole: UInt32)] = []
    let ranges = CharacterRanges.decomposing
    for index in stride(from: 0, to: ranges.count, by: 2) {
      for value in ranges[index]...ranges[index + 1] {
        guard let scalar = Unicode.Scalar(value) else { continue }
        let text = String(Character(scalar))
        let parts = text.decomposedStringWithCanonicalMapping.unicodeScalars.map(\.value)
        decompositions[value] = parts
        let isComposite = text.precomposedStringWithCanonicalMapping.unicodeScalars.elementsEqual([scalar])
        if isComposite, parts.count > 1 { composed.append((parts, value)) }
      }
    }
    // Shorter ones first: a longer one extends a shorter one by a mark.
    for (parts, whole) in composed.sorted(by: { ($0.parts.count, $0.whole) < ($1.parts.count, $1.whole) }) {
      var first = parts[0]
      for part in parts[1..<(parts.count - 1)] { first = composites[Self.key(first, part)] ?? first }
      composites[Self.key(first, parts[parts.count - 1])] = whole
    }
    self.decompositions = decompositions
    self.composites = composites
  }

  /// Appends the full decomposition of a scalar.
  func decompose(_ value: UInt32, into scalars: inout [UInt32]) {
    if let parts = decompositions[value] {
      scalars.append(contentsOf: parts)
    } else if (Hangul.syllable..<Hangul.syllableEnd).contains(value) {
      let index = value - Hangul.syllable
      scalars.append(Hangul.leading + index / (Hangul.vowels * Hangul.trailings))
      scalars.append(Hangul.vowel + index % (Hangul.vowels * Hangul.trailings) / Hangul.trailings)
      if index % Hangul.trailings > 0 { scalars.append(Hangul.trailing + index % Hangul.trailings) }
    } else {
      scalars.append(value)
    }
  }

  /// The composition of two scalars.
  func composite(_ first: UInt32, _ second: UInt32) -> UInt32? {
    if (Hangul.leading..<Hangul.leading + 19).contains(first),
      (Hangul.vowel..<Hangul.vowel + Hangul.vowels).contains(second)
    {
      let pair = (first - Hangul.leading) * Hangul.vowels + second - Hangul.vowel
      return Hangul.syllable + pair * Hangul.trailings
    }
    if (Hangul.syllable..<Hangul.syllableEnd).contains(first), (first - Hangul.syllable) % Hangul.trailings == 0,
      (Hangul.trailing + 1..<Hangul.trailing + Hangul.trailings).contains(second)
    {
      return first + second - Hangul.trailing
    }
    return composites[Self.key(first, second)]
  }

  private static func key(_ first: UInt32, _ second: UInt32) -> UInt64 { UInt64(first) << 32 | UInt64(second) }

  /// The positions and numbers of Hangul letters and syllables in Unicode.
  private enum Hangul {
    static let leading: UInt32 = 0x1100
    static let vowel: UInt32 = 0x1161
    static let trailing: UInt32 = 0x11A7
    static let syllable: UInt32 = 0xAC00
    static let syllableEnd: UInt32 = 0xD7A4
    static let vowels: UInt32 = 21
    static let trailings: UInt32 = 28
  }
}
