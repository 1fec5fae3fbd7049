// SPDX-License-Identifier: Apache-2.0

/// What is known of the stored trajectories: all that a store decides by.
///
/// The trajectories themselves are in the run's files.
/// Entries are named by their numbers, which rise in the order of storing. An entry takes about 170 bytes with eight
/// for each prompt and ids of 26 bytes, as `Tests/Benchmarks/replay-index/run` measures it.
public struct ReplayIndex: Sendable {
  /// What `check` reckons for an entry.
  public static let bytesPerEntry = 200

  /// The trajectories that were stored together.
  struct Block: Sendable {
    let place: ArchiveBlock
    let first: Int
    let admitted: Int
    let source: Int
    var ids: [UInt8] = []
    var idEnds: [UInt32] = []
    var groups: [Int32] = []
    var rewards: [Double] = []
    var advantages: [Double] = []
    var tokens: [Int32] = []
    var steps: [Int32] = []
    /// -1 where unknown.
    var versions: [Int32] = []
    /// A bit for each entry that has left.
    var gone: [UInt8]
    var left: Int

    init(place: ArchiveBlock, first: Int, admitted: Int, source: Int) {
      (self.place, self.first, self.admitted, self.source) = (place, first, admitted, source)
      gone = [UInt8](repeating: 0, count: (place.count + 7) / 8)
      left = place.count
    }

    func isGone(_ slot: Int) -> Bool { gone[slot >> 3] & (1 << UInt8(slot & 7)) != 0 }

    mutating func remove(_ slot: Int) {
      gone[slot >> 3] |= 1 << UInt8(slot & 7)
      left -= 1
    }

    func id(_ slot: Int) -> String {
      let start = slot == 0 ? 0 : Int(idEnds[slot - 1])
      return String(decoding: ids[start..<Int(idEnds[slot])], as: UTF8.self)
    }
  }

  /// A prompt, and the numbers of its entries, the oldest first.
  private struct Prompt: Sendable {
    let name: String
    var numbers: [Int] = []
  }

  /// The blocks that have entries, by ascending numbers.
  private(set) var blocks: [Block] = []
  /// The number of the next entry.
  package private(set) var next = 0
  /// The numbers of all entries, the oldest first.
  public private(set) var numbers: [Int] = []
  private var prompts: [Prompt] = []
  private var freePrompts: [Int32] = []
  private var placeOfPrompt: [ExactText: Int32] = [:]

  /// An empty index.
  public init() {}

  /// The number of entries.
  public var count: Int { numbers.count }

  /// The numbers of a prompt's entries, the oldest first.
  public func numbers(of group: String) -> [Int] {
    placeOfPrompt[ExactText(group)].map { prompts[Int($0)].numbers } ?? []
  }

  /// The entry of a number; nil for one that was never stored, or has left.
  public subscript(number: Int) -> ReplayEntry? {
    guard let (index, slot) = place(of: number) else { return nil }
    let block = blocks[index]
    return ReplayEntry(
      number: number, id: block.id(slot), group: prompts[Int(block.groups[slot])].name,
      reward: block.rewards[slot].finite, advantage: block.advantages[slot].finite, tokens: Int(block.tokens[slot]),
      step: Int(block.steps[slot]), policyVersion: block.versions[slot] < 0 ? nil : Int(block.versions[slot]),
      admitted: block.admitted, source: block.source)
  }

  /// The reward of an entry, if it has one.
  public func reward(of number: Int) -> Double? { place(of: number).flatMap { blocks[$0].rewards[$1].finite } }

  /// The advantage of an entry, if it has one.
  public func advantage(of number: Int) -> Double? { place(of: number).flatMap { blocks[$0].advantages[$1].finite } }

  /// The step in which an entry was stored; nil where there is no such entry.
  public func admitted(of number: Int) -> Int? { place(of: number).map { blocks[$0.block].admitted } }

  /// Where an entry's trajectory is written, and its place in that block.
  package func archived(_ number: Int) -> (block: ArchiveBlock, place: Int)? {
    place(of: number).map { (blocks[$0].place, $1) }
  }

  /// The files that hold entries.
  package var files: Set<Int> { Set(blocks.map(\.place.file)) }

  /// The numbers of entries that were stored before a step.
  package func numbers(admittedBefore step: Int) -> [Int] {
    blocks.filter { $0.admitted < step }.flatMap { block in
      (0..<block.place.count).filter { !block.isGone($0) }.map { block.first + $0 }
    }
  }

