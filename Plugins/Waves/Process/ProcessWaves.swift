// SPDX-License-Identifier: Apache-2.0
import ComponentPrograms
package import PipelineCore

/// Lets a program in any language decide how many rollouts each prompt gets.
///
/// After each wave it gets a line of JSON for each group that is not settled, and answers each with a line of the same `id`. It sees
/// one group at a time, so that what becomes of a group depends on no other:
///
///     {"id": "decide/0/q1", "call": "decide", "step": 7, "wave": 0, "n": 8, "most": 8, "seed": 4711, "group": {"id": "q1",
///      "rewards": [1, null, 0, 0], "lengths": [9, 12, 7, 8], "finishes": ["stop", "length", "stop", "stop"], "wave_sizes": [4]}}
///     {"id": "decide/0/q1", "more": 4}
///
/// The answer holds one of `more`, a number of further rollouts, `"admit": true` and `"drop": true`; with `waits` also `later`, a number of
/// rollouts that are made in the next pass, as a rule that of the next step. With `keeps` it is then asked
/// which rollouts of an admitted group stay, by `"call": "keep"`, and answers with `keep`, a list of places.
package struct ProcessWaves: WavePolicy {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "process", summary: "Has a program in any language decide how many rollouts each prompt gets",
    rules: [DropRule("program", because: "the program that decides about the waves dropped its group")])

  /// Whether the options say that it may let groups wait.
  package var waits: Bool { options.waits }
  private let options: ProcessWavesOptions
  private let title: String
  private let pool: ProgramPool

  /// Looks for the program; it is started with the first wave.
  ///
  /// - Throws: When the program or its script does not exist.
  package init(options: ProcessWavesOptions = ProcessWavesOptions(), assembly: Assembly) throws {
    self.options = options
    let settings = try options.settings(in: assembly.folder)
    title = settings.title
    pool = ProgramPool(settings, workers: 1, batch: .max)
  }

  /// `first`, and `most` or `n`.
  package func plan(for n: Int) throws -> WavePlan {
    let most = most(n)
    guard options.first <= most else {
      throw PipelineError(
        .invalidSpec,
        "'waves.with.first' is \(options.first), more than the \(most) rollouts that a prompt may have in all; lower it, or raise "
          + "waves.with.most")
    }
    return WavePlan(first: options.first, most: most)
  }

  private func most(_ n: Int) -> Int { options.most == 0 ? n : options.most }

  /// Asks the program about each group.
  ///
  /// - Throws: When it fails, or what it answers is no decision.
  package func decide(_ groups: [WaveGroup], in context: WaveContext) async throws -> [WaveDecision] {
    try await withThrowingTaskGroup(of: (Int, WaveDecision).self) { tasks in
      for (place, group) in groups.enumerated() {
        tasks.addTask { (place, try await decision(on: group, in: context)) }
      }
      var decisions = [WaveDecision](repeating: .admit, count: groups.count)
      for try await (place, decision) in tasks { decisions[place] = decision }
      return decisions
    }
  }

  private func decision(on group: WaveGroup, in context: WaveContext) async throws -> WaveDecision {
    let answer = try await ask("decide", group, context)
    let more = answer["more"].flatMap { $0 == .null ? nil : $0 }
    let later = answer["later"].flatMap { $0 == .null ? nil : $0 }
    let given = [more != nil, later != nil, answer["admit"] == true, answer["drop"] == true].count { $0 }
    guard given == 1 else {
      throw fault(
        "answered \(answer.json) about \(group.id.quotedForMessage); it must hold one of 'more', a number, "
          + (waits ? "'later', a number, " : "") + "\"admit\": true and \"drop\": true")
    }
    guard let number = more ?? later else { return answer["admit"] == true ? .admit : .drop(rule: "program") }
    guard let count = number.intValue else {
      throw fault("wants \(number.json) more rollouts of \(group.id.quotedForMessage), which is no whole number")
    }
    if later == nil { return .more(count) }
    guard waits else {
      throw fault(
        "lets \(group.id.quotedForMessage) wait, by 'later', which it may only with \"waits\": true in the options of the waves"
      )
    }
    return .later(count)
  }

  /// All of them, unless it is asked.
  package func keep(_ group: WaveGroup, in context: WaveContext) async throws -> WaveKeep {
    guard options.keeps else { return WaveKeep(Array(group.rewards.indices)) }
    let answer = try await ask("keep", group, context)
    guard let places = answer["keep"]?.arrayValue else {
      throw fault(
        "answered 'keep' without 'keep', the places of the rollouts of \(group.id.quotedForMessage) that stay")
    }
    return WaveKeep(
      try places.map { place in
        guard let place = place.intValue else {
          throw fault("keeps \(place.json) of \(group.id.quotedForMessage), which is no place of a rollout")
        }
        return place
      })
  }

  /// Ends the program.
  package func close() async { await pool.close() }

  private func ask(_ call: String, _ group: WaveGroup, _ context: WaveContext) async throws -> JSONValue {
    var random = context.random(group.id)
    let id = "\(call)/\(context.wave)/\(group.id)"
    let message: [JSONValue.Member] = [
      .init("id", .string(id)), .init("call", .string(call)), .init("step", .number(context.step)),
      .init("wave", .number(context.wave)), .init("n", .number(context.n)), .init("most", .number(most(context.n))),
      .init("seed", .number(String(random.next() >> 11))), .init("group", group.json),
    ]
    let answer = try await pool.ask(ProgramRequest(id: id, members: message), log: context.keep)
    if let reason = answer["error"] { throw fault(reason.scalarText ?? reason.json) }
    return answer
  }

  private func fault(_ what: String) -> PipelineError { PipelineError(.plugIn, "'\(title)': it \(what)") }
}

extension WaveGroup {
  /// For a program.
  fileprivate var json: JSONValue {
    [
      "id": .string(id), "rewards": .array(rewards.map { $0.map { .number($0) } ?? .null }),
      "lengths": .array(lengths.map { .number($0) }), "finishes": .array(finishes.map { .string($0) }),
      "wave_sizes": .array(waveSizes.map { .number($0) }),
    ]
  }
}
