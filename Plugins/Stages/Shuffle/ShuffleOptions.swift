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
      "weight_by": "a pair's importance from its two |A|: sum, max, mean, or positive (the better one's)",
      "weighting":
        "weights from importances W: power (W^exponent), softmax, log-softmax (log(1+W)) or inverse",
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
