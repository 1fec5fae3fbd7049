// SPDX-License-Identifier: Apache-2.0
public import PipelineCore

/// The laws that every loss must obey.
///
/// Call ``check(_:gradient:on:)`` from its test:
/// ```swift
/// try LossLaws.check(ClipLoss(assembly: .plain()))
/// ```
/// 1. It gives a loss and a derivative for each token, none for an empty response, and clips for all tokens or none.
/// 2. The gradient is the derivative of `Σ weights·losses` with respect to each log-probability.
/// 3. The gradient is linear in the weights, and 0 if all are 0; losses and clips do not depend on them.
/// 4. Losses and gradient are finite for every finite input: log-probabilities of −10,000, ratios that overflow.
/// 5. The same response gives the same bits.
/// 6. Without `usesOldLogProbs` the result does not depend on old log-probabilities, without `advantage` in `reads` not
/// on advantages.
public enum LossLaws {
  /// What the gradient is the derivative of.
  public enum Gradient: Sendable {
    /// Of the losses themselves.
    case derivative
    /// The losses with some parts held constant, for a loss that stops gradients.
    ///
    /// The closure gives the losses of `tokens`, with the constant parts computed from `point`; if both are equal, it
    /// gives the losses themselves. For a loss `−A·sg(ρ)·log π`:
    /// ```swift
    /// .holding { tokens, point in
    ///   (0..<tokens.count).map {
    ///     -tokens.advantages[$0] * exp(point.logProbs[$0] - point.oldLogProbs[$0]) * tokens.logProbs[$0]
    ///   }
    /// }
    /// ```
    case holding(@Sendable (_ tokens: LossTokens, _ point: LossTokens) throws -> [Double])
  }

  /// Evaluates a loss on responses, and throws if it breaks a law.
  ///
  /// Derivatives are compared with central differences of 1e-6, to 1e-4 of their size. Places where the differences to
  /// both sides disagree are kinks without a derivative; they are left out, and must not be the majority.
  /// - Parameters:
  ///   - loss: The loss, with its options.
  ///   - gradient: What the gradient is the derivative of.
  ///   - responses: What to evaluate it on; by default ``responses()``.
  /// - Throws: ``LawViolation``, with examples of every broken law.
  public static func check(
    _ loss: any PolicyLoss, gradient: Gradient = .derivative, on responses: [LossTokens]? = nil
  ) throws {
    var book = LawBook(subject: "loss '\(type(of: loss).name)'")
    AboutLaws.examine(type(of: loss), &book)
    var places = GradientCheck()
    for (index, tokens) in (responses ?? Self.responses()).enumerated() {
      let example = "response \(index) (\(tokens.count) tokens)"
      guard let result = evaluate(loss, tokens, example, &book) else { continue }
      if let again = evaluate(loss, tokens, example, &book), !again.isIdentical(to: result) {
        book.breaks("the same response gives the same bits", example)
      }
      do {
        try places.compare(result, loss, tokens, gradient, example, &book)
      } catch {
        book.breaks("it does not throw", "\(example): \(error)")
      }
      checkWeights(loss, tokens, result, example, &book)
      checkReads(loss, tokens, result, example, &book)
    }
    if places.kinks > places.smooth {
      book.breaks(
        "it has a derivative almost everywhere", "\(places.kinks) of \(places.kinks + places.smooth) places are kinks")
    }
    for (name, tokens) in hostileResponses() { _ = evaluate(loss, tokens, name, &book) }
    try book.verdict()
  }

  /// The result of a loss for a response, if it has the right shape and is finite.
  private static func evaluate(
    _ loss: any PolicyLoss, _ tokens: LossTokens, _ example: String, _ book: inout LawBook
  ) -> TokenLosses? {
    let result: TokenLosses
    do {
      result = try loss.evaluate(tokens)
    } catch {
      book.breaks("it does not throw", "\(example): \(error)")
      return nil
    }
    guard result.losses.count == tokens.count, result.gradient.count == tokens.count,
      result.clips.isEmpty || result.clips.count == tokens.count
    else {
      book.breaks(
        "a loss and a derivative for each token",
        "\(example): \(result.losses.count) losses, \(result.gradient.count) derivatives, \(result.clips.count) clips")
      return nil
    }
    if let odd = (result.losses + result.gradient).first(where: { !$0.isFinite }) {
      book.breaks("losses and gradient are finite", "\(example): \(odd)")
      return nil
    }
    return result
  }

  private static func checkWeights(
    _ loss: any PolicyLoss, _ tokens: LossTokens, _ result: TokenLosses, _ example: String, _ book: inout LawBook
  ) {
    var others = tokens
    others.weights = tokens.weights.indices.map { Double(($0 * 5) % 7) / 4 }
    var both = tokens
    both.weights = zip(tokens.weights, others.weights).map { $0 + $1 }
    var none = tokens
    none.weights = tokens.weights.map { _ in 0 }
    guard let other = evaluate(loss, others, example, &book), let sum = evaluate(loss, both, example, &book),
      let zero = evaluate(loss, none, example, &book)
    else { return }
    for (token, found) in sum.gradient.enumerated() {
      let expected = result.gradient[token] + other.gradient[token]
      if abs(found - expected) > 1e-9 * max(1, abs(result.gradient[token]), abs(other.gradient[token])) {
        book.breaks("the gradient is linear in the weights", "\(example): \(found) for \(expected) at token \(token)")
      }
    }
    if zero.gradient.contains(where: { $0 != 0 }) { book.breaks("weights of 0 give a gradient of 0", example) }
    if [other, sum, zero].contains(where: { $0.losses != result.losses || $0.clips != result.clips }) {
      book.breaks("losses do not depend on the weights", example)
    }
  }

  private static func checkReads(
    _ loss: any PolicyLoss, _ tokens: LossTokens, _ result: TokenLosses, _ example: String, _ book: inout LawBook
  ) {
    if !loss.usesOldLogProbs {
      var others = tokens
      others.oldLogProbs = tokens.oldLogProbs.map { $0 - 0.7 }
      if let other = evaluate(loss, others, example, &book), !other.isIdentical(to: result) {
        book.breaks("a loss that does not use old log-probabilities does not depend on them", example)
      }
    }
    if !loss.reads.contains(.advantage) {
      var others = tokens
      others.advantages = tokens.advantages.map { $0 - 0.7 }
      if let other = evaluate(loss, others, example, &book), !other.isIdentical(to: result) {
        book.breaks("a loss that does not read advantages does not depend on them", example)
      }
    }
  }
}

extension TokenLosses {
  fileprivate func isIdentical(to other: TokenLosses) -> Bool {
    losses.map(\.bitPattern) == other.losses.map(\.bitPattern)
      && gradient.map(\.bitPattern) == other.gradient.map(\.bitPattern) && clips == other.clips
  }
}
