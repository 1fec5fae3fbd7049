// SPDX-License-Identifier: Apache-2.0
public import PipelineCore

/// The laws that every stage must obey.
///
/// Call ``check(_:on:groupOrder:refusals:)`` from a test of each stage.
///
/// 1. Nothing is lost or invented: the kept and the dropped trajectories together are the input; ids stay unique. What is
/// replayed may come in addition; it names the id and the step that it comes from.
/// 2. Kept trajectories keep their order.
/// 3. Every drop names this stage and a rule in kebab-case.
/// 4. Values that a stage sets are among its `writes`; every other value, known or not, is unchanged. (A value that the
/// stage makes stale may be removed.)
/// 5. The same batch gives the same result, including metrics, again and on 1, 2 and 7 threads.
/// 6. What becomes of a trajectory does not depend on the order of the groups, up to rounding.
/// 7. Metrics are finite, and an empty batch is no error.
/// 8. The rules that it drops by and its metrics are among those that its `about` describes.
public enum StageLaws {
  /// Whether law 6 applies.
  public enum GroupOrder: Sendable {
    /// The outcome must not depend on it.
    case immaterial
    /// The stage compares across groups in their order; a random shuffle of the batch does.
    case material
  }

  /// Whether a stage may throw for a batch that as a whole cannot be worked on.
  public enum Refusals: Sendable {
    /// It works on every batch of the check.
    case never
    /// It may throw, each time the same.
    case allowed
  }

  /// Runs a stage on batches and throws if it breaks a law.
  ///
  /// - Parameters:
  ///   - stage: The stage, with its options.
  ///   - batches: The batches to run it on; by default ``SampleBatches/exhaustive(carrying:)`` for what it reads.
  ///   - groupOrder: Whether the order of the groups may matter.
  ///   - refusals: Whether the stage may throw; never for an empty batch.
  /// - Throws: ``LawViolation``, with examples of every broken law.
  public static func check(
    _ stage: any Stage, on batches: [TrajectoryBatch]? = nil, groupOrder: GroupOrder = .immaterial,
    refusals: Refusals = .never
  ) async throws {
    let name = type(of: stage).name
    var book = LawBook(subject: "stage '\(name)'")
    AboutLaws.examine(type(of: stage), &book)
    let carried = stage.reads.union(stage.readsIfPresent)
    let all = [TrajectoryBatch([])] + (batches ?? SampleBatches.exhaustive(carrying: carried))
    for (index, batch) in all.enumerated() {
      let example = "batch \(index) (\(describe(batch)))"
      let outcome = await run(stage, batch)
      if let error = outcome.error {
        if batch.isEmpty || refusals == .never { book.breaks("it does not throw", "\(example): \(error)") }
      } else {
        checkAccount(of: outcome, from: batch, stage, &book, example)
      }
      for threads in [1, 2, 7] {
        let again = await run(stage, batch, threads: threads)
        if again != outcome {
          book.breaks("the same batch gives the same result", "\(example) differs with \(threads) threads")
        }
      }
      if groupOrder == .immaterial, outcome.error == nil {
        let reversed = batch.reorderingGroups(batch.groups.indices.reversed())
        let other = await run(stage, reversed)
        if !other.agrees(with: outcome) {
          book.breaks(
            "the order of the groups does not matter", "\(example) differs with the groups reversed")
        }
      }
    }
    try book.verdict()
  }

  private static func checkAccount(
    of outcome: Outcome, from batch: TrajectoryBatch, _ stage: any Stage, _ book: inout LawBook,
    _ example: String
  ) {
    let before = batch.trajectories.map(TrajectorySnapshot.init)
    let ids = before.map(\.id)
    let known = Set(ids)
    let incoming = outcome.kept.filter { !known.contains($0.id) }
    for replayed in incoming {
      let origin = replayed.values[.origin]
      if origin?["id"]?.stringValue == nil || origin?["step"]?.intValue == nil {
        book.breaks("nothing is lost or invented", "\(example): '\(replayed.id)' does not say where it comes from")
      }
    }
    let kept = outcome.kept.map(\.id).filter(known.contains)
    let all = Set(outcome.kept.map(\.id))
    if all.count != outcome.kept.count { book.breaks("ids are unique", example) }
    if (kept + outcome.drops.map(\.id)).sorted() != ids.sorted() {
      book.breaks("nothing is lost or invented", example)
      return
    }
    let keptIDs = Set(kept)
    if ids.filter(keptIDs.contains) != kept { book.breaks("what is kept keeps its order", example) }
    for drop in outcome.drops where drop.stage != contextName || !AboutLaws.isKebabCase(drop.rule) {
      book.breaks(
        "a drop names the stage and a rule in kebab-case",
        "\(example): '\(drop.id)' was dropped by stage '\(drop.stage)', rule '\(drop.rule)'")
    }
    let declared = Set(stage.writes.map(\.rawValue))
    let beforeByID = Dictionary(before.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    for after in outcome.kept {
      guard let earlier = beforeByID[after.id] else { continue }
      let undeclared = after.fieldsSet(since: earlier).filter { !declared.contains($0) }
      if !undeclared.isEmpty {
        book.breaks(
          "a stage declares what it writes",
          "\(example): \(undeclared.joined(separator: ", ")) of '\(after.id)'")
      }
      if !after.isSameRecord(as: earlier) {
        book.breaks("unknown fields stay", "\(example): '\(after.id)' was replaced by another record")
      }
    }
    AboutLaws.checkDeclared(
      type(of: stage).about, rules: outcome.drops.map(\.rule), metrics: outcome.metrics, &book, example)
    for metric in outcome.metrics where !metric.value.isFinite {
      book.breaks("metrics are finite", "\(example): \(metric.name) is \(metric.value)")
    }
  }

  private static let contextName = "the-stage"

  private static func run(_ stage: any Stage, _ batch: TrajectoryBatch, threads: Int = 1) async -> Outcome {
    let context = StageContext(stage: contextName, step: 3, seed: 17, threads: threads)
    var copy = batch
    let earlierDrops = batch.drops.count
    do {
      try await stage.run(&copy, in: context)
    } catch {
      return Outcome(error: "\(error)")
    }
    return Outcome(
      kept: copy.trajectories.map(TrajectorySnapshot.init),
      drops: copy.drops.dropFirst(earlierDrops).map {
        .init(id: $0.trajectory.id, rule: $0.rule, stage: $0.stage)
      },
      metrics: context.report.metrics)
  }

  private static func describe(_ batch: TrajectoryBatch) -> String {
    let groups = batch.groups
    if groups.count > 3 { return "\(groups.count) groups" }
    return groups.map { group in
      "rewards "
        + group.positions.map { batch[$0].reward.map { "\($0)" } ?? "none" }.joined(separator: " ")
    }.joined(separator: "; ")
  }
}

extension StageLaws {
  /// The result of a stage for a batch.
  private struct Outcome: Equatable {
    struct Drop: Equatable {
      let id: String
      let rule: String
      let stage: String
    }
    var kept: [TrajectorySnapshot] = []
    var drops: [Drop] = []
    var metrics: [StageReport.Metric] = []
    var error: String?

    /// Whether the same happened to each trajectory, in any order.
    func agrees(with other: Outcome) -> Bool {
      let left = kept.sorted { $0.id < $1.id }
      let right = other.kept.sorted { $0.id < $1.id }
      return error == other.error && left.count == right.count
        && zip(left, right).allSatisfy { $0.isClose(to: $1) }
        && drops.sorted { $0.id < $1.id } == other.drops.sorted { $0.id < $1.id }
    }
  }
}
