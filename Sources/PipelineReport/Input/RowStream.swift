// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineIO

/// Rows in the order of the input, some at a time.
protocol RowStream: Sendable {
  /// The next rows, or nil at the end.
  mutating func next() async throws -> [ReportRow]?
}

/// The rows of files of rollouts.
struct FileRows: RowStream {
  let reader: TrajectoryReader

  mutating func next() async throws -> [ReportRow]? {
    try await reader.nextUncut()?.map { ReportRow(main: $0) }
  }
}

/// The rows of a part of a run: its lineage, each line with its rollout where the run kept that.
///
/// Lineage and `rollouts.jsonl.zst` have the trajectories of a step in the same order, so that they are read side by side;
/// only of the trajectories that were trained on, which come in another order, a step's index is kept.
struct RunRows: RowStream {
  private let lineage: TrajectoryReader
  private var all: TrajectoryQueue?
  private var selected: TrajectoryQueue?
  private var step: Int?
  private var ofStep: [ExactText: Trajectory] = [:]

  init(lineage: TrajectoryReader, all: TrajectoryReader?, selected: TrajectoryReader?) {
    self.lineage = lineage
    self.all = all.map(TrajectoryQueue.init)
    self.selected = selected.map(TrajectoryQueue.init)
  }

  mutating func next() async throws -> [ReportRow]? {
    guard let lines = try await lineage.nextUncut() else { return nil }
    var rows: [ReportRow] = []
    rows.reserveCapacity(lines.count)
    for line in lines { rows.append(ReportRow(main: line, rollout: try await rollout(of: line), isLineage: true)) }
    return rows
  }

  private mutating func rollout(of line: Trajectory) async throws -> Trajectory? {
    if let found = try await all?.take(line) { return found }
    guard selected != nil else { return nil }
    if step != line.step {
      step = line.step
      ofStep = Dictionary(
        try await selected?.all(of: line.step).map { (ExactText($0.id), $0) } ?? [], uniquingKeysWith: { $1 })
    }
    return ofStep[ExactText(line.id)]
  }
}

/// Trajectories of a reader, one by one, with a look at the next.
struct TrajectoryQueue: Sendable {
  private let reader: TrajectoryReader
  private var waiting: ArraySlice<Trajectory> = []
  private var hasEnded = false

  init(_ reader: TrajectoryReader) { self.reader = reader }

  /// The trajectory of a line of lineage, if it is the next one; those of earlier steps are passed over.
  mutating func take(_ line: Trajectory) async throws -> Trajectory? {
    while let next = try await peek() {
      if let step = next.step, let wanted = line.step, step < wanted {
        waiting.removeFirst()
        continue
      }
      guard next.step == line.step, ExactText(next.id) == ExactText(line.id) else { return nil }
      return waiting.removeFirst()
    }
    return nil
  }

  /// The trajectories of a step that come next; those of earlier steps are passed over.
  mutating func all(of step: Int?) async throws -> [Trajectory] {
    var found: [Trajectory] = []
    while let next = try await peek() {
      if let step, let other = next.step, other > step { break }
      if next.step == step { found.append(next) }
      waiting.removeFirst()
    }
    return found
  }

  private mutating func peek() async throws -> Trajectory? {
    while waiting.isEmpty, !hasEnded {
      guard let more = try await reader.nextUncut() else {
        hasEnded = true
        break
      }
      waiting = more[...]
    }
    return waiting.first
  }
}
