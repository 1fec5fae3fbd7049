// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineSpec
import Testing

@Suite("SchemaWriter", .timeLimit(.minutes(15))) struct SchemaWriterTests {
  private func schema(_ name: String) throws -> SchemaCheck {
    let files = SchemaWriter(registry: try fakes(), formats: ["shuffle-r1", "verl", "trl"]).files
    return SchemaCheck(root: try #require(files.first { $0.name == name }).schema)
  }

  @Test("the three schemas are named, and the same on every run")
  func files() throws {
    let writer = SchemaWriter(registry: try fakes(), formats: [])
    #expect(
      writer.files.map(\.name) == ["pipeline.schema.json", "trajectory.schema.json", "prompt.schema.json"])
    for (first, second) in zip(writer.files, writer.files) {
      #expect(first.schema.prettyJSON == second.schema.prettyJSON)
      #expect(first.schema["$id"] == .string(first.name))
    }
  }

  @Test("a good spec and its resolved form fit the schema")
  func good() throws {
    let check = try schema("pipeline.schema.json")
    let pipeline = try load(goodJSON)
    #expect(check.faults(pipeline.resolved) == [])
    #expect(
      check.faults([
        "$schema": "../Schemas/pipeline.schema.json",
        "source": ["rollouts": ["a", "-"], "batch": ["by": "step"], "max_bad_records": "unlimited"],
        "stages": ["reward", ["use": "reward", "name": "again", "with": ["functions": ["boxed-answer"]]]],
      ]) == [])
  }

  @Test("what the program refuses, the schema refuses too")
  func bad() throws {
    let check = try schema("pipeline.schema.json")
    func faults(_ stage: JSONValue, source: JSONValue = ["rollouts": "x"]) -> [String] {
      check.faults(["source": source, "stages": [stage]])
    }
    #expect(check.faults([:]) == [": required source", ": required stages"])
    #expect(check.faults(["source": ["rollouts": "x"], "stages": []]) == ["/stages: minItems"])
    #expect(faults("shuffle", source: [:]) == ["/source: oneOf"])
    #expect(faults("shuffle", source: ["prompts": "x"]) == [])
    #expect(faults("shuffle", source: ["rollouts": "x", "prompts": "y"]) == ["/source: oneOf"])
    #expect(faults("shuffle", source: ["rollouts": "x", "format": "verk"]) == ["/source/format: enum"])
    #expect(faults("shuffle", source: ["rollouts": "x", "fromat": "trl"]) == ["/source/fromat: not allowed"])
    #expect(
      faults("shuffle", source: ["rollouts": "x", "batch": ["by": "a", "groups": 1]]) == [
        "/source/batch: oneOf"
      ])
    for stage: JSONValue in [
      "shufle", 3, ["with": [:]], ["use": "shuffle", "with": ["rounds": 2.5]],
      ["use": "shuffle", "with": ["rouns": 2]], ["use": "pairwise-sample", "with": ["order": "randm"]],
      ["use": "pairwise-sample", "with": ["shares": ["x": "y"]]],
      ["use": "pairwise-sample", "with": ["limits": ["hihg": 1]]],
      ["use": "reward", "with": ["functions": ["boxd-answer"]]],
      ["use": "reward", "with": ["functions": [["use": "boxed-answer", "wieght": 1]]]],
      ["use": "reward", "with": ["functions": [["use": "boxed-answer", "with": ["tolerance": "x"]]]]],
      ["use": "advantage", "with": ["estimator": "gropo"]],
    ] {
      #expect(faults(stage) == ["/stages/0: oneOf"], "\(stage.json)")
    }
  }

  @Test("the schema carries defaults, help and allowed words")
  func contents() throws {
    let root = try schema("pipeline.schema.json").root
    let sample = try #require(root["$defs"]?["stage-pairwise-sample"])
    #expect(sample["description"] == "Keeps high-contrast pairs")
    #expect(
      sample["properties"]?["order"]?.json
        == #"{"description":"What breaks ties","enum":["input","random"],"default":"input"}"#)
    #expect(
      root["$defs"]?["reward-boxed-answer"]?.json
        == #"{"description":"Compares the boxed answer","type":"object","additionalProperties":false,"#
        + #""properties":{"tolerance":{"description":"How far a number may be off","type":"number","#
        + #""default":1e-06}}}"#)
  }

  @Test("every reserved field of a trajectory is described")
  func records() throws {
    let trajectory = try schema("trajectory.schema.json")
    let properties = try #require(trajectory.root["properties"]?.objectValue)
    #expect(properties.map(\.key) == Field.reserved.map(\.rawValue))
    #expect(properties.allSatisfy { $0.value["description"]?.stringValue?.isEmpty == false })
    let record = try JSONValue(
      parsing: #"""
        {"id": "geo-17/3", "group": "geo-17", "prompt": [{"role": "user", "content": [
          {"type": "image", "image": "images/17.png"}, {"type": "text", "text": "What is x?"}]}],
         "answer": "25", "response": "<think>…</think> \\boxed{25}", "finish": "stop",
         "tokens": [9707, 11], "logprobs": [-0.11, -2.03], "sampling": {"temperature": 1.0, "top_p": 0.99},
         "reward": 1.0, "rewards": {"accuracy": 1, "format": 1}, "reward_status": "scored", "advantage": 0.97,
         "pair": {"rank": 0, "side": "high", "weight": 1.94, "partner": "geo-17/11"},
         "batch": 4, "draws": [12, 300], "step": 4, "policy_version": 4, "anything": {"else": true}}
        """#)
    #expect(trajectory.faults(record) == [])
    #expect(
      trajectory.faults(["id": 3, "reward": "x", "pair": ["rank": 0]]) == [
        ": required group", "/id: type", "/reward: type", "/pair: required side", "/pair: required weight",
        "/pair: required partner",
      ])
    let prompt = try schema("prompt.schema.json")
    #expect(prompt.faults(["id": "a", "prompt": "What is x?", "answer": 25, "level": 2]) == [])
    #expect(prompt.faults(["prompt": 3]) == [": required id", "/prompt: oneOf"])
  }
}
