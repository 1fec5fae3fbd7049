// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import Testing

@Suite("model", .timeLimit(.minutes(15)), .ownThreads)
struct ModelTests {
  let sandbox: Sandbox

  init() throws { sandbox = try Sandbox.withModel() }

  @Test("a model that can be used: the report is what was recorded")
  func report() throws {
    let report = try sandbox.output("shuffle-r1 model model")
    let golden = Program.package.appendingPathComponent("Tests/PipelineCommandTests/Goldens/model-report.txt")
    if Program.recordsGoldens { try Data(report.utf8).write(to: golden) }
    #expect(report == (try? String(contentsOf: golden, encoding: .utf8)), "RECORD_GOLDENS=1 writes it anew")
  }

  @Test("as JSON, for programs")
  func json() throws {
    let report = try JSONValue(parsing: sandbox.output("shuffle-r1 model model --json"))
    #expect(report["architecture"] == "Qwen2_5_VLForConditionalGeneration")
    #expect(report["parameters"] == ["total": 38352, "vision": 12464, "language": 15648, "embeddings": 10240])
    #expect(report["dtypes"] == ["BF16"])
    #expect(report["context_length"] == 256)
    #expect(report["images"] == ["min_pixels": 64, "max_pixels": 1024])
    #expect(report["tokenizer"] == ["state": "found", "files": ["tokenizer.json"], "tokens": 304])
    #expect(report["memory"]?["training"]?["weights"]?.intValue == 4 * 38352)
    #expect(report["memory"]?["training"]?["gradients_and_moments_vision_trained"]?.intValue == 12 * 38352)
    #expect(report["problems"] == [])
  }

  @Test("everything that is missing or not supported is said at once")
  func problems() throws {
    try sandbox.output(
      """
      rm model/preprocessor_config.json model/model.safetensors; echo '{"eos_token_id": 999}' > model/generation_config.json
      sed -i.bak 's/"tokenizer_class"/&/; s/"merges": *\\[/&"a b c",/' model/tokenizer.json
      """)
    let outcome = try sandbox.run("shuffle-r1 model model")
    #expect(outcome.status == 1)
    #expect(outcome.output.contains("\n  tokenizer      cannot be used\n"))
    let errors = outcome.errors.split(separator: "\n")
    #expect(errors.count == 4)
    for (error, start) in zip(
      errors,
      [
        "model/generation_config.json: 'eos_token_id' has 999, it must be an id in 0..<320",
        "model has no weights: neither model.safetensors nor model.safetensors.index.json", "model/tokenizer.json",
        "model: has neither preprocessor_config.json nor processor_config.json",
      ])
    {
      #expect(error.hasPrefix("shuffle-r1: error: " + start))
    }
    let json = try JSONValue(parsing: sandbox.run("shuffle-r1 model model --json").output)
    #expect(json["problems"]?.arrayValue?.count == 4)
  }

