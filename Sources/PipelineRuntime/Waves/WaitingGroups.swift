// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// The groups of a stage's waves that wait for a later pass: for the rest of their rollouts, or, complete, for their turn.
///
/// Their prompts and rollouts are in files of the run. They are always read from there, so that a run that goes on after a kill has
/// the same bytes as one that was not.
struct WaitingGroups {
  /// A group that waits.
  struct Group {
    /// What the policy of the waves knows of it.
    var known: WaveGroup
    /// The ids of the rollouts that the policy knows of, in the order of sampling.
    var ids: [String] = []
    /// The rollouts that it gets next; 0 for a complete group.
    var more = 0
    /// The steps in which its stored rollouts were made.
    var steps: [Int]
    /// Where its prompt and, behind it, its rollouts are.
    var block: ArchiveBlock
    /// The place of its prompt in the block.
    var place: Int

    /// The prompt's id.
    var id: String { known.id }
  }

  /// A group with what is stored of it.
  struct Stored {
    let group: Group
    let prompt: Trajectory
    let rollouts: [Trajectory]
  }

  /// A new file begins behind this many bytes.
  private static let fileSize = 64 << 20

  /// Those that wait for the rest of their rollouts, in the order in which they came.
  private(set) var open: [Group] = []
  /// The complete ones, in the order in which they became so.
  private(set) var complete: [Group] = []
  /// The number of the file that is written to.
  private(set) var file = 0
  /// The files that hold something.
  private var files: Set<Int> = []

  /// None.
  init() {}

  /// Reads ``saved``; nil is nobody.
  ///
  /// - Parameter stage: The stage that makes the waves.
  /// - Throws: When a value has the wrong type.
  init(saved json: JSONValue?, stage: String) throws {
    guard let json else { return }
    let lists = ["open", "complete"].map { json[$0]?.arrayValue?.map { Group($0) } }
    guard let file = json["file"]?.intValue, (0...1 << 48).contains(file), let open = lists[0], let complete = lists[1],
      !(open + complete).contains(where: { $0 == nil })
    else {
      throw PipelineError(
        .invalidData,
        "what the run's state says of the groups that wait in stage '\(stage)' cannot be read; start anew with --overwrite"
      )
    }
    (self.file, self.open, self.complete) = (file, open.compactMap { $0 }, complete.compactMap { $0 })
    files = Set((self.open + self.complete).map(\.block.file))
  }

  /// For the state of the run; nil where nothing ever waited.
  var saved: JSONValue? {
    if open.isEmpty, complete.isEmpty, file == 0 { return nil }
    return [
      "open": .array(open.map(\.json)), "complete": .array(complete.map(\.json)), "file": .number(file),
    ]
  }

  /// The prompts of all of them.
  var prompts: Set<String> { Set((open + complete).map(\.id)) }

  /// Takes all open groups and the first complete ones out.
  ///
  /// - Parameter room: The most complete ones.
  mutating func take(room: Int) -> (complete: [Group], open: [Group]) {
    let taken = (Array(complete.prefix(max(0, room))), open)
    complete.removeFirst(taken.0.count)
    open = []
    return taken
  }

  /// Writes groups, and remembers them behind those that wait already.
  ///
  /// - Parameter groups: Each with its prompt and its rollouts; where they are stored is filled in.
  mutating func add(_ groups: [Stored], to archive: RunArchive) async throws {
    if groups.isEmpty { return }
    let block = try await archive.append(groups.flatMap { [$0.prompt] + $0.rollouts }, toFile: file)
    files.insert(file)
    var place = 0
    for stored in groups {
      var group = stored.group
      (group.block, group.place) = (block, place)
      place += 1 + stored.rollouts.count
      if group.more > 0 { open.append(group) } else { complete.append(group) }
    }
    if block.end >= Self.fileSize { file += 1 }
  }

