// SPDX-License-Identifier: Apache-2.0
import PipelineCore

extension LineageEntry {
  /// Reads a line of `lineage.jsonl`; nil if it is not a line of lineage.
  init?(_ line: UnsafeRawBufferPointer) {
    guard let value = try? JSONValue(parsing: line), let step = value["step"]?.intValue,
      let id = value["id"]?.stringValue, let group = value["group"]?.stringValue,
      let outcome = Self.outcome(value)
    else { return nil }
    self.init(
      step: step, id: id, group: group, outcome: outcome, reward: value["reward"]?.doubleValue,
      rewardStatus: value["reward_status"]?.stringValue, rewardReason: value["reward_reason"]?.stringValue,
      rewards: (value["rewards"]?.objectValue ?? []).compactMap { member in
        member.value.doubleValue.map { RewardPart(member.key, $0) }
      },
      advantage: value["advantage"]?.doubleValue, pair: Self.pair(value["pair"]),
      lossWeight: value["loss_weight"]?.doubleValue,
      draws: value["draws"]?.arrayValue?.compactMap(\.intValue))
    wave = value[Field.rolloutWave.rawValue]?.intValue
    promptChoice = value[Field.promptChoice.rawValue]
    origin = value[Field.origin.rawValue]
  }

  private static func outcome(_ value: JSONValue) -> Outcome? {
    switch value["outcome"]?.stringValue {
    case "kept": return .kept
    case "dropped":
      guard let stage = value["stage"]?.stringValue, let rule = value["rule"]?.stringValue else { return nil }
      return .dropped(stage: stage, rule: rule)
    default: return nil
    }
  }

  private static func pair(_ value: JSONValue?) -> Pair? {
    guard let value, let rank = value["rank"]?.intValue, let weight = value["weight"]?.doubleValue,
      let side = value["side"]?.stringValue.flatMap(Pair.Side.init(rawValue:)),
      let partner = value["partner"]?.stringValue
    else { return nil }
    return Pair(rank: rank, side: side, weight: weight, partner: partner)
  }

  /// The step at the beginning of a line, without reading the rest; nil if it begins otherwise.
  static func step(of line: UnsafeRawBufferPointer) -> Int? {
    let start = Array("{\"step\":".utf8)
    guard line.count > start.count, line.prefix(start.count).elementsEqual(start) else { return nil }
    var step = 0
    for byte in line[start.count...] {
      guard byte >= 0x30, byte <= 0x39 else { return byte == UInt8(ascii: ",") ? step : nil }
      guard step < 1 << 50 else { return nil }
      step = step * 10 + Int(byte - 0x30)
    }
    return nil
  }
}
