// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineIO

/// Lines that cannot be used, counted by reason; the first line of each reason is kept.
package struct BadRecordTally: Sendable {
  package struct Entry: Sendable {
    /// The reason without the parts that differ from line to line.
    let reason: String
    let first: BadRecord
    package var count: Int
    /// Whether every line gives exactly the same reason.
    var isUniform = true
    /// The reason as shown: in full if it is always the same.
    var text: String { isUniform ? first.reason : reason }
  }

  package private(set) var count = 0
  /// In the order of their first occurrence; after 64 reasons, others are counted together.
  package private(set) var entries: [Entry] = []

  mutating func add(_ record: BadRecord) {
    count += 1
    var reason = Self.kind(of: record.reason)
    if entries.count >= 64, !entries.contains(where: { $0.reason == reason }) { reason = "other reasons" }
    if let index = entries.firstIndex(where: { $0.reason == reason }) {
      entries[index].count += 1
      entries[index].isUniform = entries[index].isUniform && entries[index].first.reason == record.reason
    } else {
      entries.append(Entry(reason: reason, first: record, count: 1))
    }
  }

  /// Replaces numbers, and quoted words other than the names of fields, by a placeholder.
  package static func kind(of reason: String) -> String {
    let known = Set(Field.reserved.map(\.rawValue))
    let parts = reason.split(separator: "'", omittingEmptySubsequences: false).map(String.init)
    let words = parts.enumerated().map { index, part in
      let isQuoted = index % 2 == 1 && index < parts.count - 1
      let field = part.prefix { $0 != "." }
      return isQuoted && !known.contains(String(field)) ? "…" : isQuoted ? part : withoutNumbers(part)
    }
    return words.joined(separator: "'")
  }

  private static func withoutNumbers(_ text: String) -> String {
    text.split(separator: " ", omittingEmptySubsequences: false)
      .map { !$0.isEmpty && $0.allSatisfy(\.isNumber) ? "…" : String($0) }.joined(separator: " ")
  }
}
