// SPDX-License-Identifier: Apache-2.0
import PipelineAnalysis
import PipelineCore
import PipelineSpec
import Testing

@Suite("A study", .timeLimit(.minutes(15)))
struct StudyPlanTests {
  private func plan(_ text: String, file: String = "s.json") throws -> StudyPlan {
    try StudyPlan(SpecText(text, file: file))
  }

  private func mistakes(_ text: String) -> [String] {
    do {
      _ = try plan(text)
      return []
    } catch {
      return (error as? PipelineErrors)?.errors.map(\.description) ?? ["\(error)"]
    }
  }

  @Test("arms × settings × seeds, seed by seed, in the order of the file")
  func jobs() throws {
    let plan = try plan(
      """
      { // A comment.
        "spec": "a.json", "seeds": [5, 2], "output": "out/",
        "arms": {"z": {}, "b": {"spec": "b.json", "set": {"training.steps": 7, "name": "x y"}}},
        "settings": {"stages.update.learning_rate.rate": [1e-4, 2e-4], "stages.shuffle.rounds": [8]}}
      """)
    #expect(plan.baseline == "z")
    #expect(
      plan.jobs.map(plan.folder) == [
        "out/z/rate=1e-4,rounds=8/seed-5", "out/b/rate=1e-4,rounds=8/seed-5", "out/z/rate=2e-4,rounds=8/seed-5",
        "out/b/rate=2e-4,rounds=8/seed-5", "out/z/rate=1e-4,rounds=8/seed-2", "out/b/rate=1e-4,rounds=8/seed-2",
        "out/z/rate=2e-4,rounds=8/seed-2", "out/b/rate=2e-4,rounds=8/seed-2",
      ])
    #expect(plan.jobs[1].arm.spec == "b.json")
    #expect(
      plan.jobs[1].overrides == [
        "training.steps=7", #"name="x y""#, "stages.update.learning_rate.rate=1e-4", "stages.shuffle.rounds=8",
        "seed=5",
      ])
  }

  @Test("{seed} in a value stands for the seed of a run")
  func seedInValues() throws {
    let plan = try plan(
      #"""
      {"spec": "a.json", "seeds": [3, 5], "output": "out", "set": {"policy.with.model": "starts/{seed}/model-{seed}"},
       "arms": {"one": {"set": {"source": {"prompts": ["{seed}.jsonl"]}}}}}
      """#)
    #expect(
      plan.jobs.map(\.overrides)
        == [3, 5].map {
          [
            #"policy.with.model="starts/\#($0)/model-\#($0)""#, #"source={"prompts":["\#($0).jsonl"]}"#, "seed=\($0)",
          ]
        })
    #expect(plan.jobs.map(\.name) == ["one/seed-3", "one/seed-5"])
  }

  @Test("YAML says the same")
  func yaml() throws {
    let plan = try plan(
      """
      spec: a.json
      seeds: 2
      output: out
      arms:
        one: {}
        two:
          set: {source.order: sequential, output.lineage: false, source.batch: {groups: 4}}
      measure: {metric: reward/overall, at: 12, better: lower}
      baseline: two
      """, file: "s.yaml")
    #expect(plan.jobs.map(\.name) == ["one/seed-1", "two/seed-1", "one/seed-2", "two/seed-2"])
    #expect(
      plan.jobs[1].overrides == [
        "source.order=sequential", "output.lineage=false", #"source.batch={"groups":4}"#, "seed=1",
      ])
    #expect(plan.study.measure.at == .step(12))
    #expect(plan.study.measure.better == .lower)
    #expect(plan.baseline == "two")
  }

  @Test("what the study sets holds for all arms that do not say otherwise")
  func common() throws {
    let plan = try plan(
      #"{"spec": "a", "seeds": 1, "output": "o", "set": {"x": 1, "y": true}, "arms": {"p": {}, "q": {"set": {"x": null}}}}"#
    )
    #expect(plan.jobs.map(\.overrides) == [["x=1", "y=true", "seed=1"], ["y=true", "x=null", "seed=1"]])
    #expect(
      mistakes(#"{"spec": "a", "output": "o", "set": {"seed": 1}, "arms": {"p": {}, "q": {}}}"#) == [
        "s.json:1:38: 'seed' is for 'seeds' to say; leave it out here"
      ])
  }

  @Test("settings of one name go by their whole paths")
  func names() throws {
    let plan = try plan(
      #"{"spec": "a", "seeds": 1, "output": "o", "arms": {"x": {}}, "settings": {"a.n": [1], "b.n": ["p/q"]}}"#)
    #expect(plan.jobs.map(\.name) == ["x/a.n=1,b.n=_p_q_/seed-1"])
  }

  @Test("all mistakes are said, with line and column")
  func wrong() {
    #expect(
      mistakes(
        """
        {"sedes": 1, "seeds": 0, "output": "o",
         "arms": {"a/b": {}, "seed-3": {}, "c": {"sett": {}}},
         "measure": {"at": "lats", "better": "more"},
         "baseline": "d"}
        """) == [
          "s.json:1:1: 'spec' is missing, and arm 'a/b' has none of its own; name a spec",
          "s.json:1:2: unknown option 'sedes'; did you mean 'seeds'?",
          "s.json:1:14: 'seeds' is 0, it must lie in 1…100000",
          "s.json:2:11: 'arms.a/b' is no name of an arm: it must be a word of letters, digits, '-' and '_', without what reads as a seed, such as 'seed-1' or 's2'",
          "s.json:2:22: 'arms.seed-3' is no name of an arm: it must be a word of letters, digits, '-' and '_', without what reads as a seed, such as 'seed-1' or 's2'",
          "s.json:2:42: unknown option 'sett'; did you mean 'set'?",
          "s.json:3:14: 'measure.at' must be 'last', 'best' or a number of steps, found the string \"lats\"",
          "s.json:3:28: 'measure.better' must be one of 'higher', 'lower', found the string \"more\"",
          "s.json:4:2: 'baseline' is 'd', it must be one of the arms: a/b, c, seed-3",
        ])
  }

  @Test("a seed that is set, a path that is set twice, and values with one folder are mistakes")
  func conflicts() {
    #expect(
      mistakes(
        """
        {"spec": "a.json", "output": "o",
         "arms": {"x": {"set": {"seed": 2,
           "a.b": 1}}},
         "settings": {"a.b": [1, 2],
           "c": [], "d": ["p q", "p/q"]}}
        """) == [
          "s.json:2:25: 'seed' is for 'seeds' to say; leave it out here",
          "s.json:3:4: 'a.b' is set by 'settings' too; leave one of them out",
          "s.json:5:4: 'settings.c' must be a list of values, at least one",
          "s.json:5:13: two values of 'settings.d' would have one folder: d=_p_q_, d=_p_q_",
        ])
  }

  @Test("what is no study says so")
  func none() {
    #expect(mistakes("[]") == ["s.json:1:1: a study must be a table, found a list"])
    #expect(mistakes(" ") == ["s.json:1:1: the file is empty; a study has at least 'spec', 'arms' and 'output'"])
    #expect(
      mistakes("{}") == [
        "s.json:1:1: 'arms' is empty, it must name at least one arm",
        "s.json:1:1: 'output' is missing; name a folder for the runs",
      ])
  }
}
