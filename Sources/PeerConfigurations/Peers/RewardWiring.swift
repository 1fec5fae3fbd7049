// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Which of our rewards stand for a peer's.
struct RewardWiring {
  private(set) var functions: [JSONValue] = []
  private(set) var reads: [String] = []
  /// What parts of the reward are called behind the name of a function; empty for our own, whose parts are functions.
  private(set) var prefix = ""

  /// Scores as `math` of EasyR1 and Shuffle-R1: what is boxed, by mathematical equality, and the format.
  mutating func addMath(formatWeight: Double, ignoresSpaces: Bool) {
    add("math-answer", name: "accuracy", weight: 1 - formatWeight, ["extract": "boxed", "unknown": "zero"])
    guard formatWeight > 0 else { return }
    add("boxed-format", name: "format", weight: formatWeight, ignoresSpaces ? ["spaces_in_tags": "ignored"] : [:])
  }

  /// Scores as `r1v` of EasyR1 and Shuffle-R1: the answer tag, by mathematical equality, and the format.
  mutating func addAnswerTags(formatWeight: Double) {
    add("math-answer", name: "accuracy", weight: 1 - formatWeight, ["extract": "answer-tag", "unknown": "zero"])
    add("answer-tag-format", name: "format", weight: formatWeight)
  }

  /// One of our functions.
  mutating func add(_ use: String, name: String = "", weight: Double = 1, _ options: JSONValue = [:]) {
    var members: Members = [.init("use", .string(use))]
    if options != [:] { members.set("with", options) }
    if weight != 1 { members.set("weight", .tidy(weight)) }
    if !name.isEmpty, name != use { members.set("name", .string(name)) }
    functions.append(members.count == 1 ? .string(use) : .object(members))
    if ["math-answer", "boxed-answer"].contains(use) { note("response", "answer") }
    if use == "soft-overlong" { note("tokens") }
    note("response")
  }

  /// A Python function in a file, through the bridge for its trainer.
  mutating func addPython(_ file: String, function: String, bridge: String, arguments: JSONValue?, weight: Double = 1) {
    var options: Members = [
      .init("command", ["python3", .string(file)]), .init("bridge", .string(bridge)),
    ]
    if !function.isEmpty, function != "compute_score" || bridge == "trl" { options.set("function", .string(function)) }
    if let arguments, arguments.objectValue?.isEmpty == false { options.set("arguments", arguments) }
    options.set("reads", ["response", "answer"])
    let name = Self.name(of: file, function: bridge == "trl" ? function : "")
    var members: Members = [.init("use", "process"), .init("with", .object(options))]
    if weight != 1 { members.set("weight", .tidy(weight)) }
    members.set("name", .string(name))
    functions.append(.object(members))
    prefix = name + "/"
    note("response", "answer")
  }

  private mutating func note(_ fields: String...) {
    for field in fields where !reads.contains(field) { reads.append(field) }
  }

  private static func name(of file: String, function: String) -> String {
    if !function.isEmpty { return function }
    let last = file.split(separator: "/").last.map(String.init) ?? file
    return last.hasSuffix(".py") ? String(last.dropLast(3)) : last
  }
}
