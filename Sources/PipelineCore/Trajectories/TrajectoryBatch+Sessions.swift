// SPDX-License-Identifier: Apache-2.0

/// The rollouts of a group that count, where some are outputs of one session.
///
/// An agent's session may have several outputs, each a trajectory with ``Field/session``. Only the last output of a session
/// is compared with other sessions; the others share what it is given. Source: verl 0.9.1, `verl/trainer/ppo/v1/utils.py`.
package struct SessionOutputs {
  /// The positions of trajectories that count, in order: the last output of each session, and all without a session.
  package private(set) var counting: [Int]
  /// The positions of a session's earlier outputs, by the position of the one that counts.
  package private(set) var earlier: [Int: [Int]] = [:]

  /// The outputs of a group's sessions.
  ///
  /// - Throws: When a session has no `id`.
  package init(_ group: TrajectoryGroup, of batch: TrajectoryBatch) throws {
    counting = group.positions
    guard group.positions.contains(where: { batch[$0].hasSession }) else { return }
    var last: [ExactText: (position: Int, output: Int)] = [:]
    var members: [ExactText: [Int]] = [:]
    for position in group.positions {
      guard let session = try batch[position].session else { continue }
      let id = ExactText(session.id)
      members[id, default: []].append(position)
      if let known = last[id], known.output > session.output { continue }
      last[id] = (position, session.output)
    }
    let heads = Set(last.values.map(\.position))
    for (id, positions) in members {
      guard let head = last[id]?.position, positions.count > 1 else { continue }
      earlier[head] = positions.filter { $0 != head }
    }
    let followers = Set(members.values.joined()).subtracting(heads)
    counting = group.positions.filter { !followers.contains($0) }
  }
}

extension Trajectory {
  private static let sessionIndex = Field.reservedIndex[.session] ?? 0

  /// Whether there is a ``Field/session``: asked of every trajectory of every run, few of which have one.
  fileprivate var hasSession: Bool { overrides.isEmpty ? record.has(reserved: Self.sessionIndex) : has(.session) }

  /// Which session the response is an output of, and which output; nil where it is none.
  ///
  /// - Throws: When `session` is something else than an object with a text `id` and, if it has one, a number `output`.
  package var session: (id: String, output: Int)? {
    get throws {
      guard let value = try value(of: .session), value != .null else { return nil }
      if let id = value.stringValue { return (id, 0) }
      guard let id = value["id"]?.stringValue else {
        throw PipelineError(
          .invalidData,
          "'session' of \(self.id.quotedForMessage) must be {\"id\": \"…\", \"output\": 0}, found "
            + value.json.shortenedForMessage)
      }
      return (id, value["output"]?.intValue ?? 0)
    }
  }
}
