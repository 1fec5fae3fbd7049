// SPDX-License-Identifier: Apache-2.0
import PipelineAnalysis
import PipelineCore
import StandardPlugins
import Testing

@Suite("why", .timeLimit(.minutes(15)))
struct HistoryTests {
  static let resolved = """
    {"stages": [{"use": "reward"}, {"use": "advantage", "name": "advantage", "with": {"estimator": "grpo"}},
      {"use": "pairwise-sample", "name": "pairwise-sample", "with": {"keep": 0.5}},
      {"use": "shuffle", "name": "shuffle", "with": {"rounds": 8}}], "lineage": true}
    """

  static let lineage = #"""
    {"step":0,"id":"a/0","group":"a","outcome":"kept","reward":1.0,"reward_status":"scored","rewards":{"accuracy":1.0,"format":1.0},"advantage":1.2,"pair":{"rank":0,"side":"high","weight":2.2,"partner":"a/3"},"draws":[0,4,6]}
    {"step":0,"id":"a/1","group":"a","outcome":"dropped","stage":"pairwise-sample","rule":"inner-pair","reward":0.5,"advantage":-0.05}
    {"step":0,"id":"a/2","group":"a","outcome":"dropped","stage":"advantage","rule":"no-reward","reward_status":"timed_out"}
    {"step":0,"id":"a/3","group":"a","outcome":"kept","reward":0.0,"advantage":-1.0,"pair":{"rank":0,"side":"low","weight":2.2,"partner":"a/0"},"draws":[1,5,7]}
    {"step":0,"id":"b/0","group":"b","outcome":"dropped","stage":"shuffle","rule":"not-drawn","reward":1.0,"advantage":0.4,"pair":{"rank":0,"side":"high","weight":0.8,"partner":"b/1"}}
    {"step":0,"id":"b/1","group":"b","outcome":"dropped","stage":"shuffle","rule":"not-drawn","reward":0.0,"advantage":-0.4,"pair":{"rank":0,"side":"low","weight":0.8,"partner":"b/0"}}
    {"step":1,"id":"a/0","group":"a","outcome":"dropped","stage":"mine","rule":"my-rule","reward":1.0,"advantage":0.0}
    {"step":1,"id":"a \"q\"\n\u001bé/0","group":"a","outcome":"kept","reward":1.0,"advantage":0.0}

    """#

  static func run(
    lineage: String? = lineage, resolved: String = resolved, others: KeyValuePairs<String, String> = [:]
  ) throws -> Folder {
    let folder = try Folder()
    try folder.write("resolved.json", resolved)
    if let lineage { try folder.write("lineage.jsonl", lineage) }
    for (name, text) in others { try folder.write(name, text) }
    return folder
  }

  static func story(_ id: String, step: Int? = nil, width: Int = 90) throws -> String {
    let folder = try run()
    return try TrajectoryHistory(run: folder.path, id: id, step: step, registry: .standard()).text(
      style: TerminalStyle(width: width))
  }

  @Test("a trajectory that was drawn three times")
  func drawn() throws {
    let text = try Self.story("a/0", step: 0)
    #expect(
      text == """
        a/0 in step 0: trained on 3 times
          reward           1 (accuracy 1, format 1)
          group            a: 4 rollouts, 3 scored, rewards 0.5 ± 0.5 (1×1, 1×0.5, 1×0); this is
                           the best
          advantage        +1.2 by grpo: (reward - mean) / std of its group
          pairwise-sample  kept in pair 1 of 1, the outermost, as the better one; its partner a/3
                           has -1; together they weigh 2.2
          shuffle          drawn 3 times (1.5 expected: its pair has 73 % of the weight of 2
                           pairs); at positions 0, 4, 6

        """)
  }

  @Test("why a reward function failed is told with the failure")
  func failure() throws {
    let lineage = #"""
      {"step":0,"id":"a/0","group":"a","outcome":"dropped","stage":"advantage","rule":"no-reward","reward_status":"failed","reward_reason":"'mine': raised ValueError: no unit (reward.py:7)"}

