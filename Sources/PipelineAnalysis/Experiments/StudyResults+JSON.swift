// SPDX-License-Identifier: Apache-2.0
package import PipelineCore
import PipelineRuntime
import PipelineSpec

extension StudyResults {
  /// What `results.json` says: the same study and runs give the same bytes, seconds aside.
  package var json: JSONValue {
    let measure = plan.study.measure
    let at: JSONValue =
      switch measure.at {
      case .last: "last"
      case .best: "best"
      case .step(let step): .number(step)
      }
    return .object([
      .init("title", .string(plan.study.title)), .init("metric", .string(measure.metric)), .init("at", at),
      .init("better", .string(measure.better.rawValue)), .init("baseline", .string(plan.baseline)),
      .init("seeds", .array(plan.seeds.map { .number(String($0)) })), .init("cells", .array(cells.map(json))),
      .init("missing", .array(missing.map { .string($0.name) })),
    ])
  }

  private func json(_ cell: Cell) -> JSONValue {
    let changes = cell.arm.changes + cell.setting.changes
    var members: [JSONValue.Member] = [
      .init("arm", .string(cell.arm.name)), .init("setting", .string(cell.setting.name)),
      .init("spec", .string(cell.arm.spec)),
      .init("set", .object(changes.map { .init($0.path, $0.value.json) })),
      .init("runs", .array(cell.runs.map { json($0, level: cell.level) })),
      .init("mean", number(cell.values?.mean)), .init("deviation", number(cell.values?.deviation)),
      .init("area", number(cell.area)), .init("level", number(cell.level)), .init("cost", cell.cost.json),
    ]
    members.append(.init("at_equal_cost", .object(cell.atEqualCost.map { .init($0.kind.rawValue, json($0)) })))
    if let difference = cell.difference { members.append(.init("difference", json(difference))) }
    return .object(members)
  }

  private func json(_ found: EqualCost) -> JSONValue {
    [
      "budget": number(found.budget), "mean": number(found.values?.mean), "deviation": number(found.values?.deviation),
      "difference": found.difference.map(json) ?? .null,
    ]
  }

  private func json(_ difference: SampleStatistics) -> JSONValue {
    [
      "values": .array(difference.values.map { number($0) }), "mean": number(difference.mean),
      "deviation": number(difference.deviation), "t_interval": interval(difference.tInterval),
      "bootstrap_interval": interval(difference.bootstrapInterval),
    ]
  }

  private func json(_ run: Run, level: Double?) -> JSONValue {
    let steps = level.flatMap { run.run.steps(to: $0, plan.study.measure.better) }
    return .object([
      .init("run", .string(run.name)), .init("seed", .number(String(run.seed))), .init("value", number(run.value)),
      .init("area", number(run.run.area)), .init("steps_to_level", steps.map { .number($0) } ?? .null),
      .init("curve", .array(run.run.curve.map { .array([.number($0.steps), number($0.value)]) })),
      .init("cost", run.run.cost.json),
    ])
  }

  private func number(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }

  private func interval(_ interval: ConfidenceInterval?) -> JSONValue {
    interval.map { .array([number($0.low), number($0.high)]) } ?? .null
  }
}
