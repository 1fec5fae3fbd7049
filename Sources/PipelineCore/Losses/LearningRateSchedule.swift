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
  /// The share of all steps over which the rate rises, in the place of a number; rounded down to whole steps.
  public var warmUpRatio = 0.0
  /// Steps of the whole run, including the warm-up; 0 for as many as the run has.
  public var totalSteps = 0
  /// The fraction of the highest rate to which it falls.
  public var leastShare = 0.0
  /// What a step of the schedule is.
  public var counts = Counts.updates

  /// What a step of the schedule is.
  public enum Counts: String, Codable, Sendable, Hashable, CaseIterable {
    /// An optimizer step, as in transformers and TRL.
    case updates
    /// A step of the run, all of whose updates have one rate, as in verl and EasyR1.
    case steps
  }

  /// The defaults.
  public init() {}

  /// The help for each option.
  public static let help = [
    "shape": "the rate after the warm-up: constant, linear or cosine",
    "rate": "the highest learning rate",
    "warm_up_steps": "steps over which the rate rises linearly from 0",
    "warm_up_ratio": "the share of all steps over which the rate rises, in the place of warm_up_steps; rounded down",
    "total_steps":
      "linear, cosine, warm_up_ratio: steps of the whole run, including the warm-up; 0 for as many as it has",
    "least_share": "linear, cosine: the fraction of the highest rate to which it falls",
    "counts": "what a step is here: updates (optimizer steps, as in TRL), or steps (of the run, as in verl and EasyR1)",
  ]

  /// The problems of the values.
  public func problems() -> [OptionProblem] {
    var problems: [OptionProblem] = []
    if !(rate >= 0 && rate.isFinite) { problems.append(OptionProblem("rate", "is \(rate), it must be 0 or more")) }
    if warmUpSteps < 0 {
      problems.append(OptionProblem("warm_up_steps", "is \(warmUpSteps), it must be 0 or more"))
    }
    if let problem = OptionProblem.unless("warm_up_ratio", warmUpRatio, in: 0...1) { problems.append(problem) }
    if warmUpRatio > 0, warmUpSteps > 0 {
      problems.append(OptionProblem("warm_up_ratio", "stands beside 'warm_up_steps'; leave one of them out"))
    }
    if totalSteps < 0 { problems.append(OptionProblem("total_steps", "is \(totalSteps), it must be 0 or more")) }
    if shape != .constant, totalSteps > 0, totalSteps <= warmUpSteps {
      problems.append(
        OptionProblem("total_steps", "is \(totalSteps), it must be more than 'warm_up_steps', \(warmUpSteps)"))
    }
    if let problem = OptionProblem.unless("least_share", leastShare, in: 0...1) { problems.append(problem) }
    return problems
  }

  /// The schedule with all its steps known.
  ///
  /// - Parameter total: The steps of the whole run, in what the schedule counts; nil where nobody knows.
  /// - Throws: When the schedule needs them, and they are neither given nor known.
  public func resolved(total: Int?) throws -> LearningRateSchedule {
    guard totalSteps == 0, shape != .constant || warmUpRatio > 0 else { return withWarmUp }
    guard let total else {
      let why = shape == .constant ? "warm_up_ratio is a share of the run" : "the rate falls over the whole run"
      throw PipelineError(
        .invalidSpec,
        "learning_rate: \(why), and how many steps the run has is not known beforehand; set learning_rate.total_steps, or "
          + "training.steps")
    }
    var schedule = self
    schedule.totalSteps = total
    return schedule.withWarmUp
  }

  /// With the share of the warm-up as a number of steps.
  private var withWarmUp: LearningRateSchedule {
    guard warmUpRatio > 0 else { return self }
    var schedule = self
    // As Python's int() of the product, in double precision.
    schedule.warmUpSteps = Int(warmUpRatio * Double(totalSteps))
    schedule.warmUpRatio = 0
    return schedule
  }

  /// The learning rate of a step; the first is step 0.
  ///
  /// Of a schedule whose steps are known: ``resolved(total:)``. A warm-up begins at rate 0, as transformers' does.
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
