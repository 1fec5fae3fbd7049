// SPDX-License-Identifier: Apache-2.0

/// Something that the target format cannot hold.
package struct ConversionLoss: Sendable, Hashable, CustomStringConvertible {
  /// The field, or a path into it: `prompt.image`.
  package let field: String
  /// The number of records, or of occurrences in them.
  package let count: Int
  /// The reason, without a full stop.
  package let reason: String

  /// Describes a loss.
  package init(_ field: String, _ count: Int, _ reason: String) {
    self.field = field
    self.count = count
    self.reason = reason
  }

  /// `advantage (12): verl has no place for it`.
  package var description: String { "\(field) (\(count)): \(reason)" }
}

/// Counts losses by field and reason, in the order of their first occurrence.
struct LossLedger {
  private struct Key: Hashable {
    let field: String
    let reason: String
  }

  private var order: [Key] = []
  private var counts: [Key: Int] = [:]

  mutating func note(_ field: String, _ reason: String, count: Int = 1) {
    guard count > 0 else { return }
    let key = Key(field: field, reason: reason)
    if counts[key] == nil { order.append(key) }
    counts[key, default: 0] += count
  }

  var losses: [ConversionLoss] { order.map { ConversionLoss($0.field, counts[$0] ?? 0, $0.reason) } }
}