  /// Gives up the files in which nothing is left.
  mutating func tidy(_ archive: RunArchive) throws {
    let left = Set((open + complete).map(\.block.file))
    for gone in files.subtracting(left).sorted() {
      try archive.release(file: gone)
      // What is released is not written to again.
      if gone == file { file += 1 }
    }
    files = left
  }

  /// Reads the prompts and rollouts of groups again; each block is read once.
  static func stored(_ groups: [Group], in archive: RunArchive) throws -> [Stored] {
    var found: [Stored?] = groups.map { _ in nil }
    let places = Dictionary(grouping: groups.indices) { groups[$0].block }
    for (block, members) in places.sorted(by: { ($0.key.file, $0.key.offset) < ($1.key.file, $1.key.offset) }) {
      let sorted = members.sorted { groups[$0].place < groups[$1].place }
      var lines = try archive.trajectories(
        of: block, at: sorted.flatMap { groups[$0].place...groups[$0].place + groups[$0].steps.count })[...]
      for member in sorted {
        guard let prompt = lines.popFirst() else { break }
        let rollouts = Array(lines.prefix(groups[member].steps.count))
        lines = lines.dropFirst(rollouts.count)
        found[member] = Stored(group: groups[member], prompt: prompt, rollouts: rollouts)
      }
    }
    return found.compactMap { $0 }
  }
}

extension WaitingGroups.Group {
  /// For the state of the run.
  fileprivate var json: JSONValue {
    func list(_ numbers: [Int]) -> JSONValue { .array(numbers.map { .number($0) }) }
    var members: [JSONValue.Member] = [
      .init("id", .string(id)), .init("steps", list(steps)),
      .init("block", list([block.file, block.offset, block.bytes, block.count])), .init("place", .number(place)),
    ]
    // Nothing is decided any more about a complete group.
    if more > 0 {
      members += [
        .init("more", .number(more)), .init("ids", .array(ids.map { .string($0) })),
        .init("rewards", .array(known.rewards.map { $0.map { .number($0) } ?? .null })),
        .init("lengths", list(known.lengths)), .init("finishes", .array(known.finishes.map { .string($0) })),
        .init("wave_sizes", list(known.waveSizes)),
      ]
    }
    return .object(members)
  }

  /// Reads ``json``; nil where a value has the wrong type.
  fileprivate init?(_ json: JSONValue) {
    func list(_ name: String) -> [Int]? { Self.all(json[name]) { $0.intValue } }
    guard let id = json["id"]?.stringValue, let steps = list("steps"), let block = list("block"), block.count == 4,
      let place = json["place"]?.intValue, (block + [place]).allSatisfy((0...1 << 48).contains),
      place + steps.count < min(block[3], 1 << 24)
    else { return nil }
    var known = WaveGroup(id: id, rewards: [])
    known.waveSizes = []
    self.init(
      known: known, steps: steps,
      block: ArchiveBlock(file: block[0], offset: block[1], bytes: block[2], count: block[3]), place: place)
    guard let more = json["more"] else { return }
    guard let more = more.intValue, more > 0, more <= 1 << 24, let ids = Self.all(json["ids"], { $0.stringValue }),
      let rewards = Self.all(json["rewards"], { $0 == .null ? .some(Double?.none) : $0.doubleValue.map { .some($0) } }),
      let lengths = list("lengths"), let finishes = Self.all(json["finishes"], { $0.stringValue }),
      let sizes = list("wave_sizes"), [ids.count, lengths.count, finishes.count].allSatisfy({ $0 == rewards.count })
    else { return nil }
    (self.more, self.ids) = (more, ids)
    (self.known.rewards, self.known.lengths, self.known.finishes) = (rewards, lengths, finishes)
    self.known.waveSizes = sizes
  }

  private static func all<Element>(_ json: JSONValue?, _ element: (JSONValue) -> Element?) -> [Element]? {
    guard let values = json?.arrayValue else { return nil }
    let elements = values.compactMap(element)
    return elements.count == values.count ? elements : nil
  }
}
