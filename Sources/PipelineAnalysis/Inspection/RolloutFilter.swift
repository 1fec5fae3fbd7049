// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// A condition on rollouts, as it is typed: `reward < 0.5 & finish = length & step > 20`.
///
/// Fields are compared with `=`, `!=`, `<`, `<=`, `>` and `>=`; `~` means "contains", without regard to case, `!~` the
/// opposite. Conditions are joined with `&` and `|`, negated with `!` and grouped with parentheses; a name alone asks whether
/// the rollout has a value. A rollout without a value meets no comparison. The table of a report takes the same text.
package struct RolloutFilter: Sendable {
  private indirect enum Condition: Sendable {
    case all([Condition])
    case any([Condition])
    case not(Condition)
    case has(String)
    case compare(String, Sign, String)
  }

  private enum Sign: String, Sendable, CaseIterable {
    case equal = "="
    case unequal = "!="
    case less = "<"
    case atMost = "<="
    case greater = ">"
    case atLeast = ">="
    case contains = "~"
    case containsNot = "!~"
  }

  private let condition: Condition

  /// Reads a filter.
  ///
  /// - Throws: ``PipelineError`` that says what is wrong with the text.
  package init(_ text: String) throws {
    var parser = Parser(tokens: try Self.tokens(text), text: text)
    condition = try parser.whole()
  }

  /// Whether a rollout meets it.
  ///
  /// - Throws: When the record can no longer be read, or a field with a text is compared with `<`.
  package func matches(_ trajectory: Trajectory) throws -> Bool { try Self.matches(condition, trajectory) }

  private static func matches(_ condition: Condition, _ trajectory: Trajectory) throws -> Bool {
    switch condition {
    case .all(let conditions): try conditions.allSatisfy { try matches($0, trajectory) }
    case .any(let conditions): try conditions.contains { try matches($0, trajectory) }
    case .not(let condition): try !matches(condition, trajectory)
    case .has(let name): try value(name, of: trajectory) != nil
    case .compare(let name, let sign, let wanted):
      try value(name, of: trajectory).map { compare($0, sign, wanted) } ?? false
    }
  }

  private static func compare(_ value: JSONValue, _ sign: Sign, _ wanted: String) -> Bool {
    let text = value.scalarText ?? value.json
    switch sign {
    case .contains: return text.lowercased().contains(wanted.lowercased())
    case .containsNot: return !text.lowercased().contains(wanted.lowercased())
    case .equal, .unequal:
      let isSame =
        value.doubleValue.flatMap { number in Double(wanted).map { $0 == number } }
        ?? (ExactText(text) == ExactText(wanted))
      return isSame == (sign == .equal)
    case .less, .atMost, .greater, .atLeast:
      guard let number = value.doubleValue ?? Double(text), let limit = Double(wanted) else { return false }
      return switch sign {
      case .less: number < limit
      case .atMost: number <= limit
      case .greater: number > limit
      default: number >= limit
      }
    }
  }

  /// A rollout's value under a name: a field, a part of the reward, or one of those that are counted.
  static func value(_ name: String, of trajectory: Trajectory) throws -> JSONValue? {
    func number(_ value: Double?) -> JSONValue? { value.map { .number($0) } }
    switch name {
    case "id": return .string(trajectory.id)
    case "group": return .string(trajectory.group)
    case "step": return trajectory.step.map { .number($0) }
    case "batch": return trajectory.batch.map { .number($0) }
    case "reward": return number(trajectory.reward)
    case "reward_status": return trajectory.rewardStatus.map { .string($0.rawValue) }
    case "advantage": return number(trajectory.advantage)
    case "baseline": return number(trajectory.baseline)
    case "loss_weight": return number(trajectory.lossWeight)
    case "draws": return trajectory.draws.map { .number($0.count) }
    case "pair.rank": return trajectory.pair.map { .number($0.rank) }
    case "pair.side": return trajectory.pair.map { .string($0.side.rawValue) }
    case "pair.weight": return trajectory.pair.map { .number($0.weight) }
    case "pair.partner": return trajectory.pair.map { .string($0.partner) }
    case "tokens": return try trajectory.tokenCount.map { .number($0) }
    case "characters": return try trajectory.response.map { .number($0.unicodeScalars.count) }
    case "question":
      return try trajectory.value(of: .prompt).flatMap { ChatMessage.question(of: $0) }.map { .string($0) }
    default: break
    }
    let part = name.hasPrefix("rewards.") ? String(name.dropFirst("rewards.".count)) : name
    if let part = trajectory.rewards?.first(where: { $0.name == part }) { return number(part.score) }
    let value = try trajectory.value(of: Field(name))
    return value == .null ? nil : value
  }

  // MARK: Reading

  private enum Token: Equatable {
    case join(Character)
    case sign(String)
    case word(String)
  }

  private static func tokens(_ text: String) throws -> [Token] {
    var tokens: [Token] = []
    var rest = text[...]
    while let first = rest.first {
      if first.isWhitespace {
        rest.removeFirst()
      } else if first == "&" || first == "|" {
        rest = rest.dropFirst(rest.hasPrefix("&&") || rest.hasPrefix("||") ? 2 : 1)
        tokens.append(.join(first))
      } else if let sign = ["!=", "!~", "<=", ">=", "==", "=", "<", ">", "~", "!", "(", ")"].first(
        where: rest.hasPrefix)
      {
        rest = rest.dropFirst(sign.count)
        tokens.append(.sign(sign == "==" ? "=" : sign))
      } else if first == "\"" {
        tokens.append(.word(try quoted(&rest, text)))
      } else {
        let word = rest.prefix { !$0.isWhitespace && !"&|=<>~()!\"".contains($0) }
        rest = rest.dropFirst(word.count)
        tokens.append(word == "and" ? .join("&") : word == "or" ? .join("|") : .word(String(word)))
      }
    }
    return tokens
  }

  private static func quoted(_ rest: inout Substring, _ text: String) throws -> String {
    var word = ""
    rest.removeFirst()
    while let next = rest.popFirst() {
      if next == "\"" { return word }
      word.append(next == "\\" ? rest.popFirst() ?? next : next)
    }
    throw fault(text, "a quotation mark is not closed")
  }

  private static func fault(_ text: String, _ reason: String) -> PipelineError {
    PipelineError(
      .invalidData,
      "the filter \(text.quotedForMessage) cannot be read: \(reason); write it as in \"reward < 0.5 & finish = length\""
    )
  }

  private struct Parser {
    var tokens: [Token]
    let text: String
    var position = 0

    private var next: Token? { position < tokens.count ? tokens[position] : nil }

    mutating func whole() throws -> Condition {
      if tokens.isEmpty { throw fault(text, "it is empty") }
      let condition = try any()
      if let next { throw fault(text, "'&' or '|' is expected before \(Self.name(next))") }
      return condition
    }

    private mutating func any() throws -> Condition {
      var parts = [try all()]
      while next == .join("|") {
        position += 1
        parts.append(try all())
      }
      return parts.count == 1 ? parts[0] : .any(parts)
    }

    private mutating func all() throws -> Condition {
      var parts = [try one()]
      while next == .join("&") {
        position += 1
        parts.append(try one())
      }
      return parts.count == 1 ? parts[0] : .all(parts)
    }

    private mutating func one() throws -> Condition {
      if next == .sign("!") {
        position += 1
        return .not(try one())
      }
      if next == .sign("(") {
        position += 1
        let inner = try any()
        guard next == .sign(")") else { throw fault(text, "a parenthesis is not closed") }
        position += 1
        return inner
      }
      guard case .word(let name)? = next else {
        throw fault(text, next.map { "a name is expected before \(Self.name($0))" } ?? "it ends early")
      }
      position += 1
      guard case .sign(let symbol)? = next, let sign = Sign(rawValue: symbol) else { return .has(name) }
      position += 1
      guard case .word(let value)? = next else { throw fault(text, "a value is expected after '\(name) \(symbol)'") }
      position += 1
      if [.less, .atMost, .greater, .atLeast].contains(sign), Double(value) == nil {
        throw fault(text, "'\(symbol)' compares numbers, and '\(value)' is none")
      }
      return .compare(name, sign, value)
    }

    private static func name(_ token: Token) -> String {
      switch token {
      case .join(let sign): "'\(sign)'"
      case .sign(let sign): "'\(sign)'"
      case .word(let word): word.quotedForMessage
      }
    }
  }
}

extension ChatMessage {
  /// The text of the last message of the user, or else of the last one.
  static func question(of prompt: JSONValue) -> String? {
    guard let messages = try? messages(from: prompt) else { return nil }
    return (messages.last { $0.role == "user" } ?? messages.last).map { message in
      message.parts.compactMap { part in if case .text(let text) = part { text } else { nil } }.joined(separator: " ")
    }
  }
}
