// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// The columns of values that a trajectory stores, and those that the report makes.
struct FixedColumns {
  let characters: Int?
  let tokens: Int?
  let answer: Int?
  let question: Int?
  let pictures: Int?
  let line: Int?
  private let step: Int?
  private let group: Int?
  private let id: Int?
  private let reward: Int?
  private let status: Int?
  private let advantage: Int?
  private let pairRank: Int?
  private let pairSide: Int?
  private let pairWeight: Int?
  private let partner: Int?
  private let lossWeight: Int?
  private let draws: Int?
  private let baseline: Int?
  private let batch: Int?

  /// Makes them, before any other column.
  init(_ table: inout ColumnTable) {
    step = table.position(of: "step")
    group = table.position(of: "group")
    id = table.position(of: "id")
    question = table.position(of: "question")
    answer = table.position(of: "answer")
    reward = table.position(of: "reward")
    status = table.position(of: "reward_status")
    advantage = table.position(of: "advantage")
    draws = table.position(of: "draws")
    pairRank = table.position(of: "pair.rank")
    pairSide = table.position(of: "pair.side")
    pairWeight = table.position(of: "pair.weight")
    partner = table.position(of: "pair.partner")
    lossWeight = table.position(of: "loss_weight")
    tokens = table.position(of: "tokens")
    characters = table.position(of: "characters")
    baseline = table.position(of: "baseline")
    batch = table.position(of: "batch")
    pictures = table.position(of: "pictures")
    line = table.position(of: "line")
  }

  /// Sets the values of a row's first record.
  func set(_ trajectory: Trajectory, in table: inout ColumnTable) {
    table.set(group, text: trajectory.group)
    table.set(id, text: trajectory.id)
    complete(from: trajectory, in: &table)
  }

  /// Sets what another record of the same row adds.
  func complete(from trajectory: Trajectory, in table: inout ColumnTable) {
    table.set(step, number: trajectory.step.map(Double.init))
    table.set(reward, number: trajectory.reward)
    table.set(status, text: trajectory.rewardStatus?.rawValue)
    for part in trajectory.rewards ?? [] {
      table.set(table.position(of: "rewards." + part.name), number: part.score)
    }
    table.set(advantage, number: trajectory.advantage)
    if let pair = trajectory.pair {
      table.set(pairRank, number: Double(pair.rank))
      table.set(pairSide, text: pair.side.rawValue)
      table.set(pairWeight, number: pair.weight)
      table.set(partner, text: pair.partner)
    }
    table.set(lossWeight, number: trajectory.lossWeight)
    table.set(draws, number: trajectory.draws.map { Double($0.count) })
    table.set(baseline, number: trajectory.baseline)
    table.set(batch, number: trajectory.batch.map(Double.init))
  }
}
