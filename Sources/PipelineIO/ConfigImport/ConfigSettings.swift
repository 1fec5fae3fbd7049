// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// The settings of a configuration by their dotted keys; those that were used are marked.
struct ConfigSettings {
  private var order: [String] = []
  private var values: [String: JSONValue] = [:]
  private var used: Set<String> = []

  init(_ config: JSONValue) { add(config, at: "") }

  private mutating func add(_ value: JSONValue, at path: String) {
    if let members = value.objectValue, !members.isEmpty || path.isEmpty {
      for member in members { add(member.value, at: path.isEmpty ? member.key : "\(path).\(member.key)") }
    } else if values.updateValue(value, forKey: path) == nil {
      order.append(path)
    }
  }

  /// The value of a setting, which is then marked as used; nil for null.
  mutating func value(_ path: String) -> JSONValue? {
    guard let value = values[path] else { return nil }
    used.insert(path)
    if value == .null { return nil }
    return value
  }

  /// Whether a setting is there and not null.
  func has(_ path: String) -> Bool { values[path].map { $0 != .null } ?? false }

  /// Records that a setting has no counterpart after all.
  mutating func giveBack(_ path: String) { used.remove(path) }

  mutating func text(_ path: String) -> String? {
    guard let text = value(path)?.scalarText, !text.isEmpty else { return nil }
    return text
  }

  mutating func integer(_ path: String) throws -> Int? {
    guard let value = value(path) else { return nil }
    guard let number = JSONValue.number(value.scalarText ?? "").intValue, number >= 0 else {
      throw fault(path, value, "a whole number from 0")
    }
    return number
  }

  mutating func number(_ path: String) throws -> Double? {
    guard let value = value(path) else { return nil }
    guard let number = Double(value.scalarText ?? ""), number.isFinite else {
      throw fault(path, value, "a number")
    }
    return number
  }

  mutating func flag(_ path: String) throws -> Bool {
    guard let value = value(path) else { return false }
    switch value.scalarText?.lowercased() {
    case "true", "yes", "on": return true
    case "false", "no", "off": return false
    default: throw fault(path, value, "true or false")
    }
  }

  private func fault(_ path: String, _ value: JSONValue, _ expected: String) -> PipelineError {
    PipelineError(.invalidData, "'\(path)' is \(value.json), it must be \(expected)")
  }

  /// The settings that were not used, with a reason: a given one, or that of the longest known prefix.
  func unmapped(explained: [String: String], for purpose: ConfigImport.Purpose) -> [ConfigImport.Unmapped] {
    order.compactMap { path in
      if let reason = explained[path] { return .init(path, values[path] ?? .null, reason) }
      if used.contains(path) || values[path] == .null { return nil }
      return .init(path, values[path] ?? .null, Self.reason(for: path, purpose))
    }
  }

  private static func reason(for path: String, _ purpose: ConfigImport.Purpose) -> String {
    let reasons = (purpose == .replay ? replayReasons : []) + reasons
    return reasons.first { path == $0.prefix || path.hasPrefix($0.prefix + ".") }?.reason
      ?? "neither EasyR1 nor verl is known to have it"
  }

  private static let trains = "it belongs to training: --train imports that"

  /// The first match counts.
  private static let replayReasons: [(prefix: String, reason: String)] = [
    ("worker.rollout.n", "the groups of saved rollouts are fixed"),
    ("actor_rollout_ref.rollout.n", "the groups of saved rollouts are fixed"),
    ("worker.rollout", trains), ("actor_rollout_ref", trains), ("worker.actor", trains),
    ("data.train_files", trains), ("data.val_files", trains), ("data.max_response_length", trains),
    ("algorithm.disable_kl", trains), ("algorithm.use_kl_loss", trains), ("algorithm.kl_penalty", trains),
    ("algorithm.kl_coef", trains),
    ("algorithm.filter_groups", "saved rollouts cannot be filled up with new ones"),
    ("trainer.max_try_make_batch", "saved rollouts cannot be filled up with new ones"),
  ]

  private static let reasons: [(prefix: String, reason: String)] = [
    ("worker.rollout", "the bundled policy samples in its own way"),
    ("actor_rollout_ref.rollout", "the bundled policy samples in its own way"),
    ("worker.reward", "it belongs to the peer's reward function"),
    ("worker.critic", "there is no value model"),
    ("critic", "there is no value model"),
    ("worker", "it concerns GPUs and memory, or has no counterpart"),
    ("actor_rollout_ref", "it concerns GPUs and memory, or has no counterpart"),
    ("reward_model", "it belongs to the peer's reward function"),
    ("reward", "it belongs to the peer's reward function"),
    ("custom_reward_function", "it belongs to the peer's reward function"),
    ("data", "records state this themselves: `convert` reads the peer's"),
    ("algorithm.gamma", "only 'reinforce-plus-plus' discounts"),
    ("algorithm.lam", "only GAE uses it, which needs a value model"),
    ("algorithm", "no counterpart"),
    ("trainer", "it concerns the peer's trainer"),
  ]
}
