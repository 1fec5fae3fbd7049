// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// How rollouts are assigned to groups.
enum GroupIdentity {
  /// The other program names the group.
  case named(String)
  /// The peer does not: rollouts of one file and step with the same prompt, answer and images belong together.
  case samePrompt(JSONValue?, step: Int?)
  /// Every row is a group of its own.
  case ownRow
  /// So many rows in sequence are a group.
  case sequence(of: Int)
}

/// Assigns group names and indices; its memory grows only with the number of groups.
struct GroupTable {
  private enum Key: Hashable {
    case named(ExactText)
    case hashed(ContentHash)
  }

  private struct Entry {
    let name: String
    var count: Int
    let step: Int?
    let question: Question
  }

  /// What a rollout answers: rollouts of one group should all answer the same.
  struct Question: Hashable {
    private let prompt: ContentHash
    private let answer: ContentHash?

    /// The question that a record asks.
    init(_ record: RecordBuilder) {
      var prompt = ContentHash()
      prompt.add(record.value(of: .prompt))
      prompt.add(record.value(of: .images))
      self.prompt = prompt
      answer = record.value(of: .answer).map {
        var hash = ContentHash()
        hash.add($0)
        return hash
      }
    }

    /// Whether both can stand in one group; an answer that is not there contradicts nothing.
    func agrees(with other: Question) -> Bool {
      prompt == other.prompt && (answer == nil || other.answer == nil || answer == other.answer)
    }

    func add(to hash: inout ContentHash) {
      hash.add(prompt)
      if let answer { hash.add(answer) }
    }
  }

  private var indexOfKey: [Key: Int] = [:]
  private var entries: [Entry] = []
  private var names: Set<ExactText> = []
  private(set) var rows = 0
  private var spansSteps: Set<Int> = []
  private var contradictory: Set<Int> = []

  /// The group and the index in it of the next rollout of a group.
  mutating func place(
    _ identity: GroupIdentity, asking question: Question, file: String, step: Int?
  ) -> (group: String, index: Int) {
    defer { rows += 1 }
    let key: Key
    let proposed: String
    switch identity {
    case .named(let name):
      key = .named(ExactText(name))
      proposed = name
    case .samePrompt(let prompt, let promptStep):
      var hash = ContentHash()
      hash.add(file)
      hash.add(promptStep.map(String.init) ?? "")
      hash.add(prompt)
      question.add(to: &hash)
      key = .hashed(hash)
      proposed = promptStep.map { "\($0)-q\(entries.count)" } ?? "q\(entries.count)"
    case .ownRow:
      key = .named(ExactText("q\(rows)"))
      proposed = "q\(rows)"
    case .sequence(let size):
      key = .named(ExactText("q\(rows / size)"))
      proposed = "q\(rows / size)"
    }
    if let index = indexOfKey[key] {
      defer { entries[index].count += 1 }
      if entries[index].step != step { spansSteps.insert(index) }
      if !entries[index].question.agrees(with: question) { contradictory.insert(index) }
      return (entries[index].name, entries[index].count)
    }
    var name = proposed
    while !names.insert(ExactText(name)).inserted { name += "~" }
    indexOfKey[key] = entries.count
    entries.append(Entry(name: name, count: 1, step: step, question: question))
    return (name, 0)
  }

  var sizes: GroupSizes { GroupSizes(entries.lazy.map(\.count)) }

  /// The groups whose rollouts do not all have the same prompt, images and answer.
  var contradictoryGroups: [String] { contradictory.sorted().map { entries[$0].name } }

  /// How many groups have rollouts of several steps.
  var groupsOverSteps: Int { spansSteps.count }
}
