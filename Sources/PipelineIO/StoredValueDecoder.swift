// SPDX-License-Identifier: Apache-2.0
import CRecordScanner
import PipelineCore

/// Decodes the values that ``Trajectory`` stores from the members of a line, and checks the types of the others.
struct StoredValueDecoder {
  struct Problem {
    let offset: Int
    let reason: String
  }

  let line: UnsafeRawBufferPointer
  var id: String?
  var group: String?
  var stored = Trajectory.StoredValues()
  var problem: Problem?
  private var seen: UInt64 = 0

  init(line: UnsafeRawBufferPointer) { self.line = line }

  /// How the value of a reserved field is decoded.
  private enum Kind {
    case id, group, reward, advantage, baseline, lossWeight, batch, step
    case rewards, rewardStatus, advantages, pair, draws, prompt
    case string, array, any
  }

  /// The types by position in ``Field/reserved``.
  private static let kinds: [Kind] = Field.reserved.map { field in
    switch field {
    case .id: .id
    case .group: .group
    case .reward: .reward
    case .advantage: .advantage
    case .baseline: .baseline
    case .lossWeight: .lossWeight
    case .batch: .batch
    case .step: .step
    case .rewards: .rewards
    case .rewardStatus: .rewardStatus
    case .advantages: .advantages
    case .pair: .pair
    case .draws: .draws
    case .response, .finish: .string
    case .tokens, .logprobs, .oldLogprobs, .refLogprobs, .logprobsContrast, .entropies, .promptTokens, .lossMask,
      .images:
      .array
    case .prompt: .prompt
    default: .any
    }
  }

  /// Decodes one member; the first fault is kept in ``problem``.
  ///
  /// - Parameter index: The position of its field in ``Field/reserved``.
  mutating func decode(fieldAt index: Int, at range: Range<Int>) {
    guard problem == nil else { return }
    let bit = UInt64(1) << UInt64(index)
    guard seen & bit == 0 else {
      return fail(range, "the key '\(Field.reserved[index])' occurs twice in the record")
    }
    seen |= bit
    let first = line[range.lowerBound]
    let isNull = first == UInt8(ascii: "n") || first == UInt8(ascii: "N") || first == UInt8(ascii: "I")
    switch Self.kinds[index] {
    case .id: id = name(index, range)
    case .group: group = name(index, range)
    case .reward: stored.reward = number(index, range)
    case .advantage: stored.advantage = number(index, range)
    case .baseline: stored.baseline = number(index, range)
    case .lossWeight: stored.lossWeight = number(index, range)
    case .batch: stored.batch = integer(index, range)
    case .step: stored.step = integer(index, range)
    case _ where isNull: break
    case .any: break
    case .string: require(UInt8(ascii: "\""), index, range, "a string")
    case .array: require(UInt8(ascii: "["), index, range, "an array")
    case .rewards: stored.rewards = rewards(range)
    case .rewardStatus:
      let text = value(range).stringValue
      stored.rewardStatus = text.flatMap(RewardStatus.init(rawValue:))
      if stored.rewardStatus == nil {
        let known = RewardStatus.allCases.map(\.rawValue).joined(separator: ", ")
        fail(range, "'reward_status' must be one of \(known)")
      }
    case .advantages:
      stored.advantages = value(range).arrayValue?.map { $0.doubleValue ?? .nan }
      if stored.advantages == nil || stored.advantages?.contains(where: \.isNaN) == true {
        stored.advantages = nil
        fail(range, "'advantages' must be an array of numbers")
      }
    case .pair: stored.pair = pair(range)
    case .draws:
      let draws = value(range).arrayValue?.map(\.intValue)
      stored.draws = draws?.compactMap { $0 }
      if draws == nil || draws?.contains(nil) == true { fail(range, "'draws' must be an array of integers") }
    case .prompt:
      if first != UInt8(ascii: "\""), first != UInt8(ascii: "[") {
        fail(range, "'prompt' must be a string or an array of messages, found \(kind(range))")
      }
    }
  }

  private mutating func fail(_ range: Range<Int>, _ reason: String) {
    if problem == nil { problem = Problem(offset: range.lowerBound, reason: reason) }
  }

