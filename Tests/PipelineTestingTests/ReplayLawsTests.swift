// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineTesting
import Testing

/// Breaks one law of replay stores.
private struct FaultyStore: ReplayStore {
  enum Fault: CaseIterable {
    case none, unknown, twice, replacesTwice, gap, undeclaredDraws, unsorted, evictsUnknown, remembers, unbounded,
      large, undeclared, unnamed
  }

  static let about = ComponentAbout(
    name: "faulty", summary: "Breaks a law", metrics: [MetricAbout("plain", unit: "steps", "a name without 'store/'")])
  var fault = Fault.none
  var writes: Set<Field> { fault == .gap ? [.draws] : [] }

  init(options: NoOptions, assembly: Assembly) {}
  init(_ fault: Fault) { self.fault = fault }

  func capacity(ofBatch count: Int) -> ReplayCapacity { ReplayCapacity(total: fault == .unbounded ? 0 : 9) }

  func draw(
    for batch: ReplayBatch, from index: ReplayIndex, memory: inout ReplayMemory, in context: ReplayContext
  ) -> ReplayPlan {
    var replays = index.numbers.prefix(2).map { Replay($0) }
    switch fault {
    case .unknown: replays.append(Replay(1_000_000))
    case .twice: replays += replays
    case .replacesTwice: for place in replays.indices { replays[place].replaces = 0 }
    case .gap: return ReplayPlan(draws: [0: [1]])
    case .undeclaredDraws: return ReplayPlan(draws: [0: [0]])
    case .remembers: replays.shuffle()
    case .large: memory["text"] = .string(String(repeating: "x", count: 5000))
    case .undeclared: context.report.metric("store/surprise", 1)
    case .unnamed: context.report.metric("plain", 1)
    default: break
    }
    return ReplayPlan(replays)
  }

  func admit(
    _ batch: ReplayBatch, to index: ReplayIndex, memory: inout ReplayMemory, in context: ReplayContext
  ) -> ReplayAdmission {
    switch fault {
    case .unsorted: ReplayAdmission(batch.rollouts.indices.reversed())
    case .evictsUnknown: ReplayAdmission([0], evicting: [1_000_000])
    default: ReplayAdmission(Array(batch.rollouts.indices))
    }
  }
}

@Suite("Laws of replay stores", .timeLimit(.minutes(15)))
struct ReplayLawsTests {
  @Test(
    "name the law that a store breaks",
    arguments: [
      (FaultyStore.Fault.unknown, "it draws what is stored"), (.twice, "nothing is drawn twice"),
      (.replacesTwice, "it replaces rollouts of the batch, each once"), (.gap, "positions are 0, 1, … without a gap"),
      (.undeclaredDraws, "a store that draws the batch anew writes 'draws'"),
      (.unsorted, "what is stored is in the batch, in ascending order"), (.evictsUnknown, "what is evicted is stored"),
      (.remembers, "what was saved gives the same decisions again"), (.unbounded, "the store is bounded"),
      (.large, "the store is bounded"), (.undeclared, "a stage declares its metrics"),
      (.unnamed, "metrics of a store are named store/…"),
    ])
  private func store(_ fault: FaultyStore.Fault, _ law: String) async {
    let error = await #expect(throws: LawViolation.self) { try await ReplayLaws.check { FaultyStore(fault) } }
    #expect(error?.description.contains(law) == true, "\(error?.description ?? "")")
  }

  @Test("a store that keeps the laws passes")
  func sound() async throws { try await ReplayLaws.check { FaultyStore(.none) } }

  /// Brings in something that nobody stored.
  private struct Inventor: Stage {
    static let about = ComponentAbout(name: "inventor", summary: "Brings in what nobody stored")
    let reads: Set<Field> = []
    let writes: Set<Field> = []
    var origin: JSONValue = ["id": "x", "step": 0]

    init(options: NoOptions, assembly: Assembly) {}
    init(_ origin: JSONValue) { self.origin = origin }

    func run(_ batch: inout TrajectoryBatch, in context: StageContext) async throws {
      guard let first = batch.trajectories.first else { return }
      try batch.insert(replayed: [(first.replayed(as: "\(first.id)@r0", step: 1, origin: origin), nil)])
    }
  }

  @Test("a stage may bring in what says where it comes from, and nothing else")
  func insertion() async throws {
    try await StageLaws.check(Inventor(["id": "x", "step": 0]), groupOrder: .material)
    await #expect(throws: LawViolation.self) { try await StageLaws.check(Inventor(["id": "x"]), groupOrder: .material) }
  }
}
