// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Which steps of a run keep all of their rollouts.
package enum AllRollouts: Codable, Sendable, Hashable, SelfDescribingOption {
  /// All steps, if the run samples its rollouts itself.
  case auto
  /// None.
  case off
  /// Every step whose number is a multiple of this; 1 for all.
  case every(Int)

  private enum CodingKeys: String, CodingKey { case every }

  /// A word, or a table with `every`.
  package init(from decoder: any Decoder) throws {
    switch try? decoder.singleValueContainer().decode(String.self) {
    case "auto": self = .auto
    case "off": self = .off
    case "on": self = .every(1)
    default:
      if let keyed = try? decoder.container(keyedBy: CodingKeys.self), keyed.contains(.every),
        let every = try? keyed.decode(Int.self, forKey: .every), every >= 1
      {
        self = .every(every)
        return
      }
      throw DecodingError.dataCorrupted(
        DecodingError.Context(
          codingPath: decoder.codingPath, debugDescription: "must be 'auto', 'on', 'off' or {\"every\": 10}"))
    }
  }

  /// Writes a form that can be read again.
  package func encode(to encoder: any Encoder) throws {
    switch self {
    case .auto, .off, .every(1):
      var single = encoder.singleValueContainer()
      try single.encode(self == .auto ? "auto" : self == .off ? "off" : "on")
    case .every(let count):
      var keyed = encoder.container(keyedBy: CodingKeys.self)
      try keyed.encode(count, forKey: .every)
    }
  }

  /// A word, or a table with `every`.
  package static let schema: JSONValue = [
    "oneOf": [
      ["enum": ["auto", "on", "off"]],
      [
        "type": "object", "additionalProperties": false, "required": ["every"],
        "properties": ["every": ["type": "integer", "minimum": 1]],
      ],
    ]
  ]
}