  private func slice(_ range: Range<Int>) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: line[range]) }

  private func value(_ range: Range<Int>) -> JSONValue { JSONValue(checked: slice(range)) }

  private func kind(_ range: Range<Int>) -> String { value(range).kindDescription }

  private mutating func require(_ first: UInt8, _ index: Int, _ range: Range<Int>, _ wanted: String) {
    if line[range.lowerBound] != first {
      fail(range, "'\(Field.reserved[index])' must be \(wanted), found \(kind(range))")
    }
  }

  /// A string, or the digits of a number.
  private mutating func name(_ index: Int, _ range: Range<Int>) -> String? {
    let bytes = slice(range)
    if bytes.first == UInt8(ascii: "\""), !bytes.contains(UInt8(ascii: "\\")) {
      let inside = UnsafeRawBufferPointer(rebasing: bytes[1..<bytes.count - 1])
      if !inside.isEmpty { return String(decoding: inside, as: UTF8.self) }
    } else {
      switch value(range) {
      case .string(let text): if !text.isEmpty { return text }
      case .number(let digits): return digits
      default: break
      }
    }
    let name = Field.reserved[index]
    fail(
      range,
      bytes.first == UInt8(ascii: "\"")
        ? "'\(name)' is empty; give it a text" : "'\(name)' must be a string, found \(kind(range))")
    return nil
  }

  /// A finite number; null, NaN and Infinity mean that there is none.
  private mutating func number(_ index: Int, _ range: Range<Int>) -> Double? {
    switch line[range.lowerBound] {
    case UInt8(ascii: "n"), UInt8(ascii: "N"), UInt8(ascii: "I"): return nil
    case UInt8(ascii: "0")...UInt8(ascii: "9"): break
    case UInt8(ascii: "-"): if range.count > 1, line[range.lowerBound + 1] == UInt8(ascii: "I") { return nil }
    default:
      fail(range, "'\(Field.reserved[index])' must be a number or null, found \(kind(range))")
      return nil
    }
    let digits = slice(range)
    let value = record_parse_double(digits.bindMemory(to: UInt8.self).baseAddress, digits.count)
    guard value.isFinite else {
      fail(range, "'\(Field.reserved[index])' is too large for a 64-bit number")
      return nil
    }
    return value
  }

  private mutating func integer(_ index: Int, _ range: Range<Int>) -> Int? {
    guard let number = number(index, range) else { return nil }
    guard let integer = Int(exactly: number) else {
      fail(range, "'\(Field.reserved[index])' must be an integer")
      return nil
    }
    return integer
  }

  private mutating func rewards(_ range: Range<Int>) -> [RewardPart]? {
    if let parts = plainRewards(range) { return parts }
    guard let members = value(range).objectValue else {
      fail(range, "'rewards' must be an object of named numbers, found \(kind(range))")
      return nil
    }
    var parts: [RewardPart] = []
    for member in members where member.value != .null {
      guard let score = member.value.doubleValue else {
        fail(range, "'rewards.\(member.key)' must be a number or null, found \(member.value.kindDescription)")
        return nil
      }
      parts.append(RewardPart(member.key, score))
    }
    return parts
  }

  /// The parts of an object that holds finite numbers alone, under keys without escapes, as nearly all do; nil for any other value.
  private func plainRewards(_ range: Range<Int>) -> [RewardPart]? {
    let object = slice(range)
    guard object.first == UInt8(ascii: "{"), !object.contains(UInt8(ascii: "\\")) else { return nil }
    var parts: [RewardPart] = []
    var isPlain = true
    try? RecordWalk.forEachMember(in: object) { key, place in
      let digits = UnsafeRawBufferPointer(rebasing: object[place])
      // Behind a minus sign may stand `Infinity`.
      let first = digits.first == UInt8(ascii: "-") ? digits.dropFirst().first : digits.first
      guard let first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else {
        isPlain = false
        return false
      }
      let score = record_parse_double(digits.bindMemory(to: UInt8.self).baseAddress, digits.count)
      isPlain = score.isFinite
      if isPlain { parts.append(RewardPart(key, score)) }
      return isPlain
    }
    return isPlain ? parts : nil
  }

  private mutating func pair(_ range: Range<Int>) -> Pair? {
    let object = value(range)
    guard let rank = object["rank"]?.intValue, rank >= 0,
      let side = object["side"]?.stringValue.flatMap(Pair.Side.init(rawValue:)),
      let weight = object["weight"]?.doubleValue, let partner = object["partner"]?.stringValue
    else {
      fail(range, "'pair' must hold rank, side (high or low), weight and partner")
      return nil
    }
    return Pair(rank: rank, side: side, weight: weight, partner: partner)
  }
}
