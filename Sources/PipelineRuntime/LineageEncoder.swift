// SPDX-License-Identifier: Apache-2.0
package import PipelineCore
import PipelineIO

/// Writes what became of every trajectory of a batch: one JSONL line each, in the order of the input.
///
/// A line holds `step`, `id`, `group`, `outcome` (`kept` or `dropped`), for a dropped one `stage` and `rule`, and
/// whatever it had by then of `reward`, `reward_status`, `reward_reason` (where a reward function failed), `rewards`, `advantage`, `pair`, `loss_weight`, `draws`;
/// where the run gave it one, its `rollout_wave`, what was `seen` of its prompt, the `prompt_choice` of the sampler,
/// and the `origin` of what was replayed.
package struct LineageEncoder: Sendable {
  /// Where a trajectory is found, in four bytes: its position in the batch, or the complement of that among the drops.
  private typealias Fate = Int32
  private static let unknown = Fate.min

  private let batch: TrajectoryBatch
  private let fates: [Fate]
  private let opening: [UInt8]

  /// Looks through a batch after its last stage.
  package init(_ batch: TrajectoryBatch) {
    self.batch = batch
    var fates = [Fate](repeating: Self.unknown, count: batch.inputCount)
    for (index, position) in batch.inputPositions.enumerated() { fates[Int(position)] = Fate(index) }
    for (index, drop) in batch.drops.enumerated() { fates[drop.inputPosition] = ~Fate(index) }
    self.fates = fates
    self.opening = Array("{\"step\":\(batch.number),\"id\":".utf8)
  }

  /// Encodes all lines, on several threads, and hands them over in order.
  package func write(threads: Int, to write: ([UInt8]) throws -> Void) async throws {
    try await ParallelEncoding.run(
      count: fates.count, chunk: 512, threads: threads, encode: { encode($0, into: &$1) }, write: write)
  }

  private func encode(_ position: Int, into output: inout [UInt8]) {
    let fate = fates[position]
    if fate == Self.unknown { return }
    let drop = fate < 0 ? batch.drops[Int(~fate)] : nil
    let trajectory = drop?.trajectory ?? batch[Int(fate)]
    output.append(contentsOf: opening)
    JSONValue.writeString(trajectory.id, to: &output)
    output.append(text: ",\"group\":")
    JSONValue.writeString(trajectory.group, to: &output)
    if let drop {
      output.append(text: ",\"outcome\":\"dropped\",\"stage\":")
      JSONValue.writeString(drop.stage, to: &output)
      output.append(text: ",\"rule\":")
      JSONValue.writeString(drop.rule, to: &output)
    } else {
      output.append(text: ",\"outcome\":\"kept\"")
    }
    for (field, key) in Self.fields where trajectory.has(stored: field) {
      output.append(contentsOf: key)
      trajectory.writeValue(stored: field, to: &output)
      let status = trajectory.rewardStatus
      if field == .rewardStatus, status == .failed || status == .timedOut,
        let reason = try? trajectory.value(of: .rewardReason)?.stringValue
      {
        output.append(text: ",\"reward_reason\":")
        JSONValue.writeString(reason, to: &output)
      }
    }
    // Only what this run gave it: a record may have fields of these names for something else.
    for (field, key) in trajectory.overrides.isEmpty ? [] : Self.given {
      guard let value = trajectory.overrides.first(where: { $0.field == field })?.value else { continue }
      output.append(contentsOf: key)
      value.write(to: &output)
    }
    output.append(text: "}\n")
  }

  /// Fields that a run gives to prompts and rollouts.
  private static let given: [(Field, [UInt8])] = [Field.rolloutWave, .seen, .promptChoice, .origin].map {
    ($0, Array(",\"\($0.rawValue)\":".utf8))
  }

  /// The fields of a line, each with its key as it is written.
  private static let fields: [(Trajectory.Changes, [UInt8])] = [
    Field.reward, .rewardStatus, .rewards, .advantage, .pair, .lossWeight, .draws,
  ].compactMap { field in
    Trajectory.Changes.stored(field).map { ($0, Array(",\"\(field.rawValue)\":".utf8)) }
  }
}
