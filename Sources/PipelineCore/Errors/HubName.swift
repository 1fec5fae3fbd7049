// SPDX-License-Identifier: Apache-2.0

/// Names such as `owner/name` or `owner/name@train`, by which other trainers mean a model or a data set on a hub.
package enum HubName {
  /// Whether a text looks like one: two words with a slash between them that are no path to a file.
  package static func looksLike(_ text: String) -> Bool {
    let name = text.split(separator: "@", maxSplits: 1).first ?? ""
    let words = name.split(separator: "/", omittingEmptySubsequences: false)
    guard words.count == 2, words.allSatisfy({ !$0.isEmpty && !$0.hasPrefix(".") && $0 != "~" }) else { return false }
    let ends = [".jsonl", ".json", ".parquet", ".gz", ".zst", ".arrow", ".csv"]
    return !ends.contains { name.hasSuffix($0) }
      && name.allSatisfy { $0.isLetter || $0.isNumber || "-_./".contains($0) }
  }
}
