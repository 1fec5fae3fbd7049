// SPDX-License-Identifier: Apache-2.0

/// Decides which trajectories are stored, and which of the stored ones come into a batch: the option `store` of the stage
/// `replay`.
///
/// A store is an immutable value. What is stored is in the ``ReplayIndex`` that it is handed, what it remembers beside in a
/// ``ReplayMemory``; both are saved with the run. Every draw comes from ``ReplayContext/random(_:_:)``, so that a resume, or
/// another number of threads, changes no draw. `PipelineTesting` checks these laws.
public protocol ReplayStore: Component {
  /// The fields that it decides by: `reward`, `advantage` or both. The stage reads them of every trajectory that comes to it.
  var reads: Set<Field> { get }

  /// The fields that it sets on trajectories of the step: `draws` if it draws the batch anew, otherwise none.
  var writes: Set<Field> { get }

  /// How many trajectories it keeps; the stage lets the oldest go beyond that.
  ///
  /// - Parameter count: The trajectories of the batch that came to it first.
  func capacity(ofBatch count: Int) -> ReplayCapacity

  /// Which stored trajectories come into a batch.
  ///
  /// - Parameters:
  ///   - batch: What came to the stage; its order does not depend on that of the groups.
  ///   - index: What is stored, without the trajectories of this batch.
  /// - Throws: When it cannot decide at all, such as a program that has ended.
  func draw(
    for batch: ReplayBatch, from index: ReplayIndex, memory: inout ReplayMemory, in context: ReplayContext
  ) async throws -> ReplayPlan

  /// Which trajectories of a batch are stored; called after ``draw(for:from:memory:in:)``, and for rollouts of other runs.
  func admit(
    _ batch: ReplayBatch, to index: ReplayIndex, memory: inout ReplayMemory, in context: ReplayContext
  ) async throws -> ReplayAdmission

  /// Says why a stored trajectory came into the batch, or what there is to know of another, as the continuation of a
  /// sentence.
  ///
  /// - Parameter trajectory: Its `origin` has what ``Replay/because`` held.
  func explanation(of trajectory: LineageEntry, in step: LineageStep) -> Explanation?

  /// Gives back what it holds, such as a program that it started; called when no more batches will come.
  func close() async
}

extension ReplayStore {
  /// The reward.
  public var reads: Set<Field> { [.reward] }

  /// None.
  public var writes: Set<Field> { [] }

  /// Nothing to add.
  public func explanation(of trajectory: LineageEntry, in step: LineageStep) -> Explanation? { nil }

  /// Nothing to give back.
  public func close() async {}
}

/// A rollout of the step, as a store sees it.
public struct ReplayRollout: Sendable, Hashable {
  /// Its id.
  public var id: String
  /// The prompt's id.
  public var group: String
  /// Its reward, if it has one.
  public var reward: Double?
  /// Its advantage, if it has one.
  public var advantage: Double?
  /// The number of response tokens; 0 where unknown.
  public var tokens: Int

  /// A rollout.
  public init(id: String, group: String, reward: Double? = nil, advantage: Double? = nil, tokens: Int = 0) {
    (self.id, self.group, self.reward, self.advantage, self.tokens) = (id, group, reward, advantage, tokens)
  }
}

/// The rollouts of a step, group by group.
///
/// Groups stand in an order that is drawn from their names and the step, rollouts of a group in the order of the input: no
/// decision depends on the order of the groups, and no prompt is always the last.
public struct ReplayBatch: Sendable {
  /// A group and the places of its rollouts.
  public struct Group: Sendable, Hashable {
    /// The prompt's id.
    public let id: String
    /// The places in ``ReplayBatch/rollouts``.
    public let places: Range<Int>
  }

  /// All rollouts.
  public let rollouts: [ReplayRollout]
  /// The groups, in the same order.
  public let groups: [Group]

  /// Sorts rollouts by group.
  public init(_ rollouts: [ReplayRollout], step: Int = 0) {
    self.init(ordered: Self.order(rollouts, step: step).map { rollouts[$0] })
  }

  private init(ordered rollouts: [ReplayRollout]) {
    self.rollouts = rollouts
    var groups: [Group] = []
    var start = 0
    for place in rollouts.indices
    where place + 1 == rollouts.count || ExactText(rollouts[place + 1].group) != ExactText(rollouts[place].group) {
      groups.append(Group(id: rollouts[place].group, places: start..<place + 1))
      start = place + 1
    }
    self.groups = groups
  }

