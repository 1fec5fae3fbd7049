// SPDX-License-Identifier: Apache-2.0

extension PluginTemplate {
  /// The source of the component.
  var component: String {
    switch kind {
    case .reward: reward
    case .stage: stage
    case .advantage: advantage
    case .loss: loss
    case .sampler: sampler
    case .waves: waves
    case .store: store
    }
  }

  private var store: String {
    """
    public import PipelineCore

    /// Keeps the best rollout of each prompt, and brings it in where a group has none better. Replace it by your own choice.
    public struct \(type): ReplayStore {
      /// The description of this component.
      public static let about = ComponentAbout(
        name: "\(name)", summary: "Brings the best rollout of a prompt in where a group has none better",
        metrics: [MetricAbout("store/helped", unit: "groups", "groups that got their best rollout")])

      /// Makes the store; it has no options.
      public init(options: NoOptions = NoOptions(), assembly: Assembly) {}

      /// One of each prompt, and no more than 10,000.
      public func capacity(ofBatch count: Int) -> ReplayCapacity { ReplayCapacity(total: 10_000, perPrompt: 1) }

      /// Draws from the index; every random draw comes from `context`.
      public func draw(
        for batch: ReplayBatch, from index: ReplayIndex, memory: inout ReplayMemory, in context: ReplayContext
      ) -> ReplayPlan {
        var plan = ReplayPlan()
        for group in batch.groups {
          guard let best = index.numbers(of: group.id).first, let reward = index.reward(of: best),
            Self.best(of: group, in: batch).map({ $0.reward <= reward }) ?? true
          else { continue }
          plan.replays.append(Replay(best, because: [.init("best_reward", .number(reward))]))
        }
        context.report.metric("store/helped", Double(plan.replays.count))
        return plan
      }

      /// Stores a group's best rollout if it is as good as the one that is stored, which then leaves.
      public func admit(
        _ batch: ReplayBatch, to index: ReplayIndex, memory: inout ReplayMemory, in context: ReplayContext
      ) -> ReplayAdmission {
        let places = batch.groups.compactMap { group -> Int? in
          guard let best = Self.best(of: group, in: batch) else { return nil }
          let stored = index.numbers(of: group.id).first.flatMap { index.reward(of: $0) }
          return best.reward >= stored ?? -.infinity ? best.place : nil
        }
        return ReplayAdmission(places.sorted())
      }

      /// What `why` says of a replayed rollout.
      public func explanation(of trajectory: LineageEntry, in step: LineageStep) -> Explanation? {
        trajectory.origin?["best_reward"]?.doubleValue.map { "the best of its prompt so far, with the reward \\($0)" }
      }

      private static func best(of group: ReplayBatch.Group, in batch: ReplayBatch) -> (place: Int, reward: Double)? {
        group.places.compactMap { place in batch.rollouts[place].reward.map { (place, $0) } }
          .max { ($0.1, -$0.0) < ($1.1, -$1.0) }.map { (place: $0.0, reward: $0.1) }
      }
    }

    """
  }

  /// The same store as a program: what is stored and what it remembers is handed in, and handed back.
  var pythonStore: String {
    """
    # Keeps the best rollout of each prompt, and brings it in where a group has none better. Replace it by your own choice.
    import json
    import sys


    def best_of_groups(message):
        best = {}
        for place, rollout in enumerate(message["batch"]):
            reward = rollout.get("reward")
            if reward is not None and reward > best.get(rollout["group"], (-1, float("-inf")))[1]:
                best[rollout["group"]] = (place, reward)
        return best


    def draw(message, state):
        best = best_of_groups(message)
        groups = {rollout["group"] for rollout in message["batch"]}
        replays = [
            {"number": entry["number"], "because": {"best_reward": entry["reward"]}}
            for entry in message["stored"]
            if entry["group"] in groups and entry["reward"] >= best.get(entry["group"], (-1, float("-inf")))[1]
        ]
        state["helped"] = state.get("helped", 0) + len(replays)
        return {"replays": replays, "metrics": {"helped": state["helped"]}}


    def admit(message, state):
        stored = {entry["group"]: entry for entry in message["stored"]}
        admitted, evicted = [], []
        for group, (place, reward) in best_of_groups(message).items():
            if group in stored and stored[group]["reward"] > reward:
                continue
            admitted.append(place)
            if group in stored:
                evicted.append(stored[group]["number"])
        return {"admit": sorted(admitted), "evict": evicted}


    for line in sys.stdin:
        message = json.loads(line)
        state = message["state"] or {}
        answer = (draw if message["call"] == "draw" else admit)(message, state)
        print(json.dumps({"id": message["id"], **answer, "state": state}), flush=True)

    """
  }

