// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// What the finished runs of a study say.
package struct StudyResults: Sendable {
  /// A finished run and what is measured of it.
  package struct Run: Sendable {
    /// Its seed.
    package let seed: UInt64
    /// Its name in the study.
    package let name: String
    /// Its curve and cost.
    package let run: FinishedRun
    /// The value that counts.
    package let value: Double
  }

  /// An arm in a setting.
  package struct Cell: Sendable {
    /// The arm.
    package let arm: StudyPlan.Arm
    /// The setting.
    package let setting: StudyPlan.Setting
    /// Its finished runs, by seed in the study's order.
    package let runs: [Run]
    /// The baseline's mean at its end, in this setting; nil where it has no finished run.
    package let level: Double?
    /// Differences to the baseline, seed by seed; nil for the baseline itself, and where they have no seed in common.
    package let difference: SampleStatistics?
    /// How it is where every run of the setting has spent as much, for each kind of cost.
    package let atEqualCost: [EqualCost]

    /// The values that count; nil without a finished run.
    package var values: SampleStatistics? { SampleStatistics(runs.map(\.value)) }
    /// The mean of the runs' areas.
    package var area: Double? { SampleStatistics(runs.compactMap(\.run.area))?.mean }
    /// What the runs took together.
    package var cost: StudyCost { runs.reduce(StudyCost()) { $0 + $1.run.cost } }

    /// The steps to the level, of each run that reached it.
    package func stepsToLevel(_ direction: StudyMeasure.Direction) -> [Int] {
      level.map { level in runs.compactMap { $0.run.steps(to: level, direction) } } ?? []
    }
  }

  /// An arm where every run of its setting has spent as much.
  package struct EqualCost: Sendable {
    /// What is equal.
    package let kind: StudyCost.Kind
    /// What each run has spent: as much as the run that spent least did at its last evaluation.
    package let budget: Double
    /// The metric there; nil where the arm has spent more before its first evaluation.
    package let values: SampleStatistics?
    /// Differences to the baseline, seed by seed; nil for the baseline itself.
    package let difference: SampleStatistics?
  }

  /// The study.
  package let plan: StudyPlan
  /// Arms × settings, the arms of a setting together.
  package let cells: [Cell]
  /// The runs that have not ended.
  package let missing: [StudyPlan.Job]

  /// Reads the runs of a study.
  ///
  /// - Throws: ``PipelineErrors`` where a finished run lacks the metric or the step that is measured.
  package init(of plan: StudyPlan) throws {
    self.plan = plan
    var runs: [String: Run] = [:]
    var missing: [StudyPlan.Job] = []
    let jobs = plan.jobs
    let read = try PipelineErrors.gather(jobs) { try Self.run($0, in: plan) }
    for (job, run) in zip(jobs, read) {
      if let run { runs[job.name] = run } else { missing.append(job) }
    }
    self.missing = missing
    func found(_ arm: StudyPlan.Arm, _ setting: StudyPlan.Setting) -> [Run] {
      plan.seeds.compactMap { runs[StudyPlan.Job(arm: arm, setting: setting, seed: $0).name] }
    }
    cells = plan.settings.flatMap { setting -> [Cell] in
      let baseline = plan.arms.first { $0.name == plan.baseline }.map { found($0, setting) } ?? []
      let level = SampleStatistics(baseline.compactMap(\.run.curve.last?.value))?.mean
      let everyone = plan.arms.map { found($0, setting) }
      let budgets = Self.budgets(of: everyone.joined().map(\.run))
      return zip(plan.arms, everyone).map { arm, own in
        let isBaseline = arm.name == plan.baseline
        return Cell(
          arm: arm, setting: setting, runs: own, level: level,
          difference: isBaseline ? nil : Self.differences(own, baseline) { $0.value },
          atEqualCost: budgets.map { kind, budget in
            func value(_ run: Run) -> Double? { run.run.value(at: budget, of: kind) }
            return EqualCost(
              kind: kind, budget: budget, values: SampleStatistics(own.compactMap(value)),
              difference: isBaseline ? nil : Self.differences(own, baseline, value))
          })
      }
    }
  }

  /// What runs differ in from the baseline's of the same seed.
  private static func differences(
    _ runs: [Run], _ baseline: [Run], _ value: (Run) -> Double?
  ) -> SampleStatistics? {
    SampleStatistics(
      runs.compactMap { run in
        guard let other = baseline.first(where: { $0.seed == run.seed }), let mine = value(run), let its = value(other)
        else { return nil }
        return mine - its
      })
  }

  /// The most of each kind that all of some runs have spent.
  private static func budgets(of runs: [FinishedRun]) -> [(StudyCost.Kind, Double)] {
    StudyCost.Kind.allCases.compactMap { kind in
      let least = runs.compactMap { $0.costs.last?[kind] }.min() ?? 0
      return least > 0 ? (kind, least) : nil
    }
  }

  private static func run(_ job: StudyPlan.Job, in plan: StudyPlan) throws -> Run? {
    let (folder, measure) = (plan.folder(of: job), plan.study.measure)
    guard let run = try FinishedRun.read(folder, metric: measure.metric) else { return nil }
    guard let value = run.value(measure) else {
      let steps = run.curve.map { String($0.steps) }
      let shown = steps.count > 8 ? steps.prefix(8) + ["…"] : steps[...]
      throw PipelineError(
        .invalidData,
        "\(folder) has no '\(measure.metric)' where 'measure.at' says; it has one after \(shown.joined(separator: ", ")) steps"
      )
    }
    return Run(seed: job.seed, name: job.name, run: run, value: value)
  }

  /// The standard deviation of differences seed by seed, pooled over all arms and settings; nil where no two are there.
  package var differenceDeviation: Double? {
    let samples = cells.compactMap(\.difference).filter { $0.values.count > 1 }
    let degrees = samples.reduce(0) { $0 + $1.values.count - 1 }
    guard degrees > 0 else { return nil }
    let squares = samples.reduce(0.0) { sum, sample in
      sum + Double(sample.values.count - 1) * (sample.deviation ?? 0) * (sample.deviation ?? 0)
    }
    return (squares / Double(degrees)).squareRoot()
  }
}
