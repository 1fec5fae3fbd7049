// SPDX-License-Identifier: Apache-2.0

/// The name of a value that a trajectory record may carry: a reserved one, or any other key.
///
/// Stages declare what they read and write as fields, and assembly checks the chain before anything runs.
public struct Field: RawRepresentable, Hashable, Sendable, CustomStringConvertible, Codable {
  /// The key in a JSONL record.
  public let rawValue: String

  /// Names a field by its key.
  public init(rawValue: String) { self.rawValue = rawValue }

  /// Names a field by its key.
  public init(_ key: String) { self.rawValue = key }

  /// The key.
  public var description: String { rawValue }

  /// The id of the trajectory, unique within a batch.
  public static let id = Field("id")
  /// The prompt's id; all rollouts of one prompt form one group.
  public static let group = Field("group")
  /// Chat messages with text and image parts, or a plain string.
  public static let prompt = Field("prompt")
  /// Paths or data URIs of the prompt's images.
  public static let images = Field("images")
  /// The prompt's token ids, image placeholders already expanded.
  public static let promptTokens = Field("prompt_tokens")
  /// The expected answer.
  public static let answer = Field("answer")
  /// The response's text, without the end token.
  public static let response = Field("response")
  /// Why the response ended, such as `stop` or `length`.
  public static let finish = Field("finish")
  /// The response's token ids.
  public static let tokens = Field("tokens")
  /// Log-probabilities of `tokens` under the policy that sampled them.
  public static let logprobs = Field("logprobs")
  /// Log-probabilities under the policy before the first update of a step.
  public static let oldLogprobs = Field("old_logprobs")
  /// Log-probabilities under the frozen reference policy.
  public static let refLogprobs = Field("ref_logprobs")
  /// Log-probabilities of `tokens` with images of which a part is black.
  public static let logprobsContrast = Field("logprobs_contrast")
  /// Entropies of the distributions of `tokens`, in nats, over the whole vocabulary and at temperature 1.
  public static let entropies = Field("entropies")
  /// How the response was sampled, such as `temperature` and `top_p`.
  public static let sampling = Field("sampling")
  /// The reward that advantages are computed from.
  public static let reward = Field("reward")
  /// The named parts of the reward.
  public static let rewards = Field("rewards")
  /// The status of the reward: `scored`, `abstained`, `failed`, `timed_out`.
  public static let rewardStatus = Field("reward_status")
  /// Why there is no reward, where a reward function failed or was too late: its name and what it said.
  ///
  /// It is no reserved field: records that carry one keep it as any other.
  public static let rewardReason = Field("reward_reason")
  /// The advantage of the trajectory.
  public static let advantage = Field("advantage")
  /// Advantages per response token; `advantage` is then their mean.
  public static let advantages = Field("advantages")
  /// The reward of the greedy response to the same prompt.
  public static let baseline = Field("baseline")
  /// Rank, side, weight and partner in pairwise sampling.
  public static let pair = Field("pair")
  /// Positions of this trajectory in the shuffled batch, from 0.
  public static let draws = Field("draws")
  /// The factor of token losses; 1 if absent.
  public static let lossWeight = Field("loss_weight")
  /// Which response tokens are trained on; all if absent.
  public static let lossMask = Field("loss_mask")
  /// The batch that a stage put this trajectory in.
  public static let batch = Field("batch")
  /// The training step.
  public static let step = Field("step")
  /// The number of updates of the policy that sampled the response.
  public static let policyVersion = Field("policy_version")
  /// The session that the response is an output of: its `id`, and which `output`; the last output of a session counts.
  public static let session = Field("session")
  /// Where a peer's keys go that collide with a reserved name.
  public static let extra = Field("extra")

  /// The fields that a column of a row of no known format can be named for.
  package static let mappable: [Field] = [
    .prompt, .response, .answer, .reward, .group, .images, .step, .finish, .tokens, .promptTokens, .logprobs,
    .advantage, .session,
  ]

  /// Every reserved field, in the order in which new ones are written.
  public static let reserved: [Field] = [
    .id, .group, .prompt, .images, .promptTokens, .answer, .response, .finish, .tokens, .logprobs,
    .oldLogprobs, .refLogprobs, .logprobsContrast, .entropies, .sampling, .reward, .rewards, .rewardStatus, .advantage,
    .advantages,
    .baseline, .pair, .lossWeight, .lossMask, .batch, .draws, .step, .policyVersion, .session, .extra,
  ]

  /// The position of each reserved field in ``reserved``.
  public static let reservedIndex = ReservedIndex()

  /// Finds the reserved fields by their keys.
  ///
  /// Every record is looked at with it, and few keys have the same length, so that it compares one or two of them; a
  /// dictionary hashes each key, which takes several times as long.
  public struct ReservedIndex: Sendable {
    /// The fields by the number of bytes of their keys.
    private let places: [[(key: String, position: Int)]]

    fileprivate init() {
      var places: [[(key: String, position: Int)]] = []
      for (position, field) in Field.reserved.enumerated() {
        let length = field.rawValue.utf8.count
        while places.count <= length { places.append([]) }
        places[length].append((field.rawValue, position))
      }
      self.places = places
    }

    /// The position of a field; nil for one that is not reserved.
    public subscript(field: Field) -> Int? { self[key: field.rawValue] }

    /// The position of the field with a key; nil for a key that is not reserved.
    package subscript(key key: String) -> Int? {
      let length = key.utf8.count
      guard length < places.count else { return nil }
      for place in places[length] where place.key == key { return place.position }
      return nil
    }
  }
}
