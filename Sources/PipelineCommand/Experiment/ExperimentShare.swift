// SPDX-License-Identifier: Apache-2.0

/// A share of runs: the k-th of n.
struct ExperimentShare: Sendable, Hashable {
  /// Which one, from 1.
  let number: Int
  /// How many there are.
  let count: Int

  /// Reads `k/n`; nil where it says nothing of that kind.
  init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 2, let number = parts[0], let count = parts[1], number >= 1, number <= count else {
      return nil
    }
    (self.number, self.count) = (number, count)
  }

  /// Every n-th element, so that shares take about as long as each other.
  func part<Element>(of elements: [Element]) -> [Element] {
    elements.indices.filter { $0 % count == number - 1 }.map { elements[$0] }
  }
}
