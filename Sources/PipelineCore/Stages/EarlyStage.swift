// SPDX-License-Identifier: Apache-2.0

/// A stage that can begin on some rollouts while the stage before it is still making others.
///
/// What it writes must be the same bytes as if it had begun when all were there.
package protocol EarlyStage: Stage {
  /// Begins on a step's rollouts.
  ///
  /// - Parameters:
  ///   - perPrompt: How many rollouts of a prompt there will be.
  ///   - context: The one that the stage will run in, but for ``StageContext/early``.
  /// - Returns: What takes the rollouts; nil where the stage has nothing to do early.
  func beginEarly(perPrompt: Int, in context: StageContext) -> (any EarlyWork)?
}

/// Work that a stage has begun before its turn; the stage finds it in ``StageContext/early``.
package protocol EarlyWork: Sendable {
  /// Takes the rollouts of a prompt, as they will be in the batch.
  ///
  /// - Parameter prompt: The prompt's position in the batch of prompts; each comes once, in any order, or never.
  func add(_ rollouts: [Trajectory], ofPrompt prompt: Int)

  /// Ends what has not ended, and waits for that; nobody will ask for results.
  func abandon() async
}
