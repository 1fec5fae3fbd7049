// SPDX-License-Identifier: Apache-2.0

/// What was read by an importer.
public struct ImportSummary: Sendable, Hashable {
  /// The number of lines.
  public let lines: Int
  /// The number of records made of them.
  public let rows: Int
  /// The number of rollouts in each group.
  public let groupSizes: GroupSizes
  /// Notes for the user, one sentence each without a full stop.
  public let notes: [String]

  /// The number of groups.
  public var groups: Int { groupSizes.groups }

  /// Describes what was read.
  public init(lines: Int, rows: Int, groupSizes: GroupSizes, notes: [String]) {
    self.lines = lines
    self.rows = rows
    self.groupSizes = groupSizes
    self.notes = notes
  }
}

/// The number of groups of each size.
public struct GroupSizes: Sendable, Hashable, CustomStringConvertible {
  /// Groups of one size.
  public struct Count: Sendable, Hashable {
    /// The number of rollouts in each.
    public let size: Int
    /// The number of such groups.
    public let groups: Int
  }

  /// The sizes, ascending.
  public let counts: [Count]

  /// Counts sizes.
  public init(_ sizes: some Sequence<Int>) {
    var groups: [Int: Int] = [:]
    for size in sizes { groups[size, default: 0] += 1 }
    self.counts = groups.sorted { $0.key < $1.key }.map { Count(size: $0.key, groups: $0.value) }
  }

  /// The number of groups.
  public var groups: Int { counts.reduce(0) { $0 + $1.groups } }

  /// Whether groups differ in size.
  public var isUneven: Bool { counts.count > 1 }

  /// The number of groups of one size.
  public subscript(size: Int) -> Int { counts.first { $0.size == size }?.groups ?? 0 }

  /// `207 groups of 4, 42 groups of 8`.
  public var description: String {
    counts.isEmpty
      ? "no groups"
      : counts.map { "\($0.groups) \($0.groups == 1 ? "group" : "groups") of \($0.size)" }
        .joined(separator: ", ")
  }
}
