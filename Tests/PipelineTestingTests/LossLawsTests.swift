// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineTesting
import Testing

/// Losses that each break one law, to see that it is noticed.
@Suite("Laws of losses", .timeLimit(.minutes(15)))
struct LossLawsTests {
  /// A loss made of a closure.
  private struct Sketch: PolicyLoss {
    static let about = ComponentAbout(name: "sketch", summary: "Computes what its closure computes")
    var reads: Set<Field> = [.advantage]
    var usesOldLogProbs = true
    let body: @Sendable (LossTokens) throws -> TokenLosses

    init(options: NoOptions, assembly: Assembly) { self.init { _ in TokenLosses(losses: [], gradient: []) } }
    init(_ body: @escaping @Sendable (LossTokens) throws -> TokenLosses) { self.body = body }
    func evaluate(_ tokens: LossTokens) throws -> TokenLosses { try body(tokens) }
  }

  private func broken(_ loss: Sketch, gradient: LossLaws.Gradient = .derivative) -> [String] {
    do {
      try LossLaws.check(loss, gradient: gradient)
      return []
    } catch let violation as LawViolation {
      #expect(violation.description.hasPrefix("loss 'sketch' breaks"))
      return violation.broken
    } catch {
      return ["\(error)"]
    }
  }

  /// A loss of one token alone: its value, and the derivative that it claims.
  private func tokenwise(
    _ body: @escaping @Sendable (_ logProb: Double, _ old: Double, _ advantage: Double) -> (Double, Double)
  ) -> Sketch {
    Sketch { tokens in
      let pairs = (0..<tokens.count).map { body(tokens.logProbs[$0], tokens.oldLogProbs[$0], tokens.advantages[$0]) }
      return TokenLosses(losses: pairs.map(\.0), gradient: zip(pairs, tokens.weights).map { $0.1 * $1 })
    }
  }

  @Test("losses that keep the laws pass, kinks or not")
  func passes() {
    #expect(broken(tokenwise { logProb, _, advantage in (-advantage * logProb, -advantage) }).isEmpty)
    // Half the square, no longer growing from a distance of 1 on.
    #expect(
      broken(
        tokenwise { logProb, old, _ in
          let distance = logProb - old
          return abs(distance) < 1 ? (distance * distance / 2, distance) : (0.5, 0)
        }
      ).isEmpty)
  }

  @Test("a loss that stops gradients passes against what it holds, and not otherwise")
  func holding() {
    let weighted = tokenwise { logProb, old, advantage in
      let weight = min(exp(logProb - old), 2)
      return (-advantage * weight * logProb, -advantage * weight)
    }
    #expect(broken(weighted).contains { $0.hasPrefix("the gradient is the derivative") })
    let right = LossLaws.Gradient.holding { tokens, point in
      (0..<tokens.count).map { token in
        let weight = min(exp(point.logProbs[token] - point.oldLogProbs[token]), 2)
        return -tokens.advantages[token] * weight * tokens.logProbs[token]
      }
    }
    #expect(broken(weighted, gradient: right).isEmpty)
    let other = LossLaws.Gradient.holding { tokens, _ in tokens.logProbs.map { -$0 } }
    #expect(broken(weighted, gradient: other).contains { $0.hasPrefix("what is held has the value of the loss") })
  }

  @Test("every broken law of a loss is named")
  func laws() {
    let plain: @Sendable (LossTokens) -> TokenLosses = { tokens in
      TokenLosses(losses: tokens.logProbs.map { -$0 }, gradient: tokens.weights.map { -$0 })
    }
    let cases: [(law: String, loss: Sketch)] = [
      ("it does not throw", Sketch { _ in throw PipelineError(.plugIn, "no") }),
      (
        "a loss and a derivative for each token",
        Sketch { tokens in TokenLosses(losses: tokens.logProbs.map { -$0 }, gradient: []) }
      ),
      (
        "a loss and a derivative for each token",
        Sketch { tokens in
          var result = plain(tokens)
          result.clips = [.none]
          return result
        }
      ),
      ("losses and gradient are finite", tokenwise { logProb, old, _ in (exp(logProb - old), exp(logProb - old)) }),
      ("the gradient is the derivative", tokenwise { logProb, _, advantage in (-advantage * logProb, advantage) }),
      ("the gradient is the derivative", tokenwise { logProb, _, _ in (-logProb, -1.001) }),
      (
        // The mean of the response, with a gradient as if each token stood for itself.
        "the gradient is the derivative",
        Sketch { tokens in
          let mean = tokens.logProbs.reduce(0, +) / Double(max(1, tokens.count))
          return TokenLosses(losses: tokens.logProbs.map { _ in -mean }, gradient: tokens.weights.map { -$0 })
        }
      ),
      (
        "the gradient is linear in the weights",
        Sketch { tokens in
          var result = plain(tokens)
          result.gradient = tokens.weights.map { -$0 * $0 }
          return result
        }
      ),
      (
        "weights of 0 give a gradient of 0",
        Sketch { tokens in
          var result = plain(tokens)
          result.gradient = tokens.weights.map { -$0 - 1e-30 }
          return result
        }
      ),
      (
        "losses do not depend on the weights",
        Sketch { tokens in
          var result = plain(tokens)
          result.losses = zip(result.losses, tokens.weights).map { $0 + $1 }
          return result
        }
      ),
      (
        "it has a derivative almost everywhere", tokenwise { logProb, _, _ in (sin(logProb * 1e9), 0) }
      ),
    ]
    for (law, loss) in cases {
      let report = broken(loss)
      #expect(report.contains { $0.hasPrefix(law) }, "\(law): \(report)")
    }
  }

  @Test("a loss that is not the same twice is noticed")
  func notDeterministic() {
    final class Counter: @unchecked Sendable { var count = 0.0 }
    let counter = Counter()
    let loss = Sketch { tokens in
      counter.count += 1
      return TokenLosses(losses: tokens.logProbs.map { counter.count - $0 }, gradient: tokens.weights.map { -$0 })
    }
    #expect(broken(loss).contains { $0.hasPrefix("the same response gives the same bits") })
  }

  @Test("a loss that depends on what it says it does not is noticed")
  func undeclared() {
    var ratio = tokenwise { logProb, old, _ in ((logProb - old) * (logProb - old), 2 * (logProb - old)) }
    ratio.usesOldLogProbs = false
    #expect(
      broken(ratio).contains { $0.hasPrefix("a loss that does not use old log-probabilities does not depend on them") })
    var advantage = tokenwise { logProb, _, advantage in (-advantage * logProb, -advantage) }
    advantage.reads = []
    #expect(broken(advantage).contains { $0.hasPrefix("a loss that does not read advantages does not depend on them") })
  }
}
