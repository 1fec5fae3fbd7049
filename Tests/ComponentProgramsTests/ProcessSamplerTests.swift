// SPDX-License-Identifier: Apache-2.0
import ComponentPrograms
import Foundation
import PipelineCore
import PipelineTesting
import ProcessSamplerPlugin
import ProcessWavesPlugin
import Testing

@Suite("Samplers and waves of programs", .timeLimit(.minutes(15)))
struct ProcessSamplerTests {
  /// Chooses what was met least often; probes two prompts every third step.
  private static let prober = """
    import json, random, sys
    for line in sys.stdin:
        message = json.loads(line)
        met = message["state"] or []
        count = message["pool"]["count"]
        met += [0] * (count - len(met))
        answer = {"id": message["id"], "state": met}
        if message["call"] == "choose":
            free = [i for i in range(count) if i not in message["excluded"]]
            answer["indices"] = sorted(free, key=lambda i: (met[i], i))[: message["count"]]
        elif message["call"] == "probe":
            if message["step"] % 3 == 0:
                places = random.Random(message["seed"]).sample(range(count), min(2, count))
                answer.update(indices=places, rollouts=2)
        else:
            for result in message["results"]:
                met[result["index"]] += 1 if message["call"] == "observe" else 2
        print(json.dumps(answer), flush=True)

    """

  private func sampler(_ scripts: Scripts, probes: Bool = true) throws -> ProcessSampler {
    var options = ProcessSamplerOptions()
    options.command = ProgramCommand(["python3", "sampler.py"])
    options.folder = SpecPath(scripts.folder)
    (options.seconds, options.startSeconds, options.probes) = (300, 300, probes)
    return try ProcessSampler(options: options, assembly: .plain())
  }

  @Test("a program that probes obeys the laws of samplers")
  func laws() async throws {
    let scripts = try Scripts(["sampler.py": Self.prober])
    try await SamplerLaws.check { try sampler(scripts) }
  }

  @Test("the laws find a program that probes another way each time")
  func broken() async throws {
    let text = Self.prober.replacingOccurrences(of: "random.Random(message[\"seed\"])", with: "random.Random()")
    let scripts = try Scripts(["sampler.py": text])
    let error = await #expect(throws: LawViolation.self) { try await SamplerLaws.check { try sampler(scripts) } }
    #expect(
      error?.description.contains("what was saved gives the same probe again") == true, "\(error?.description ?? "")")
  }

  private func probe(_ answer: String, probes: Bool = true) async throws -> PromptProbe? {
    let scripts = try Scripts([
      "sampler.py": """
      import json, sys
      for line in sys.stdin:
          message = json.loads(line)
          print(json.dumps({"id": message["id"], **\(answer)}), flush=True)
      """
    ])
    let sampler = try sampler(scripts, probes: probes)
    #expect(sampler.probes == probes)
    var memory = SamplerMemory(count: 5)
    let pool = PromptPool(ids: ["a", "b", "c", "d", "e"], numbers: [:], seed: 1)
    let context = SamplerContext(sampler: "process", step: 4)
    return try await withClosing({ await sampler.close() }) {
      try await sampler.probe(pool, memory: &memory, in: context)
    }
  }

  @Test("a program says which prompts to roll out, or none")
  func probes() async throws {
    #expect(try await probe(#"{"indices": [4, 1], "rollouts": 3}"#) == PromptProbe([1, 4], rollouts: 3))
    for answer in ["{}", #"{"indices": []}"#, #"{"indices": None}"#] { #expect(try await probe(answer) == nil) }
    // One whose options do not say so is not even asked.
    #expect(try await probe(#"{"error": "nobody asked before"}"#, probes: false) == nil)
  }

  @Test("an answer that is no probe stops the run with what is wrong")
  func noProbes() async throws {
    for (answer, message) in [
      (#"{"indices": [1, 1], "rollouts": 3}"#, "it wants to roll out a prompt twice"),
      (#"{"indices": [5], "rollouts": 3}"#, "it chose 5, which is no whole number from 0 to 4"),
      (#"{"indices": 3}"#, "it answered 'probe' with 3 as 'indices', which must be a list of places"),
      (
        #"{"indices": [1], "rollouts": 0}"#,
        "it answered 'probe' with 0 as 'rollouts', which must be a whole number of rollouts of each prompt, 1 or more"
      ),
      (
        #"{"indices": [1]}"#,
        "it answered 'probe' with no number as 'rollouts', which must be a whole number of rollouts of each prompt, 1 or more"
      ), (#"{"error": "lost its notes"}"#, "it lost its notes"),
    ] {
      let error = await #expect(throws: PipelineError.self) { _ = try await probe(answer) }
      #expect(error?.message == "'sampler.py': \(message)")
    }
  }

  @Test("a program that lets groups wait obeys the laws of waves")
  func waves() async throws {
    let scripts = try Scripts([
      "waves.py": """
      import json, sys
      for line in sys.stdin:
          message = json.loads(line)
          rewards = message["group"]["rewards"]
          if message["wave"] > 0 or len(rewards) == message["n"]:
              answer = {"admit": True}
          else:
              answer = {"later": message["n"] - len(rewards)} if any(rewards) else {"drop": True}
          print(json.dumps({"id": message["id"], **answer}), flush=True)
      """
    ])
    var options = ProcessWavesOptions()
    options.command = ProgramCommand(["python3", "waves.py"])
    options.folder = SpecPath(scripts.folder)
    (options.seconds, options.startSeconds, options.waits) = (300, 300, true)
    let policy = try ProcessWaves(options: options, assembly: .plain())
    try await withClosing({ await policy.close() }) { try await WaveLaws.check(policy, n: 8) }
  }
}
