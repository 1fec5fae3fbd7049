// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineSpec
import Testing

/// Scores by functions that the spec names, as the reward stage does.
struct FakeRewardStage: Stage {
  static let about = ComponentAbout(name: "reward", summary: "Scores trajectories")
  let reads: Set<Field> = [.response]
  let writes: Set<Field> = [.reward, .rewards]
  let rewards: [any RewardFunction]

  struct Options: ComponentOptions {
    struct Function: ComponentOptions {
      var reference = ComponentReference("boxed-answer")
      var weight = 1.0
      static let help = [
        "use": "The reward function", "weight": "What its score counts", "with": "The function's options",
      ]
      private enum CodingKeys: String, CodingKey { case weight }

      init() {}
      init(from decoder: any Decoder) throws {
        reference = try ComponentReference(from: decoder)
        if let keyed = try? decoder.container(keyedBy: CodingKeys.self) {
          weight = try keyed.decodeIfPresent(Double.self, forKey: .weight) ?? 1
        }
      }
      func encode(to encoder: any Encoder) throws {
        try reference.encode(to: encoder)
        var keyed = encoder.container(keyedBy: CodingKeys.self)
        try keyed.encode(weight, forKey: .weight)
      }
    }
    var functions = [Function()]
    static let help = ["functions": "What judges a response"]
    static let componentKinds = ["functions": ComponentKind.reward]
    func problems() -> [OptionProblem] {
      functions.enumerated().compactMap { index, function in
        OptionProblem.unless("functions.\(index).weight", function.weight, in: 0...10)
      }
    }
  }

  init(options: Options, assembly: Assembly) throws {
    rewards = try PipelineErrors.gather(options.functions) { try assembly.reward($0.reference) }
  }
  func run(_ batch: inout TrajectoryBatch, in context: StageContext) async throws {}
}

/// Computes advantages by an estimator that the spec names.
struct FakeAdvantageStage: Stage {
  static let about = ComponentAbout(name: "advantage", summary: "Turns rewards into advantages")
  let reads: Set<Field> = [.reward]
  let writes: Set<Field> = [.advantage]
  let estimator: any AdvantageEstimator

  struct Options: ComponentOptions {
    var estimator = ComponentReference("grpo")
    static let help = ["estimator": "How advantages are computed"]
  }
  init(options: Options, assembly: Assembly) throws { estimator = try assembly.advantage(options.estimator) }
  func run(_ batch: inout TrajectoryBatch, in context: StageContext) async throws {}
}

/// Has an option of every type.
struct FakeSampleStage: Stage {
  static let about = ComponentAbout(name: "pairwise-sample", summary: "Keeps high-contrast pairs")
  let reads: Set<Field> = [.advantage]
  let writes: Set<Field> = [.pair]
  let options: Options

  enum Order: String, Codable, CaseIterable, Sendable { case input, random }
  enum Cap: Codable, Sendable, Hashable {
    case unlimited
    case atMost(Int)
    init(from decoder: any Decoder) throws {
      let single = try decoder.singleValueContainer()
      if let count = try? single.decode(Int.self) {
        self = .atMost(count)
      } else if (try? single.decode(String.self)) == "unlimited" {
        self = .unlimited
      } else {
        throw DecodingError.dataCorruptedError(
          in: single, debugDescription: "must be a whole number or 'unlimited'")
      }
    }
    func encode(to encoder: any Encoder) throws {
      var single = encoder.singleValueContainer()
      if case .atMost(let count) = self { try single.encode(count) } else { try single.encode("unlimited") }
    }
  }
  struct Limits: Codable, Sendable, Hashable {
    var low = 0
    var high = 8
  }
  struct Options: ComponentOptions {
    var keep = 0.5
    var order = Order.input
    var maxPairs = Cap.unlimited
    var label = "pair"
    var shout = false
    var limits = Limits()
    var names: [String] = ["a"]
    var shares: [String: Double] = ["x": 1]
    static let help = [
      "keep": "The share of trajectories to keep", "order": "What breaks ties", "max_pairs": "Pairs a group",
      "label": "A word", "shout": "Whether to shout", "limits": "Two numbers", "names": "Words",
      "shares": "Numbers by name",
    ]
    func problems() -> [OptionProblem] {
      [
        OptionProblem.unless("keep", keep, in: 0...1),
        OptionProblem.unless("limits.low", limits.low, in: 0...9),
      ]
      .compactMap { $0 }
    }
  }
  init(options: Options, assembly: Assembly) throws { self.options = options }
  func run(_ batch: inout TrajectoryBatch, in context: StageContext) async throws {}
}

