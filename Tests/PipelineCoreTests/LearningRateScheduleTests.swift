// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import Testing

@Suite("Learning-rate schedules", .timeLimit(.minutes(15)))
struct LearningRateScheduleTests {
  private func schedule(_ shape: LearningRateSchedule.Shape) -> LearningRateSchedule {
    var schedule = LearningRateSchedule()
    (schedule.shape, schedule.rate, schedule.warmUpSteps, schedule.totalSteps) = (shape, 2, 4, 12)
    return schedule
  }

  // From transformers 5.23's schedulers over an optimizer with lr 2, 4 warm-up steps and 12 steps in all.
  @Test(
    "rates are those of transformers",
    arguments: [
      (.constant, [0, 0.5, 1, 1.5, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2]),
      (.linear, [0, 0.5, 1, 1.5, 2, 1.75, 1.5, 1.25, 1, 0.75, 0.5, 0.25, 0, 0]),
      (
        .cosine,
        [
          0, 0.5, 1, 1.5, 2, 1.9238795325112867, 1.7071067811865475, 1.3826834323650898, 1, 0.6173165676349102,
          0.2928932188134524, 0.07612046748871326, 0, 0,
        ]
      ),
    ] as [(LearningRateSchedule.Shape, [Double])])
  func rates(_ shape: LearningRateSchedule.Shape, _ expected: [Double]) {
    for (step, rate) in expected.enumerated() {
      #expect(abs(schedule(shape).rate(at: step) - rate) < 1e-14, "step \(step)")
    }
  }

  @Test(
    "a falling rate ends at the least share, and stays there",
    arguments: [LearningRateSchedule.Shape.linear, .cosine])
  func leastShare(_ shape: LearningRateSchedule.Shape) {
    var schedule = schedule(shape)
    schedule.leastShare = 0.1
    #expect(schedule.rate(at: 4) == 2)
    #expect(abs(schedule.rate(at: 8) - 1.1) < 1e-14)
    #expect(abs(schedule.rate(at: 12) - 0.2) < 1e-14)
    #expect(abs(schedule.rate(at: 500) - 0.2) < 1e-14)
  }

  @Test("the warm-up as a share, and a fall over the whole run, go by the steps of the run")
  func wholeRun() throws {
    var schedule = schedule(.cosine)
    (schedule.warmUpSteps, schedule.totalSteps, schedule.warmUpRatio) = (0, 0, 0.35)
    // As int(0.35 · 12) = 4.
    #expect(try schedule.resolved(total: 12) == self.schedule(.cosine))
    schedule.totalSteps = 20
    #expect(try schedule.resolved(total: nil).warmUpSteps == 7)
    #expect(try LearningRateSchedule().resolved(total: nil) == LearningRateSchedule())
    (schedule.totalSteps, schedule.warmUpRatio) = (0, 0)
    let error = #expect(throws: PipelineError.self) { try schedule.resolved(total: nil) }
    #expect(
      error?.message
        == "learning_rate: the rate falls over the whole run, and how many steps the run has is not known beforehand; set "
        + "learning_rate.total_steps, or training.steps")
    (schedule.warmUpSteps, schedule.warmUpRatio) = (1, 0.5)
    #expect(
      schedule.problems() == [OptionProblem("warm_up_ratio", "stands beside 'warm_up_steps'; leave one of them out")])
  }

  @Test("the default stays at its rate from the first step on")
  func plain() {
    #expect(LearningRateSchedule().problems().isEmpty)
    #expect(LearningRateSchedule().rate(at: 0) == 1e-6)
  }

  @Test("values that cannot be")
  func problems() {
    var schedule = LearningRateSchedule()
    (schedule.shape, schedule.rate, schedule.warmUpSteps, schedule.totalSteps) = (.cosine, -.infinity, 3, 3)
    schedule.leastShare = 2
    #expect(
      schedule.problems() == [
        OptionProblem("rate", "is -inf, it must be 0 or more"),
        OptionProblem("total_steps", "is 3, it must be more than 'warm_up_steps', 3"),
        OptionProblem("least_share", "is 2.0, it must lie in 0.0…1.0"),
      ])
    (schedule.shape, schedule.rate, schedule.leastShare, schedule.warmUpSteps) = (.constant, 1, 0, -1)
    #expect(schedule.problems() == [OptionProblem("warm_up_steps", "is -1, it must be 0 or more")])
  }
}
