// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import PipelineCore

/// The charts of runs as files.
package enum ChartFiles {
  /// Writes an SVG for each figure of the runs, with a line for each run: `val/accuracy` becomes `val-accuracy.svg`.
  ///
  /// - Throws: When a run or the folder cannot be read or written.
  package static func write(_ sources: [ReportSource], to folder: String) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let target = try Folder(path: folder)
    for (name, series) in try RunFigures(sources).series.sorted(by: { $0.key < $1.key }) {
      let chart = SVGChart(title: name, series: series).text
      guard let file = try target.open(fileName(name) + ".svg", O_WRONLY | O_CREAT | O_TRUNC) else { continue }
      try Array(chart.utf8).withUnsafeBytes { try file.write($0) }
    }
  }

  /// The name in letters, digits and hyphens.
  private static func fileName(_ name: String) -> String {
    String(
      String.UnicodeScalarView(
        name.unicodeScalars.prefix(120).map {
          $0.properties.isAlphabetic || ("0"..."9").contains($0) || $0 == "_" ? $0 : "-"
        }))
  }
}
