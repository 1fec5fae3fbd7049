// SPDX-License-Identifier: Apache-2.0
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// How the learning rate goes on from step to step.
///
/// The formulas are those of transformers' schedulers: `get_constant_schedule_with_warmup`,
/// `get_linear_schedule_with_warmup` and `get_cosine_schedule_with_warmup`; behind the last step the rate stays.
public struct LearningRateSchedule: ComponentOptions, Hashable {
  /// What the rate does once it is warm.
  public enum Shape: String, Codable, Sendable, Hashable, CaseIterable {
    /// It stays.
    case constant
    /// It falls in a line to the least rate.
    case linear
    /// It falls along half a wave to the least rate.
    case cosine
  }

  /// What the rate does once it is warm.
  public var shape = Shape.constant
  /// The highest rate.
  public var rate = 1e-6
  /// Steps over which the rate climbs in a line from 0.
  public var warmUpSteps = 0
  /// Steps of the whole run, warm-up included; needed where the rate falls.
  public var totalSteps = 0
  /// The share of the highest rate that it falls to, and stays at.
  public var leastShare = 0.0

  /// The defaults.
  public init() {}

  /// What each option means.
  public static let help = [
    "shape": "constant, linear or cosine: what the rate does once it is warm",
    "rate": "the highest learning rate",
    "warm_up_steps": "steps over which the rate climbs in a line from 0",
    "total_steps": "linear, cosine: steps of the whole run, warm-up included",
    "least_share": "linear, cosine: the share of the highest rate that it falls to",
  ]

  /// What is wrong with the values.
  public func problems() -> [OptionProblem] {
    var problems: [OptionProblem] = []
    if !(rate >= 0 && rate.isFinite) { problems.append(OptionProblem("rate", "is \(rate), it must be 0 or more")) }
    if warmUpSteps < 0 {
      problems.append(OptionProblem("warm_up_steps", "is \(warmUpSteps), it must be 0 or more"))
    }
    if shape != .constant, totalSteps <= max(warmUpSteps, 0) {
      problems.append(
        OptionProblem("total_steps", "is \(totalSteps), it must be more than 'warm_up_steps', \(warmUpSteps)"))
    }
    if let problem = OptionProblem.unless("least_share", leastShare, in: 0...1) { problems.append(problem) }
    return problems
  }

  /// The learning rate of a step; the first is step 0.
  ///
  /// A warm-up begins at rate 0, as transformers' does.
  public func rate(at step: Int) -> Double {
    if step < warmUpSteps { return rate * Double(step) / Double(warmUpSteps) }
    let progress = min(1, Double(step - warmUpSteps) / Double(max(1, totalSteps - warmUpSteps)))
    let share =
      switch shape {
      case .constant: 1.0
      case .linear: 1 - progress
      case .cosine: 0.5 * (1 + cos(.pi * progress))
      }
    return rate * (shape == .constant ? 1 : leastShare + (1 - leastShare) * share)
  }
}
