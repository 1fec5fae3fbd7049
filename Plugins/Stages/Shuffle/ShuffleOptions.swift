// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

extension ShuffleStage {
  /// How the advantages of a pair determine its importance W.
  ///
  /// A single trajectory's is |A| for every choice.
  package enum WeightBy: String, Codable, Sendable, CaseIterable {
    /// `|A_high| + |A_low|`, the paper's.
    case sum
    /// The larger of the two.
    case max
    /// Half the sum.
    case mean
    /// `|A_high|` alone.
    case positive
  }

  /// What the importance of a trajectory is taken from.
  package enum WeighedValue: String, Codable, Sendable, CaseIterable {
    /// `|A|`, the paper's; of advantages per token the mean.
    case advantage
    /// `|Σ A|` over the tokens of the response, so that long responses weigh more.
    case advantageSum = "advantage-sum"
    /// The reward.
    case reward
  }

  /// How importances are turned into the weights of the draw.
  package enum Weighting: String, Codable, Sendable, CaseIterable {
    /// `W^exponent`; the paper's has exponent 1.
    case power
    /// `exp(W / temperature)`.
    case softmax
    /// `log(1 + W)`: the result of a softmax over `log(log(1 + W))`.
    case logSoftmax = "log-softmax"
    /// `1 / (W + 1e-6)`: the least important first.
    case inverse
    /// 1 for the batch's largest and its smallest, 0 for others.
    case maxMin = "max-min"
    /// 0.4 for the batch's largest, 0.1 for others.
    case maxRandom = "max-random"
  }

  /// Whether important units are drawn more often or get a larger weight.
  package enum Mode: String, Codable, Sendable, CaseIterable {
    /// The batch is redrawn; `draws` says what it contains.
    case resample
    /// Nothing is drawn; `loss_weight` becomes `|B|·Φ`.
    case reweight
  }

  /// Whether the draw's bias towards important units is corrected in the loss.
  package enum Correction: String, Codable, Sendable, CaseIterable {
    /// It is not, as in the paper.
    case none
    /// `loss_weight = 1 / (|B|·Φ)`, capped and rescaled to mean 1 over the drawn batch; approximate, since
    /// inclusion without replacement is not exactly `T·Φ`.
    case importance
  }

  /// The options.
  package struct Options: ComponentOptions {
    package var rounds = 8
    package var replacement = false
    package var size = 1.0
    package var band: [Double] = []
    package var weigh = WeighedValue.advantage
    package var weightBy = WeightBy.sum
    package var weighting = Weighting.power
    package var exponent = 1.0
    // Differs from Shuffle-R1: the temperature stays; there it is lowered from 2 to 1 as training goes on.
    package var temperature = 2.0
    package var mode = Mode.resample
    package var correction = Correction.none
    package var cap = 10.0

    /// The defaults.
    package init() {}

    /// The help for each option.
    package static let help = [
      "rounds": "the number of rounds; a unit is drawn at most once in each",
      "replacement":
        "true draws each time from all, in the place of rounds; weights then get the published programs' 1e-8, so that "
        + "nothing has none",
      "size": "how much is drawn, as a share of the batch: 0.5 for half of it, 2 for twice as much",
      "band":
        "two numbers: only what lies strictly between them in importance is drawn from, the rest leaves; ReVisual-R1: "
        + "[0.05, 0.95]; [] for no limits",
      "weigh":
        "what importances are taken from: advantage (|A|), advantage-sum (|A| summed over the response's tokens) or reward",
      "weight_by": "a pair's importance from its two: sum, max, mean, or positive (the better one's)",
      "weighting":
        "weights from importances W: power (|W|^exponent), softmax, log-softmax (log(1+W)), inverse, max-min (the largest and "
        + "the smallest alone) or max-random (0.4 for the largest, 0.1 for others); PF-PPO: power with 2, or the last two",
      "exponent": "power: the exponent; 1 draws in proportion to W, 0 uniformly",
      "temperature": "softmax: the temperature",
      "mode": "resample redraws the batch; reweight draws nothing and sets loss_weight instead",
      "correction":
        "importance sets loss_weight to correct the bias of the draw; none does not, as in the paper",
      "cap": "correction: the largest weight of a unit, before weights are rescaled to mean 1",
    ]

    /// The problems of the values.
    package func problems() -> [OptionProblem] {
      var problems: [OptionProblem] = []
      if rounds < 1 { problems.append(OptionProblem("rounds", "is \(rounds), it must be at least 1")) }
      if !(exponent >= 0 && exponent.isFinite) {
        problems.append(OptionProblem("exponent", "is \(exponent), it must not be negative"))
      }
      if !(temperature > 0 && temperature.isFinite) {
        problems.append(OptionProblem("temperature", "is \(temperature), it must be above 0"))
      }
      if !(size > 0 && size.isFinite) { problems.append(OptionProblem("size", "is \(size), it must be above 0")) }
      if !band.isEmpty, band.count != 2 || !(band[0] < band[1]) {
        problems.append(
          OptionProblem("band", "is \(band), it must be two numbers, the lower one first, or [] for no limits"))
      }
      if mode == .reweight, replacement || size != 1 {
        problems.append(
          OptionProblem(
            replacement ? "replacement" : "size", "says how to draw, and mode 'reweight' draws nothing; leave it out"))
      }
      if weigh == .reward, [.softmax, .logSoftmax, .inverse].contains(weighting) {
        problems.append(
          OptionProblem(
            "weighting",
            "is '\(weighting.rawValue)', which rewards below 0 do not suit; use power, max-min or max-random"))
      }
      if !(cap > 0 && cap.isFinite) { problems.append(OptionProblem("cap", "is \(cap), it must be above 0")) }
      if mode == .reweight, correction == .importance {
        problems.append(
          OptionProblem("correction", "is 'importance', it corrects draws, and mode 'reweight' draws nothing")
        )
      }
      return problems
    }
  }
}
