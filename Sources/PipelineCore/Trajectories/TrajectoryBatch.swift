// SPDX-License-Identifier: Apache-2.0

/// An ordered list of trajectories in groups, as it is passed from stage to stage.
///
/// Trajectories are never removed silently: each drop has a rule, which the batch records.
public struct TrajectoryBatch: Sendable {
  /// The trajectories, in the order of the input.
  public private(set) var trajectories: [Trajectory]
  /// The batch's number; in a run, the step.
  public let number: Int
  /// What has been dropped so far, in the order of dropping.
  public private(set) var drops: [Drop] = []

  private var groupNames: [String]
  private var groupOfTrajectory: [Int32]
  /// The position of each trajectory in the batch before anything was dropped.
  public private(set) var inputPositions: [Int32]
  /// The number of trajectories before anything was dropped.
  public private(set) var inputCount: Int
  /// How many more trajectories there are than in the beginning: rollouts in the place of prompts, and replayed ones.
  public private(set) var expansion = 0
  /// Another one whenever a trajectory was lent to be changed, dropped or brought in: a stage after which it is the same has
  /// changed nothing.
  package private(set) var revision = BatchRevision()

  /// A trajectory that was dropped, and why.
  public struct Drop: Sendable {
    /// The trajectory as it was when it left.
    public let trajectory: Trajectory
    /// The rule that dropped it, in kebab-case, such as `inner-pair`.
    public let rule: String
    /// The stage that dropped it.
    public let stage: String
    /// Its position in the batch before anything was dropped.
    public let inputPosition: Int
  }

  /// Collects trajectories in order; groups are numbered by first appearance.
  public init(_ trajectories: [Trajectory], number: Int = 0) {
    self.trajectories = trajectories
    self.number = number
    self.groupNames = []
    self.groupOfTrajectory = []
    self.inputPositions = trajectories.indices.map { Int32($0) }
    self.inputCount = trajectories.count
    groupOfTrajectory.reserveCapacity(trajectories.count)
    var indexOfGroup: [ExactText: Int32] = [:]
    for trajectory in trajectories {
      let name = ExactText(trajectory.group)
      if let last = groupOfTrajectory.last, ExactText(groupNames[Int(last)]) == name {
        groupOfTrajectory.append(last)
        continue
      }
      let index = indexOfGroup[name] ?? Int32(groupNames.count)
      if Int(index) == groupNames.count {
        indexOfGroup[name] = index
        groupNames.append(trajectory.group)
      }
      groupOfTrajectory.append(index)
    }
  }

  /// The number of trajectories.
  public var count: Int { trajectories.count }

  /// Whether no trajectory is left.
  public var isEmpty: Bool { trajectories.isEmpty }

  /// The trajectory at a position; an assigned one must have the same id and group.
  public subscript(index: Int) -> Trajectory {
    // Lends the trajectory instead of copying it: a copy costs a dozen reference counts.
    _read {
      yield trajectories[index]
    }
    _modify {
      revision.count += 1
      yield &trajectories[index]
    }
  }

  /// The groups, in the order of their first appearance; takes linear time.
  public var groups: [TrajectoryGroup] {
    var counts = [Int](repeating: 0, count: groupNames.count)
    for group in groupOfTrajectory { counts[Int(group)] += 1 }
    var members = counts.map { count in
      var positions: [Int] = []
      positions.reserveCapacity(count)
      return positions
    }
    for (position, group) in groupOfTrajectory.enumerated() { members[Int(group)].append(position) }
    return members.indices.compactMap { index in
      members[index].isEmpty ? nil : TrajectoryGroup(name: groupNames[index], positions: members[index])
    }
  }

