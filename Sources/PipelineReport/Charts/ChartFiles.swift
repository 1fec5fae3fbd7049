// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// The charts of runs as files.
package enum ChartFiles {
  /// Writes an SVG for each figure of the runs.
  package static func write(_ sources: [ReportSource], to folder: String) throws {}
}
