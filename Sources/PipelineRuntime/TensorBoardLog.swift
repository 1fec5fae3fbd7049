// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineIO

/// Shows a run's metrics and timings to TensorBoard, which `tensorboard --logdir` finds by the file's name.
///
/// The file holds the time of day of every step: like `timings.jsonl` it differs from run to run.
struct TensorBoardLog {
  /// The file's name in the run's directory; TensorBoard looks for `tfevents` in it.
  static let file = "tensorboard/events.out.tfevents.0.shuffle-r1"

  private let committer: Committer

  init(committer: Committer) { self.committer = committer }

  /// Appends the lines of a step: every number and every histogram; what else they hold is left out.
  func write(_ lines: [MetricsLine]) throws {
    let step = lines.first?.members.first { $0.key == "step" }?.value.intValue ?? 0
    let now = Date().timeIntervalSince1970
    if try committer.length(of: Self.file) == 0 {
      try committer.append(TensorBoardEvents.fileVersion(wallTime: now), to: Self.file)
    }
    let members = lines.flatMap(\.members).filter { $0.key != "step" }
    let scalars = members.compactMap { member in member.value.doubleValue.map { (member.key, $0) } }
    let histograms = members.compactMap { member in Self.histogram(member.value).map { (member.key, $0) } }
    try committer.append(
      TensorBoardEvents.step(step, wallTime: now, scalars: scalars, histograms: histograms), to: Self.file)
  }

  private static func histogram(_ value: JSONValue) -> TensorBoardEvents.Histogram? {
    guard let edges = value["edges"]?.arrayValue, let counts = value["counts"]?.arrayValue else { return nil }
    return .init(edges: edges.compactMap(\.doubleValue), counts: counts.compactMap(\.doubleValue))
  }
}
