// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// A run's policy, and what its stages keep from step to step.
final class TrainingSession {
  /// The policy, with a reference if a stage needs one.
  let policy: Policy
  /// The second policy that was opened for the initial weights, if one was needed.
  private let first: Policy?
  private let trains: Bool
  /// How many steps the run has, as far as it is known.
  var plannedSteps: Int?
  private let memories: StageMemories

  /// Opens the policy, from a checkpoint where there is one, and the reference where a stage needs it.
  ///
  /// - Throws: What is wrong with the model.
  init(
    _ training: TrainingPlan, needs: Set<PolicyAbility>, checkpoint: String?, memories: StageMemories, threads: Int,
    cacheFolder: String, media: MediaAccess, progressed: @escaping @Sendable (_ activity: String) -> Void
  ) async throws {
    trains = needs.contains(.training)
    self.memories = memories
    var policy = try await training.policy.opened(
      PolicyOpening(
        purpose: trains ? .training : .inference, folder: training.folder, checkpoint: checkpoint, threads: threads,
        cacheFolder: cacheFolder,
        media: media, progressed: progressed))
    if needs.contains(.reference), policy.reference == nil {
      do {
        let first = try await training.policy.opened(
          PolicyOpening(
            purpose: .inference, folder: training.folder, threads: threads, cacheFolder: cacheFolder,
            media: media, progressed: progressed))
        policy.reference = first.logProbs
        self.first = first
      } catch {
        await policy.close()
        throw error
      }
    } else {
      first = nil
    }
    self.policy = policy
  }

  /// What a person should know of the policy.
  var notes: [String] { policy.notes }

  /// Gives back what policies hold.
  func close() async {
    await first?.close()
    await policy.close()
  }

  /// What a stage may use.
  func context(for stage: NamedStage, step: Int, _ observer: any RunObserver) -> TrainingContext {
    let memory = memories[stage.name]
    let name = stage.name
    return TrainingContext(
      policy: policy.limited(to: stage.stage.needs), policyVersion: trains ? step : 0, memory: memory,
      plannedSteps: plannedSteps
    ) { activity, share in
      observer.progressed(step: step, activity: "\(name): \(activity)", share: nil)
    }
  }

  /// What is remembered under a name from step to step.
  func memory(_ name: String) -> StageMemory { memories[name] }

  /// What all stages keep, for a checkpoint.
  var memory: JSONValue { memories.json }
}