      """#
    let folder = try Self.run(lineage: lineage)
    let history = try TrajectoryHistory(run: folder.path, id: "a/0", step: nil, registry: .standard())
    #expect(
      history.text(style: TerminalStyle(width: 200)).contains(
        "none; the reward function failed on it: 'mine': raised ValueError: no unit (reward.py:7)"))
    #expect(history.json.json.contains(#""reward_reason":"'mine': raised ValueError: no unit (reward.py:7)""#))
  }

  @Test("a trajectory that was in two steps")
  func twice() throws {
    let text = try Self.story("a/0")
    #expect(
      text == """
        a/0 was in 2 steps, trained on in 1 of them, 3 times in all

        Step 0: trained on 3 times
          reward           1 (accuracy 1, format 1)
          group            a: 4 rollouts, 3 scored, rewards 0.5 ± 0.5 (1×1, 1×0.5, 1×0); this is
                           the best
          advantage        +1.2 by grpo: (reward - mean) / std of its group
          pairwise-sample  kept in pair 1 of 1, the outermost, as the better one; its partner a/3
                           has -1; together they weigh 2.2
          shuffle          drawn 3 times (1.5 expected: its pair has 73 % of the weight of 2
                           pairs); at positions 0, 4, 6

        Step 1: not trained on, dropped by mine
          reward     1
          group      a: 2 rollouts, rewards 1 ± 0; all the same
          advantage  0 by grpo: (reward - mean) / std of its group; all rewards of the group are
                     equal
          mine       dropped by the rule 'my-rule'

        """)
  }

  @Test("dropped by pairwise sampling")
  func innerPair() throws {
    let text = try Self.story("a/1")
    #expect(
      text == """
        a/1 in step 0: not trained on, dropped by pairwise-sample
          reward           0.5
          group            a: 4 rollouts, 3 scored, rewards 0.5 ± 0.5 (1×1, 1×0.5, 1×0); this is
                           number 2 of 3
          advantage        -0.05 by grpo: (reward - mean) / std of its group; hardly any gradient
          pairwise-sample  dropped by the rule 'inner-pair': only the outermost pairs of a group
                           are kept, best with worst, and it lies nearer the middle

        """)
  }

  @Test("dropped without a reward")
  func unscored() throws {
    let text = try Self.story("a/2")
    #expect(
      text == """
        a/2 in step 0: not trained on, dropped by advantage
          reward     none; the reward function did not answer in time
          group      a: 4 rollouts, 3 scored, rewards 0.5 ± 0.5 (1×1, 1×0.5, 1×0)
          advantage  dropped by the rule 'no-reward': it has no reward, so it can be compared with
                     nothing

        """)
  }

  @Test("passed over by the draw")
  func notDrawn() throws {
    let text = try Self.story("b/1")
    #expect(
      text == """
        b/1 in step 0: not trained on, dropped by shuffle
          reward           0
          group            b: 2 rollouts, rewards 0.5 ± 0.7071 (1×1, 1×0); this is the worst
          advantage        -0.4 by grpo: (reward - mean) / std of its group
          pairwise-sample  kept in pair 1 of 1, the outermost, as the worse one; its partner b/0
                           has +0.4; together they weigh 0.8
          shuffle          dropped by the rule 'not-drawn': the weighted draw passed it over in
                           every round; 0.53 expected: its pair has 27 % of the weight of 2 pairs

