// SPDX-License-Identifier: Apache-2.0

extension PluginTemplate {
  /// The source of the component.
  var component: String {
    switch kind {
    case .reward: reward
    case .stage: stage
    case .advantage: advantage
    case .loss: loss
    }
  }

  private var reward: String {
    """
    public import PipelineCore

    /// Rewards short responses: 1 up to a length, else 0. Put your own judgement in its place.
    public struct \(type): RewardFunction {
      /// What it says of itself.
      public static let about = ComponentAbout(name: "\(name)", summary: "1 for responses up to a length, else 0")

      /// What a spec can set.
      public struct Options: ComponentOptions {
        package var characters = 30

        /// The defaults.
        public init() {}

        /// What each option means, for `describe`, the schema and the reference.
        public static let help = ["characters": "up to this many characters give 1"]

        /// What is wrong with the values.
        public func problems() -> [OptionProblem] {
          [OptionProblem.unless("characters", characters, in: 1...1_000_000)].compactMap { $0 }
        }
      }

      /// What a trajectory must carry; add `.answer`, or `Field("my_field")` for a field of your own.
      public let reads: Set<Field> = [.response]
      private let limit: Int

      /// Makes the reward.
      public init(options: Options = Options(), assembly: Assembly) { limit = options.characters }

      /// Judges a trajectory; what it throws marks that trajectory as failed, which is not a reward of 0.
      public func score(_ trajectory: Trajectory) throws -> RewardOutcome {
        guard let response = try trajectory.response else { return .abstained("there is no response") }
        return .scored(response.count <= limit ? 1 : 0)
      }
    }

    """
  }

  private var stage: String {
    """
    public import PipelineCore

    /// Drops trajectories whose response is too long. Put your own work in its place.
    public struct \(type): Stage {
      /// What it says of itself: `describe`, `why` and the reference are made of it.
      public static let about = ComponentAbout(
        name: "\(name)", summary: "Drops trajectories whose response is too long",
        rules: [DropRule("too-long", because: "its response has more characters than the stage lets pass")],
        metrics: [MetricAbout("response_length", unit: "characters", "mean length of the responses that arrive")])

      /// What a spec can set.
      public struct Options: ComponentOptions {
        package var characters = 30

        /// The defaults.
        public init() {}

        /// What each option means, for `describe`, the schema and the reference.
        public static let help = ["characters": "longer responses are dropped"]

        /// What is wrong with the values.
        public func problems() -> [OptionProblem] {
          [OptionProblem.unless("characters", characters, in: 1...1_000_000)].compactMap { $0 }
        }
      }

      /// What a trajectory must carry.
      public let reads: Set<Field> = [.response]
      /// What it sets: nothing.
      public let writes: Set<Field> = []
      private let limit: Int

      /// Makes the stage.
      public init(options: Options = Options(), assembly: Assembly) { limit = options.characters }

      /// What `why` says of a trajectory beside "kept", or beside the sentence of the rule.
      public func explanation(of trajectory: LineageEntry, in step: LineageStep) -> Explanation? {
        "up to \\(limit, "character") are let pass"
      }

      /// Works on a batch; what it drops, it drops by one of its rules.
      public func run(_ batch: inout TrajectoryBatch, in context: StageContext) async throws {
        let lengths = try batch.trajectories.map { try $0.response?.count ?? 0 }
        batch.drop(stage: context.stage) { lengths[$0] > limit ? "too-long" : nil }
        context.report.metric("response_length", lengths.isEmpty ? 0 : Double(lengths.reduce(0, +)) / Double(lengths.count))
      }
    }

    """
  }

