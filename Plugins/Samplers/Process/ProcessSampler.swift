// SPDX-License-Identifier: Apache-2.0
import ComponentPrograms
package import PipelineCore

/// Lets a program in any language choose the prompts.
///
/// It gets one line of JSON for each choice and one for what became of a step, and answers each with a line of the same `id`.
/// What it remembers is handed in as `state` and taken out of the answer, so that it need keep nothing itself:
///
///     {"id": "choose-7-0", "call": "choose", "count": 32, "excluded": [], "step": 7, "attempt": 0, "seed": 4711, "pool": {"count": 5000}, "state": null}
///     {"id": "choose-7-0", "indices": [4, 17], "state": {"next": 18}}
///     {"id": "observe-7", "call": "observe", "step": 7, "results": [{"index": 4, "rewards": [1, 0]}], "pool": {"count": 5000}, "state": {"next": 18}}
///     {"id": "observe-7", "state": {"next": 18}}
///
/// With the option `probes` it is also asked before each step which prompts to roll out, `rollouts` of each, to learn from alone, and
/// is told what became of them; no `indices`, or an empty list, is no probe:
///
///     {"id": "probe-7", "call": "probe", "step": 7, "seed": 815, "pool": {"count": 5000}, "state": {"next": 18}}
///     {"id": "probe-7", "indices": [0, 1, 2], "rollouts": 4}
///     {"id": "learn-7", "call": "learn", "step": 7, "results": [{"index": 0, "rewards": [1, 0, 1, 1]}], "pool": {"count": 5000}, "state": {"next": 18}}
///     {"id": "learn-7", "state": {"next": 18, "hard": [2]}}
package struct ProcessSampler: PromptSampler {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "process", summary: "Has a program in any language choose the prompts",
    metrics: [MetricAbout("<name>", unit: "as the program says", "a figure that the program reported")])

  /// The fields that it chooses by.
  package let reads: Set<Field>
  /// What it keeps in `state` has a bound of its own.
  package let bytesPerPrompt = 0
  /// Whether the options say that it is asked for probes.
  package var probes: Bool { options.probes }
  private let options: ProcessSamplerOptions
  private let title: String
  private let pool: ProgramPool

  /// Looks for the program; it is started with the first choice.
  ///
  /// - Throws: When the program or its script does not exist.
  package init(options: ProcessSamplerOptions = ProcessSamplerOptions(), assembly: Assembly) throws {
    self.options = options
    reads = Set(options.reads)
    let settings = try options.settings(in: assembly.folder)
    title = settings.title
    self.pool = ProgramPool(settings, workers: 1, batch: .max)
  }

  /// Asks the program.
  ///
  /// - Throws: When it fails, or what it answers is no choice.
  package func choose(
    _ count: Int, excluding excluded: Set<Int>, from pool: PromptPool, memory: inout SamplerMemory,
    in context: SamplerContext
  ) async throws -> [PromptChoice] {
    var random = context.random()
    let answer = try await ask(
      "choose-\(context.step)-\(context.attempt)",
      [
        .init("call", "choose"), .init("count", .number(count)),
        .init("excluded", .array(excluded.sorted().map { .number($0) })), .init("step", .number(context.step)),
        .init("attempt", .number(context.attempt)), .init("seed", .number(String(random.next() >> 11))),
      ], pool, &memory, context)
    guard let elements = answer["indices"]?.arrayValue else {
      throw fault("answered 'choose' without 'indices', the places of the chosen prompts")
    }
    var seen = excluded
    return try indices(elements, in: pool).map { index in
      guard seen.insert(index).inserted else {
        throw fault("chose the prompt \(index) twice, or although 'excluded' names it")
      }
      return PromptChoice(index)
    }
  }

  private func indices(_ elements: [JSONValue], in pool: PromptPool) throws -> [Int] {
    try elements.map { element in
      guard let index = element.intValue, (0..<pool.count).contains(index) else {
        throw fault("chose \(element.json), which is no whole number from 0 to \(pool.count - 1)")
      }
      return index
    }
  }

  /// Asks the program which prompts to roll out, if it has any.
  ///
  /// - Throws: When it fails, or what it answers is no probe.
  package func probe(
    _ pool: PromptPool, memory: inout SamplerMemory, in context: SamplerContext
  ) async throws -> PromptProbe? {
    guard probes else { return nil }
    var random = context.random(Self.probeDraws)
    let answer = try await ask(
      "probe-\(context.step)",
      [
        .init("call", "probe"), .init("step", .number(context.step)),
        .init("seed", .number(String(random.next() >> 11))),
      ], pool, &memory, context)
    guard let value = answer["indices"], value != .null else { return nil }
    guard let elements = value.arrayValue else {
      throw fault(
        "answered 'probe' with \(value.json.shortenedForMessage) as 'indices', which must be a list of places")
    }
    if elements.isEmpty { return nil }
    let places = try indices(elements, in: pool)
    guard Set(places).count == places.count else { throw fault("wants to roll out a prompt twice") }
    guard let rollouts = answer["rollouts"]?.intValue, rollouts >= 1 else {
      throw fault(
        "answered 'probe' with \(answer["rollouts"]?.json ?? "no number") as 'rollouts', which must be a whole number of rollouts "
          + "of each prompt, 1 or more")
    }
    return PromptProbe(places.sorted(), rollouts: rollouts)
  }

  /// Tells the program what became of a probe.
  package func learn(
    from results: [GroupResult], of pool: PromptPool, memory: inout SamplerMemory, in context: SamplerContext
  ) async throws {
    _ = try await ask(
      "learn-\(context.step)",
      [
        .init("call", "learn"), .init("step", .number(context.step)), .init("results", .array(results.map(\.json))),
      ], pool, &memory, context)
  }

  /// Tells the program what became of a step.
  package func observe(
    _ results: [GroupResult], of pool: PromptPool, memory: inout SamplerMemory, in context: SamplerContext
  ) async throws {
    _ = try await ask(
      "observe-\(context.step)",
      [
        .init("call", "observe"), .init("step", .number(context.step)),
        .init("results", .array(results.map(\.json))),
      ], pool, &memory, context)
  }

  /// Ends the program.
  package func close() async { await pool.close() }

  private func ask(
    _ id: String, _ members: [JSONValue.Member], _ prompts: PromptPool, _ memory: inout SamplerMemory,
    _ context: SamplerContext
  ) async throws -> JSONValue {
    var described = [JSONValue.Member("count", .number(prompts.count))]
    if options.ids { described.append(.init("ids", .array((0..<prompts.count).map { .string(prompts.id($0)) }))) }
    for field in options.reads {
      let values = (0..<prompts.count).map { JSONValue.number(prompts.number(field, $0) ?? .nan) }
      described.append(.init(field.rawValue, .array(values)))
    }
    let message =
      [JSONValue.Member("id", .string(id))] + members
      + [.init("pool", .object(described)), .init("state", memory[value: Self.state] ?? .null)]
    let answer = try await pool.ask(ProgramRequest(id: id, members: message), log: context.keep)
    if let reason = answer["error"] { throw fault(reason.scalarText ?? reason.json) }
    if let state = answer["state"] {
      guard state.json.utf8.count <= options.stateBytes else {
        throw fault("keeps a state of more than \(options.stateBytes) bytes; raise 'state_bytes', or keep less")
      }
      memory[value: Self.state] = state
    }
    for member in answer["metrics"]?.objectValue ?? [] {
      guard let value = member.value.doubleValue else {
        throw fault(
          "reports the metric \(member.key.quotedForMessage) as \(member.value.json), which is no finite number")
      }
      context.report.metric(member.key, value)
    }
    return answer
  }

  private static let state = "state"
  /// Draws apart from those of a choice in the same step.
  private static let probeDraws: UInt64 = 1 << 63

  private func fault(_ what: String) -> PipelineError { PipelineError(.plugIn, "'\(title)': it \(what)") }
}

extension GroupResult {
  /// For a program.
  fileprivate var json: JSONValue {
    func list(_ numbers: [Double]) -> JSONValue { .array(numbers.map { .number($0) }) }
    var members: [JSONValue.Member] = [
      .init("index", .number(index)), .init("rewards", list(rewards)), .init("unscored", .number(unscored)),
      .init("scores", .object(scores.sorted { $0.key < $1.key }.map { .init($0.key, list($0.value)) })),
      .init("lengths", .array(lengths.map { .number($0) })), .init("advantages", list(advantages)),
      .init("waves", .number(waves)),
    ]
    if let rule { members.append(.init("rule", .string(rule))) }
    return .object(members)
  }
}