  /// Drops every trajectory for which `rule` returns a name, and keeps the others in order.
  ///
  /// - Parameters:
  ///   - stage: The name of the stage that drops.
  ///   - rule: Returns the rule that drops the trajectory at a position, or nil to keep it.
  public mutating func drop(stage: String, by rule: (Int) throws -> String?) rethrows {
    let rules = try trajectories.indices.map(rule)
    guard rules.contains(where: { $0 != nil }) else { return }
    revision.count += 1
    drops.reserveCapacity(drops.count + rules.count { $0 != nil })
    // Kept trajectories are moved in place; only dropped ones are copied.
    var kept = 0
    for position in trajectories.indices {
      if let rule = rules[position] {
        drops.append(
          Drop(
            trajectory: trajectories[position], rule: rule, stage: stage,
            inputPosition: Int(inputPositions[position])))
      } else {
        if kept < position {
          trajectories.swapAt(kept, position)
          groupOfTrajectory[kept] = groupOfTrajectory[position]
          inputPositions[kept] = inputPositions[position]
        }
        kept += 1
      }
    }
    trajectories.removeLast(trajectories.count - kept)
    groupOfTrajectory.removeLast(groupOfTrajectory.count - kept)
    inputPositions.removeLast(inputPositions.count - kept)
  }

  /// Replaces each trajectory, which is a prompt, by rollouts; trajectories are made in no other way.
  ///
  /// Positions of the input are renumbered: the rollouts of a prompt take its place.
  /// - Parameters:
  ///   - stage: The name of the stage that makes the rollouts.
  ///   - expand: What becomes of the trajectory at a position.
  public mutating func expand(stage: String, into expand: (Int) throws -> Expansion) rethrows {
    var fates: [(position: Int32, members: [Member])] = drops.map { (Int32($0.inputPosition), [Member($0)]) }
    for index in trajectories.indices {
      let members =
        switch try expand(index) {
        case .rollouts(let rollouts): rollouts.map { Member(trajectory: $0) }
        case .dropped(let rule): [Member(trajectory: trajectories[index], rule: rule, stage: stage)]
        }
      fates.append((inputPositions[index], members))
    }
    renumber(fates)
  }

  /// Replaces each trajectory, which is a prompt, by what became of its rollouts in several waves.
  ///
  /// The rollouts of a prompt take its place, in the order of the waves and, within a wave, of its input; what a wave dropped
  /// stays dropped.
  /// - Precondition: No group of a wave is missing here.
  package mutating func expand(merging waves: [TrajectoryBatch]) {
    var members: [ExactText: [Member]] = [:]
    for wave in waves {
      var slots = [Member?](repeating: nil, count: wave.inputCount)
      for (index, position) in wave.inputPositions.enumerated() {
        slots[Int(position)] = Member(trajectory: wave.trajectories[index])
      }
      for drop in wave.drops { slots[drop.inputPosition] = Member(drop) }
      for case let member? in slots { members[ExactText(member.trajectory.group), default: []].append(member) }
    }
    var fates: [(position: Int32, members: [Member])] = drops.map { (Int32($0.inputPosition), [Member($0)]) }
    for index in trajectories.indices {
      fates.append((inputPositions[index], members[ExactText(trajectories[index].group)] ?? []))
    }
    renumber(fates)
  }

  /// Brings trajectories of earlier steps in; what a stage makes comes in by ``expand(stage:into:)`` alone.
  ///
  /// Positions of the input are renumbered.
  /// - Parameter replayed: Made by ``Trajectory/replayed(as:step:origin:)``, each with the position behind which it comes in;
  ///   nil for the end.
  /// - Throws: When one does not say where it comes from, or has an id that the batch has already.
  public mutating func insert(replayed: [(trajectory: Trajectory, after: Int?)]) throws {
    if replayed.isEmpty { return }
    var ids = Set(trajectories.map { ExactText($0.id) })
    for (trajectory, _) in replayed {
      guard trajectory.isReplayed, let origin = try trajectory.value(of: .origin), origin["id"]?.stringValue != nil,
        origin["step"]?.intValue != nil
      else {
        throw PipelineError(
          .plugIn,
          "\(trajectory.id.quotedForMessage) comes into the batch without the id and the step that it is replayed from")
      }
      guard ids.insert(ExactText(trajectory.id)).inserted else {
        throw PipelineError(.plugIn, "\(trajectory.id.quotedForMessage) is replayed, but is in the batch already")
      }
    }
    var behind: [Int: [Member]] = [:]
    for (trajectory, position) in replayed {
      behind[position ?? trajectories.count, default: []].append(Member(trajectory: trajectory))
    }
    var fates: [(position: Int32, members: [Member])] = drops.map { (Int32($0.inputPosition), [Member($0)]) }
    for index in trajectories.indices {
      fates.append((inputPositions[index], [Member(trajectory: trajectories[index])] + (behind[index] ?? [])))
    }
    fates.append((Int32(inputCount), behind[trajectories.count] ?? []))
    renumber(fates)
  }

