// SPDX-License-Identifier: Apache-2.0
import ComponentPrograms
package import PipelineCore

/// Lets a program in any language decide what is stored, and what of it comes into a batch.
///
/// It gets two lines of JSON for each step and answers each with a line of the same `id`. `batch` holds the step's rollouts,
/// `stored` what is stored, the oldest first. What it remembers is handed in as `state` and taken out of the answer, so that it
/// need keep nothing itself:
///
///     {"id": "draw-7", "call": "draw", "step": 7, "seed": 4711, "batch": [{"id": "q1/0", "group": "q1", "reward": 0, "tokens": 9}],
///      "stored": [{"number": 12, "id": "q1/3", "group": "q1", "reward": 1, "tokens": 8, "step": 5, "age": 2}], "state": null}
///     {"id": "draw-7", "replays": [{"number": 12, "replaces": 0}], "state": {"replayed": 1}}
///     {"id": "admit-7", "call": "admit", "step": 7, "batch": [{"id": "q1/0", …}], "stored": […], "state": {"replayed": 1}}
///     {"id": "admit-7", "admit": [0], "evict": [12], "state": {"replayed": 1}}
///
/// With `draws`, a replay has `positions`, and the answer has `positions` of the batch: a list for each rollout of the step.
package struct ProcessReplayStore: ReplayStore {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "process", summary: "Has a program in any language decide what is stored and replayed",
    metrics: [MetricAbout("store/<name>", unit: "as the program says", "a figure that the program reported")])

  /// What it decides by.
  package var reads: Set<Field> { Set(options.reads) }
  /// Positions, if it draws.
  package var writes: Set<Field> { options.draws ? [.draws] : [] }
  private let options: ProcessReplayStoreOptions
  private let title: String
  private let pool: ProgramPool

  /// Looks for the program; it is started with the first batch.
  ///
  /// - Throws: When the program or its script does not exist.
  package init(options: ProcessReplayStoreOptions = ProcessReplayStoreOptions(), assembly: Assembly) throws {
    self.options = options
    let settings = try options.settings(in: assembly.folder)
    title = settings.title
    pool = ProgramPool(settings, workers: 1, batch: .max)
  }

  /// `capacity`, and `per_prompt` of each prompt.
  package func capacity(ofBatch count: Int) -> ReplayCapacity {
    ReplayCapacity(total: options.capacity, perPrompt: options.perPrompt > 0 ? options.perPrompt : nil)
  }

  /// Asks the program.
  ///
  /// - Throws: When it fails, or what it answers is no plan.
  package func draw(
    for batch: ReplayBatch, from index: ReplayIndex, memory: inout ReplayMemory, in context: ReplayContext
  ) async throws -> ReplayPlan {
    let answer = try await ask("draw", batch, index, &memory, context)
    guard let replays = answer["replays"]?.arrayValue else {
      throw fault("answered 'draw' without 'replays', the stored trajectories that come into the batch")
    }
    var plan = ReplayPlan(try replays.map { try replay($0) })
    guard options.draws else { return plan }
    guard let lists = answer["positions"]?.arrayValue, lists.count == batch.rollouts.count else {
      throw fault(
        "answered 'draw' without 'positions', a list of positions for each of \(batch.rollouts.count) rollouts")
    }
    plan.draws = [:]
    for (place, list) in lists.enumerated() { plan.draws?[place] = try numbers(list, "'positions'") }
    return plan
  }

  private func replay(_ json: JSONValue) throws -> Replay {
    guard let number = json["number"]?.intValue else {
      throw fault("replays \(json.json), which names no stored trajectory by its 'number'")
    }
    var replay = Replay(number)
    if let place = json["replaces"], place != .null {
      guard let place = place.intValue else { throw fault("replaces \(place.json), which is no place in the batch") }
      replay.replaces = place
    }
    if let positions = json["positions"] { replay.draws = try numbers(positions, "'positions'") }
    if let because = json["because"]?.objectValue { replay.because = because }
    return replay
  }

  /// Tells the program what became of a step, and asks what of it is stored.
  package func admit(
    _ batch: ReplayBatch, to index: ReplayIndex, memory: inout ReplayMemory, in context: ReplayContext
  ) async throws -> ReplayAdmission {
    let answer = try await ask("admit", batch, index, &memory, context)
    guard let admitted = answer["admit"] else {
      throw fault("answered 'admit' without 'admit', the places of the rollouts that are stored")
    }
    return ReplayAdmission(
      try numbers(admitted, "'admit'").sorted(), evicting: try answer["evict"].map { try numbers($0, "'evict'") } ?? [])
  }

  /// What the program gave as its reason.
  package func explanation(of trajectory: LineageEntry, in step: LineageStep) -> Explanation? {
    let known = ["stage", "store", "step", "id", "age", "policy_version", "run"]
    let because = (trajectory.origin?.objectValue ?? []).filter { !known.contains($0.key) }
    if because.isEmpty { return nil }
    return "\(because.map { "\($0.key) \($0.value.scalarText ?? $0.value.json)" }.joined(separator: ", "))"
  }

  /// Ends the program.
  package func close() async { await pool.close() }

  private func ask(
    _ call: String, _ batch: ReplayBatch, _ index: ReplayIndex, _ memory: inout ReplayMemory, _ context: ReplayContext
  ) async throws -> JSONValue {
    var random = context.random()
    let id = "\(call)-\(context.step)"
    let message: [JSONValue.Member] = [
      .init("id", .string(id)), .init("call", .string(call)), .init("step", .number(context.step)),
      .init("seed", .number(String(random.next() >> 11))), .init("batch", .array(batch.rollouts.map(\.json))),
      .init("stored", .array(index.numbers.compactMap { index[$0]?.json(at: context.step) })),
      .init("state", memory[Self.state] ?? .null),
    ]
    let answer = try await pool.ask(ProgramRequest(id: id, members: message), log: context.keep)
    if let reason = answer["error"] { throw fault(reason.scalarText ?? reason.json) }
    if let state = answer["state"] {
      guard state.json.utf8.count <= options.stateBytes else {
        throw fault("keeps a state of more than \(options.stateBytes) bytes; raise 'state_bytes', or keep less")
      }
      memory[Self.state] = state
    }
    for member in answer["metrics"]?.objectValue ?? [] {
      guard let value = member.value.doubleValue, value.isFinite else {
        throw fault(
          "reports the metric \(member.key.quotedForMessage) as \(member.value.json), which is no finite number")
      }
      context.report.metric("store/" + member.key, value)
    }
    return answer
  }

  private func numbers(_ json: JSONValue, _ what: String) throws -> [Int] {
    guard let elements = json.arrayValue else { throw fault("gives \(what) as \(json.json), it must be a list") }
    return try elements.map { element in
      guard let number = element.intValue else {
        throw fault("gives \(element.json) in \(what), which is no whole number")
      }
      return number
    }
  }

  private static let state = "state"

  private func fault(_ what: String) -> PipelineError { PipelineError(.plugIn, "'\(title)': it \(what)") }
}

extension ReplayRollout {
  /// For a program.
  fileprivate var json: JSONValue {
    var members: [JSONValue.Member] = [.init("id", .string(id)), .init("group", .string(group))]
    if let reward { members.append(.init("reward", .number(reward))) }
    if let advantage { members.append(.init("advantage", .number(advantage))) }
    return .object(members + [.init("tokens", .number(tokens))])
  }
}

extension ReplayEntry {
  /// For a program.
  fileprivate func json(at now: Int) -> JSONValue {
    var members: [JSONValue.Member] = [
      .init("number", .number(number)), .init("id", .string(id)), .init("group", .string(group)),
    ]
    if let reward { members.append(.init("reward", .number(reward))) }
    if let advantage { members.append(.init("advantage", .number(advantage))) }
    members += [.init("tokens", .number(tokens)), .init("step", .number(step)), .init("age", .number(now - admitted))]
    if let policyVersion { members.append(.init("policy_version", .number(policyVersion))) }
    return .object(members)
  }
}
