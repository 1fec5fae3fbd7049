// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// How rollouts are assigned to groups.
enum GroupIdentity {
  /// The other program names the group.
  case named(String)
  /// It does not: rollouts of one file and step with the same prompt form a group.
  case samePrompt(JSONValue?, step: Int?)
  /// Every row is a group of its own.
  case ownRow
}

/// Assigns group names and indices; its memory grows only with the number of groups.
struct GroupTable {
  private enum Key: Hashable {
    case named(ExactText)
    case hashed(UInt64, UInt64)
  }

  private struct Entry {
    let name: String
    var count: Int
    let step: Int?
  }

  private var indexOfKey: [Key: Int] = [:]
  private var entries: [Entry] = []
  private var names: Set<ExactText> = []
  private(set) var rows = 0
  private var spansSteps: Set<Int> = []

  /// The group and the index in it of the next rollout of a group.
  mutating func place(_ identity: GroupIdentity, file: String, step: Int?) -> (group: String, index: Int) {
    defer { rows += 1 }
    let key: Key
    let proposed: String
    switch identity {
    case .named(let name):
      key = .named(ExactText(name))
      proposed = name
    case .samePrompt(let prompt, let promptStep):
      var hash = StableHash()
      hash.add(file)
      hash.add(promptStep.map(String.init) ?? "")
      hash.add(prompt?.json ?? "")
      key = .hashed(hash.low, hash.high)
      proposed = promptStep.map { "\($0)-q\(entries.count)" } ?? "q\(entries.count)"
    case .ownRow:
      key = .named(ExactText("q\(rows)"))
      proposed = "q\(rows)"
    }
    if let index = indexOfKey[key] {
      defer { entries[index].count += 1 }
      if entries[index].step != step { spansSteps.insert(index) }
      return (entries[index].name, entries[index].count)
    }
    var name = proposed
    while !names.insert(ExactText(name)).inserted { name += "~" }
    indexOfKey[key] = entries.count
    entries.append(Entry(name: name, count: 1, step: step))
    return (name, 0)
  }

  var sizes: GroupSizes { GroupSizes(entries.lazy.map(\.count)) }

  /// How many groups have rollouts of several steps.
  var groupsOverSteps: Int { spansSteps.count }
}
