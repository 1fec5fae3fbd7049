// SPDX-License-Identifier: Apache-2.0

/// "Did you mean": finds the known name that is nearest to a mistyped one.
public enum NearestName {
  /// The nearest of `known`, or nil if none is near: at most a third of the letters differ, but at least one may.
  ///
  /// Distance counts insertions, deletions, substitutions and swaps of neighbours; `-`, `_` and case do not
  /// count. Of equally near names the first in `known` wins.
  public static func suggestion(for name: String, among known: [String]) -> String? {
    let folded = fold(name)
    let limit = max(1, folded.count / 3)
    var best: (name: String, distance: Int)?
    for candidate in known {
      let letters = fold(candidate)
      guard abs(letters.count - folded.count) <= limit else { continue }
      let distance = distance(folded, letters)
      if distance <= limit, distance < best?.distance ?? Int.max { best = (candidate, distance) }
    }
    return best?.name
  }

  private static func fold(_ name: String) -> [Character] {
    name.lowercased().filter { $0 != "-" && $0 != "_" }.prefix(64).map { $0 }
  }

  /// Damerau–Levenshtein distance with adjacent swaps (optimal string alignment).
  private static func distance(_ a: [Character], _ b: [Character]) -> Int {
    guard !a.isEmpty, !b.isEmpty else { return max(a.count, b.count) }
    var beforeLast = [Int](repeating: 0, count: b.count + 1)
    var last = Array(0...b.count)
    for i in 1...a.count {
      var row = [i]
      for j in 1...b.count {
        var cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1))
        if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { cost = min(cost, beforeLast[j - 2] + 1) }
        row.append(cost)
      }
      (beforeLast, last) = (last, row)
    }
    return last[b.count]
  }
}
