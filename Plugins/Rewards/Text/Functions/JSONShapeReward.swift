// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// 1 where the response, or a part of it, is JSON of the shape asked for, else 0, or the share of it that is right.
///
/// A block of code, ```` ```json … ``` ````, counts as what it holds. With `partial`, text that parses scores the share of
/// what is asked for that holds: the type, each member, and no others where those are refused.
package struct JSONShapeReward: RewardFunction {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "json-shape", summary: "1 if the response is JSON with the members asked for, else 0")

  /// What a value can be asked to be.
  package enum Kind: String, Codable, Sendable, CaseIterable {
    case any, null, boolean, number, integer, string, array, object

    /// Whether a value is it.
    func fits(_ value: JSONValue?) -> Bool {
      switch (self, value) {
      case (_, nil): false
      case (.any, _), (.null, .null), (.boolean, .bool), (.number, .number), (.string, .string), (.array, .array),
        (.object, .object):
        true
      case (.integer, let value?): value.doubleValue.map { $0 == $0.rounded() } ?? false
      default: false
      }
    }
  }

  /// Whether members may be there that nobody asked for.
  package enum Others: String, Codable, Sendable, CaseIterable {
    /// They may.
    case allowed
    /// They may not.
    case refused
  }

  /// What a spec can set.
  package struct Options: ComponentOptions {
    package var extract = AnswerExtraction.none
    package var type = Kind.object
    package var members: [String: Kind] = [:]
    package var others = Others.allowed
    package var partial = false

    /// The defaults.
    package init() {}

    /// What each option means.
    package static let help = [
      "extract": "the part of the response that is JSON: " + AnswerExtraction.help,
      "type": "what the value is: object, array, string, number, integer, boolean, null or any",
      "members": "the members that an object must have, and what each is: the same words as for type",
      "others": "whether the object may have further members: allowed or refused",
      "partial": "whether JSON that has a part of the shape scores that part",
    ]

    /// What is wrong with the values.
    package func problems() -> [OptionProblem] {
      type == .object || members.isEmpty
        ? [] : [OptionProblem("members", "are those of an object, but type is \(type.rawValue)")]
    }
  }

  /// The response.
  package let reads: Set<Field> = [.response]
  private let options: Options

  /// The part that is JSON.
  package var sought: [SoughtAnswer] { options.extract.soughtAnswer }

  /// Makes the reward.
  package init(options: Options = Options(), assembly: Assembly) { self.options = options }

  /// Parses, and looks at what is there.
  ///
  /// - Throws: When the response is missing or no text.
  package func score(_ trajectory: Trajectory) throws -> RewardOutcome {
    let response = Array(try trajectory.responseText().utf8)[...]
    guard let part = options.extract.answer(in: response) else {
      return .scored(0, parts: [RewardPart("parses", 0), RewardPart("shape", 0), RewardPart(SoughtAnswer.part, 0)])
    }
    guard let value = try? JSONValue(parsing: Self.unfenced(part).text)
    else { return .scored(0, parts: [RewardPart("parses", 0), RewardPart("shape", 0)]) }
    let checks = checks(value)
    let share = Double(checks.count { $0 }) / Double(checks.count)
    let score = options.partial ? share : share == 1 ? 1 : 0
    return .scored(score, parts: [RewardPart("parses", 1), RewardPart("shape", share)])
  }

  /// What is asked for, in order, and whether it holds.
  private func checks(_ value: JSONValue) -> [Bool] {
    var checks = [options.type.fits(value)]
    for (name, kind) in options.members.sorted(by: { $0.key < $1.key }) { checks.append(kind.fits(value[name])) }
    if options.others == .refused, options.type == .object {
      let members = value.objectValue
      checks.append(members?.allSatisfy { options.members[$0.key] != nil } ?? false)
    }
    return checks
  }

  /// What the last block of code holds, or the text itself where there is none.
  private static func unfenced(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    guard let end = text.last("```"), let start = text[..<end].last("```") else { return text.trimmed }
    let block = text[(start + 3)..<end]
    // The rest of the line says the language.
    guard let line = block.firstIndex(of: 0x0A), block[..<line].allSatisfy({ $0.isLetter || $0.isSpace }) else {
      return block.trimmed
    }
    return block[(line + 1)...].trimmed
  }
}