  /// A trajectory that is here or was dropped.
  private struct Member {
    let trajectory: Trajectory
    var rule: String?
    var stage = ""

    init(trajectory: Trajectory, rule: String? = nil, stage: String = "") {
      (self.trajectory, self.rule, self.stage) = (trajectory, rule, stage)
    }

    init(_ drop: Drop) { (trajectory, rule, stage) = (drop.trajectory, drop.rule, drop.stage) }
  }

  /// Becomes what stands at the positions of the input so far, which are numbered anew.
  private mutating func renumber(_ fates: [(position: Int32, members: [Member])]) {
    var all: [Trajectory] = []
    var positions: [Int32] = []
    var dropped: [Drop] = []
    var position = 0
    for member in fates.sorted(by: { $0.position < $1.position }).flatMap(\.members) {
      if let rule = member.rule {
        dropped.append(
          Drop(trajectory: member.trajectory, rule: rule, stage: member.stage, inputPosition: position))
      } else {
        all.append(member.trajectory)
        positions.append(Int32(position))
      }
      position += 1
    }
    var expanded = TrajectoryBatch(all, number: number)
    expanded.inputPositions = positions
    expanded.inputCount = position
    expanded.drops = dropped
    expanded.expansion = expansion + position - inputCount
    self = expanded
  }

  /// What becomes of a prompt.
  public enum Expansion: Sendable {
    /// It is replaced by these rollouts.
    case rollouts([Trajectory])
    /// It is dropped by this rule.
    case dropped(rule: String)
  }

  /// Puts trajectories before all others: prompts of groups that have waited.
  ///
  /// - Precondition: They share no group and no id with the batch.
  package mutating func prepend(_ trajectories: [Trajectory]) {
    if trajectories.isEmpty { return }
    var joined = TrajectoryBatch(trajectories, number: number)
    joined.append(self)
    self = joined
  }

  /// Appends another batch of the same step; what was dropped here and has come back there counts there alone.
  ///
  /// - Precondition: The batches share no group of which something is left here.
  package mutating func append(returning other: TrajectoryBatch) {
    let ids = Set((other.trajectories + other.drops.map(\.trajectory)).map { ExactText($0.id) })
    if drops.contains(where: { ids.contains(ExactText($0.trajectory.id)) }) {
      var fates: [(position: Int32, members: [Member])] = []
      for drop in drops where !ids.contains(ExactText(drop.trajectory.id)) {
        fates.append((Int32(drop.inputPosition), [Member(drop)]))
      }
      for index in trajectories.indices {
        fates.append((inputPositions[index], [Member(trajectory: trajectories[index])]))
      }
      renumber(fates)
    }
    append(other)
  }

  /// Appends another batch's trajectories and drops.
  ///
  /// - Precondition: The batches share no group and no id.
  public mutating func append(_ other: TrajectoryBatch) {
    var joined = TrajectoryBatch(trajectories + other.trajectories, number: number)
    joined.inputPositions = inputPositions + other.inputPositions.map { $0 + Int32(inputCount) }
    joined.inputCount = inputCount + other.inputCount
    joined.drops =
      drops
      + other.drops.map {
        Drop(
          trajectory: $0.trajectory, rule: $0.rule, stage: $0.stage, inputPosition: $0.inputPosition + inputCount)
      }
    joined.expansion = expansion + other.expansion
    self = joined
  }
}

/// All rollouts of one prompt in a batch.
public struct TrajectoryGroup: Sendable {
  /// The prompt's id.
  public let name: String
  /// The positions of its trajectories in the batch, ascending.
  public let positions: [Int]

  /// A group at given positions.
  public init(name: String, positions: [Int]) {
    self.name = name
    self.positions = positions
  }
}

/// Tells states of a batch apart: every batch that is made begins with one of its own.
package struct BatchRevision: Sendable, Equatable {
  private final class Origin: Sendable {}
  private let origin = Origin()
  fileprivate(set) var count = 0

  package static func == (left: BatchRevision, right: BatchRevision) -> Bool {
    left.origin === right.origin && left.count == right.count
  }
}
