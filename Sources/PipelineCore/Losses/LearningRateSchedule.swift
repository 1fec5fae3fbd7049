// SPDX-License-Identifier: Apache-2.0
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The learning rate from step to step.
///
/// The formulas are those of transformers' schedulers: `get_constant_schedule_with_warmup`,
/// `get_linear_schedule_with_warmup` and `get_cosine_schedule_with_warmup`; after the last step the rate is constant.
public struct LearningRateSchedule: ComponentOptions, Hashable {
  /// The rate after the warm-up.
  public enum Shape: String, Codable, Sendable, Hashable, CaseIterable {
    /// It is constant.
    case constant
    /// It falls linearly to the lowest rate.
    case linear
    /// It falls to the lowest rate along half a cosine wave.
    case cosine
  }

  /// The rate after the warm-up.
  public var shape = Shape.constant
  /// The highest rate.
  public var rate = 1e-6
  /// Steps over which the rate rises linearly from 0.
  public var warmUpSteps = 0
  /// Steps of the whole run, including the warm-up; needed if the rate falls.
  public var totalSteps = 0
  /// The fraction of the highest rate to which it falls.
  public var leastShare = 0.0

  /// The defaults.
  public init() {}

  /// The help for each option.
  public static let help = [
    "shape": "the rate after the warm-up: constant, linear or cosine",
    "rate": "the highest learning rate",
    "warm_up_steps": "steps over which the rate rises linearly from 0",
    "total_steps": "linear, cosine: steps of the whole run, including the warm-up",
    "least_share": "linear, cosine: the fraction of the highest rate to which it falls",
  ]

  /// The problems of the values.
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
