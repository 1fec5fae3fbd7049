// SPDX-License-Identifier: Apache-2.0

/// What was read by an importer.
package struct ImportSummary: Sendable, Hashable {
  /// The number of lines.
  package let lines: Int
  /// The number of records made of them.
  package let rows: Int
  /// The number of rollouts in each group.
  package let groupSizes: GroupSizes
  /// Notes for the user, one sentence each without a full stop.
  package let notes: [String]

  /// The number of groups.
  package var groups: Int { groupSizes.groups }

  /// Describes what was read.
  package init(lines: Int, rows: Int, groupSizes: GroupSizes, notes: [String]) {
    self.lines = lines
    self.rows = rows
    self.groupSizes = groupSizes
    self.notes = notes
  }
}

/// The number of groups of each size.
package struct GroupSizes: Sendable, Hashable, CustomStringConvertible {
  /// Groups of one size.
  package struct Count: Sendable, Hashable {
    /// The number of rollouts in each.
    package let size: Int
    /// The number of such groups.
    package let groups: Int
  }

  /// The sizes, ascending.
  package let counts: [Count]

  /// Counts sizes.
  package init(_ sizes: some Sequence<Int>) {
    var groups: [Int: Int] = [:]
    for size in sizes { groups[size, default: 0] += 1 }
    self.counts = groups.sorted { $0.key < $1.key }.map { Count(size: $0.key, groups: $0.value) }
  }

  /// The number of groups.
  package var groups: Int { counts.reduce(0) { $0 + $1.groups } }

  /// Whether groups differ in size.
  package var isUneven: Bool { counts.count > 1 }

  /// The number of groups of one size.
  package subscript(size: Int) -> Int { counts.first { $0.size == size }?.groups ?? 0 }

  /// `207 groups of 4, 42 groups of 8`.
  package var description: String {
    counts.isEmpty
      ? "no groups"
      : counts.map { "\($0.groups) \($0.groups == 1 ? "group" : "groups") of \($0.size)" }
        .joined(separator: ", ")
  }
}