/// Has no options, and cannot always be made.
struct FakeShuffleStage: Stage {
  static let about = ComponentAbout(name: "shuffle", summary: "Redraws the batch")
  let reads: Set<Field> = [.pair]
  let writes: Set<Field> = [.draws]
  struct Options: ComponentOptions {
    var rounds = 8
    static let help = ["rounds": "How often to draw"]
  }
  struct TooMany: Error, CustomStringConvertible { let description = "too many rounds" }
  init(options: Options, assembly: Assembly) throws { if options.rounds > 100 { throw TooMany() } }
  func run(_ batch: inout TrajectoryBatch, in context: StageContext) async throws {}
}

/// Judges boxed answers.
struct FakeBoxedReward: RewardFunction {
  static let about = ComponentAbout(name: "boxed-answer", summary: "Compares the boxed answer")
  let reads: Set<Field> = [.answer]
  struct Options: ComponentOptions {
    var tolerance = 1e-6
    static let help = ["tolerance": "How far a number may be off"]
  }
  init(options: Options, assembly: Assembly) {}
  func score(_ trajectory: Trajectory) async throws -> RewardOutcome { .scored(1) }
}

/// Centres rewards.
struct FakeEstimator: AdvantageEstimator {
  static let about = ComponentAbout(name: "grpo", summary: "Centres rewards within a group")
  let comparesWithinGroup = true
  struct Options: ComponentOptions {
    var epsilon = 0.001
    static let help = ["epsilon": "Added to the standard deviation"]
  }
  init(options: Options, assembly: Assembly) {}
  func advantages(for groups: [[ScoredRollout]]) -> [[RolloutAdvantage]] { [] }
}

/// A registry of all fakes.
func fakes() throws -> Registry {
  var registry = Registry()
  try registry.register(FakeRewardStage.self)
  try registry.register(FakeAdvantageStage.self)
  try registry.register(FakeSampleStage.self)
  try registry.register(FakeShuffleStage.self)
  try registry.register(FakeBoxedReward.self)
  try registry.register(FakeEstimator.self)
  return registry
}

/// Loads a spec over the fakes.
func load(_ text: String, as file: String = "geo.json", set: [String] = []) throws -> AssembledPipeline {
  try SpecLoader.load(
    SpecText(text, file: file), overrides: set, registry: try fakes(), formats: ["shuffle-r1", "verl", "trl"])
}

/// What loading a spec says is wrong, a line each.
func errors(_ text: String, as file: String = "geo.json", set: [String] = []) -> [String] {
  do {
    _ = try load(text, as: file, set: set)
    return []
  } catch let errors as PipelineErrors {
    return errors.errors.map(\.description)
  } catch {
    return ["not PipelineErrors: \(error)"]
  }
}

/// What reading a text as a tree says is wrong.
func treeError(_ bytes: [UInt8], as file: String) -> String? {
  do {
    _ = try SpecText(bytes: bytes, file: file).tree()
    return nil
  } catch let error as PipelineError {
    return error.description
  } catch {
    return "not a PipelineError: \(error)"
  }
}

/// What reading a text as a tree says is wrong.
func treeError(_ text: String, as file: String) -> String? { treeError(Array(text.utf8), as: file) }