  private func place(of number: Int) -> (block: Int, slot: Int)? {
    var (low, high) = (0, blocks.count)
    while low < high {
      let middle = (low + high) / 2
      if blocks[middle].first <= number { low = middle + 1 } else { high = middle }
    }
    guard low > 0 else { return nil }
    let slot = number - blocks[low - 1].first
    guard slot < blocks[low - 1].place.count, !blocks[low - 1].isGone(slot) else { return nil }
    return (low - 1, slot)
  }

  /// Adds trajectories that were written.
  ///
  /// - Parameters:
  ///   - place: Where they are.
  ///   - step: The step of this run.
  ///   - source: 0 for this run's own.
  /// - Throws: When a trajectory can no longer be read.
  public mutating func add(_ trajectories: [Trajectory], at place: ArchiveBlock, step: Int, source: Int = 0) throws {
    try add(trajectories, to: Block(place: place, first: next, admitted: step, source: source))
  }

  mutating func add(_ trajectories: [Trajectory], to new: Block) throws {
    var block = new
    for (slot, trajectory) in trajectories.enumerated() {
      block.ids += trajectory.id.utf8
      block.idEnds.append(UInt32(block.ids.count))
      block.rewards.append(trajectory.reward ?? .nan)
      block.advantages.append(trajectory.advantage ?? .nan)
      block.tokens.append(Int32(clamping: try trajectory.tokenCount ?? 0))
      block.steps.append(Int32(clamping: trajectory.step ?? block.admitted))
      block.versions.append(Int32(clamping: try trajectory.value(of: .policyVersion)?.intValue ?? -1))
      if block.isGone(slot) {
        block.groups.append(-1)
        continue
      }
      let prompt = promptPlace(trajectory.group)
      block.groups.append(prompt)
      prompts[Int(prompt)].numbers.append(block.first + slot)
      numbers.append(block.first + slot)
    }
    next = max(next, block.first + trajectories.count)
    if block.left > 0 { blocks.append(block) }
  }

  /// Numbers that were given out are not given out again.
  mutating func skip(to number: Int) { next = max(next, number) }

  private mutating func promptPlace(_ group: String) -> Int32 {
    let name = ExactText(group)
    if let known = placeOfPrompt[name] { return known }
    let place: Int32
    if let free = freePrompts.popLast() {
      place = free
      prompts[Int(free)] = Prompt(name: group)
    } else {
      place = Int32(prompts.count)
      prompts.append(Prompt(name: group))
    }
    placeOfPrompt[name] = place
    return place
  }

  /// Lets entries go; numbers that it does not have are passed over.
  ///
  /// - Returns: How many went.
  @discardableResult
  public mutating func remove(_ leaving: some Sequence<Int>) -> Int {
    var gone: [Int] = []
    for number in leaving {
      guard let (index, slot) = place(of: number) else { continue }
      gone.append(number)
      blocks[index].remove(slot)
      let prompt = blocks[index].groups[slot]
      if let place = prompts[Int(prompt)].numbers.firstIndex(of: number) {
        prompts[Int(prompt)].numbers.remove(at: place)
      }
      if prompts[Int(prompt)].numbers.isEmpty {
        placeOfPrompt[ExactText(prompts[Int(prompt)].name)] = nil
        freePrompts.append(prompt)
      }
    }
    if gone.isEmpty { return 0 }
    gone.sort()
    // Both rise, so that one walk finds all.
    var next = 0
    numbers = numbers.filter { number in
      while next < gone.count, gone[next] < number { next += 1 }
      return next == gone.count || gone[next] != number
    }
    blocks.removeAll { $0.left == 0 }
    return gone.count
  }

  /// Lets the oldest go until the bounds are kept.
  ///
  /// - Returns: How many went.
  public mutating func trim(to capacity: ReplayCapacity) -> Int {
    var leaving: [Int] = []
    if let most = capacity.perPrompt {
      for prompt in prompts where prompt.numbers.count > most { leaving += prompt.numbers.dropLast(most) }
    }
    var gone = remove(leaving)
    if numbers.count > capacity.total { gone += remove(Array(numbers.prefix(numbers.count - capacity.total))) }
    return gone
  }
}

extension Double {
  fileprivate var finite: Double? { isFinite ? self : nil }
}

/// How many trajectories a store keeps.
public struct ReplayCapacity: Sendable, Hashable {
  /// The most in all.
  public var total: Int
  /// The most of one prompt; nil for no bound of its own.
  public var perPrompt: Int?

  /// Bounds.
  public init(total: Int, perPrompt: Int? = nil) { (self.total, self.perPrompt) = (total, perPrompt) }
}
