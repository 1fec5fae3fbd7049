// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import Synchronization

/// Asks programs, judges and servers about rollouts while others are still being sampled.
///
/// A function is asked about the rollouts of some neighbouring prompts together, as many as make up its batch. Which ones
/// depends on their order in the step alone, so that a function that looks at its whole batch gives the same, whichever
/// prompt is finished first.
final class EarlyJudging: EarlyWork {
  /// Rollouts that a function was asked about.
  private struct Question {
    let function: Int
    let rollouts: [Trajectory]
    let answers: Task<[RewardVerdict], any Error>
  }

  private struct State {
    /// For each function the rollouts that wait until their unit is complete: by unit, then by prompt.
    var waiting: [[Int: [Int: [Trajectory]]]]
    var questions: [Question] = []
    var isAbandoned = false
  }

  private let functions: [any BatchRewardFunction]
  private let places: [Int]
  /// The prompts of a unit, for each function.
  private let sizes: [Int]
  private let isJudged: @Sendable (Trajectory) -> Bool
  private let context: StageContext
  private let state: Mutex<State>

  /// Nobody is asked yet.
  ///
  /// - Parameters:
  ///   - functions: Those that are asked early, with their places in the sum.
  ///   - perPrompt: How many rollouts a prompt has.
  ///   - isJudged: Which rollouts are asked about.
  init(
    _ functions: [(place: Int, function: any BatchRewardFunction)], perPrompt: Int, in context: StageContext,
    isJudged: @escaping @Sendable (Trajectory) -> Bool
  ) {
    self.isJudged = isJudged
    self.functions = functions.map(\.function)
    places = functions.map(\.place)
    sizes = functions.map { max(1, $0.function.together / max(1, perPrompt)) }
    self.context = context.unobserved
    state = Mutex(State(waiting: functions.map { _ in [:] }))
  }

  func add(_ rollouts: [Trajectory], ofPrompt prompt: Int) {
    let rollouts = rollouts.filter(isJudged)
    state.withLock { state in
      if state.isAbandoned { return }
      for function in functions.indices {
        let unit = prompt / sizes[function]
        state.waiting[function][unit, default: [:]][prompt] = rollouts
        guard let complete = state.waiting[function][unit], complete.count == sizes[function] else { continue }
        state.waiting[function][unit] = nil
        ask(function, complete, &state)
      }
    }
  }

  /// The verdicts on all rollouts that came, by the function's place in the sum and the rollout's id.
  ///
  /// - Parameter progress: Hears of how many questions are answered.
  /// - Throws: What a function throws; when the run is cancelled.
  func verdicts(progress: (_ activity: String, _ share: Double) -> Void) async throws -> [Int: [ExactText:
    RewardVerdict]]
  {
    let questions = state.withLock { state in
      for function in functions.indices {
        for (_, rest) in state.waiting[function].sorted(by: { $0.key < $1.key }) { ask(function, rest, &state) }
        state.waiting[function] = [:]
      }
      return state.questions
    }
    return try await withTaskCancellationHandler {
      var verdicts: [Int: [ExactText: RewardVerdict]] = [:]
      for (number, question) in questions.enumerated() {
        progress("\(number) of \(questions.count) batches judged", Double(number) / Double(questions.count))
        for (rollout, verdict) in zip(question.rollouts, try await question.answers.value) {
          verdicts[places[question.function], default: [:]][ExactText(rollout.id)] = verdict
        }
      }
      return verdicts
    } onCancel: {
      for question in questions { question.answers.cancel() }
    }
  }

  func abandon() async {
    let questions = state.withLock { state in
      state.isAbandoned = true
      return state.questions
    }
    for question in questions { question.answers.cancel() }
    for question in questions { _ = await question.answers.result }
  }

  private func ask(_ function: Int, _ prompts: [Int: [Trajectory]], _ state: inout State) {
    let rollouts = prompts.sorted { $0.key < $1.key }.flatMap(\.value)
    if rollouts.isEmpty { return }
    let (reward, context) = (functions[function], context)
    state.questions.append(
      Question(
        function: function, rollouts: rollouts,
        answers: Task { try await reward.verdictsTogether(on: rollouts, in: context) }))
  }
}
