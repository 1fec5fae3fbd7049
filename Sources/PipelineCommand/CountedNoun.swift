// SPDX-License-Identifier: Apache-2.0

extension Int {
  /// The number with what it counts: `1 batch`, `2 batches`, `3 trajectories`.
  func of(_ noun: String) -> String {
    if self == 1 { return "1 \(noun)" }
    if noun.hasSuffix("y") { return "\(self) \(noun.dropLast())ies" }
    return "\(self) \(noun)\(noun.hasSuffix("ch") ? "es" : "s")"
  }
}
