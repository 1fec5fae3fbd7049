// SPDX-License-Identifier: Apache-2.0

/// How far two computations of the same numbers in `Float` may lie apart because they round differently.
///
/// Rounding errs by a number spread evenly over ±u of the result. A sum of n products, added in order, meets n such
/// errors, each a share of the sum so far; where signs are mixed, the sum so far grows as √i, and the errors come to a
/// deviation of √(n / 6) · u of √Σ(aᵢbᵢ)². Changing each term by a relative γ of random sign moves the sum by γ of the
/// same. So the roundings of a network are as a change of its weights by γ = √(n / 6) · u, and what such a change does to
/// the outcome is the network's condition. A test measures it: it changes every weight by a known amount
/// (`WeightChange`) and computes again. Depth, norms and cancellation are all in what it measures. Sums in lanes or
/// blocks and fused multiply-adds round less often. (The certain bound is γ = n · u: Higham, "Accuracy and Stability of
/// Numerical Algorithms", section 3.1. The probable one grows as √n · u: Higham and Mary, 2019.)
///
/// Another shape of the batch changes the order of sums alone, so it stays within the bound. A fault does not: the wrong token, mask, position or temperature moves outcomes by a share of themselves, and
/// numbers that are cut to half precision somewhere move them a hundred times as much as the bound.
package struct RoundingBound: Sendable {
  /// The unit roundoff of `Float`: half the distance between 1 and the next number.
  package static let unit = 0x1p-24

  /// How many deviations fit into a bound.
  package static let deviations = 4.0

  /// The longest sum in the computation: the width of a layer, the vocabulary, the rows of a batch.
  package let terms: Int

  /// A bound for sums of at most `terms` terms.
  package init(terms: Int) { self.terms = terms }

  /// The relative change of the terms of a sum that stands for the sum's roundings.
  package var gamma: Double { Self.deviations * (Double(terms) / 6).squareRoot() * Self.unit }

  /// The bound for two computations that each round: their errors add up as squares.
  ///
  /// `change` is the largest difference that it made to change every weight by `relative`. `scale` is the size of the
  /// numbers that the outcome is computed from at last. Where they cancel, only it counts: a gradient that is zero in
  /// exact arithmetic is zero whatever the weights are, but its roundings are not.
  package func difference(change: Float, relative: Double, scale: Float) -> Float {
    Float(2.0.squareRoot() * gamma * (Double(change) / relative + Double(scale)))
  }
}
