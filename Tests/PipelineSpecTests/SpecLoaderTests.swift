// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineSpec
import Testing

let goodJSON = """
  { // what it says
    "name": "replay", "description": "Replay", "seed": 1,
    "source": {"rollouts": "rollouts.jsonl", "provides": ["answer"], "batch": {"groups": 64}},
    "stages": [
      {"use": "reward", "with": {"functions": [{"use": "boxed-answer", "weight": 0.90}]}},
      "advantage",
      {"use": "pairwise-sample", "name": "pts",
       "with": {"keep": 1, "label": "no", "max_pairs": 3, "shares": {"maxX": 2}}},
      {"use": "shuffle", "with": {"rounds": 8}}
    ],
    "output": {"rollouts": "selected.jsonl", "lineage": true}
  }
  """

let goodYAML = """
  name: replay
  description: Replay
  seed: 1
  source:
    rollouts: rollouts.jsonl
    provides: [answer]
    batch: {groups: 64}
  stages:
    - use: reward
      with: {functions: [{use: boxed-answer, weight: 0.90}]}
    - advantage
    - use: pairwise-sample
      name: pts
      with:
        keep: 1
        label: no
        max_pairs: 3
        shares: {maxX: 2}
    - {use: shuffle, with: {rounds: 8}}
  output: {rollouts: selected.jsonl, lineage: true}
  """

let goodResolved =
  #"{"name":"replay","description":"Replay","seed":1,"#
  + #""source":{"rollouts":"rollouts.jsonl","format":"auto","columns":{},"rewards":{},"group_size":0,"turns":"last","#
  + #""system_prompt":"","format_prompt":"","provides":["answer"],"group_by":[],"#
  + #""batch":{"groups":64},"first_batch":0,"order":"auto","epochs":0,"image_roots":[],"#
  + #""image_hosts":[],"max_bad_records":100},"#
  + #""stages":[{"use":"reward","name":"reward","with":{"functions":[{"use":"boxed-answer","#
  + #""with":{"tolerance":1e-06},"weight":0.90}]}},"#
  + #"{"use":"advantage","name":"advantage","with":{"estimator":{"use":"grpo","with":{"epsilon":0.001}}}},"#
  + #"{"use":"pairwise-sample","name":"pts","with":{"keep":1,"order":"input","max_pairs":3,"label":"no","#
  + #""shout":false,"limits":{"low":0,"high":8},"names":["a"],"shares":{"maxX":2}}},"#
  + #"{"use":"shuffle","name":"shuffle","with":{"rounds":8}}],"#
  + #""output":{"rollouts":"selected.jsonl","all_rollouts":"auto","allow_empty":false,"lineage":true,"tensorboard":"auto","report":{"accuracy":"","right_from":0.5,"columns":[],"token_colors":"logprobs"}}}"#