  @Test("a model of another kind is named")
  func others() throws {
    try sandbox.output("sed -i.bak 's/\"qwen2_5_vl\"/\"llava\"/' model/config.json")
    let outcome = try sandbox.run("shuffle-r1 model model")
    #expect(outcome.status == 1)
    #expect(
      outcome.errors
        == "shuffle-r1: error: model/config.json: 'model_type' is \"llava\" (Qwen2_5_VLForConditionalGeneration), which is not "
        + "supported; supported: qwen2_vl, qwen2_5_vl, qwen3_vl, qwen2, qwen3, llama. The policy \"worker\" runs other models "
        + "of transformers\n")
  }

  @Test("without a tokenizer it can still be used; patches must be those of the vision tower")
  func parts() throws {
    try sandbox.output("rm model/tokenizer.json")
    let report = try sandbox.output("shuffle-r1 model model")
    #expect(report.contains("\n  tokenizer      missing: prompts and responses must be tokens already\n"))
    try sandbox.output("sed -i.bak 's/\"patch_size\": 4/\"patch_size\": 14/' model/preprocessor_config.json")
    try Case(
      "other patches", "shuffle-r1 model model > /dev/null",
      """
      shuffle-r1: error: model: the image processor's 'patch_size' is 14, but the vision tower in config.json takes 4
      """
    ).check(in: sandbox)
    try Case(
      "other patches", "shuffle-r1 generate --model model prompts.jsonl",
      """
      shuffle-r1: error: model: the image processor's 'patch_size' is 14, but the vision tower in config.json takes 4
      """
    ).check(in: sandbox)
    try Case(
      "no folder", "shuffle-r1 model nowhere", "shuffle-r1: error: there is no folder nowhere; check the path"
    ).check(in: sandbox)
  }

  @Test("text models and other families: all that was found")
  func families() throws {
    let fixtures = Program.package.appendingPathComponent("Tests/BundledPluginTests/Fixtures/families").path
    let llama = try sandbox.output("shuffle-r1 model '\(fixtures)/llama/model'")
    for line in [
      "architecture   Llama, LlamaForCausalLM",
      "positions      rotary; base 10,000, low ones divided by 4 as in Llama 3",
      "vision tower   none: prompts with images are refused",
      "chat template  missing: prompts must be tokens; add chat_template.jinja to give messages",
    ] {
      #expect(llama.contains("\n  \(line)\n"), "\(llama)")
    }
    #expect(llama.contains("divided as by GPT-2, digits apart; 5 bytes"))
    let json = try JSONValue(parsing: sandbox.output("shuffle-r1 model '\(fixtures)/qwen3_vl/model' --json"))
    #expect(json["family"] == "qwen3_vl")
    #expect(json["vision"]?["deepstack_blocks"] == [0, 2])
    #expect(json["problems"] == [])
  }

  @Test("check says what the policy takes, and what to change where that is too much")
  func memory() throws {
    func check(_ policy: String, batch: String = #", "batch": {"groups": 2}"#) throws -> String {
      try sandbox.write(
        "train.json",
        #"{"policy": {"use": "bundled", "with": {"model": "model"\#(policy)}}, "#
          + #""source": {"prompts": "p.jsonl", "provides": ["answer"]\#(batch)}, "#
          + #""stages": [{"use": "rollout", "with": {"n": 4, "sampling": {"max_tokens": 8}}}, "reward", "advantage", "update"]}"#
      )
      return try sandbox.output("shuffle-r1 check train.json")
    }
    let fine = "train.json: fine: rollout → reward → advantage → update\n"
    let step =
      "train.json: a step makes 8 rollouts, 4 of each of 2 prompts, and 1 update; where 10, 25 or 50 % of the rollouts are right, "
      + "34, 68 or 88 % of the groups have right and wrong ones\n"
    let takes = "train.json: the policy takes about "
    let prefix = fine + step + takes
    #expect(
      try check("")
        == prefix
        + "21.6 MB (weights 153 kB, their packed form 151 kB, gradients and moments 311 kB, "
        + "up to 4096 rows at a time 19.7 MB, rounding of sizes 1.3 MB), which fits here\n"
    )
    #expect(
      try check(#", "lora": {"rank": 4}, "rows_per_micro_batch": 1000"#)
        == prefix
        + "5.4 MB (weights 2.9 kB, adapters, gradients and moments 59.4 kB, up to 1000 rows at a time 5.0 MB, "
        + "rounding of sizes 319 kB), which fits here\n"
    )
    #expect(
      try check(#", "rows_per_micro_batch": 100"#)
        == prefix
        + "1.6 MB (weights 153 kB, their packed form 151 kB, gradients and moments 311 kB, sampling 8 responses of up to 8 "
        + "tokens after prompts of up to 496 together 873 kB, rounding of sizes 93.0 kB), which fits here\n"
    )
    // 64 prompts are sampled together where the spec does not say how many there are.
    #expect(
      try check("", batch: "")
        == fine + takes
        + "30.3 MB (weights 153 kB, their packed form 151 kB, gradients and moments 311 kB, sampling 256 responses of up to 8 "
        + "tokens after prompts of up to 15872 together 27.9 MB, rounding of sizes 1.8 MB), which fits here\n"
    )
    let large = try check(#", "rows_per_micro_batch": 1000000000"#)
    #expect(large.hasPrefix(prefix + "4.1 TB (weights"))
    #expect(
      large.hasSuffix(
        " that this machine has: set 'lora', which trains adapters; or lower 'rows_per_micro_batch'; or take a smaller model, or "
          + "the policy \"worker\" on a machine with more\n"))
    try sandbox.output("rm model/config.json")
    #expect(try check("") == fine + step)
  }
}
