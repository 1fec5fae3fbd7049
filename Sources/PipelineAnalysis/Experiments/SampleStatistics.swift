// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
package import PipelineRuntime

/// Mean, spread and intervals of a few numbers, such as differences between two arms, one for each seed.
package struct SampleStatistics: Sendable, Hashable {
  /// The numbers, at least one.
  package let values: [Double]

  /// Statistics of numbers; nil of none.
  package init?(_ values: [Double]) {
    guard !values.isEmpty else { return nil }
    self.values = values
  }

  /// The mean.
  package var mean: Double { values.reduce(0, +) / Double(values.count) }

  /// The standard deviation with n − 1; nil of one number.
  package var deviation: Double? {
    guard values.count > 1 else { return nil }
    let mean = mean
    return (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)).squareRoot()
  }

  /// The 95 % interval of the mean by Student's t; nil of one number.
  package var tInterval: ConfidenceInterval? {
    guard let deviation else { return nil }
    let half =
      StudentT.quantile(0.975, degrees: values.count - 1) * deviation / Double(values.count).squareRoot()
    return ConfidenceInterval(low: mean - half, high: mean + half)
  }

  /// How often the bootstrap draws.
  package static let resamples = 10_000

  /// The 95 % interval of the mean by the percentile bootstrap; nil of one number.
  ///
  /// Every resample draws as many of the numbers as there are, each time out of all. Its draws depend on nothing but its
  /// number, so that the same numbers give the same interval. Ends are interpolated as NumPy's `percentile` does.
  ///
  /// Source: B. Efron and R. J. Tibshirani, "An introduction to the bootstrap" (1993), chapter 13.
  package var bootstrapInterval: ConfidenceInterval? {
    guard values.count > 1 else { return nil }
    let count = Double(values.count)
    let means = (0..<Self.resamples).map { resample -> Double in
      var draws = PhiloxGenerator(seed: 0, purpose: "experiment-bootstrap", position: (UInt64(resample), 0, 0))
      return values.indices.reduce(0) { sum, _ in sum + values[Int(draws.uniform() * count)] } / count
    }.sorted()
    func percentile(_ share: Double) -> Double {
      let place = share * Double(means.count - 1)
      let below = Int(place)
      let above = min(below + 1, means.count - 1)
      return means[below] + (means[above] - means[below]) * (place - Double(below))
    }
    return ConfidenceInterval(low: percentile(0.025), high: percentile(0.975))
  }
}

/// The least true difference between two arms that a study is likely to find.
package enum DetectableDifference {
  /// How likely.
  package static let power = 0.8

  /// That difference, for a two-sided paired t test at 5 %; nil of one seed.
  ///
  /// `(t₀.₉₇₅ + t₀.₈) · s / √n` with n − 1 degrees of freedom.
  ///
  /// Source: J. Bloom, "Minimum detectable effects", Evaluation Review 19 (1995).
  /// - Parameters:
  ///   - deviation: The standard deviation s of the differences seed by seed.
  ///   - seeds: How many there are.
  package static func of(deviation: Double, seeds: Int) -> Double? {
    guard seeds > 1 else { return nil }
    let quantiles = StudentT.quantile(0.975, degrees: seeds - 1) + StudentT.quantile(power, degrees: seeds - 1)
    return quantiles * deviation / Double(seeds).squareRoot()
  }
}
