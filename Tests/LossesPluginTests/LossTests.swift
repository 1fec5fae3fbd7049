// SPDX-License-Identifier: Apache-2.0
import Foundation
import LossesPlugin
import PipelineCore
import PipelineTesting
import Testing
import UpdatePlugin

@Suite("Losses", .timeLimit(.minutes(15)))
struct LossTests {
  /// A response whose old log-probabilities are −1 and whose ratios are given.
  private func tokens(ratios: [Double], advantages: [Double], weights: [Double]? = nil) -> LossTokens {
    tokens(logRatios: ratios.map { log($0) }, advantages: advantages, weights: weights)
  }

  private func tokens(logRatios: [Double], advantages: [Double], weights: [Double]? = nil) -> LossTokens {
    LossTokens(
      logProbs: logRatios.map { $0 - 1 }, oldLogProbs: logRatios.map { _ in -1 }, advantages: advantages,
      weights: weights ?? logRatios.map { _ in 1 })
  }

  private func expect(
    _ found: TokenLosses, losses: [Double], gradient: [Double], clips: [TokenLosses.Clip]? = nil,
    sourceLocation: Testing.SourceLocation = #_sourceLocation
  ) {
    #expect(isClose(found.losses, losses), "losses \(found.losses)", sourceLocation: sourceLocation)
    #expect(isClose(found.gradient, gradient), "gradient \(found.gradient)", sourceLocation: sourceLocation)
    if let clips { #expect(found.clips == clips, sourceLocation: sourceLocation) }
  }

  private func isClose(_ found: [Double], _ expected: [Double]) -> Bool {
    found.count == expected.count && zip(found, expected).allSatisfy { abs($0 - $1) <= 1e-12 * max(1, abs($1)) }
  }

  private func clip(low: Double = 0.2, high: Double = 0.2, dual: Double = 0) -> ClipLoss {
    var options = ClipLoss.Options()
    (options.epsilonLow, options.epsilonHigh, options.dualClip) = (low, high, dual)
    return ClipLoss(options: options, assembly: .plain())
  }

  private static let all: [any PolicyLoss] = [
    ClipLoss(assembly: .plain()), GSPOLoss(assembly: .plain()), GSPOTokenLoss(assembly: .plain()),
    CISPOLoss(assembly: .plain()), SAPOLoss(assembly: .plain()), ReinforceLoss(assembly: .plain()),
    NLLLoss(assembly: .plain()),
  ]

  @Test("clip: a limit holds the ratio where that raises the loss, and only there")
  func clipLimits() {
    let found = clip(low: 0.2, high: 0.28).evaluate(
      tokens(
        ratios: [1, 1.5, 0.5, 1.5, 0.5, 1.2], advantages: [2, 2, 2, -2, -2, 0], weights: [1, 1, 0.5, 0.25, 1, 1]))
    expect(
      found, losses: [-2, -2.56, -1, 3, 1.6, 0], gradient: [-2, 0, -0.5, 0.75, 0, 0],
      clips: [.none, .higher, .none, .none, .higher, .none])
  }

  @Test("clip: a dual clip holds the loss of tokens with negative advantage")
  func dualClip() {
    let response = tokens(ratios: [2, 4, 4, 0.5], advantages: [-1, -1, 1, -1])
    expect(
      clip(dual: 3).evaluate(response), losses: [2, 3, -1.2, 0.8], gradient: [2, 0, 0, 0],
      clips: [.none, .lower, .higher, .higher])
    expect(
      clip().evaluate(response), losses: [2, 4, -1.2, 0.8], gradient: [2, 4, 0, 0],
      clips: [.none, .none, .higher, .higher])
  }

  @Test("log-ratios are clamped to ±20, and have no gradient beyond")
  func clamps() {
    let most = exp(20.0)
    let response = tokens(logRatios: [19, 20.5, -20.5, 9000], advantages: [-1, -1, 1, -1])
    let expected = [exp(19), most, -exp(-20.0), most]
    expect(clip().evaluate(response), losses: expected, gradient: [exp(19), 0, 0, 0])
    let sapo = SAPOLoss(assembly: .plain()).evaluate(response)
    #expect(sapo.gradient[1...] == [0, 0, 0])
    let gate = 4 / (1 + exp(1 - exp(-20.0)))
    expect(sapo, losses: [4 / 1.05, 4 / 1.05, -gate, 4 / 1.05], gradient: [0, 0, 0, 0])
    for loss in [GSPOLoss(assembly: .plain()) as any PolicyLoss, GSPOTokenLoss(assembly: .plain())] {
      let clamped = tokens(logRatios: [50, -9], advantages: [-1, -1])
      expect(try! loss.evaluate(clamped), losses: [most, most], gradient: [0, 0], clips: [.none, .none])
    }
  }

  @Test("gspo: one ratio for the response, whose gradient goes to every token")
  func gspo() {
    var options = GSPOOptions()
    (options.epsilonLow, options.epsilonHigh) = (0.2, 0.2)
    // The mean log-ratio is that of 1.1, and of 1.5.
    let near = tokens(ratios: [1.21, 1], advantages: [1, 3], weights: [0.5, 0.25])
    let far = tokens(ratios: [2.25, 1], advantages: [1, -3], weights: [0.5, 0.25])
    let gspo = GSPOLoss(options: options, assembly: .plain())
    expect(
      gspo.evaluate(near), losses: [-1.1, -3.3], gradient: [-0.6875, -0.6875], clips: [.none, .none])
    expect(
      gspo.evaluate(far), losses: [-1.2, 4.5], gradient: [0.5625, 0.5625], clips: [.higher, .none])
    let byToken = GSPOTokenLoss(options: options, assembly: .plain())
    expect(byToken.evaluate(near), losses: [-1.1, -3.3], gradient: [-0.55, -0.825], clips: [.none, .none])
    expect(byToken.evaluate(far), losses: [-1.2, 4.5], gradient: [0, 1.125], clips: [.higher, .none])
    #expect(gspo.aggregation == .sequenceMeanTokenMean && byToken.aggregation == .sequenceMeanTokenMean)
  }

  @Test("gspo-token adds up to gspo where advantages and weights are the same over a response")
  func gspoTokenSum() {
    let response = tokens(
      logRatios: [2e-4, -3e-4, 1e-4], advantages: [0.7, 0.7, 0.7], weights: [0.125, 0.125, 0.125])
    let whole = GSPOLoss(assembly: .plain()).evaluate(response)
    let byToken = GSPOTokenLoss(assembly: .plain()).evaluate(response)
    #expect(whole.losses == byToken.losses)
    #expect(isClose(whole.gradient, byToken.gradient))
    #expect(whole.gradient[0] < 0)
  }

  @Test("cispo: the clipped ratio is a weight, and every token keeps its gradient")
  func cispo() {
    var options = CISPOLoss.Options()
    (options.epsilonLow, options.epsilonHigh) = (0.2, 0.3)
    let response = LossTokens(
      logProbs: [-1, -1, -2, -1], oldLogProbs: [-1, -1 - log(2), -2 - log(0.5), -9999], advantages: [2, 2, -2, -1],
      weights: [1, 0.5, 1, 1])
    expect(
      CISPOLoss(options: options, assembly: .plain()).evaluate(response), losses: [2, 2.6, -3.2, -1.3],
      gradient: [-2, -1.3, 1.6, 1.3], clips: [.none, .lower, .lower, .higher])
    expect(
      CISPOLoss(assembly: .plain()).evaluate(response), losses: [2, 2.4, -2, -1.2], gradient: [-2, -1.2, 1, 1.2],
      clips: [.none, .lower, .none, .higher])
  }

  @Test("sapo: at a ratio of 1 the gate has the slope of the ratio, and it closes on both sides")
  func sapo() {
    let found = SAPOLoss(assembly: .plain()).evaluate(
      tokens(ratios: [1, 1, 3], advantages: [1, -1, 1], weights: [1, 2, 1]))
    let share = 1 / (1 + exp(-2.0))
    expect(
      found, losses: [-2, 2 / 1.05, -4 * share], gradient: [-1, 2, -12 * share * (1 - share)])
    #expect(found.clips.isEmpty)
  }

  @Test("reinforce and nll do not look at the old policy; nll not at advantages")
  func plainLosses() {
    let response = LossTokens(logProbs: [-1, -2], oldLogProbs: [-9, -9], advantages: [3, -1], weights: [0.5, 1])
    expect(ReinforceLoss(assembly: .plain()).evaluate(response), losses: [3, -2], gradient: [-1.5, 1])
    expect(NLLLoss(assembly: .plain()).evaluate(response), losses: [1, 2], gradient: [-0.5, -1])
    #expect(NLLLoss(assembly: .plain()).reads.isEmpty)
  }

  @Test("every loss keeps the laws", arguments: all.indices)
  func laws(_ index: Int) throws {
    let loss = Self.all[index]
    switch loss {
    case is CISPOLoss:
      try LossLaws.check(
        loss,
        gradient: .holding { tokens, point in
          (0..<tokens.count).map { token in
            let ratio = exp(min(max(point.logProbs[token] - point.oldLogProbs[token], -20), 20))
            return -tokens.advantages[token] * min(ratio, 1.2) * tokens.logProbs[token]
          }
        })
    case is GSPOTokenLoss:
      try LossLaws.check(
        loss,
        gradient: .holding { tokens, point in
          let logRatios = zip(point.logProbs, point.oldLogProbs).map { $0 - $1 }
          let mean = logRatios.reduce(0, +) / Double(max(1, point.count))
          return (0..<tokens.count).map { token in
            let ratio = exp(min(max(mean + tokens.logProbs[token] - point.logProbs[token], -20), 20))
            let advantage = tokens.advantages[token]
            return max(-advantage * ratio, -advantage * min(max(ratio, 1 - 3e-4), 1 + 4e-4))
          }
        })
    default: try LossLaws.check(loss)
    }
  }

  @Test("the laws hold with a dual clip and with wide limits")
  func lawsWithOptions() throws {
    try LossLaws.check(clip(low: 1, high: 5, dual: 3))
    var options = GSPOOptions()
    (options.epsilonLow, options.epsilonHigh, options.dualClip) = (0.2, 0.3, 3)
    try LossLaws.check(GSPOLoss(options: options, assembly: .plain()))
  }

  @Test("losses and gradients stay finite up to the largest numbers that a Double holds")
  func largestNumbers() throws {
    let largest = Double.greatestFiniteMagnitude
    let numbers = [largest, -largest, 0, -1e4, 1e4]
    for loss in Self.all {
      for new in numbers {
        for old in numbers {
          for advantage in numbers {
            for weight in [0, 1, largest] {
              let found = try loss.evaluate(
                LossTokens(
                  logProbs: [new, old, -1], oldLogProbs: [old, new, -2], advantages: [advantage, 1, -advantage],
                  weights: [weight, weight, 1]))
              let odd = (found.losses + found.gradient).first { !$0.isFinite }
              #expect(odd == nil, "\(type(of: loss).name): \(new) \(old) \(advantage) \(weight)")
            }
          }
        }
      }
    }
  }

  @Test("options are described, and wrong ones explained")
  func options() throws {
    try OptionsLaws.check(ClipLoss.Options.self)
    try OptionsLaws.check(GSPOOptions.self)
    try OptionsLaws.check(CISPOLoss.Options.self)
    try OptionsLaws.check(SAPOLoss.Options.self)
    try OptionsLaws.check(ImportanceCorrection.self)

    var clip = ClipLoss.Options()
    (clip.epsilonLow, clip.epsilonHigh, clip.dualClip) = (1.5, -1, 0.5)
    let messages = [
      OptionProblem("epsilon_low", "is 1.5, it must lie in 0.0…1.0"),
      OptionProblem("epsilon_high", "is -1.0, it must be 0 or more"),
      OptionProblem("dual_clip", "is 0.5, it must be more than 1, or 0 for none; 3 is usual"),
    ]
    #expect(clip.problems() == messages)
    var gspo = GSPOOptions()
    (gspo.epsilonLow, gspo.epsilonHigh, gspo.dualClip) = (1.5, -1, 0.5)
    #expect(gspo.problems() == messages)
    var cispo = CISPOLoss.Options()
    (cispo.epsilonLow, cispo.epsilonHigh) = (1.5, -1)
    #expect(cispo.problems() == Array(messages.prefix(2)))
    var sapo = SAPOLoss.Options()
    (sapo.tauPositive, sapo.tauNegative) = (0, .infinity)
    #expect(
      sapo.problems() == [
        OptionProblem("tau_positive", "is 0.0, it must be more than 0"),
        OptionProblem("tau_negative", "is inf, it must be more than 0"),
      ])
  }

  @Test("losses are named in a spec")
  func registered() throws {
    var registry = Registry()
    try registry.register(ClipLoss.self)
    try registry.register(GSPOLoss.self)
    try registry.register(GSPOTokenLoss.self)
    try registry.register(CISPOLoss.self)
    try registry.register(SAPOLoss.self)
    try registry.register(ReinforceLoss.self)
    try registry.register(NLLLoss.self)
    #expect(registry.names(of: .loss) == ["cispo", "clip", "gspo", "gspo-token", "nll", "reinforce", "sapo"])
    let loss = try Assembly.plain(registry).loss(ComponentReference("gspo"))
    #expect(loss.aggregation == .sequenceMeanTokenMean)
  }
}
