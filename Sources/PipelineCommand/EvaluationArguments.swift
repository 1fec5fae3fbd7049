// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import PipelineCore
import PipelineIO
import PipelineRuntime
import PipelineSpec

/// How responses are sampled for an evaluation.
struct EvaluationSamplingArguments: ParsableArguments {
  private static let defaults = Evaluator.Options()

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The number of responses to each prompt. (default: \(defaults.samples), with --greedy 1)", valueName: "count"))
  var samples: Int?

  @Option(
    name: .customLong("temperature"), parsing: .unconditional,
    help: ArgumentHelp("The sampling temperature. (default: \(defaults.sampling.temperature))", valueName: "number"))
  var givenTemperature: Double?

  @Flag(help: "Always take the most probable token: one response to each prompt, independent of the seed.")
  var greedy = false

  @OptionGroup var tokens: TokenArguments

  @Option(parsing: .unconditional, help: ArgumentHelp("The seed of all random draws.", valueName: "number"))
  var seed = defaults.seed

  /// Responses to each prompt.
  var count: Int { samples ?? (greedy ? 1 : Self.defaults.samples) }

  var options: SamplingOptions {
    tokens.options(temperature: greedy ? 0 : givenTemperature ?? Self.defaults.sampling.temperature)
  }

  func validate() throws {
    if let samples, !(1...1 << 16).contains(samples) {
      throw ValidationError("--samples is \(samples), it must lie in 1…\(1 << 16)")
    }
    if greedy, givenTemperature != nil {
      throw ValidationError("--greedy and --temperature exclude each other; give one of them")
    }
    if options.temperature == 0, count > 1 {
      throw ValidationError(
        greedy
          ? "--greedy gives the same response every time; leave out --samples"
          : "a temperature of 0 gives the same response every time; say --greedy, or give --samples 1")
    }
    try TokenArguments.check(options)
  }
}

/// How responses are scored for an evaluation.
struct ScoringArguments: ParsableArguments {
  /// The name of `--reward`'s score in a response's `rewards`.
  private static let part = EvaluationScore.usualPart

  @Option(
    help: ArgumentHelp(
      "The reward function that scores a response; its score is called 'accuracy'. (default: boxed-answer)",
      valueName: "name"))
  var reward: String?

  @Option(help: ArgumentHelp("The reward function's options.", valueName: "json"))
  var with: String?

  @Option(help: ArgumentHelp("Score with this spec's stages that write rewards.", valueName: "file"))
  var spec: String?

  @OptionGroup var trust: TrustFlag

  @Option(
    help: ArgumentHelp(
      "The score to report: 'reward' for the weighted sum, or the name of one of its parts. (default: accuracy if "
        + "there is one, otherwise reward)", valueName: "name"))
  var score: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The score from which a response counts as right for pass@k.", valueName: "number"))
  var threshold = Evaluator.Options().threshold

  @Option(help: ArgumentHelp("Report separately for each value of this field of the prompts.", valueName: "field"))
  var by: String?

  func validate() throws {
    if spec != nil, reward != nil || with != nil {
      throw ValidationError("--spec says how to score; leave out --reward and --with")
    }
    if !threshold.isFinite { throw ValidationError("--threshold is \(threshold), it must be finite") }
    if score?.isEmpty == true { throw ValidationError("--score is empty; name a score, such as accuracy") }
  }

  /// What to report.
  var reported: EvaluationScore {
    score.map { EvaluationScore(name: $0) } ?? (spec == nil ? .part(Self.part) : .automatic)
  }

  /// The spec that says how to score and how to ask; nil for none.
  func pipeline() throws -> AssembledPipeline? {
    try spec.map { try TrustedSpecs.load($0, trusted: trust.isGiven, for: .running) }
  }

  /// The stages that score.
  ///
  /// - Throws: When they cannot be made, or none of them gives the wanted score.
  func stages(of pipeline: AssembledPipeline?) throws -> [NamedStage] {
    guard let pipeline, let spec else {
      try check(known: [Self.part])
      let stage = try SpecLoader.rewardStage(
        reward ?? "boxed-answer", with: with ?? "", named: Self.part, registry: CommandEnvironment.registry)
      return [NamedStage(name: "reward", stage: stage)]
    }
    let scoring = pipeline.stages.indices.filter {
      !pipeline.stages[$0].stage.writes.isDisjoint(with: [.reward, .rewards])
    }
    if scoring.isEmpty {
      throw PipelineError(
        .invalidSpec,
        "\(spec) has no stage that writes 'reward' or 'rewards'; add a reward stage, or name a function with --reward")
    }
    let known = scoring.map { pipeline.stages[$0].stage.scores?.sorted() }
    if !known.contains(nil) { try check(known: known.flatMap { $0 ?? [] }) }
    let named = pipeline.namedStages
    return scoring.map { named[$0] }
  }

  private func check(known: [String]) throws {
    guard let score, score != Field.reward.rawValue else { return }
    // After a slash comes a function's own part, which only the function knows.
    let function = score.split(separator: "/", omittingEmptySubsequences: false).first.map(String.init) ?? score
    if known.contains(score) || known.contains(function) { return }
    let names = known + [Field.reward.rawValue]
    let hint = NearestName.suggestion(for: score, among: names).map { "; did you mean '\($0)'?" } ?? "."
    throw PipelineError(
      .invalidSpec,
      "--score: nothing gives the score \(score.quotedForMessage)\(hint) Scores: \(names.joined(separator: ", "))")
  }
}
