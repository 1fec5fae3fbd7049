// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineIO
import PipelineRuntime

/// A folder that lives as long as a test.
final class Folder {
  let path = FileManager.default.temporaryDirectory.path + "/analysis-" + UUID().uuidString

  init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes a file and returns its path.
  @discardableResult
  func write(_ name: String, _ text: String) throws -> String {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path + "/" + name))
    return path + "/" + name
  }
}

/// Gives every scored trajectory its distance from the mean of its group.
struct CenteredStage: Stage {
  static let about = ComponentAbout(name: "centered", summary: "A = reward - mean of the group")
  let reads: Set<Field> = [.reward]
  let writes: Set<Field> = [.advantage]
  init() {}
  init(options: NoOptions, assembly: Assembly) {}

  func run(_ batch: inout TrajectoryBatch, in context: StageContext) async throws {
    let hasReward = batch.trajectories.map { $0.reward != nil }
    batch.drop(stage: context.stage) { hasReward[$0] ? nil : "no-reward" }
    for group in batch.groups {
      let mean = group.positions.reduce(0) { $0 + (batch[$1].reward ?? 0) } / Double(group.positions.count)
      for position in group.positions { batch[position].advantage = (batch[position].reward ?? 0) - mean }
    }
  }
}

/// Keeps the trajectories whose |A| is at least a limit.
struct LouderStage: Stage {
  static let about = ComponentAbout(name: "louder", summary: "Keeps |A| of a limit and more")
  let reads: Set<Field> = [.advantage]
  let writes: Set<Field> = []
  var limit = 0.5
  init(limit: Double) { self.limit = limit }
  init(options: NoOptions, assembly: Assembly) {}

  func run(_ batch: inout TrajectoryBatch, in context: StageContext) async throws {
    let isLoud = batch.trajectories.map { abs($0.advantage ?? 0) >= limit }
    batch.drop(stage: context.stage) { isLoud[$0] ? nil : "too-quiet" }
  }
}

/// Draws the first survivor three times, every other one once.
struct EchoStage: Stage {
  static let about = ComponentAbout(name: "echo", summary: "Draws the first trajectory three times")
  let reads: Set<Field> = []
  let writes: Set<Field> = [.draws]
  init() {}
  init(options: NoOptions, assembly: Assembly) {}

  func run(_ batch: inout TrajectoryBatch, in context: StageContext) async throws {
    for index in 0..<batch.count { batch[index].draws = index == 0 ? [0, 1, 2] : [index + 2] }
  }
}

extension NamedStage {
  static let centered = NamedStage(name: "centered", stage: CenteredStage())
  static func louder(_ limit: Double) -> NamedStage {
    NamedStage(name: "louder", stage: LouderStage(limit: limit))
  }
  static let echo = NamedStage(name: "echo", stage: EchoStage())
}

/// The error that a call throws, as a user reads it.
func message(_ body: () async throws -> Void) async -> String {
  do {
    try await body()
    return "no error"
  } catch { return "\(error)" }
}