  private var advantage: String {
    """
    public import PipelineCore

    /// The reward's distance from the middle of its group's best and worst. Put your own estimate in its place.
    public struct \(type): AdvantageEstimator {
      /// What it says of itself.
      public static let about = ComponentAbout(
        name: "\(name)", summary: "The reward's distance from the middle of its group's best and worst")
      /// How an advantage comes about, for `why`.
      public let formula = "reward - middle of the best and the worst of its group"
      /// Rollouts are compared with the others of their group.
      public let comparesWithinGroup = true

      /// Makes the estimator; it has nothing to set.
      public init(options: NoOptions = NoOptions(), assembly: Assembly) {}

      /// One advantage for each rollout of each group.
      public func advantages(for groups: [[ScoredRollout]]) -> [[RolloutAdvantage]] {
        groups.map { group in
          let rewards = group.map(\\.reward)
          guard let best = rewards.max(), let worst = rewards.min() else { return [] }
          return rewards.map { .uniform($0 - (best + worst) / 2) }
        }
      }
    }

    """
  }

  private var loss: String {
    """
    public import PipelineCore

    /// `−A · log π_θ`, the plain policy gradient. Put your own loss in its place.
    public struct \(type): PolicyLoss {
      /// What it says of itself.
      public static let about = ComponentAbout(name: "\(name)", summary: "The plain policy gradient")
      /// The policy before the step does not matter.
      public let usesOldLogProbs = false

      /// Makes the loss; it has nothing to set.
      public init(options: NoOptions = NoOptions(), assembly: Assembly) {}

      /// The loss of each token, and the derivative of their weighted sum by each log-probability.
      public func evaluate(_ tokens: LossTokens) -> TokenLosses {
        TokenLosses(
          losses: zip(tokens.advantages, tokens.logProbs).map { -$0 * $1 },
          gradient: zip(tokens.advantages, tokens.weights).map { -$0 * $1 })
      }
    }

    """
  }

  /// The source of its tests.
  var tests: String {
    """
    import PipelineCore
    import PipelineTesting
    import Testing
    import \(type)

    @Suite struct \(type)Tests {
    \(cases)
    }

    """
  }

  private var cases: String {
    switch kind {
    case .reward:
      """
        @Test("up to the limit the reward is 1, beyond it 0")
        func limit() throws {
          var options = \(type).Options()
          options.characters = 4
          let reward = \(type)(options: options, assembly: .plain())
          for (response, score) in [("1234", 1.0), ("12345", 0)] {
            let trajectory = Trajectory(id: "a/0", group: "a", fields: [.response: .string(response)])
            #expect(try reward.score(trajectory) == .scored(score))
          }
        }

        @Test("it obeys the laws of rewards, and its options those of options")
        func laws() async throws {
          try await RewardLaws.check(
            \(type)(assembly: .plain()), cases: TrajectoryBatch.sample(rewards: [[1, 0]]).trajectories)
          try OptionsLaws.check(\(type).Options.self)
        }
      """
    case .stage:
      """
        @Test("what is too long is dropped by its rule")
        func drops() async throws {
          var options = \(type).Options()
          options.characters = 4
          let stage = \(type)(options: options, assembly: .plain())
          var batch = TrajectoryBatch(
            ["1234", "12345"].map { Trajectory(id: $0, group: "a", fields: [.response: .string($0)]) })
          try await stage.run(&batch, in: StageContext(stage: "\(name)"))
          #expect(batch.trajectories.map(\\.id) == ["1234"])
          #expect(batch.drops.map(\\.rule) == ["too-long"])
        }

        @Test("it obeys the laws of stages, and its options those of options")
        func laws() async throws {
          try await StageLaws.check(\(type)(assembly: .plain()))
          try OptionsLaws.check(\(type).Options.self)
        }
      """
    case .advantage:
      """
        @Test("the best is as far above the middle as the worst below it")
        func middle() {
          let group = [1, 0.5, 0].map { ScoredRollout(reward: $0) }
          #expect(
            \(type)(assembly: .plain()).advantages(for: [group]) == [[.uniform(0.5), .uniform(0), .uniform(-0.5)]])
        }
      """
    case .loss:
      """
        @Test("it obeys the laws of losses: its gradient is the derivative")
        func laws() throws {
          try LossLaws.check(\(type)(assembly: .plain()))
        }
      """
    }
  }
}
