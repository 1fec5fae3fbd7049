// SPDX-License-Identifier: Apache-2.0

/// Unicode normalisation form C as the `tokenizers` package computes it.
///
/// That package has the combining classes of an older Unicode version: newer marks stay in place. Therefore only
/// sequences of scalars that it can compose are normalised, each with the scalar before it.
enum CanonicalComposition {
  /// The normalised text, or nil if it is already normalised.
  static func composed(_ utf8: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
    let kinds = CharacterKinds.shared.table
    var result: [UInt8]?
    var copied = 0
    var previous: Int?
    var position = 0
    while position < utf8.count {
      // Nothing below U+0300 composes with what comes before it.
      if utf8[position] < 0xCC {
        previous = position
        position += utf8[position] < 0x80 ? 1 : 2
        continue
      }
      let (value, length) = utf8.scalar(at: position)
      if kinds[Int(value)] & CharacterKinds.composing == 0 {
        previous = isUnknownMark(value) ? nil : position
        position += length
        continue
      }
      let start = previous ?? position
      while position < utf8.count {
        let (value, length) = utf8.scalar(at: position)
        if kinds[Int(value)] & CharacterKinds.composing == 0 { break }
        position += length
      }
      var bytes = result ?? []
      result = nil
      bytes.append(contentsOf: utf8[copied..<start])
      append(composed(scalars: utf8, start..<position), to: &bytes)
      result = bytes
      copied = position
      previous = nil
    }
    result?.append(contentsOf: utf8[copied...])
    return result
  }

  /// Decomposes, puts marks in order, and composes.
  private static func composed(scalars utf8: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> [UInt32] {
    let tables = CompositionTables.shared
    var parts: [UInt32] = []
    var position = range.lowerBound
    while position < range.upperBound {
      let (value, length) = utf8.scalar(at: position)
      tables.decompose(value, into: &parts)
      position += length
    }
    let classes = order(&parts)
    var result: [UInt32] = []
    var starter: Int?
    var lastClass: UInt8 = 0
    for (value, markClass) in zip(parts, classes) {
      if let starter, starter == result.count - 1 || lastClass < markClass && lastClass > 0,
        let whole = tables.composite(result[starter], value)
      {
        result[starter] = whole
        continue
      }
      if markClass == 0 { starter = result.count }
      lastClass = markClass
      result.append(value)
    }
    return result
  }

  /// Sorts each sequence of marks by combining class, keeping the order of equal ones; returns the classes.
  private static func order(_ scalars: inout [UInt32]) -> [UInt8] {
    var classes = scalars.map(combiningClass)
    var start = 0
    while start < scalars.count {
      var end = start
      while end < scalars.count, classes[end] > 0 { end += 1 }
      if end - start > 1 {
        let run = zip(classes[start..<end], scalars[start..<end]).enumerated()
          .sorted { ($0.element.0, $0.offset) < ($1.element.0, $1.offset) }
        for (index, mark) in zip(start..<end, run) { (classes[index], scalars[index]) = mark.element }
      }
      start = end + 1
    }
    return classes
  }

  private static func combiningClass(_ value: UInt32) -> UInt8 {
    guard CharacterKinds.shared.table[Int(value)] & CharacterKinds.composing != 0,
      let scalar = Unicode.Scalar(value)
    else { return 0 }
    return scalar.properties.canonicalCombiningClass.rawValue
  }

  private static func append(_ scalars: [UInt32], to bytes: inout [UInt8]) {
    for scalar in scalars.lazy.compactMap({ Unicode.Scalar($0) }) {
      bytes.append(contentsOf: UTF8.encode(scalar) ?? .init())
    }
  }

  /// Whether a scalar is a mark for this system, but not for the `tokenizers` package.
  private static func isUnknownMark(_ value: UInt32) -> Bool {
    guard let scalar = Unicode.Scalar(value) else { return false }
    return scalar.properties.canonicalCombiningClass != .notReordered
  }
}
