// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Draws without replacement in proportion to weights: as if one were drawn after the other, each from what is left.
///
/// Each item gets the key `−log u / w` with a draw of its own, and the smallest keys win, so that an item's draw depends on
/// nothing but its name. Source: Efraimidis, Spirakis, "Weighted random sampling with a reservoir" (2006).
struct WeightedChoice {
  private var keyed: [(key: Double, index: Int)] = []

  /// Adds an item with a positive weight; one of weight 0 is never drawn.
  mutating func add(_ index: Int, weight: Double, random: PhiloxGenerator) {
    if weight <= 0 { return }
    var random = random
    keyed.append((-PortableMath.log(random.uniform()) / weight, index))
  }

  /// The first `count` that are drawn, in the order of drawing.
  func drawn(_ count: Int) -> [Int] {
    keyed.sorted { ($0.key, $0.index) < ($1.key, $1.index) }.prefix(max(0, count)).map(\.index)
  }
}