  /// The places of rollouts in the order of a batch.
  package static func order(_ rollouts: [ReplayRollout], step: Int) -> [Int] {
    var known: [ExactText: UInt64] = [:]
    let hashes = rollouts.map { rollout in
      let name = ExactText(rollout.group)
      if let hash = known[name] { return hash }
      var random = PhiloxGenerator(
        seed: 0, purpose: "replay order",
        position: (UInt64(bitPattern: Int64(step)), PhiloxGenerator.hash(rollout.group), 0))
      let hash = random.next()
      known[name] = hash
      return hash
    }
    return rollouts.indices.sorted { left, right in
      if hashes[left] != hashes[right] { return hashes[left] < hashes[right] }
      let (a, b) = (rollouts[left].group, rollouts[right].group)
      if ExactText(a) != ExactText(b) { return a.utf8.lexicographicallyPrecedes(b.utf8) }
      return left < right
    }
  }
}

/// What becomes of a batch.
public struct ReplayPlan: Sendable, Hashable {
  /// The stored trajectories that come in, each at most once; those without a place of their own stand behind the rollouts of
  /// their prompt, or at the end, in this order.
  public var replays: [Replay]
  /// The positions of each rollout of the step in the batch drawn anew, by its place; nil for a batch that is not
  /// drawn anew.
  ///
  /// Those that have none leave.
  public var draws: [Int: [Int]]?

  /// A plan.
  public init(_ replays: [Replay] = [], draws: [Int: [Int]]? = nil) { (self.replays, self.draws) = (replays, draws) }
}

/// A stored trajectory that comes into a batch.
public struct Replay: Sendable, Hashable {
  /// The number of its entry.
  public var number: Int
  /// The place of the rollout that leaves for it, by the rule `replaced`; nil for none.
  public var replaces: Int?
  /// Its positions in the batch drawn anew; empty where none is drawn.
  public var draws: [Int]
  /// The numbers behind the choice, for lineage and `why`.
  public var because: [JSONValue.Member]

  /// A replay.
  public init(_ number: Int, replacing place: Int? = nil, draws: [Int] = [], because: [JSONValue.Member] = []) {
    (self.number, self.replaces, self.draws, self.because) = (number, place, draws, because)
  }
}

/// What is stored of a batch, and what leaves for it.
public struct ReplayAdmission: Sendable, Hashable {
  /// The places of rollouts that are stored, ascending.
  public var admitted: [Int]
  /// The numbers of entries that leave, beside those beyond the capacity.
  public var evicted: [Int]

  /// An admission.
  public init(_ admitted: [Int], evicting evicted: [Int] = []) { (self.admitted, self.evicted) = (admitted, evicted) }
}

/// What a store remembers beside the index: a few values by their names.
public struct ReplayMemory: Sendable, Hashable {
  /// The values, in the order in which they were first set.
  public private(set) var values: [JSONValue.Member]

  /// A memory.
  public init(_ values: [JSONValue.Member] = []) { self.values = values }

  /// A value.
  public subscript(name: String) -> JSONValue? {
    get { values.first { $0.key == name }?.value }
    set {
      let index = values.firstIndex { $0.key == name }
      switch (index, newValue) {
      case (let index?, let value?): values[index].value = value
      case (let index?, nil): values.remove(at: index)
      case (nil, let value?): values.append(.init(name, value))
      case (nil, nil): break
      }
    }
  }
}

/// What a store may use from its environment.
public struct ReplayContext: Sendable {
  /// The stage's name in the spec, which draws are keyed by.
  public let stage: String
  /// The step.
  public let step: Int
  /// The seed of the run.
  public let seed: UInt64
  /// Collects warnings; and metrics, which are named `store/…`.
  public let report: StageReport
  private let log: @Sendable ([String]) async throws -> Void

  /// A context for one batch.
  ///
  /// - Parameter log: Keeps lines that a program wrote to its standard error.
  public init(
    stage: String, step: Int = 0, seed: UInt64 = 1, report: StageReport = StageReport(),
    log: @escaping @Sendable ([String]) async throws -> Void = { _ in }
  ) {
    (self.stage, self.step, self.seed, self.report, self.log) = (stage, step, seed, report, log)
  }

  /// Random draws that belong to this step and position, independent of when they are made.
  ///
  /// - Parameters:
  ///   - first: A coordinate, usually the hash of a group's name, ``PhiloxGenerator/hash(_:)``.
  ///   - second: A second coordinate.
  public func random(_ first: UInt64 = 0, _ second: UInt64 = 0) -> PhiloxGenerator {
    PhiloxGenerator(
      seed: seed, purpose: "replay " + stage, position: (UInt64(bitPattern: Int64(step)), first, second))
  }

  /// Keeps lines that another program wrote to its standard error, in the run's `logs`.
  public func keep(_ lines: [String]) async throws { if !lines.isEmpty { try await log(lines) } }
}

/// How a stage brings stored trajectories into batches.
public struct StageReplay: Sendable {
  /// Decides which.
  public let store: any ReplayStore

  /// A stage's replay.
  public init(_ store: any ReplayStore) { self.store = store }
}
