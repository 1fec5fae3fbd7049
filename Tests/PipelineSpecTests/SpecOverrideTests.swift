// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineSpec
import Testing

@Suite("SpecOverride", .timeLimit(.minutes(15))) struct SpecOverrideTests {
  @Test("a value is set by key, by stage name, by position, and into bare names")
  func set() throws {
    let pipeline = try load(
      goodJSON,
      set: [
        "seed=7", "source.batch.groups=3", "stages.pts.keep=0.25", "stages.2.label=3",
        "stages.pts.names=[\"b\",\"c\"]",
        "stages.reward.functions.0.with.tolerance=1e-3", "stages.advantage.estimator.with.epsilon=0.5",
        "stages.pts.shares={\"y\": 4}", "stages.pts.limits.high=9", "source.rollouts=other.jsonl",
        "stages.shuffle.with.rounds=2", "description=a = b",
      ])
    let sample = try #require(pipeline.stages[2].stage as? FakeSampleStage)
    #expect(pipeline.seed == 7)
    #expect(pipeline.source.batch == .groups(3))
    #expect(sample.options.keep == 0.25)
    #expect(sample.options.label == "3")
    #expect(sample.options.names == ["b", "c"])
    #expect(sample.options.shares == ["y": 4])
    #expect(sample.options.limits == FakeSampleStage.Limits(low: 0, high: 9))
    #expect(pipeline.description == "a = b")
    #expect(pipeline.source.rollouts.paths == [SpecPath("other.jsonl", base: .workingFolder)])
    #expect(pipeline.output.rollouts == SpecPath("selected.jsonl"))
    let stages = try #require(pipeline.resolved["stages"]?.arrayValue)
    #expect(
      stages[0]["with"]?.json
        == #"{"functions":[{"use":"boxed-answer","with":{"tolerance":1e-3},"weight":0.90}]}"#)
    #expect(stages[1]["with"]?.json == #"{"estimator":{"use":"grpo","with":{"epsilon":0.5}}}"#)
    #expect(stages[3]["with"]?.json == #"{"rounds":2}"#)
  }

  @Test("a scalar gives way to a table, and a stage can be replaced")
  func replace() throws {
    let text = #"{"source": {"rollouts": "x", "batch": "all"}, "stages": ["reward", "shuffle"]}"#
    let pipeline = try load(text, set: ["source.batch.by=step", "stages.1=\"advantage\""])
    #expect(pipeline.source.batch == .by(.step))
    #expect(pipeline.stages.map(\.name) == ["reward", "advantage"])
  }

  @Test("null removes a table and an element of a list, and is a value like any other elsewhere")
  func removeTables() throws {
    let pipeline = try load(
      goodJSON,
      set: [
        "source.batch=null", #"stages.reward.functions=["format","boxed-answer"]"#, "stages.reward.functions.0=null",
        "stages.pts.shares=null", "description=null",
      ])
    #expect(pipeline.source.batch == .auto)
    #expect(pipeline.description == "null")
    let stages = try #require(pipeline.resolved["stages"]?.arrayValue)
    #expect(stages[0]["with"]?["functions"]?.arrayValue?.map { $0["use"]?.stringValue } == ["boxed-answer"])
    #expect(stages[2]["with"]?["shares"]?.json == #"{"x":1.0}"#)
  }

  @Test("null removes a stage")
  func remove() throws {
    let text =
      #"{"source": {"rollouts": "x", "provides": ["pair"]}, "stages": ["reward", "advantage", {"use": "shuffle", "name": "draws"}]}"#
    #expect(try load(text, set: ["stages.draws=null"]).stages.map(\.name) == ["reward", "advantage"])
    #expect(try load(text, set: ["stages.1=null", "stages.draws=null"]).stages.map(\.name) == ["reward"])
    #expect(errors(text, set: ["stages.drawn=null"]) == ["--set:1:8: unknown stage 'drawn'; did you mean 'draws'?"])
  }

  @Test("mistakes are placed on the command line")
  func mistakes() {
    #expect(
      errors(
        goodJSON,
        set: [
          "stages.pts.kepe=1", "source.batch=al", "seed=-1", "stages.ptss.keep=1", "nonsense", "sead=2",
          "stages.0.functions.0.with.tolerence=2", "stages.advantage.estimator.with.epsilon=x",
          "stages.shuffle.rounds=2.5", "stages.0.functions.1.weight=2", "source..x=1",
        ]) == [
          "--set:1:1: 'seed' must lie in 0…18446744073709551615, found '-1'",
          "--set:1:1: unknown option 'sead'; did you mean 'seed'?",
          "--set:1:1: 'nonsense' says no value; write PATH=VALUE, as in seed=2",
          "--set:1:8: unknown stage 'ptss'; did you mean 'pts'?",
          "--set:1:8: 'source.batch' must be 'auto', 'all', {\"groups\": 64} or {\"by\": \"step\"}, found 'al'",
          "--set:1:8: 'source..x=1' has an empty step in its path; write PATH=VALUE, as in source.format=verl",
          "--set:1:12: unknown option 'kepe'; did you mean 'keep'?",
          "--set:1:16: 'rounds' must be a whole number, found '2.5'",
          "--set:1:20: '1' is no position in a list of 1, counted from 0",
          "--set:1:27: unknown option 'tolerence'; did you mean 'tolerance'?",
          "--set:1:33: 'epsilon' must be a number, found 'x'",
        ])
    #expect(
      errors("{\"source\": {\"rollouts\": \"x\"}}", set: ["stages.shuffle.rounds=1"]) == [
        "geo.json:1:1: 'stages' is empty, it must name at least one stage",
        "--set:1:1: the spec has no list of stages to set this in",
      ])
  }
}
