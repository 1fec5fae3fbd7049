// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Members of a JSON object, in the order of writing.
typealias Members = [JSONValue.Member]

extension Members {
  /// Adds a member unless there is no value.
  mutating func set(_ key: String, _ value: JSONValue?) {
    if let value { append(.init(key, value)) }
  }
}

/// A peer's configuration in our terms, whichever peer's it was.
struct Recipe {
  let peer: Peer
  var name: [String] = []
  var seed: Int?

  // Data.
  var prompts: [String] = []
  var rollouts: String?
  var columns: Members = []
  /// The template itself, or the file that holds it.
  var formatPrompt: JSONValue?
  var isShuffled = true
  /// Prompts in a batch.
  var groups: Int?
  var epochs: Int?
  var steps: Int?

  // The model.
  var model: String?
  var trainsVision = true
  var lora: Members = []
  var minPixels: Int?
  var maxPixels: Int?

  // A step, stage by stage.
  var n: Int?
  var sampling: Members = []
  var tooLong: String?
  var maxPromptTokens: Int?
  /// The functions of the `reward` stage.
  var rewards: [JSONValue] = []
  /// Whether a selection scores saved rollouts with them, instead of taking the reward that they carry.
  var scoresReplays = false
  /// What the reward reads.
  var rewardReads: [String] = []
  var filters: [Filter] = []
  var klPenalty: JSONValue?
  var advantage: JSONValue?
  /// The estimator that a training takes in the place of one that there is not, or that needs what rollouts do not have.
  var missingAdvantage: String?
  /// Stages between the advantage and the update.
  var selection: [JSONValue] = []
  var update: Members = []
  /// The fields that saved records must carry in addition to the reward's.
  var provides: [String] = []

  // Beside the steps.
  var checkpoints: Members = []
  var evaluation: Members = []

  /// A filter before the advantage, with what only training needs.
  struct Filter {
    var options: Members
    /// How many batches of prompts a step may take.
    var attempts: Int?
    /// Whether it goes by a part of the reward.
    var needsParts = false
  }

  init(_ peer: Peer) { self.peer = peer }
}

extension JSONValue {
  /// A number as it would be written by hand: whole where it is whole, without the rounding error of a subtraction.
  static func tidy(_ value: Double) -> JSONValue {
    let scaled = (value * 1e12).rounded()
    let tidy = scaled.isFinite && abs(value) >= 1e-6 ? scaled / 1e12 : value
    return .number(tidy)
  }

  /// A stage: `{"use": NAME, "with": OPTIONS}`.
  static func stage(_ use: String, _ options: Members) -> JSONValue {
    options.isEmpty ? ["use": .string(use)] : ["use": .string(use), "with": .object(options)]
  }

  /// A component: its name, or a table if it has options.
  static func component(_ use: String, _ options: Members) -> JSONValue {
    options.isEmpty ? .string(use) : ["use": .string(use), "with": .object(options)]
  }

  /// One text, or a list of several.
  static func oneOrMany(_ texts: [String]) -> JSONValue {
    texts.count == 1 ? .string(texts[0]) : .array(texts.map { .string($0) })
  }
}
