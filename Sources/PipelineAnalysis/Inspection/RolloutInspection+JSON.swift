// SPDX-License-Identifier: Apache-2.0
package import PipelineCore
import PipelineIO

extension RolloutInspection {
  /// Everything that ``text(style:)`` shows, and the bins, as JSON.
  package var json: JSONValue {
    [
      "files": .array(files.map { .string($0) }),
      "bytes": .number(counts.bytes),
      "lines": .number(counts.lines),
      "records": .number(records),
      "bad_records": badRecordsJSON,
      "non_finite_records": .number(counts.nonFiniteRecords),
      "groups": groupsJSON,
      "steps": stepsJSON,
      "reward": Self.json(rewards),
      "reward_status": Self.json(rewardStatuses),
      "rewards": .object(zip(partNames.entries, parts).map { .init($0.name, Self.json($1)) }),
      "advantage": Self.json(
        advantages,
        ["collapsed_share": advantages.count == 0 ? .null : Self.share(collapsed, advantages.count)]),
      "response_length": Self.json(
        lengths.chosen.lengths,
        [
          "unit": .string(lengths.chosen.unit), "p05": Self.number(lengths.chosen.lengths.quantile(0.05)),
          "p95": Self.number(lengths.chosen.lengths.quantile(0.95)),
        ]),
      "finish": Self.json(finishes),
      "missing": .object(missing.map { .init($0.name, .number($0.count)) }),
      "fields": .array(
        fields.entries.map {
          ["field": .string($0.name), "records": .number($0.count), "share": Self.share($0.count, records)]
        }),
      "next_stages": .array(
        readiness.map { stage, missing in
          [
            "stage": .string(stage), "ready": .bool(missing.isEmpty && records > 0),
            "missing": .array(missing.map { .string($0.rawValue) }),
          ]
        }),
    ]
  }

  /// Missing fields that most uses need.
  var missing: [(name: String, count: Int)] {
    [Field.prompt, .response, .answer].map { ($0.rawValue, records - count(of: $0)) }
      + [("images", records - withImages)]
  }

  private var badRecordsJSON: JSONValue {
    [
      "count": .number(badRecords.count),
      "reasons": .array(
        badRecords.entries.map {
          [
            "reason": .string($0.reason), "count": .number($0.count),
            "first": [
              "file": .string($0.first.location.file), "line": .number($0.first.location.line),
              "column": .number($0.first.location.column), "reason": .string($0.first.reason),
            ],
          ]
        }),
    ]
  }

  private var groupsJSON: JSONValue {
    let allRight = groups.allRight(from: rightThreshold)
    let sizes: [JSONValue] = groups.sizes.sortedCells.map {
      ["size": .number(Int($0.value)), "groups": .number($0.count)]
    }
    return [
      "count": .number(groups.sizes.count),
      "sizes": .array(sizes),
      "comparable": .number(groups.comparable),
      "zero_variance": .number(groups.sharedRewards.count),
      "all_right": .number(allRight),
      "all_wrong": .number(groups.sharedRewards.count - allRight),
      "right_threshold": .number(rightThreshold),
      "with_duplicates": .number(groups.withDuplicates),
      "duplicate_responses": .number(groups.duplicates),
    ]
  }

  private var stepsJSON: JSONValue {
    [
      "by": .string(steps.noun), "count": .number(steps.count),
      "list": .array(
        steps.sorted.map {
          [
            "step": .number($0.step), "records": .number($0.entry.records),
            "mean_reward": Self.number($0.entry.meanReward),
          ]
        }),
    ]
  }

  private static func json(_ names: NameTally) -> JSONValue {
    var members = names.entries.map { JSONValue.Member($0.name, .number($0.count)) }
    if names.others > 0 { members.append(.init("(others)", .number(names.others))) }
    return .object(members)
  }

  private static func json(_ tally: ValueTally, _ more: [JSONValue.Member] = []) -> JSONValue {
    var members: [JSONValue.Member] = [.init("count", .number(tally.count))]
    guard tally.count > 0 else { return .object(members + more) }
    members += [
      .init("mean", .number(tally.mean)), .init("std", number(tally.standardDeviation)),
      .init("min", .number(tally.least)), .init("median", number(tally.quantile(0.5))),
      .init("max", .number(tally.greatest)),
    ]
    members += more
    members.append(.init("exact", .bool(tally.isExact)))
    if let distinct = tally.distinct, distinct.count <= 64 {
      members.append(
        .init("values", .array(distinct.map { ["value": .number($0.value), "count": .number($0.count)] })))
    }
    let bins = Histogram(tally, limit: 20).bounds
    members.append(
      .init(
        "histogram",
        .array(bins.map { ["from": number($0.from), "to": number($0.to), "count": .number($0.count)] })))
    return .object(members)
  }

  private static func json(_ tally: ValueTally, _ more: KeyValuePairs<String, JSONValue>) -> JSONValue {
    json(tally, more.map { JSONValue.Member($0.key, $0.value) })
  }

  private static func number(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }

  private static func share(_ part: Int, _ whole: Int) -> JSONValue {
    whole == 0 ? .null : .number(Double(part) / Double(whole))
  }
}
