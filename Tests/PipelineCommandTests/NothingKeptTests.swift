// SPDX-License-Identifier: Apache-2.0
import Testing

@Suite("Where nothing is kept", .timeLimit(.minutes(15)), .ownThreads)
struct NothingKeptTests {
  private func sandbox() throws -> Sandbox {
    let sandbox = try Sandbox()
    let lines = (0..<4).map { number in
      #"{"id":"g/\#(number)","group":"g","prompt":"p","response":"r","reward":1,"rewards":{"dapo":1,"dapo/accuracy":1}}"#
    }
    try sandbox.write("rollouts.jsonl", lines.joined(separator: "\n") + "\n")
    try sandbox.write(
      "p.json",
      #"{"source":{"rollouts":"rollouts.jsonl","provides":["reward","rewards"]},"stages":[{"use":"filter","with":{"low":0.1}}]}"#
    )
    return sandbox
  }

  @Test("a run says which stage dropped all, by which rules, and may be allowed to")
  func run() throws {
    let sandbox = try sandbox()
    let failed = try sandbox.run("shuffle-r1 run p.json -q -o out")
    #expect(failed.status != 0)
    #expect(
      failed.errors == """
        shuffle-r1: error: the run kept no trajectory: 'filter' dropped reward-band 4. Look at why in \
        lineage.jsonl, or set output.allow_empty to true where that is meant

        """)
    #expect(sandbox.text("out/lineage.jsonl").count { $0 == "\n" } == 4)
    try sandbox.output("shuffle-r1 run p.json -q -o allowed --set output.allow_empty=true")
  }

  @Test("so does a stage alone")
  func stage() throws {
    let sandbox = try sandbox()
    let command = #"shuffle-r1 stage filter -q --with '{"low": 0.1}'"#
    let failed = try sandbox.run("\(command) < rollouts.jsonl")
    #expect(failed.status != 0)
    #expect(
      failed.errors
        == "shuffle-r1: error: stage 'filter' kept none of 4 trajectories; give --allow-empty where that is meant\n")
    #expect(try sandbox.output("\(command) --allow-empty < rollouts.jsonl") == "")
  }

  @Test("a score that no record has is a mistake in the name, told with the names there are")
  func score() throws {
    let sandbox = try sandbox()
    #expect(
      try sandbox.run("shuffle-r1 run p.json -q -o out --set stages.filter.score=accuracy").errors.contains(
        """
        stage 'filter', step 0: no record has the score 'accuracy', which 'score' names; did you mean 'dapo/accuracy'? The \
        scores there are: reward, dapo, dapo/accuracy
        """))
  }

  @Test("a data set or a model on a hub is called so")
  func hub() throws {
    let sandbox = try sandbox()
    #expect(
      try sandbox.run("shuffle-r1 run p.json -q -o out --set source.rollouts=owner/set@train").errors == """
        shuffle-r1: error: there is no file owner/set@train, which 'source.rollouts' of p.json names; if it is a data set on a \
        hub, download it, and name its files with --set source.rollouts=FILE

        """)
    try sandbox.write(
      "train.json",
      """
      {"policy":{"use":"bundled","with":{"model":"owner/Model-7B"}},"source":{"prompts":"rollouts.jsonl"},
       "stages":["rollout",{"use":"tap"}]}
      """)
    #expect(
      try sandbox.run("shuffle-r1 run train.json -q -o trained").errors
        == "shuffle-r1: error: owner/Model-7B is no folder here; if it is a model on a hub, download it, and name its folder\n"
    )
  }

  @Test("the parts of a spec are described", arguments: ["spec", "source", "policy", "stages", "training", "output"])
  func sections(_ name: String) throws {
    let sandbox = try Sandbox()
    let page = try sandbox.output("shuffle-r1 describe \(name)")
    #expect(page.hasPrefix("\(name) (part of a spec): "))
    let options = [
      "spec": "stages", "source": "max_bad_records", "policy": "bundled, openai, worker", "stages": "use",
      "training": "max_tokens", "output": "allow_empty",
    ]
    #expect(page.contains(options[name] ?? ""))
    #expect(try sandbox.output("shuffle-r1 describe \(name) --json").contains("\"kind\": \"section\""))
  }
}
