// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// The batch in training order: positions of trajectories, one for each draw.
struct DrawOrder {
  /// Positions in the batch, in the order of training.
  let slots: [Int]
  /// Whether they are pairs, each member followed by its partner.
  let isPaired: Bool

  /// The order of `draws` or, if nothing was drawn, that of the batch.
  init(_ batch: TrajectoryBatch, among usable: Set<Int>) {
    let drawn = (0..<batch.count).flatMap { index in (batch[index].draws ?? []).map { (draw: $0, index: index) } }
    let slots =
      (drawn.isEmpty
      ? Array(0..<batch.count) : drawn.sorted { ($0.draw, $0.index) < ($1.draw, $1.index) }.map(\.index))
      .filter(usable.contains)
    self.slots = slots
    isPaired =
      slots.count.isMultiple(of: 2)
      && stride(from: 0, to: slots.count, by: 2).allSatisfy {
        batch[slots[$0]].pair?.partner == batch[slots[$0 + 1]].id
      }
  }
}

/// The examples of one optimizer step.
struct Minibatch: Sendable {
  /// Responses to one prompt at one temperature.
  struct Group: Sendable {
    let prompt: EncodedPrompt
    let temperature: Double
    /// Positions in the batch.
    var members: [Int] = []
  }

  /// Its responses by prompt, in the order of first appearance.
  private(set) var groups: [Group] = []
  /// How often it contains each trajectory.
  private(set) var draws: [Int: Int] = [:]

  /// Divides slots, in order, into parts of nearly equal size; pairs stay together if all slots are pairs.
  static func cut(_ order: DrawOrder, into count: Int, examples: [Int: TrainingExample]) -> [Minibatch] {
    let slots = order.slots
    let unit = order.isPaired ? 2 : 1
    let units = slots.count / unit
    let parts = min(count, units)
    return (0..<parts).map { part in
      let range = part * units / parts * unit..<(part + 1) * units / parts * unit
      return Minibatch(slots[range], examples)
    }
  }

  private init(_ slots: ArraySlice<Int>, _ examples: [Int: TrainingExample]) {
    struct Key: Hashable {
      let prompt: EncodedPrompt
      let temperature: Double
    }
    var known: [Key: Int] = [:]
    for slot in slots {
      draws[slot, default: 0] += 1
      guard draws[slot] == 1, let example = examples[slot] else { continue }
      let key = Key(prompt: example.prompt, temperature: example.temperature)
      let group = known[key] ?? groups.count
      if group == groups.count {
        known[key] = group
        groups.append(Group(prompt: example.prompt, temperature: example.temperature))
      }
      groups[group].members.append(slot)
    }
  }
}