  private var sampler: String {
    """
    public import PipelineCore

    /// Chooses the prompts that were met least often. Replace it by your own choice.
    public struct \(type): PromptSampler {
      /// The description of this component.
      public static let about = ComponentAbout(
        name: "\(name)", summary: "Chooses the prompts that were met least often",
        metrics: [MetricAbout("met", unit: "share", "prompts that were met so far")])
      /// One number for each prompt.
      public let bytesPerPrompt = 8

      /// Makes the sampler; it has no options.
      public init(options: NoOptions = NoOptions(), assembly: Assembly) {}

      /// Chooses; what it remembers is in `memory`, which is saved with the run, and every draw comes from `context`.
      public func choose(
        _ count: Int, excluding excluded: Set<Int>, from pool: PromptPool, memory: inout SamplerMemory,
        in context: SamplerContext
      ) -> [PromptChoice] {
        let met = memory.column("met").map { $0.isNaN ? 0 : $0 }
        let draws = (0..<pool.count).map { index in
          var random = context.random(pool.key(index))
          return random.uniform()
        }
        return (0..<pool.count).filter { !excluded.contains($0) }
          .sorted { (met[$0], draws[$0]) < (met[$1], draws[$1]) }.prefix(count)
          .map { PromptChoice($0, because: [.init("met", .number(met[$0]))]) }
      }

      /// Learns from what became of a step: rewards, lengths, and the rule of a group that was dropped.
      public func observe(
        _ results: [GroupResult], of pool: PromptPool, memory: inout SamplerMemory, in context: SamplerContext
      ) {
        for result in results { memory["met", result.index] = (memory["met", result.index] ?? 0) + 1 }
        let met = memory.column("met").count { !$0.isNaN }
        context.report.metric("met", Double(met) / Double(max(1, pool.count)))
      }

      // To learn from rollouts that nothing is trained on, set `probes` to true, say by `probe` which prompts to roll out before a
      // step, and learn from what became of them in `learn`.

      /// What `why` says of a choice.
      public func explanation(of choice: JSONValue) -> Explanation? {
        choice["met"]?.doubleValue.map { "it was met \\(times: Int($0)) before" }
      }
    }

    """
  }

  /// The same sampler as a program: what it remembers is handed in, and handed back.
  var pythonSampler: String {
    """
    # Chooses the prompts that were met least often. Replace it by your own choice.
    import json
    import random
    import sys


    def choose(message, met):
        # A draw of its own for this step: a resumed run repeats it.
        draw = random.Random(message["seed"])
        order = [(met.get(str(index), 0), draw.random(), index) for index in range(message["pool"]["count"])]
        free = [entry for entry in sorted(order) if entry[2] not in message["excluded"]]
        return {"indices": [index for _, _, index in free[: message["count"]]]}


    def observe(message, met):
        for result in message["results"]:
            met[str(result["index"])] = met.get(str(result["index"]), 0) + 1
        return {"metrics": {"met": len(met) / message["pool"]["count"]}}


    # With "probes": true beside its command, "probe" asks before each step which prompts to roll out to learn from alone, and is
    # answered by {"indices": [0, 1], "rollouts": 4}, or {} for none; "learn" then tells the results, as "observe" does.
    calls = {"choose": choose, "observe": observe}
    for line in sys.stdin:
        message = json.loads(line)
        state = message["state"] or {}
        answer = calls[message["call"]](message, state)
        print(json.dumps({"id": message["id"], **answer, "state": state}), flush=True)

    """
  }

  private var waves: String {
    """
    public import PipelineCore

    /// Two rollouts of each prompt at first, and more one by one until one is right. Replace it by your own decision.
    public struct \(type): WavePolicy {
      /// The description of this component.
      public static let about = ComponentAbout(
        name: "\(name)", summary: "Rollouts one by one until one is right",
        rules: [DropRule("none-right", because: "none of its group's rollouts is right")])

      /// Makes the policy; it has no options.
      public init(options: NoOptions = NoOptions(), assembly: Assembly) {}

      /// Two at first, `n` of `rollout` at most.
      public func plan(for n: Int) throws -> WavePlan {
        if n < 2 { throw PipelineError(.invalidSpec, "'n' is \\(n), it must be at least 2") }
        return WavePlan(first: 2, most: n)
      }

      /// A decision for each group, from its own rollouts alone.
      public func decide(_ groups: [WaveGroup], in context: WaveContext) -> [WaveDecision] {
        groups.map { group in
          if group.rewards.contains(where: { ($0 ?? 0) >= 0.5 }) { return .admit }
          return group.rewards.count < context.n ? .more(1) : .drop(rule: "none-right")
        }
      }
    }

    """
  }