@Suite("SpecLoader", .timeLimit(.minutes(15))) struct SpecLoaderTests {
  @Test("a spec becomes a pipeline with every default filled in")
  func good() throws {
    let pipeline = try load(goodJSON, as: "specs/geo.json")
    #expect(pipeline.resolved.json == goodResolved)
    #expect(pipeline.stages.map(\.name) == ["reward", "advantage", "pts", "shuffle"])
    #expect(pipeline.stages.map(\.use) == ["reward", "advantage", "pairwise-sample", "shuffle"])
    let sample = try #require(pipeline.stages[2].stage as? FakeSampleStage)
    #expect(sample.options.keep == 1)
    #expect(sample.options.maxPairs == .atMost(3))
    #expect(sample.options.shares == ["maxX": 2])
    #expect(pipeline.seed == 1)
    #expect(pipeline.source.batch == .groups(64))
    #expect(pipeline.source.maxBadRecords == .atMost(100))
    #expect(
      pipeline.source.rollouts.paths.map { $0.resolved(in: pipeline.folder) } == ["specs/rollouts.jsonl"])
  }

  @Test("JSON and YAML of one spec resolve to the same bytes, and so does the resolved spec")
  func formats() throws {
    #expect(try load(goodYAML, as: "geo.yaml").resolved.json == goodResolved)
    #expect(try load(goodResolved).resolved.json == goodResolved)
    #expect(try load(try load(goodJSON).resolved.prettyJSON).resolved.json == goodResolved)
  }

  @Test("YAML's words and numbers hold no surprises")
  func yamlScalars() throws {
    let pipeline = try load(
      """
      source: {rollouts: [010, no], provides: [advantage], max_bad_records: unlimited}
      stages: [{use: pairwise-sample, with: {label: 010, keep: 1e-6, shout: true, order: random}}]
      """, as: "a.yaml")
    let sample = try #require(pipeline.stages[0].stage as? FakeSampleStage)
    #expect(sample.options.label == "010")
    #expect(sample.options.keep == 1e-6)
    #expect(sample.options.shout)
    #expect(sample.options.order == .random)
    #expect(pipeline.source.rollouts.paths.map(\.text) == ["010", "no"])
    #expect(pipeline.source.maxBadRecords == .unlimited)
    #expect(
      errors(
        """
        source: {rollouts: x, provides: [advantage]}
        stages: [{use: pairwise-sample, with: {shout: yes, keep: 010, max_pairs: 0x10, label: }}]
        """, as: "a.yaml") == [
          "a.yaml:2:40: 'shout' must be true or false, found 'yes'",
          "a.yaml:2:52: 'keep' must be a number, found '010'",
          "a.yaml:2:63: 'max_pairs' must be a whole number or 'unlimited', found '0x10'",
          "a.yaml:2:80: 'label' must be a string, found null",
        ])
  }

  @Test("everything that is wrong with a spec is said at once, in the order of the text")
  func allAtOnce() {
    let spec = """
      {"source": {"rollouts": "x", "fromat": 3, "batch": {"groups": "x"}, "format": "verk"},
       "sead": 1,
       "stages": [
        {"use": "reward", "with": {"functions": [
          {"use": "boxed-answer", "weight": 11, "wieght": 2}, {"weight": "x"}, 3]}},
        {"use": "pairwise-sample", "with": {
          "keep": "half", "order": "randm", "kepe": 1, "limits": {"low": 99, "hihg": 2},
          "names": ["a", 3], "max_pairs": "lots", "shout": 1, "shares": {"y": "q"}}},
        "shufle",
        {"use": "shuffle", "with": {"rounds": 1000}}, {"name": "q"}, "shuffle"]}
      """
    #expect(
      errors(spec) == [
        "geo.json:1:30: unknown option 'fromat'; did you mean 'format'?",
        "geo.json:1:53: 'source.batch.groups' must be a whole number, found the string \"x\"",
        "geo.json:1:69: 'source.format': unknown format 'verk'; did you mean 'verl'?",
        "geo.json:2:2: unknown option 'sead'; did you mean 'seed'?",
        "geo.json:5:29: 'functions.0.weight' is 11.0, it must lie in 0.0…10.0",
        "geo.json:5:43: unknown option 'wieght'; did you mean 'weight'?",
        "geo.json:5:58: 'functions.1.weight' must be a number, found the string \"x\"",
        "geo.json:5:74: 'functions.2' must be a name, or a table with 'use' and 'with', found the number 3",
        "geo.json:7:5: 'keep' must be a number, found the string \"half\"",
        "geo.json:7:21: 'order' must be one of 'input', 'random', found the string \"randm\"; "
          + "did you mean 'random'?",
        "geo.json:7:39: unknown option 'kepe'; did you mean 'keep'?",
        "geo.json:7:61: 'limits.low' is 99, it must lie in 0…9",
        "geo.json:7:72: unknown option 'hihg'; did you mean 'high'?",
        "geo.json:8:20: 'names.1' must be a string, found the number 3",
        "geo.json:8:24: 'max_pairs' must be a whole number or 'unlimited', found the string \"lots\"",
        "geo.json:8:45: 'shout' must be true or false, found the number 1",
        "geo.json:8:68: 'shares.y' must be a number, found the string \"q\"",
        "geo.json:9:3: unknown stage 'shufle'; did you mean 'shuffle'? Known stages: advantage, "
          + "pairwise-sample, reward, shuffle",
        "geo.json:10:11: stage 'shuffle' cannot be made: too many rounds",
        "geo.json:10:49: 'stages.4.use' is missing; name a stage",
        "geo.json:10:64: an earlier stage is named 'shuffle' too; give one of them a \"name\" of its own",
      ])
  }

  @Test("components inside components are checked where they stand")
  func nested() {
    #expect(
      errors(
        """
        {"source": {"rollouts": ["x"], "batch": {}},
         "stages": [{"use": "reward", "with": {"functions": [
           {"use": "boxd-answer", "wieght": 2},
           {"use": "boxed-answer", "with": {"tolerance": true, "q": 1}}, "boxes"]}},
          {"use": "advantage", "with": {"estimator": "gropo"}}, {"use": "advantage", "name": "b", "with": 3}]}
        """) == [
          "geo.json:1:32: 'source.batch' must be 'auto', 'all', {\"groups\": 64} or {\"by\": \"step\"}, found a table",
          "geo.json:3:12: unknown reward 'boxd-answer'; did you mean 'boxed-answer'? "
            + "Known reward functions: boxed-answer",
          "geo.json:3:27: unknown option 'wieght'; did you mean 'weight'?",
          "geo.json:4:37: 'tolerance' must be a number, found a boolean",
          "geo.json:4:56: unknown option 'q'; the options here are: tolerance",
          "geo.json:4:66: unknown reward 'boxes'. Known reward functions: boxed-answer",
          "geo.json:5:46: unknown advantage 'gropo'; did you mean 'grpo'? Known advantage estimators: grpo",
          "geo.json:5:99: 'with' must be a table, found the number 3",
        ])
  }

  @Test("a spec without the necessary says what is necessary")
  func necessary() {
    #expect(
      errors("{}") == [
        "geo.json:1:1: 'source.rollouts' is missing; name a file of saved rollouts, or \"-\" for standard input, "
          + "or name 'prompts' instead",
        "geo.json:1:1: 'stages' is empty, it must name at least one stage",
      ])
    #expect(
      errors("[]") == ["geo.json:1:1: a spec must be a table with 'source' and 'stages', found a list"])
    #expect(
      errors("just words", as: "a.yaml")
        == ["a.yaml:1:1: a spec must be a table with 'source' and 'stages', found 'just words'"])
    #expect(
      errors(
        "{\"source\": {\"rollouts\": [\"-\", \"-\"], \"batch\": {\"groups\": 0}, \"max_bad_records\": -1},"
          + " \"stages\": [{\"use\": \"reward\", \"name\": \"a.b\"}], \"output\": {\"rollouts\": \"\"}}") == [
          "geo.json:1:13: 'source.rollouts' names standard input twice",
          "geo.json:1:47: 'source.batch.groups' is 0, it must be at least 1",
          "geo.json:1:61: 'source.max_bad_records' is -1, it must be at least 0",
          "geo.json:1:114: 'stages.0.name' is \"a.b\", it must be a word of letters, digits, '-' and '_', not a number",
          "geo.json:1:142: 'output.rollouts' is missing; name a file",
        ])
  }

  @Test("a first batch goes with saved rollouts that are read once, and with no policy")
  func firstBatch() throws {
    func spec(_ source: String) -> String {
      #"{"source": {"rollouts": "x", \#(source), "provides": ["answer"]}, "stages": ["reward"]}"#
    }
    #expect(try load(spec(#""first_batch": 7"#)).source.firstBatch == 7)
    #expect(
      errors(spec(#""first_batch": -1"#)) == ["geo.json:1:30: 'source.first_batch' is -1, it must be 0 or more"])
    #expect(
      errors(spec(#""order": "shuffled", "first_batch": 2"#)) == [
        "geo.json:1:51: 'source.first_batch' is 2; it goes with saved rollouts that are read once, as they stand"
      ])
  }

  @Test("numbers that do not fit are refused")
  func hugeNumbers() {
    #expect(
      errors(
        "{\"source\": {\"rollouts\": \"x\"}, \"seed\": 18446744073709551616, \"stages\": ["
          + "{\"use\": \"reward\", \"with\": {\"functions\": [{\"weight\": 1e400}]}}]}") == [
          "geo.json:1:124: not JSON: a number that does not fit in 64 bits"
        ])
    #expect(
      errors(
        "seed: 18446744073709551616\nsource: {rollouts: x}\nstages: ["
          + "{use: reward, with: {functions: [{weight: 1e400}]}}]", as: "a.yaml") == [
          "a.yaml:1:1: 'seed' must lie in 0…18446744073709551615, found '18446744073709551616'",
          "a.yaml:3:44: 'functions.0.weight' must be a number that fits in 64 bits, found '1e400'",
        ])
    #expect(
      (try? load(
        "{\"source\": {\"rollouts\": \"x\"}, \"seed\": 18446744073709551615, \"stages\": [\"reward\"]}"))?
        .seed == .max)
  }

  @Test("a stage finds what it reads in the source or in earlier stages")
  func chain() throws {
    func spec(_ stages: String, provides: String = "[]") -> String {
      "{\"source\": {\"rollouts\": \"x\", \"provides\": \(provides)}, \"stages\": \(stages)}"
    }
    #expect(errors(spec("[\"reward\", \"advantage\", \"pairwise-sample\", \"shuffle\"]")) == [])
    #expect(errors(spec("[\"advantage\"]", provides: "[\"reward\"]")) == [])
    #expect(
      errors(spec("[\"advantage\", \"reward\"]", provides: "[\"answer\"]")) == [
        "geo.json:1:66: stage 'advantage' reads 'reward', which nothing before it writes; put stage 'reward', "
          + "which writes it, before this one, or say \"provides\": [\"answer\", \"reward\"] in the source"
      ])
    #expect(
      errors(spec("[{\"use\": \"pairwise-sample\", \"with\": {\"kepe\": 1}}]")) == [
        "geo.json:1:66: stage 'pairwise-sample' reads 'advantage', which nothing before it writes; put a stage "
          + "before it that does (advantage), or say \"provides\": [\"advantage\"] in the source",
        "geo.json:1:94: unknown option 'kepe'; did you mean 'keep'?",
      ])
    // One gap, one error; and a mistyped stage counts as the one that was meant.
    #expect(errors(spec("[\"advantage\", {\"use\": \"advantage\", \"name\": \"b\"}]")).count == 1)
    #expect(
      errors(spec("[\"rewrd\", \"advantage\"]")) == [
        "geo.json:1:58: unknown stage 'rewrd'; did you mean 'reward'? Known stages: advantage, "
          + "pairwise-sample, reward, shuffle"
      ])
  }

  @Test("one stage is made from options on the command line")
  func stageAlone() throws {
    func made(_ use: String, _ options: String) -> String {
      do { return "\(type(of: try SpecLoader.stage(use, with: options, registry: fakes())).name)" } catch {
        return "\(error)"
      }
    }
    #expect(made("shuffle", "") == "shuffle")
    #expect(made("shuffle", "{\"rounds\": 2}") == "shuffle")
    #expect(made("shuffle", "rounds: 2") == "shuffle")
    #expect(made("shuffle", "{\"rouns\": 2}") == "--with:1:2: unknown option 'rouns'; did you mean 'rounds'?")
    #expect(made("shuffle", "{\"rounds\": }") == "--with:1:12: not JSON: expected a value")
    #expect(made("shuffle", "3") == "--with:1:1: 'with' must be a table, found '3'")
    #expect(made("shuffle", "rounds: 1000") == "stage 'shuffle' cannot be made: too many rounds")
    #expect(
      made("shufle", "")
        == "unknown stage 'shufle'; did you mean 'shuffle'? Known stages: advantage, pairwise-sample, reward, shuffle"
    )
  }
}