        """)
  }

  @Test("ids with quotes, line ends and escapes are found and shown safely")
  func hostileID() throws {
    let text = try Self.story("a \"q\"\n\u{1B}é/0")
    #expect(text.hasPrefix(#"a "q"\n\u{1b}é/0 in step 1: trained on once"#))
  }

  @Test("the JSON holds the facts behind the story")
  func json() throws {
    let folder = try Self.run()
    let json = try TrajectoryHistory(run: folder.path, id: "a/0", step: 0, registry: .standard()).json
    let step = try #require(json["steps"]?.arrayValue?.first)
    #expect(json["trained_on"] == 3)
    #expect(step["group"]?["size"] == 4)
    #expect(step["group"]?["scored"] == 3)
    #expect(step["group"]?["mean"]?.doubleValue == 0.5)
    #expect(step["pair"]?["partner_advantage"]?.doubleValue == -1)
    let draw = step["story"]?.arrayValue?.last?["facts"]
    #expect(draw?["units"] == 2)
    #expect(abs((draw?["share"]?.doubleValue ?? 0) - 2.2 / 3) < 1e-12)
    #expect(draw?["positions"]?.json == "[0,4,6]")
    #expect(json["unexplained"] == [])
  }

  /// What somebody else's package brings.
  private struct MutedStage: Stage {
    static let about = ComponentAbout(
      name: "muted", summary: "Drops what is quiet",
      rules: [DropRule("too-quiet", because: "its advantage is below the limit")])
    struct Options: ComponentOptions {
      var limit = 0.5
      static let help = ["limit": "the least |A|"]
    }
    let reads: Set<Field> = [.advantage]
    let writes: Set<Field> = []
    let limit: Double
    init(options: Options, assembly: Assembly) { limit = options.limit }
    func run(_ batch: inout TrajectoryBatch, in context: StageContext) {}

    func explanation(of trajectory: LineageEntry, in step: LineageStep) -> Explanation? {
      var louder = 0
      step.forEach { if abs($0.advantage ?? 0) >= limit { louder += 1 } }
      return Explanation(
        "\(louder, "trajectory") of the step, \(share: Double(louder) / 4), reach \(limit)",
        facts: [.init("louder", .number(louder))])
    }
  }

  static let muted = #"""
    {"step":4,"id":"a/0","group":"a","outcome":"kept","reward":1.0,"advantage":0.9}
    {"step":4,"id":"a/1","group":"a","outcome":"dropped","stage":"first","rule":"early","advantage":5.0}
    {"step":4,"id":"a/2","group":"a","outcome":"dropped","stage":"quiet","rule":"too-quiet","advantage":0.1}
    {"step":4,"id":"b/0","group":"b","outcome":"dropped","stage":"quiet","rule":"surplus","advantage":-0.8}

    """#

  @Test("a stage of somebody else explains its rules and itself, made with the options of the run")
  func thirdParty() throws {
    let resolved = """
      {"stages": [{"use": "absent", "name": "first"}, {"use": "muted", "name": "quiet", "with": {"limit": 0.8}}]}
      """
    let folder = try Self.run(lineage: Self.muted, resolved: resolved)
    var registry = Registry()
    try registry.register(MutedStage.self)
    let known = try TrajectoryHistory(run: folder.path, id: "a/2", registry: registry)
    #expect(
      known.text(style: TerminalStyle(width: 90)) == """
        a/2 in step 4: not trained on, dropped by quiet
          reward     none
          group      a: 3 rollouts, 1 scored, rewards 1
          advantage  +0.1, as the record has it
          first      kept
          quiet      dropped by the rule 'too-quiet': its advantage is below the limit; 2
                     trajectories of the step, 50 %, reach 0.8
          ▲ the stage 'first' uses a component that is not here; with --plugin LIBRARY it can say
            what it did

