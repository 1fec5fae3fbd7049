// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// The fields of a JSONL record and their values.
struct RecordSchema {
  /// A field's meaning and form.
  struct Entry {
    let field: Field
    let help: String
    let schema: JSONValue
  }

  let file: String
  let title: String
  let help: String
  let required: [Field]
  /// Fields of which a record must have at least one.
  var alternatives: [Field] = []
  let entries: [Entry]

  /// The schema; other fields may have any value.
  func json(dialect: JSONValue) -> JSONValue {
    let properties = entries.map { entry in
      JSONValue.Member(
        entry.field.rawValue,
        .object([JSONValue.Member("description", .string(entry.help))] + (entry.schema.objectValue ?? [])))
    }
    var members: [JSONValue.Member] = [
      .init("$schema", dialect), .init("$id", .string(file)), .init("title", .string(title)),
      .init("description", .string(help)), .init("type", "object"),
      .init("required", .array(required.map { .string($0.rawValue) })),
    ]
    if !alternatives.isEmpty {
      members.append(.init("anyOf", .array(alternatives.map { ["required": [.string($0.rawValue)]] })))
    }
    return .object(members + [.init("properties", .object(properties)), .init("additionalProperties", true)])
  }

  /// One rollout, as stages read and write it.
  static let trajectory = RecordSchema(
    file: "trajectory.schema.json", title: "Trajectory",
    help: "One line of JSONL: one prompt, one response, and what the stages have added so far",
    required: [.id, .group],
    entries: [
      Entry(field: .id, help: "Unique within a batch", schema: text),
      Entry(field: .group, help: "The prompt's id; all rollouts of one prompt form a group", schema: text),
      promptEntry, imagesEntry,
      promptTokensEntry, answerEntry,
      Entry(field: .response, help: "The response's text, without the end token", schema: text),
      Entry(field: .finish, help: "Why the response ended: stop, length, …", schema: text),
      Entry(
        field: .tokens, help: "The response's token ids; the last is the end token if 'finish' is stop",
        schema: list(count)),
      Entry(
        field: .logprobs,
        help: "Log-probabilities of 'tokens' under the policy that sampled them, at the "
          + "temperature of 'sampling'", schema: list(number)),
      Entry(
        field: .oldLogprobs, help: "Log-probabilities under the policy before the first update of a step",
        schema: list(number)),
      Entry(
        field: .refLogprobs, help: "Log-probabilities under the frozen reference policy", schema: list(number)
      ),
      Entry(
        field: .logprobsContrast,
        help: "Log-probabilities of 'tokens' with images of which a part is black; the stage 'contrast' writes them",
        schema: list(number)),
      Entry(
        field: .entropies,
        help: "Entropies of the distributions that 'tokens' were drawn from, in nats, over the whole vocabulary, at "
          + "temperature 1, before top-k and top-p; the stage 'entropies' writes them",
        schema: list(["type": "number", "minimum": 0])),
      Entry(
        field: .sampling, help: "How the response was sampled",
        schema: [
          "type": "object",
          "properties": [
            "temperature": ["type": "number", "minimum": 0],
            "top_p": ["type": "number", "minimum": 0, "maximum": 1],
            "top_k": ["type": "integer"],
            "min_tokens": count, "max_tokens": count, "stop": list(text), "stop_tokens": list(count), "seed": count,
            "images": ["const": "noisy"], "weights": text,
          ],
        ]),
      Entry(field: .reward, help: "The reward that advantages are computed from", schema: optionalNumber),
      Entry(
        field: .rewards, help: "The named parts of the reward",
        schema: ["type": ["object", "null"], "additionalProperties": optionalNumber]),
      Entry(
        field: .rewardStatus, help: "The status of the reward",
        schema: ["enum": .array(RewardStatus.allCases.map { .string($0.rawValue) })]),
      Entry(field: .advantage, help: "The advantage of the trajectory", schema: optionalNumber),
      Entry(
        field: .advantages, help: "Advantages per response token; 'advantage' is then their mean",
        schema: list(number)),
      Entry(
        field: .baseline, help: "The reward of the greedy response to the same prompt", schema: optionalNumber
      ),
      Entry(
        field: .pair,
        help: "The place in pairwise sampling; 'weight' is |A| of both members together, derived from 'advantage'",
        schema: [
          "type": "object", "required": ["rank", "side", "weight", "partner"],
          "properties": [
            "rank": count, "side": ["enum": .array(Pair.Side.allCases.map { .string($0.rawValue) })],
            "weight": ["type": "number", "minimum": 0], "partner": text,
          ],
        ]),
      Entry(field: .lossWeight, help: "The factor of token losses; 1 if absent", schema: number),
      Entry(
        field: .lossMask, help: "Which response tokens are trained on; all if absent",
        schema: list(["enum": [0, 1, false, true]])),
      Entry(field: .batch, help: "The batch that a stage put this trajectory in", schema: integer),
      Entry(
        field: .draws, help: "Positions of this trajectory in the shuffled batch, from 0",
        schema: list(count)),
      Entry(field: .step, help: "The training step", schema: integer),
      Entry(
        field: .policyVersion, help: "The number of updates of the policy that sampled the response",
        schema: integer),
      Entry(
        field: .session,
        help: "The session that the response is an output of; of a session with several outputs the last one counts",
        schema: [
          "type": "object", "required": ["id"],
          "properties": ["id": ["type": "string"], "output": ["type": "integer"]],
        ]),
      Entry(
        field: .extra, help: "Keys of another program's records that collide with a name above",
        schema: ["type": "object"]),
    ])

  /// One prompt, from which rollouts are made.
  static let prompt = RecordSchema(
    file: "prompt.schema.json", title: "Prompt", help: "One line of JSONL: a prompt to sample from",
    required: [.id], alternatives: [.prompt, .promptTokens],
    entries: [
      Entry(field: .id, help: "Unique within the file; the group of the prompt's rollouts", schema: text),
      Entry(field: .group, help: "The group of the prompt's rollouts, if it differs from 'id'", schema: text),
      promptEntry, imagesEntry, promptTokensEntry, answerEntry,
    ])

  private static let promptTokensEntry = Entry(
    field: .promptTokens, help: "The prompt's token ids, image placeholders expanded", schema: list(count))

  private static let text: JSONValue = ["type": "string"]
  private static let number: JSONValue = ["type": "number"]
  private static let integer: JSONValue = ["type": "integer"]
  private static let count: JSONValue = ["type": "integer", "minimum": 0]
  private static let optionalNumber: JSONValue = ["type": ["number", "null"]]
  private static func list(_ items: JSONValue) -> JSONValue { ["type": "array", "items": items] }

  private static let promptEntry = Entry(
    field: .prompt, help: "Chat messages with text and image parts, or a plain string",
    schema: [
      "oneOf": [
        text,
        list([
          "type": "object", "required": ["role", "content"],
          "properties": [
            "role": text,
            "content": [
              "oneOf": [
                text,
                list([
                  "type": "object", "required": ["type"],
                  "properties": ["type": text, "text": text, "image": text],
                ]),
              ]
            ],
          ],
        ]),
      ]
    ])

  private static let imagesEntry = Entry(
    field: .images, help: "Paths or data URIs of the prompt's images, in order",
    schema: list(["type": ["string", "object"]]))

  private static let answerEntry = Entry(
    field: .answer, help: "The expected answer", schema: ["type": ["string", "number", "boolean", "null"]])
}
