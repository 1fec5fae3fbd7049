// SPDX-License-Identifier: Apache-2.0

/// What a trajectory holds, as one object.
///
/// A batch is then a list of references: passing a trajectory on, or moving it within a batch, counts one reference and not
/// those of all its values, and takes eight bytes. ``Trajectory`` changes an object only while nobody shares it.
@usableFromInline
final class TrajectoryContents: @unchecked Sendable {
  let record: Record
  let id: String
  let group: String
  // An object is changed by the one trajectory that has it, to which access is exclusive already: it is not checked once more.
  /// The values with a property of their own, as they are now.
  @usableFromInline @exclusivity(unchecked) var stored: Trajectory.StoredValues
  /// Which of them differ from the record.
  @exclusivity(unchecked) var changes: Trajectory.Changes
  @exclusivity(unchecked) var overrides: [Trajectory.Override] = []

  init(record: Record, id: String, group: String, stored: Trajectory.StoredValues, changes: Trajectory.Changes) {
    self.record = record
    self.id = id
    self.group = group
    self.stored = stored
    self.changes = changes
  }

  init(copying other: TrajectoryContents) {
    (record, id, group) = (other.record, other.id, other.group)
    (stored, changes, overrides) = (other.stored, other.changes, other.overrides)
  }
}
