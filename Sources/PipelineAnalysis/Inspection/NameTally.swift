// SPDX-License-Identifier: Apache-2.0

/// Counts of names, in the order of first occurrence; beyond a limit new names are counted as others.
package struct NameTally: Sendable {
  package private(set) var entries: [(name: String, count: Int)] = []
  private(set) var others = 0
  private var positions: [String: Int] = [:]
  private let limit: Int
  /// The entry behind the last one: records name the same things in the same order, and it is mostly this one.
  private var next = 0

  init(limit: Int = 64) { self.limit = limit }

  /// Counts a name, and returns its position among the entries; nil beyond the limit.
  @discardableResult
  mutating func add(_ name: String) -> Int? {
    if next >= entries.count { next = 0 }
    let isNext = next < entries.count && entries[next].name == name
    guard let position = isNext ? next : positions[name] ?? new(name) else {
      others += 1
      return nil
    }
    entries[position].count += 1
    next = position + 1
    return position
  }

  /// The position of a new entry; nil beyond the limit.
  private mutating func new(_ name: String) -> Int? {
    guard entries.count < limit else { return nil }
    positions[name] = entries.count
    entries.append((name, 0))
    return entries.count - 1
  }

  /// How often a name occurred.
  package func count(of name: String) -> Int { positions[name].map { entries[$0].count } ?? 0 }
}
