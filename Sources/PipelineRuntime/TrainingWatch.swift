// SPDX-License-Identifier: Apache-2.0

/// Watches the metrics of a training run for signs that it has stopped to learn or is about to break.
///
/// Metrics go by EasyR1's names. What a step does not report is not judged, and leaves counts of steps in succession as
/// they are. The same metrics give the same warnings, also where a run was resumed from ``state`` on the way.
///
/// The limits below are rules of thumb: far enough from what sound runs show that a warning is worth a look, not a verdict.
package struct TrainingWatch: Sendable, Hashable {
  /// Steps in succession in which a condition must hold: one odd batch is no reason to warn.
  package static let patience = 5
  /// Steps in succession in which a part of the reward must be 0; longer, as a hard task may well start with zeros.
  package static let partPatience = 20
  /// The first values whose mean stands for how a run began.
  package static let baselineCount = 5
  /// The share of its beginning below which entropy has collapsed: a sound run loses some of it all the time, one at a tenth
  /// gives nearly the same response again and again, and groups without contrast follow.
  package static let entropyShare = 0.1
  /// The share of its beginning below which the length of responses has collapsed: learning to be brief takes away a half,
  /// seldom three quarters.
  package static let lengthShare = 0.25
  /// The share of responses at the length limit above which the limit decides the reward: a response that is cut off has
  /// no answer, whatever it was worth.
  package static let cutShare = 0.25
  /// How many times its running median a gradient norm may reach; batches with much contrast reach a few times the median.
  package static let gradientFactor = 10.0
  /// Steps in succession in which the gradient norm must lie above; one alone is what the limit of the norm is for.
  package static let gradientPatience = 3
  /// The gradient norms that the running median is taken of.
  package static let gradientWindow = 50
  /// The fewest gradient norms that make a median worth comparing with.
  package static let gradientLeast = 10
  /// The share of clipped tokens above which most of the step is thrown away; ratios of tokens stay near 1, and even those of
  /// whole sequences, which are clipped much more often, stay below.
  package static let clippedShare = 0.3

  /// The codes of the warnings that have been given.
  private(set) var given: Set<String> = []
  /// For how many steps in succession the condition of a code has held.
  private(set) var streaks: [String: Int] = [:]
  /// Earlier values by metric: the first ones of some, the last ones of others.
  private(set) var values: [String: [Double]] = [:]

  /// A watch at the beginning of a run.
  package init() {}

  init(given: Set<String>, streaks: [String: Int], values: [String: [Double]]) {
    self.given = given
    self.streaks = streaks
    self.values = values
  }

  /// Looks at the metrics of the next step.
  ///
  /// - Parameter metrics: By name; NaN and infinities as they are.
  /// - Returns: What has come up for the first time, in an order that depends on the metrics alone.
  package mutating func warnings(step: Int, metrics: [String: Double]) -> [TrainingWarning] {
    var found: [TrainingWarning] = []
    func warn(_ code: String, _ message: String, _ advice: String) {
      found.append(TrainingWarning(code: code, step: step, message: message, advice: advice))
    }
    watchNumbers(metrics, warn)
    // Supervised training has neither: its rewards are all the same, and its entropy is meant to fall.
    if metrics["response_length/mean"] != nil || metrics["critic/advantages/mean"] != nil {
      let isConstant = watchReward(metrics, warn)
      if !isConstant {
        watchGroups(metrics, warn)
        watchParts(metrics, warn)
      }
      watchDecline(metrics, warn)
      watchLimits(metrics, warn)
    }
    watchGradient(metrics, warn)
    return found.filter { given.insert($0.code).inserted }
  }

  private typealias Warn = (_ code: String, _ message: String, _ advice: String) -> Void

  private func watchNumbers(_ metrics: [String: Double], _ warn: Warn) {
    let names = metrics.filter { !$0.value.isFinite }.keys.sorted()
    guard let first = names.first else { return }
    warn(
      "not-finite",
      names.count > 1 ? "\(first) and \(names.count - 1) more are not finite" : "\(first) is not a finite number",
      "go back to the last checkpoint and lower the learning rate; in the first step, look for rewards out of range")
  }

  /// Whether every trajectory of the step got the same reward; false where the metrics do not say.
  private mutating func watchReward(_ metrics: [String: Double], _ warn: Warn) -> Bool {
    guard let mean = metrics["critic/score/mean"] ?? metrics["reward/overall"], mean.isFinite else { return false }
    let spread = metrics["critic/score/max"].flatMap { most in metrics["critic/score/min"].map { most - $0 } }
    let isAsBefore = values["reward"]?.last == mean
    values["reward"] = [mean]
    // Without extremes, a mean that repeats to the last digit must do; it has no say about the first step.
    let isConstant = spread.map { $0 == 0 } ?? isAsBefore
    if lasts("reward-constant", isConstant) {
      warn(
        "reward-constant", "every reward has been the same for \(Self.patience) steps (now \(mean))",
        "read some rollouts: are answers given and found, is the reward function right, is the task too hard or too easy?"
      )
    }
    return isConstant
  }

  private mutating func watchGroups(_ metrics: [String: Double], _ warn: Warn) {
    let ending = "/zero_variance_groups"
    let stages = metrics.keys.filter { $0.hasSuffix(ending) }.sorted().map { String($0.dropLast(ending.count)) }
    guard let stage = stages.first(where: { (metrics["\($0)/groups"] ?? 0) > 0 }), let all = metrics["\(stage)/groups"]
    else { return }
    if lasts("zero-variance", metrics[stage + ending] == all) {
      warn(
        "zero-variance", "no group has had both better and worse responses for \(Self.patience) steps",
        "nothing is learned from them: raise the temperature or the rollouts of a prompt, or take prompts that the policy "
          + "sometimes gets right")
    }
  }

  private mutating func watchParts(_ metrics: [String: Double], _ warn: Warn) {
    for (name, key) in Self.rewardParts(metrics) {
      let code = "reward-zero-\(name)"
      if lasts(code, metrics[key] == 0, patience: Self.partPatience) {
        warn(
          code, "the reward '\(name)' has been 0 for \(Self.partPatience) steps while other rewards vary",
          "the policy learns to do without it: check the reward function on some rollouts, or begin with supervised "
            + "training on responses that earn it")
      }
    }
  }

  /// The parts of the reward, by name, with the metric that holds each one's mean.
  private static func rewardParts(_ metrics: [String: Double]) -> [(name: String, key: String)] {
    metrics.keys.sorted().compactMap { key in
      let parts = key.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
      // The figures that every stage has stand in the same place where the stage is called `reward`.
      guard parts.count == 2, parts[0] == "reward", !["overall", "kept", "collapsed_share"].contains(parts[1]) else {
        return nil
      }
      return (parts[1], key)
    }
  }

  private mutating func watchDecline(_ metrics: [String: Double], _ warn: Warn) {
    if let (now, first) = baseline("actor/entropy_loss", metrics),
      lasts("entropy-collapse", first > 0 && now < Self.entropyShare * first)
    {
      warn(
        "entropy-collapse", "the policy's entropy has fallen from \(first.rounded3) to \(now.rounded3)",
        "responses of a group become alike: lower the learning rate, raise the upper clip limit, add a KL term, or stop here"
      )
    }
    if let (now, first) = baseline("response_length/mean", metrics),
      lasts("length-collapse", now < Self.lengthShare * first)
    {
      warn(
        "length-collapse", "responses have shrunk from \(first.rounded3) to \(now.rounded3) tokens",
        "read some rollouts: if they skip the reasoning, the reward pays for brevity; check it and how the loss is averaged"
      )
    }
  }

  private mutating func watchLimits(_ metrics: [String: Double], _ warn: Warn) {
    if let cut = metrics["response_length/clip_ratio"], cut.isFinite, lasts("length-limit", cut > Self.cutShare) {
      warn(
        "length-limit", "\((cut * 100).rounded3) % of the responses end at the length limit",
        "raise sampling.max_tokens of the rollout stage; a response that is cut off cannot earn its reward")
    }
    let shares = ["higher", "lower"].compactMap { metrics["actor/pg_clipfrac_\($0)"] }
    let clipped = shares.reduce(0, +)
    if !shares.isEmpty, clipped.isFinite, lasts("clipping", clipped > Self.clippedShare) {
      warn(
        "clipping", "\((clipped * 100).rounded3) % of the tokens are clipped and teach nothing",
        "the policy moves too far between rollouts: lower the learning rate, or make fewer updates of each batch")
    }
  }

  private mutating func watchGradient(_ metrics: [String: Double], _ warn: Warn) {
    let name = "actor/grad_norm"
    // A step without contrast has no gradient; it says nothing about what is usual.
    guard let norm = metrics[name], norm.isFinite, norm > 0 else { return }
    let window = values[name] ?? []
    let median = window.sorted().middle
    values[name] = Array((window + [norm]).suffix(Self.gradientWindow))
    guard window.count >= Self.gradientLeast, let median else { return }
    if lasts("gradient-norm", norm > Self.gradientFactor * median, patience: Self.gradientPatience) {
      warn(
        "gradient-norm", "the gradient norm is \(norm.rounded3), \((norm / median).rounded3) times its running median",
        "lower the learning rate or the limit of the norm; if it stays high, go back to a checkpoint before this step")
    }
  }

  /// Counts the steps in succession in which the condition of a code holds, and says whether they are enough.
  private mutating func lasts(_ code: String, _ holds: Bool, patience: Int = Self.patience) -> Bool {
    streaks[code] = holds ? min(streaks[code, default: 0] + 1, patience) : 0
    return streaks[code] == patience
  }

  /// The value now and the mean of the first ones; nil until there are enough of these.
  private mutating func baseline(_ name: String, _ metrics: [String: Double]) -> (now: Double, first: Double)? {
    guard let now = metrics[name], now.isFinite else { return nil }
    let first = values[name] ?? []
    if first.count < Self.baselineCount {
      values[name] = first + [now]
      return nil
    }
    return (now, first.reduce(0, +) / Double(first.count))
  }
}

extension Array where Element == Double {
  /// The median of sorted values, the upper one of two; nil for none.
  fileprivate var middle: Double? { isEmpty ? nil : self[count / 2] }
}

extension Double {
  /// The number with about three digits, for people.
  fileprivate var rounded3: String {
    if self == 0 { return "0" }
    var unit = 1.0
    while abs(self) * unit < 100, unit < 1e9 { unit *= 10 }
    let value = (self * unit).rounded() / unit
    return value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : String(value)
  }
}