  /// The same policy as a program.
  var pythonWaves: String {
    """
    # Two rollouts of each prompt at first, and more one by one until one is right. Replace it by your own decision.
    import json
    import sys

    for line in sys.stdin:
        message = json.loads(line)
        rewards = message["group"]["rewards"]  # None where a rollout has none
        if any(reward is not None and reward >= 0.5 for reward in rewards):
            answer = {"admit": True}
        elif len(rewards) < message["most"]:
            answer = {"more": 1}
        else:
            answer = {"drop": True}
        print(json.dumps({"id": message["id"], **answer}), flush=True)

    """
  }

  private var reward: String {
    """
    public import PipelineCore

    /// Rewards short responses: 1 up to a length, else 0. Replace it by your own function.
    public struct \(type): RewardFunction {
      /// The description of this component.
      public static let about = ComponentAbout(name: "\(name)", summary: "1 for responses up to a length, else 0")

      /// The options.
      public struct Options: ComponentOptions {
        /// Up to this many characters the reward is 1.
        public var characters = 30

        /// The defaults.
        public init() {}

        /// The help for each option.
        public static let help = ["characters": "up to this many characters give 1"]

        /// The problems of the values.
        public func problems() -> [OptionProblem] {
          [OptionProblem.unless("characters", characters, in: 1...1_000_000)].compactMap { $0 }
        }
      }

      /// The fields that a trajectory must carry; add `.answer`, or `Field("my_field")` for a field of your own.
      public let reads: Set<Field> = [.response]
      private let limit: Int

      /// Makes the reward.
      public init(options: Options = Options(), assembly: Assembly) { limit = options.characters }

      /// Scores a trajectory; an error marks the trajectory as failed, which is not the same as a reward of 0.
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

    /// Drops trajectories whose response is too long. Replace it by your own work.
    public struct \(type): Stage {
      /// What it says of itself: `describe`, `why` and the reference are made of it.
      public static let about = ComponentAbout(
        name: "\(name)", summary: "Drops trajectories whose response is too long",
        rules: [DropRule("too-long", because: "its response has more characters than the stage lets pass")],
        metrics: [MetricAbout("response_length", unit: "characters", "mean length of the responses that arrive")])

      /// The options.
      public struct Options: ComponentOptions {
        /// Longer responses are dropped.
        public var characters = 30

        /// The defaults.
        public init() {}

        /// The help for each option.
        public static let help = ["characters": "longer responses are dropped"]

        /// The problems of the values.
        public func problems() -> [OptionProblem] {
          [OptionProblem.unless("characters", characters, in: 1...1_000_000)].compactMap { $0 }
        }
      }

      /// The fields that a trajectory must carry.
      public let reads: Set<Field> = [.response]
      /// The fields that it sets: none.
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

    /// The reward's distance from the middle of its group's best and worst. Replace it by your own estimate.
    public struct \(type): AdvantageEstimator {
      /// The description of this component.
      public static let about = ComponentAbout(
        name: "\(name)", summary: "The reward's distance from the middle of its group's best and worst")
      /// How an advantage comes about, for `why`.
      public let formula = "reward - middle of the best and the worst of its group"
      /// Rollouts are compared with the others of their group.
      public let comparesWithinGroup = true

      /// Makes the estimator; it has no options.
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

    /// `−A · log π_θ`, the plain policy gradient. Replace it by your own loss.
    public struct \(type): PolicyLoss {
      /// The description of this component.
      public static let about = ComponentAbout(name: "\(name)", summary: "The plain policy gradient")
      /// The policy before the step does not matter.
      public let usesOldLogProbs = false

      /// Makes the loss; it has no options.
      public init(options: NoOptions = NoOptions(), assembly: Assembly) {}

      /// The loss of each token, and the derivative of their weighted sum with respect to each log-probability.
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
    case .sampler:
      """
        @Test("it obeys the laws of samplers")
        func laws() async throws {
          try await SamplerLaws.check { \(type)(assembly: .plain()) }
        }
      """
    case .store:
      """
        @Test("it obeys the laws of stores")
        func laws() async throws {
          try await ReplayLaws.check { \(type)(assembly: .plain()) }
        }
      """
    case .waves:
      """
        @Test("it obeys the laws of wave policies")
        func laws() async throws {
          try await WaveLaws.check(\(type)(assembly: .plain()), n: 8)
        }
      """
    }
  }
}
