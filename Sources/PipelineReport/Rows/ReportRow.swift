// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// A trajectory in one step: a row of a report.
struct ReportRow: Sendable {
  /// What its values are taken from: a line of lineage, or a rollout.
  let main: Trajectory
  /// Its rollout where `main` is a line of lineage; nil where the run did not keep it.
  var rollout: Trajectory?

  /// The record with the texts, if there is one.
  var body: Trajectory? { isLineage ? rollout : main }
  var isLineage = false

  /// The bytes that it takes in a block.
  var byteCount: Int { main.record.byteCount + (rollout?.record.byteCount ?? 0) }
}
