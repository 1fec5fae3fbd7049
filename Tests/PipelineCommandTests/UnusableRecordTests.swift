// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import Testing

@Suite("Saved records that a model cannot be trained on", .timeLimit(.minutes(15)), .ownThreads)
struct UnusableRecordTests {
  let sandbox: Sandbox

  init() throws {
    sandbox = try Sandbox.withTraining()
    try sandbox.write(
      "spec.json",
      """
      {
        "policy": {"use": "bundled", "with": {"model": "model"}},
        "source": {"rollouts": "rollouts.jsonl", "provides": ["advantage"], "batch": {"groups": 20}},
        "stages": [{"use": "update", "with": {"loss": "nll"}}]
      }
      """)
  }

  /// What is wrong with a record, and the reason that names it.
  private static let faults: [(record: String, reason: String)] = [
    (#""prompt_tokens": [1, 2], "tokens": [999999, 4]"#, "the response holds the token id 999999"),
    (#""prompt_tokens": [1, 999999], "tokens": [3, 4]"#, "token 1 of the prompt is 999999"),
    (#""prompt_tokens": [], "tokens": [3, 4]"#, "the prompt has no tokens"),
    (
      #""prompt_tokens": [1, 302], "tokens": [3, 4]"#, "the prompt has 1 image tokens (id 302), but its 0 images have 0"
    ),
    (
      #""prompt": [{"role": "user", "content": [{"type": "image", "image": "gone.png"}]}], "response": "3""#, "gone.png"
    ),
    (#""prompt": [{"role": "user", "content": [{"type": "audio"}]}], "response": "3""#, "is of type 'audio'"),
    (#""prompt": "?", "tokens": [3, 4], "sampling": {"temperature": -1}"#, "'sampling.temperature' is -1"),
    (#""prompt": "?", "tokens": [3, 4], "sampling": {"temperature": 1e999}"#, "'sampling.temperature' is 1e999"),
  ]

  @Test(
    "each is dropped as unusable, with one warning, and the good ones are trained on",
    arguments: ["nll", "reinforce", "clip"])
  func dropped(_ loss: String) throws {
    var lines = [
      #"{"id": "good", "group": "good", "prompt_tokens": [1, 2], "tokens": [3, 4], "finish": "stop", "advantage": 1}"#
    ]
    lines += Self.faults.enumerated().map { index, fault in
      #"{"id": "bad\#(index)", "group": "bad\#(index)", \#(fault.record), "finish": "stop", "advantage": 1}"#
    }
    try sandbox.write("rollouts.jsonl", lines.joined(separator: "\n") + "\n")
    let outcome = try sandbox.run("shuffle-r1 run spec.json -o out --set stages.update.loss=\(loss)")
    #expect(outcome.status == 0, "\(outcome.errors)")
    let lineage = try sandbox.records(in: "out/lineage.jsonl")
    let rules = Dictionary(uniqueKeysWithValues: lineage.map { ($0["id"]?.stringValue ?? "", $0["rule"]?.stringValue) })
    #expect(rules["good"] == .some(nil))
    for index in Self.faults.indices { #expect(rules["bad\(index)"] == "unusable", "\(Self.faults[index].record)") }
    #expect(outcome.errors.contains("8 of 9 trajectories cannot be trained on; the first, 'bad0': the response holds"))
    let metrics = try sandbox.records(in: "out/metrics.jsonl")
    #expect(metrics.first?["data/trained_distinct"]?.doubleValue == 1)
  }

  @Test("alone, each ends the step with its reason")
  func alone() throws {
    for fault in Self.faults {
      try sandbox.write("rollouts.jsonl", #"{"id": "a", "group": "a", \#(fault.record), "finish": "stop"}"# + "\n")
      let outcome = try sandbox.run(
        "shuffle-r1 run spec.json -q -o out --overwrite --set source.provides=[] --set source.batch.groups=1")
      #expect(outcome.status == 1)
      #expect(
        outcome.errors.contains("none of the 1 trajectories can be trained on; the first, 'a': "), "\(outcome.errors)")
      #expect(outcome.errors.contains(fault.reason), "\(outcome.errors)")
    }
  }
}
