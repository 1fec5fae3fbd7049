// SPDX-License-Identifier: Apache-2.0

/// Counts of names, in the order of first occurrence; beyond a limit new names are counted as others.
package struct NameTally: Sendable {
  package private(set) var entries: [(name: String, count: Int)] = []
  private(set) var others = 0
  private var positions: [String: Int] = [:]
  private let limit: Int

  init(limit: Int = 64) { self.limit = limit }

  mutating func add(_ name: String) {
    if let position = positions[name] {
      entries[position].count += 1
    } else if entries.count < limit {
      positions[name] = entries.count
      entries.append((name, 1))
    } else {
      others += 1
    }
  }

  /// How often a name occurred.
  package func count(of name: String) -> Int { positions[name].map { entries[$0].count } ?? 0 }
}
