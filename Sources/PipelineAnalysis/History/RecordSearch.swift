// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineIO
import PipelineSpec

/// Finds the records of a trajectory in the files that a run keeps: all rollouts, or else those that were trained on.
package enum RecordSearch {
  /// What there is to see of a trajectory in each of some steps; a step whose record the run did not keep is missing.
  ///
  /// - Throws: When a file cannot be read.
  package static func glances(of id: String, steps: [Int], inRun path: String) async throws -> [Int: RolloutGlance] {
    var found: [Int: RolloutGlance] = [:]
    for (file, limit) in try RunRecords.rollouts(of: path) where found.count < steps.count {
      var options = TrajectoryReader.Options(paths: [file])
      (options.format, options.maxBadRecords, options.part) = ("shuffle-r1", nil, 0..<limit)
      let reader = TrajectoryReader(options)
      while let trajectories = try await reader.nextUncut() {
        for trajectory in trajectories where ExactText(trajectory.id) == ExactText(id) {
          guard let step = trajectory.step, steps.contains(step), found[step] == nil else { continue }
          found[step] = try RolloutGlance(trajectory)
        }
        if found.count == steps.count { break }
      }
    }
    return found
  }
}

extension RunRecords {
  /// The files of a run with rollouts, the one with all of them first, and the bytes that belong to complete steps.
  static func rollouts(of path: String) throws -> [(file: String, bytes: UInt64)] {
    let selected = try document(path + "/resolved.json")?["output"]?["rollouts"]?.stringValue
    let offsets = try document(path + "/state.json")?["offsets"]
    return [OutputOptions.allRolloutsFile, selected].compactMap { $0 }.compactMap { name in
      guard let bytes = limit(offsets, name), bytes > 0, access(path + "/" + name, R_OK) == 0 else { return nil }
      return (path + "/" + name, bytes)
    }
  }
}
