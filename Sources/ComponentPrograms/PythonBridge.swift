// SPDX-License-Identifier: Apache-2.0
package import ChildProcesses
package import PipelineCore

/// The interface for which a Python reward function is written.
package enum PythonBridge: String, Codable, Sendable, CaseIterable {
  /// No function: a program that speaks JSONL itself.
  case none
  /// `score(trajectory) → number`, or a table with `score` and parts, or None.
  case plain
  /// EasyR1: `compute_score(list of dicts) → list of dicts`, or one dict for one, as `REWARD_TYPE` of the file says; of earlier
  /// versions and of Shuffle-R1, `compute_score(predict_str, ground_truth) → dict`, and lists of both.
  case easyr1
  /// verl: `compute_score(data_source, solution_str, ground_truth, extra_info)`, by these names or others, and its batch form.
  case verl
  /// TRL: `f(prompts, completions, completion_ids, **columns) → list of numbers, None or NaN`.
  case trl

  /// The code that runs the bridge; it is passed in an environment variable, so that nothing has to be installed.
  ///
  /// What the bridge imports is Python's own, also where the working folder holds a file of the same name.
  private static let launcher =
    "import os, sys; sys.path[:] = filter(None, sys.path); "
    + "exec(compile(os.environ.pop('SHUFFLE_R1_BRIDGE'), 'shuffle_r1_bridge.py', 'exec'))"

  /// Inserts the bridge between the interpreter and the file at the end of the command.
  package func wrap(_ child: inout ChildConfiguration, function: String, arguments: OptionTree) {
    guard self != .none, let file = child.command.last else { return }
    child.command.removeLast()
    child.command += ["-c", Self.launcher, rawValue, file, function, arguments.jsonValue.json]
    child.environment["SHUFFLE_R1_BRIDGE"] = String(decoding: PackageResources.shuffle_r1_bridge_py, as: UTF8.self)
  }
}

extension PythonBridge {
  /// What the function is called with whatever fields a spec asks for.
  package var fields: Set<Field> { self == .trl ? [.tokens] : [] }

  /// What the function is called with beside the record: the step, and tokens that the record lacks and the policy can count.
  ///
  /// - Throws: When the response is to be counted and the policy cannot.
  package func members(for trajectory: Trajectory, in context: StageContext) async throws -> [JSONValue.Member] {
    switch self {
    case .none, .plain, .verl: return []
    case .easyr1:
      guard let tokens = try await tokens(of: trajectory, context) else { return [] }
      return [.init("response_length", .number(tokens.count))]
    case .trl:
      let step = JSONValue.Member("trainer_step", .number(context.step))
      guard let tokens = try await tokens(of: trajectory, context) else { return [step] }
      return [step, .init("tokens", .array(tokens.map { .number(Int($0)) }))]
    }
  }

  /// The tokens that the policy makes of a response whose record has none; nil where it has, or nobody can.
  private func tokens(of trajectory: Trajectory, _ context: StageContext) async throws -> [Int32]? {
    guard !trajectory.has(.tokens), let codec = context.training.policy?.codec, await codec.facts.tokenizer == .present,
      let response = try trajectory.response
    else { return nil }
    let finish = try trajectory.finish.flatMap(GeneratedResponse.Finish.init(rawValue:)) ?? .stop
    return try await codec.encode(response: response, finish: finish)
  }
}

extension OptionTree {
  /// The tree as JSON; plain text without a known type becomes the value that it looks like.
  fileprivate var jsonValue: JSONValue {
    switch node {
    case .null: .null
    case .bool(let flag): .bool(flag)
    case .number(let text): .number(text)
    case .string(let text): .string(text)
    case .plain(let text): (try? JSONValue(parsing: text)).flatMap { $0.stringValue == nil ? $0 : nil } ?? .string(text)
    case .list(let elements): .array(elements.map(\.jsonValue))
    case .table(let entries): .object(entries.map { .init($0.key, $0.value.jsonValue) })
    }
  }
}
