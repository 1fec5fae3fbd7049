// SPDX-License-Identifier: Apache-2.0

/// How the commas of an answer can be meant: `1,234` is a number or two, `1,22` two or one with decimals.
struct CommaReadings {
  /// The ways to read it, the likeliest first.
  let kinds: [CommaReading]

  init(_ bytes: [UInt8]) {
    guard bytes.contains(UInt8(ascii: ",")) else {
      kinds = [.thousands]
      return
    }
    let clusters = Self.clusters(in: bytes)
    if clusters.isEmpty {
      kinds = [.thousands]
    } else if clusters.count == 1, let only = clusters.first, Self.hasUnit(bytes, after: only.range) {
      // What has a unit is one number.
      kinds = only.isGrouped || only.groups.count > 2 ? [.thousands] : [.decimal]
    } else if clusters.contains(where: \.hasThousands) {
      // No part of a list begins with a zero; what stands alone between brackets is a tuple.
      if clusters.contains(where: \.hasZeroGroup) {
        kinds = [.thousands]
      } else if clusters.allSatisfy({ Self.isBracketed(bytes, $0.range) }) {
        kinds = [.separator]
      } else if let only = clusters.first, clusters.count == 1, only.groups.count == 2,
        only.groups[0].elementsEqual([0x30])
      {
        kinds = [.separator, .sameDecimal]
      } else {
        kinds = [.thousands, .separator]
      }
    } else if let only = clusters.first, clusters.count == 1, only.groups.count == 2, only.groups[1].count > 1,
      Self.isAll(bytes, only.range)
    {
      kinds = [.separator, .sameDecimal]
    } else {
      kinds = [.thousands]
    }
  }

  /// Digits with commas right between them.
  private struct Cluster {
    let range: Range<Int>
    let groups: [ArraySlice<UInt8>]

    /// Whether it can be a number with separators between groups of three.
    var isGrouped: Bool {
      groups[0].count <= 3 && groups[0].first != UInt8(ascii: "0") && groups.dropFirst().allSatisfy { $0.count == 3 }
    }
    var hasThousands: Bool { groups.dropFirst().contains { $0.count == 3 } }
    /// Whether a group that can only follow a separator begins with a zero.
    var hasZeroGroup: Bool {
      isGrouped && groups.dropFirst().contains { $0.first == UInt8(ascii: "0") }
    }
  }

  private static func clusters(in bytes: [UInt8]) -> [Cluster] {
    var clusters: [Cluster] = []
    var position = 0
    while position < bytes.count {
      guard bytes[position].isDigit else {
        position += 1
        continue
      }
      let start = position
      var groups: [ArraySlice<UInt8>] = []
      while position < bytes.count, bytes[position].isDigit {
        let first = position
        while position < bytes.count, bytes[position].isDigit { position += 1 }
        groups.append(bytes[first..<position])
        guard position + 1 < bytes.count, bytes[position] == UInt8(ascii: ","), bytes[position + 1].isDigit else {
          break
        }
        position += 1
      }
      if groups.count > 1 { clusters.append(Cluster(range: start..<position, groups: groups)) }
    }
    return clusters
  }

  /// Whether there is nothing else but a sign, space and dollar signs of TeX.
  private static func isAll(_ bytes: [UInt8], _ range: Range<Int>) -> Bool {
    let isLoose = { (byte: UInt8) in byte.isSpace || byte == UInt8(ascii: "$") || byte == UInt8(ascii: "-") }
    return bytes[..<range.lowerBound].allSatisfy(isLoose) && bytes[range.upperBound...].allSatisfy(isLoose)
  }

  private static func isBracketed(_ bytes: [UInt8], _ range: Range<Int>) -> Bool {
    var before = bytes[..<range.lowerBound].trimmed
    let after = bytes[range.upperBound...].trimmed
    if before.last == UInt8(ascii: "-") { before.removeLast() }
    guard let open = before.last, let close = after.first else { return false }
    if open == UInt8(ascii: "{") { return before.ends(with: "\\{") && after.holds("\\}", at: after.startIndex) }
    let closes =
      close == UInt8(ascii: ")") || close == UInt8(ascii: "]") || after.holds("\\right", at: after.startIndex)
    return closes && (open == UInt8(ascii: "(") || open == UInt8(ascii: "["))
  }

  /// Whether a unit follows the last number of an answer, or the sign of a currency stands before it.
  private static func hasUnit(_ bytes: [UInt8], after range: Range<Int>) -> Bool {
    let before = bytes[..<range.lowerBound].trimmed
    let rest = bytes[range.upperBound...]
    let after = rest.trimmed
    if after.contains(where: { $0.isDigit && $0 != UInt8(ascii: "2") && $0 != UInt8(ascii: "3") }) { return false }
    let dollars = bytes.count { $0 == UInt8(ascii: "$") }
    if before.ends(with: "\\$") || before.ends(with: "€") || before.ends(with: "£") || before.ends(with: "¥") {
      return true
    }
    guard let first = after.first else { return false }
    if first == UInt8(ascii: "$") {
      return dollars % 2 == 1 || hasUnit(bytes, after: range.lowerBound..<(after.startIndex + 1))
    }
    if first == UInt8(ascii: "%") || first >= 0x80 { return true }
    if first == UInt8(ascii: "\\") {
      return ["\\text", "\\mathrm", "\\%", "\\$", "\\,\\text", "\\,\\mathrm", "\\ \\text", "\\ \\mathrm", "\\mbox"]
        .contains {
          after.starts(with: $0.utf8)
        }
    }
    if first == UInt8(ascii: "^") { return after.starts(with: "^\\circ".utf8) || after.starts(with: "^{\\circ".utf8) }
    let word = after.prefix { $0.isLetter }
    if word.count == 1 { return after.count < rest.count && UnitTable.unit(letter: word.first ?? 0) != nil }
    return !word.isEmpty && !["and", "or"].contains(where: { word.elementsEqual($0.utf8) })
  }
}
