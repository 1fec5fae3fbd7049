// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation

/// How far the run in a directory is, and whether it is the run of a plan.
package struct RunStanding: Sendable {
  /// Its complete steps.
  package let completeSteps: Int
  /// Whether it has come to its end.
  package let isFinished: Bool
  /// What is different between the spec that it was started with and that of the plan; nil where it fits.
  ///
  /// A run that has ended fits on another kind of machine too, since nothing is added to it.
  package let difference: String?

  /// Looks at a directory; changes nothing, and needs no lock.
  ///
  /// - Returns: Nil where no run is, or one that has not begun.
  /// - Throws: When what is there is damaged.
  package init?(of plan: RunPlan, at path: String) throws {
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    guard let found = try FoundRun(in: try Folder(path: path), mayBeDamaged: false) else { return nil }
    let difference = SpecDifference(from: found.spec, to: plan.resolved, paths: plan.pathPlaces)
    let fits = difference.isAccepted(found.state.isFinished ? .machine : .none)
    completeSteps = found.state.progress.completeSteps
    isFinished = found.state.isFinished
    self.difference = fits ? nil : difference.text
  }

  /// Whether a process is at work in a directory.
  package static func isAtWork(in path: String) -> Bool {
    guard let file = try? FileDescriptor(opening: path + "/.lock", O_RDONLY) else { return false }
    return FileLock.isHeld(on: file)
  }

  /// The complete steps that a run at work has saved by now.
  package static func savedSteps(in path: String) -> Int {
    guard let folder = try? Folder(path: path), let state = try? RunState.read(in: folder) else { return 0 }
    return state.progress.completeSteps
  }
}
