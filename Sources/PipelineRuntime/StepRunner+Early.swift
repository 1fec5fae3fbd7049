// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// A stage that works on rollouts before its turn, and what it will run in.
struct EarlyStart {
  let stage: Int
  let context: StageContext
}

extension StepRunner {
  /// Lets the next stage begin on the rollouts that this one makes, one prompt after the other, if it can.
  ///
  /// - Returns: The context in which this stage hands them over.
  mutating func beginNext(after index: Int, _ context: StageContext) -> StageContext {
    let next = index + 1
    guard let perPrompt = plan.stages[index].stage.rolloutsPerPrompt, next < plan.stages.count,
      let stage = plan.stages[next].stage as? any EarlyStage
    else { return context }
    let waiting = self.context(of: next, step: context.step)
    guard let work = stage.beginEarly(perPrompt: perPrompt, in: waiting) else { return context }
    early = EarlyStart(stage: next, context: waiting.with(early: work))
    return context.with { prompt, rollouts in work.add(rollouts, ofPrompt: prompt) }
  }

  /// What a stage that has begun before its turn runs in; nil for one that has not.
  mutating func takeEarly(of index: Int) -> StageContext? {
    guard let begun = early, begun.stage == index else { return nil }
    early = nil
    return begun.context
  }

  /// Ends what a stage has begun, when there will be no turn of it.
  mutating func abandonEarly() async {
    await early?.context.early?.abandon()
    early = nil
  }
}
