// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import Testing

@Suite("Registry", .timeLimit(.minutes(15)))
struct RegistryTests {
  struct Length: RewardFunction {
    static let about = ComponentAbout(name: "length-limit", summary: "Scores nothing")
    let reads: Set<Field> = []
    init(options: NoOptions = NoOptions(), assembly: Assembly) {}
    func score(_ trajectory: Trajectory) -> RewardOutcome { .scored(0) }
  }
  struct BadlyNamed: RewardFunction {
    static let about = ComponentAbout(name: "Badly_Named", summary: "Has a name that is not kebab-case")
    let reads: Set<Field> = []
    init(options: NoOptions = NoOptions(), assembly: Assembly) {}
    func score(_ trajectory: Trajectory) -> RewardOutcome { .scored(0) }
  }

  struct Aliased: RewardFunction {
    static let about = ComponentAbout(
      name: "words", summary: "Scores nothing", aliases: ["word_count_reward", "length-limit"])
    let reads: Set<Field> = []
    init(options: NoOptions = NoOptions(), assembly: Assembly) {}
    func score(_ trajectory: Trajectory) -> RewardOutcome { .scored(0) }
  }

  private func message(_ body: () throws -> Void) -> String {
    do { try body() } catch { return "\(error)" }
    return "no error"
  }

  @Test("an unknown name is answered with the nearest one and all that are known")
  func unknownName() throws {
    var registry = Registry()
    try registry.register(Length.self)
    #expect(
      message { _ = try registry.reward("lenght-limit") }
        == "unknown reward 'lenght-limit'; did you mean 'length-limit'? Known reward functions: length-limit")
    #expect(
      message { _ = try registry.reward("accuracy") }
        == "unknown reward 'accuracy'. Known reward functions: length-limit")
  }

  /// What other programs call by other names.
  private struct Known: RewardFunction {
    static let about = ComponentAbout(name: "math-answer", summary: "Knows", elsewhere: ["math", "accuracy_reward"])
    let reads: Set<Field> = []
    init(options: NoOptions, assembly: Assembly) {}
    func score(_ trajectory: Trajectory) -> RewardOutcome { .scored(0) }
  }

  @Test("a name of other programs is answered with ours, and cannot be used itself")
  func elsewhere() throws {
    var registry = Registry()
    try registry.register(Known.self)
    for name in ["math", "accuracy_reward"] {
      #expect(
        message { _ = try registry.reward(name) }
          == "unknown reward '\(name)'; what other trainers call so is 'math-answer' here")
    }
  }

  @Test("a name can be taken only once, and is kebab-case")
  func takenName() throws {
    var registry = Registry()
    try registry.register(Length.self)
    #expect(
      message { try registry.register(Length.self) }
        == "the reward 'length-limit' is registered already; give one of the two another name")
    #expect(
      message { try registry.register(BadlyNamed.self) }
        == "cannot register the reward 'Badly_Named': a name is kebab-case, such as 'my-reward'")
  }

  @Test("an alias finds the component, is not listed, and takes its name")
  func aliases() throws {
    var registry = Registry()
    try registry.register(Aliased.self)
    #expect(try registry.reward("word_count_reward").name == "words")
    #expect(registry.names(of: .reward) == ["words"])
    #expect(registry.component(.stage, "words") == nil)
    #expect(message { try registry.register(Length.self) }.hasPrefix("the reward 'length-limit' is registered already"))
    var other = Registry()
    try other.register(Length.self)
    #expect(message { try other.register(Aliased.self) }.hasPrefix("the reward 'length-limit' is registered already"))
    #expect(other.component(.reward, "words") == nil && other.component(.reward, "word_count_reward") == nil)
  }

  @Test(
    "the nearest name forgives letters, swaps, case and separators",
    arguments: [
      ("pairwise_sample", "pairwise-sample"), ("shufle", "shuffle"), ("shuffel", "shuffle"), ("Advantage", "advantage"),
    ])
  func nearest(_ typed: String, _ meant: String) {
    #expect(NearestName.suggestion(for: typed, among: ["advantage", "pairwise-sample", "shuffle"]) == meant)
  }

  @Test("what is near nothing gets no suggestion", arguments: ["", "x", "update", "pairwise"])
  func nothingNear(_ typed: String) {
    #expect(NearestName.suggestion(for: typed, among: ["advantage", "pairwise-sample", "shuffle"]) == nil)
  }
}
