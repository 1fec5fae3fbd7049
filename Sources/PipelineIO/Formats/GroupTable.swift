// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// How rollouts are assigned to groups.
enum GroupIdentity {
  /// The other program names the group.
  case named(String)
  /// The peer does not: rollouts of one file and step with the same prompt, answer and images belong together.
  case samePrompt(Cell?, step: Int?)
  /// Every row is a group of its own.
  case ownRow
  /// So many rows in sequence are a group.
  case sequence(of: Int)
}

/// Assigns group names and indices; its memory grows only with the number of groups, by some 80 bytes each.
struct GroupTable {
  private struct Entry {
    /// How many rollouts it has.
    var count: Int32
    /// How many marks were put behind its name, since an earlier group has that name.
    let marks: Int32
    let step: Int?
    let question: Question
  }

  /// What a rollout answers: rollouts of one group should all answer the same.
  struct Question {
    private let prompt: UInt64
    private let answer: UInt64?

    /// The question that a record asks.
    init(_ record: RecordBuilder) {
      var prompt = ContentHash()
      prompt.add(record.cell(of: .prompt))
      prompt.add(record.cell(of: .images))
      self.prompt = prompt.folded
      answer = record.cell(of: .answer).map {
        var hash = ContentHash()
        hash.add($0)
        return hash.folded
      }
    }

    /// Whether both can stand in one group; an answer that is not there contradicts nothing.
    func agrees(with other: Question) -> Bool {
      prompt == other.prompt && (answer == nil || other.answer == nil || answer == other.answer)
    }

    /// One number for both parts.
    func add(to hash: inout ContentHash) {
      hash.add(prompt)
      hash.add(answer ?? 0)
    }
  }

  private var groups = HashIndex()
  private var names = HashIndex()
  private var entries: [Entry] = []
  private(set) var rows = 0
  private var spansSteps: Set<Int> = []
  private var contradictory: [Int: String] = [:]

  /// The group and the index in it of the next rollout of a group.
  mutating func place(
    _ identity: GroupIdentity, asking question: Question, file: String, step: Int?
  ) -> (group: String, index: Int) {
    defer { rows += 1 }
    let found = groups.insert(key(of: identity, asking: question, file: file))
    let proposed = name(of: identity, number: found.number)
    if found.isNew {
      var name = proposed
      while !names.insert(ContentHash.of(name)).isNew { name += "~" }
      let marks = Int32(name.utf8.count - proposed.utf8.count)
      entries.append(Entry(count: 1, marks: marks, step: step, question: question))
      return (name, 0)
    }
    let entry = entries[found.number]
    entries[found.number].count += 1
    let name = entry.marks == 0 ? proposed : proposed + String(repeating: "~", count: Int(entry.marks))
    if entry.step != step { spansSteps.insert(found.number) }
    if !entry.question.agrees(with: question) { contradictory[found.number] = name }
    return (name, Int(entry.count))
  }

  private func key(of identity: GroupIdentity, asking question: Question, file: String) -> UInt64 {
    var hash = ContentHash()
    switch identity {
    case .named(let name): hash.add(name)
    case .samePrompt(let prompt, let step):
      hash.add(1)
      hash.add(file)
      hash.add(step.map(String.init) ?? "")
      hash.add(prompt)
      question.add(to: &hash)
    case .ownRow: hash.add(UInt64(rows))
    case .sequence(let size): hash.add(UInt64(rows / size))
    }
    return hash.folded
  }

  /// The name of a group, before marks that tell it from another one.
  private func name(of identity: GroupIdentity, number: Int) -> String {
    switch identity {
    case .named(let name): name
    case .samePrompt(_, let step): step.map { "\($0)-q\(number)" } ?? "q\(number)"
    case .ownRow: "q\(rows)"
    case .sequence(let size): "q\(rows / size)"
    }
  }

  var sizes: GroupSizes { GroupSizes(entries.lazy.map { Int($0.count) }) }

  /// The groups whose rollouts do not all have the same prompt, images and answer.
  var contradictoryGroups: [String] { contradictory.sorted { $0.key < $1.key }.map(\.value) }

  /// How many groups have rollouts of several steps.
  var groupsOverSteps: Int { spansSteps.count }
}
