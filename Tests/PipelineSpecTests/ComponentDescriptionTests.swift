// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineSpec
import Testing

@Suite("ComponentDescription", .timeLimit(.minutes(15))) struct ComponentDescriptionTests {
  @Test("a stage is described with the type, default and help of each option")
  func stage() throws {
    let description = try ComponentDescription(.stage, "pairwise-sample", in: fakes())
    #expect(description.about.summary == "Keeps high-contrast pairs")
    #expect(description.reads == [.advantage])
    #expect(description.writes == [.pair])
    #expect(
      description.options.map { "\($0.name): \($0.shape.type) = \($0.defaultValue?.json ?? "-"); \($0.help)" }
        == [
          "keep: number = 0.5; The share of trajectories to keep",
          "order: 'input' or 'random' = \"input\"; What breaks ties",
          "max_pairs: whole number or text = \"unlimited\"; Pairs a group",
          "label: text = \"pair\"; A word",
          "shout: true or false = false; Whether to shout",
          "limits: table = {\"low\":0,\"high\":8}; Two numbers",
          "names: list of text = [\"a\"]; Words",
          "shares: table of number = {\"x\":1.0}; Numbers by name",
        ])
    #expect(description.options[5].shape.options.map(\.name) == ["low", "high"])
  }

  @Test("the description of a stage of components, as JSON")
  func json() throws {
    #expect(
      try ComponentDescription(.stage, "reward", in: fakes()).json.json
        == #"{"kind":"stage","name":"reward","summary":"Scores trajectories","stability":"stable","reads":["response"],"#
        + #""writes":["reward","rewards"],"needs":[],"options":[{"name":"functions","type":"list of reward by name","#
        + #""default":[{"use":"boxed-answer","with":{},"weight":1.0}],"help":"What judges a response","#
        + #""options":[{"name":"weight","type":"number","default":1.0,"help":"What its score counts"}]}]}"#)
  }

  @Test("the kind of a component is told by what its option names by default")
  func kinds() throws {
    let advantage = try ComponentDescription(.stage, "advantage", in: fakes())
    #expect(advantage.options.map(\.shape) == [.component(.advantage, further: [])])
    #expect(advantage.writes == [.advantage])
    let estimator = try ComponentDescription(.advantage, "grpo", in: fakes())
    #expect(estimator.reads == [.reward])
    #expect(estimator.writes == nil)
  }

  @Test("an unknown name is refused with the nearest")
  func unknown() {
    #expect {
      try ComponentDescription(.reward, "boxed-anser", in: fakes())
    } throws: { error in
      "\(error)"
        == "unknown reward 'boxed-anser'; did you mean 'boxed-answer'? Known reward functions: boxed-answer"
    }
  }

  @Test("what types of a spec say of themselves is put into words")
  func words() {
    #expect(OptionShape.schema(SourceBatch.schema).type == "'auto' or 'all' or {groups} or {by}")
    #expect(OptionShape.schema(RecordLimit.schema).type == "whole number or 'unlimited'")
    #expect(OptionShape.schema(SpecPaths.schema).type == "text or list of text")
  }
}
