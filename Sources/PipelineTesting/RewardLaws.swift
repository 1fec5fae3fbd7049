// SPDX-License-Identifier: Apache-2.0
public import PipelineCore

/// The laws that every reward function must obey.
///
/// Call ``check(_:cases:secondsPerText:)`` from its test.
///
/// 1. The same trajectory gets the same outcome.
/// 2. Scores, and those of the parts, are finite.
/// 3. Without a field that it `reads`, it throws or abstains; it does not score.
/// 4. It answers with bounded work for every text, including a megabyte of braces: work that grows with the square of
///    the length takes far longer than the limit, on any machine.
public enum RewardLaws {
  /// Runs a reward function on trajectories and on hostile texts, and throws if it breaks a law.
  ///
  /// - Parameters:
  ///   - reward: The reward function, with its options.
  ///   - cases: Trajectories that it can score, at least one.
  ///   - secondsPerText: The longest that one hostile text of a megabyte may take, on a busy machine too.
  /// - Throws: ``LawViolation``, with examples of every broken law.
  public static func check(
    _ reward: any RewardFunction, cases: [Trajectory], secondsPerText: Double = 60
  ) async throws {
    precondition(!cases.isEmpty, "the laws need at least one trajectory that the reward can judge")
    var book = LawBook(subject: "reward '\(type(of: reward).name)'")
    AboutLaws.examine(type(of: reward), &book)
    for trajectory in cases {
      let first = await outcome(reward, trajectory)
      if await outcome(reward, trajectory) != first {
        book.breaks("the same trajectory gets the same outcome", trajectory.id)
      }
      if case .failed(let reason) = first {
        book.breaks("it judges the cases", "\(trajectory.id): \(reason)")
      }
      checkFinite(first, trajectory.id, &book)
      for field in reward.reads.sorted(by: { $0.rawValue < $1.rawValue }) {
        if case .outcome(.scored(let score, _)) = await outcome(reward, trajectory.without(field)) {
          book.breaks("without a field that it reads it does not score", "\(score) without '\(field)'")
        }
      }
    }
    for (name, text) in hostileTexts {
      for field in reward.reads.sorted(by: { $0.rawValue < $1.rawValue })
      where !Trajectory.Changes.storedFields.contains(field) {
        var trajectory = cases[0]
        trajectory.set(field, to: .string(text))
        let clock = ContinuousClock()
        let start = clock.now
        let judged = await outcome(reward, trajectory)
        if clock.now - start > .seconds(secondsPerText) {
          book.breaks("it answers in bounded work", "'\(field)' = \(name) took \(clock.now - start)")
        }
        checkFinite(judged, "'\(field)' = \(name)", &book)
      }
    }
    for shape in [JSONValue.null, true, 1.5, ["a", 1], ["a": [[:]]]] {
      for field in reward.reads.sorted(by: { $0.rawValue < $1.rawValue })
      where !Trajectory.Changes.storedFields.contains(field) {
        var trajectory = cases[0]
        trajectory.set(field, to: shape)
        checkFinite(await outcome(reward, trajectory), "'\(field)' is \(shape.kindDescription)", &book)
      }
    }
    try book.verdict()
  }

  /// Texts that have broken reward functions: empty, deep, unbalanced, endless.
  public static let hostileTexts: [(name: String, text: String)] = {
    let size = 1 << 20
    let pieces = [
      "{", "}", "{}", "\\boxed{", "\\boxed{}", "\\text{", "\\frac{", "\\frac{1}{", "\\left", "\\", "$",
      "<think>",
      "</think>", "</think> ", "<answer>", "<answer></answer>", "</answer>", "<", "(A)", "A ", "1,", "1.",
      "1/",
      "-", "9", " ", "\n", "\u{0}", "e\u{301}", "🀄", "answer is ", "Answer: A ",
    ]
    return [("an empty text", "")]
      + pieces.map {
        ("'\($0)' × \(size / $0.utf8.count)", String(repeating: $0, count: size / $0.utf8.count))
      }
      + [
        (
          "boxes in boxes",
          String(repeating: "\\boxed{", count: 50_000) + String(repeating: "}", count: 50_000)
        )
      ]
  }()

  private enum Judged: Equatable {
    case outcome(RewardOutcome)
    case failed(String)
  }

  private static func outcome(_ reward: any RewardFunction, _ trajectory: Trajectory) async -> Judged {
    do { return .outcome(try await reward.score(trajectory)) } catch { return .failed("\(error)") }
  }

  private static func checkFinite(_ judged: Judged, _ example: String, _ book: inout LawBook) {
    guard case .outcome(.scored(let score, let parts)) = judged else { return }
    if !score.isFinite { book.breaks("scores are finite", "\(score) for \(example)") }
    for part in parts where !part.score.isFinite {
      book.breaks("scores are finite", "part '\(part.name)' is \(part.score) for \(example)")
    }
  }
}

extension Trajectory {
  /// This trajectory without the value of a field; `id` and `group` cannot be removed.
  fileprivate func without(_ field: Field) -> Trajectory {
    var copy = self
    switch field {
    case .id, .group: break
    case .reward: copy.reward = nil
    case .rewards: copy.rewards = nil
    case .rewardStatus: copy.rewardStatus = nil
    case .advantage: copy.advantage = nil
    case .advantages: copy.advantages = nil
    case .baseline: copy.baseline = nil
    case .pair: copy.pair = nil
    case .lossWeight: copy.lossWeight = nil
    case .batch: copy.batch = nil
    case .draws: copy.draws = nil
    case .step: copy.step = nil
    default: copy.set(field, to: nil)
    }
    return copy
  }
}
