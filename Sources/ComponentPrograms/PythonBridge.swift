// SPDX-License-Identifier: Apache-2.0
package import ChildProcesses
package import PipelineCore

/// The interface for which a Python reward function is written.
public enum PythonBridge: String, Codable, Sendable, CaseIterable {
  /// No function: a program that speaks JSONL itself.
  case none
  /// `score(trajectory) → number`, or a table with `score` and parts, or None.
  case plain
  /// EasyR1: `compute_score(list of dicts) → list of dicts`, or one dict for one, as `REWARD_TYPE` of the file says.
  case easyr1
  /// verl: `compute_score(data_source, solution_str, ground_truth, extra_info)`.
  case verl
  /// TRL: `f(prompts, completions, **columns) → list of numbers or None`.
  case trl

  /// The code that runs the bridge; it is passed in an environment variable, so that nothing has to be installed.
  private static let launcher =
    "import os; exec(compile(os.environ.pop('SHUFFLE_R1_BRIDGE'), 'shuffle_r1_bridge.py', 'exec'))"

  /// Inserts the bridge between the interpreter and the file at the end of the command.
  package func wrap(_ child: inout ChildConfiguration, function: String, arguments: OptionTree) {
    guard self != .none, let file = child.command.last else { return }
    child.command.removeLast()
    child.command += ["-c", Self.launcher, rawValue, file, function, arguments.jsonValue.json]
    child.environment["SHUFFLE_R1_BRIDGE"] = String(decoding: PackageResources.shuffle_r1_bridge_py, as: UTF8.self)
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