        """)
    #expect(known.json["unexplained"] == ["first"])
    let story = try #require(known.json["steps"]?.arrayValue?.first?["story"]?.arrayValue)
    #expect(story.last?["facts"] == ["louder": 2])
    let unknown = try TrajectoryHistory(run: folder.path, id: "a/2", registry: Registry())
    #expect(unknown.text().contains("quiet      dropped by the rule 'too-quiet'\n"))
    #expect(unknown.unexplained == ["first", "quiet"])
  }

  @Test("a rule of the run itself has a sentence, whatever the stage")
  func surplus() throws {
    let folder = try Self.run(lineage: Self.muted, resolved: #"{"stages": [{"use": "muted", "name": "quiet"}]}"#)
    let text = try TrajectoryHistory(run: folder.path, id: "b/0", registry: Registry()).text()
    #expect(text.contains("dropped by the rule 'surplus': further prompts were rolled out"))
  }

  @Test("every mistake says what there is instead")
  func mistakes() async throws {
    let folder = try Self.run()
    let path = folder.path
    func says(_ id: String, step: Int? = nil, in run: String? = nil) async -> String {
      await message { _ = try TrajectoryHistory(run: run ?? path, id: id, step: step, registry: .standard()) }
    }
    #expect(
      await says("a/9") == "no trajectory 'a/9' in \(path); its group 'a' has 'a/0', 'a/1', 'a/2', 'a/3', …")
    #expect(await says("b") == "no trajectory 'b' in \(path); that is a group, with 'b/0', 'b/1'")
    #expect(await says("c/0") == "no trajectory 'c/0' in \(path); did you mean 'a/0'?")
    #expect(
      await says("zebra-77")
        == "no trajectory 'zebra-77' in \(path), nor one like it; ids stand in \(path)/lineage.jsonl")
    #expect(await says("a/0", step: 7) == "trajectory 'a/0' was not in step 7; it was in steps 0, 1")
    #expect(
      await says("a/0", in: path + "/none")
        == "there is no run at \(path)/none; name the directory that `run --output` made")
    let empty = try Folder()
    #expect(
      await says("a/0", in: empty.path)
        == "\(empty.path) holds no run (no resolved.json); name the directory that `run --output` made")
    let silent = try Self.run(lineage: nil, resolved: #"{"stages": [], "lineage": false}"#)
    #expect(
      await says("a/0", in: silent.path)
        == "the run in \(silent.path) wrote no lineage, since its spec says \"lineage\": false; take that out and run again"
    )
    let fresh = try Self.run(lineage: "")
    #expect(
      await says("a/0", in: fresh.path)
        == "no trajectory 'a/0' in \(fresh.path): its lineage is empty, no step is complete yet")
  }

  @Test("a line that was cut off is no part of the history")
  func truncated() throws {
    let cut = Self.lineage + #"{"step":2,"id":"a/0","group":"a","outc"#
    let folder = try Self.run(lineage: cut)
    #expect(try TrajectoryHistory(run: folder.path, id: "a/0", registry: .standard()).steps.map(\.step) == [0, 1])
  }

  @Test("lines beyond the last complete step are no part of the history")
  func incompleteStep() throws {
    let complete = Self.lineage.split(separator: "\n").prefix(6).joined(separator: "\n") + "\n"
    let state = #"{"version": 1, "complete_steps": 1, "offsets": {"lineage.jsonl": \#(complete.utf8.count)}}"#
    let folder = try Self.run(others: ["state.json": state])
    #expect(try TrajectoryHistory(run: folder.path, id: "a/0", registry: .standard()).steps.map(\.step) == [0])
  }

  @Test("a line that is none of lineage is an error with its place")
  func malformed() async throws {
    let folder = try Self.run(lineage: #"{"step":0,"id":"a/0"}"# + "\n")
    let text = await message { _ = try TrajectoryHistory(run: folder.path, id: "a/0", registry: .standard()) }
    #expect(
      text
        == "\(folder.path)/lineage.jsonl:1:1: this line is none of lineage; was the file changed by hand? Run again for a new one"
    )
  }

  @Test("a record that could not be used says so")
  func badRecord() throws {
    let bad =
      #"{"file":"r.jsonl","line":4,"column":12,"reason":"'reward' must be a number or null, found a string","text":"{\"id\": \"x/1\", \"reward\": \"high\"}"}"#
    let folder = try Self.run(others: ["bad-records.jsonl": bad + "\n"])
    let history = try TrajectoryHistory(run: folder.path, id: "x/1", registry: .standard())
    #expect(
      history.text() == """
        x/1 never reached a stage: its record could not be used
          ▲ r.jsonl:4:12: 'reward' must be a number or null, found a string

        """)
    #expect(history.steps.isEmpty)
  }
}
