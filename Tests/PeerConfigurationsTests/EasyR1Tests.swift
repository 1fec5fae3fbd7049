// SPDX-License-Identifier: Apache-2.0
import PeerConfigurations
import PipelineCore
import Testing

@Suite("EasyR1's configurations", .timeLimit(.minutes(15)))
struct EasyR1Tests {
  @Test("what a configuration leaves out is what EasyR1 would use")
  func defaults() throws {
    let found = try Imported("worker: {actor: {model: {model_path: m}}}\ndata: {train_files: t.jsonl}")
    #expect(found.result.peer == .easyR1)
    #expect(found.stages == ["rollout", "reward", "kl-penalty", "advantage", "update"])
    #expect(found["stages.kl-penalty"] == #"{"coefficient":0.001,"estimator":"k1"}"#)
    #expect(
      found["stages.update.loss"] == #"{"use":"clip","with":{"epsilon_low":0.2,"epsilon_high":0.3,"dual_clip":3.0}}"#)
    #expect(found["stages.update.aggregation"] == #""token-mean""#)
    #expect(found["stages.update.minibatches"] == "2")
    #expect(found["stages.update.learning_rate"] == #"{"rate":1e-06}"#)
    #expect(
      found["stages.update.optimizer"]
        == #"{"beta1":0.9,"beta2":0.999,"weight_decay":0.01,"max_gradient_norm":1.0}"#)
    #expect(found["policy.with"] == #"{"model":"m","vision":"trained","min_pixels":262144,"max_pixels":4194304}"#)
    #expect(found["source.columns"] == #"{"prompt":"prompt","answer":"answer","images":"images"}"#)
    #expect(found["source.batch.groups"] == "512")
    #expect(found["source.epochs"] == "15")
    #expect(
      found["stages.rollout"]
        == #"{"n":1,"sampling":{"temperature":1.0,"top_p":1.0,"max_tokens":512},"too_long":"skip","max_prompt_tokens":512}"#
    )
    #expect(found["seed"] == "1")
  }

  @Test("CISPO's and SAPO's limits, GSPO's with its dual clip")
  func losses() throws {
    func loss(_ actor: String) throws -> String? { try Imported("worker: {actor: {\(actor)}}")["stages.update.loss"] }
    #expect(
      try loss("loss_type: cispo, clip_ratio_low: 0, clip_ratio_high: 4")
        == #"{"use":"cispo","with":{"epsilon_low":0.0,"epsilon_high":4.0}}"#)
    #expect(try loss("loss_type: sapo") == #"{"use":"sapo","with":{"tau_positive":1.0,"tau_negative":1.05}}"#)
    #expect(
      try loss("loss_type: gspo_token, clip_ratio_low: 3e-4, clip_ratio_high: 4e-4")
        == #"{"use":"gspo-token","with":{"epsilon_low":0.0003,"epsilon_high":0.0004,"dual_clip":3.0}}"#)
    #expect(
      try loss("clip_ratio: 0.25") == #"{"use":"clip","with":{"epsilon_low":0.25,"epsilon_high":0.25,"dual_clip":3.0}}"#
    )
  }

  @Test(
    "the KL divergence: its estimator, in the loss or in the reward, or none",
    arguments: [
      ("use_kl_loss: true, kl_penalty: low_var_kl, kl_coef: 0.01", #"{"coefficient":0.01,"estimator":"k3"}"#, nil),
      (
        "kl_penalty: mse, kl_type: adaptive, kl_target: 0.2", nil,
        #"{"coefficient":0.001,"estimator":"k2","controller":"adaptive","target":0.2,"horizon":10000.0}"#
      ),
      ("disable_kl: true, use_kl_loss: true", nil, nil),
      ("kl_coef: 0, use_kl_loss: true", nil, nil),
    ] as [(String, String?, String?)])
  func kl(settings: String, inLoss: String?, inReward: String?) throws {
    let found = try Imported("algorithm: {\(settings)}\nworker: {}")
    #expect(found["stages.update.kl"] == inLoss)
    #expect(found["stages.kl-penalty"] == inReward)
    #expect(found.stages.contains("kl-penalty") == (inReward != nil))
  }

  @Test("warm-up as a share or a number, a falling rate, betas, decay, whose steps are those of the run")
  func schedule() throws {
    let found = try Imported(
      """
      worker:
        actor:
          optim: {lr: 2.0e-6, betas: [0.9, 0.95], weight_decay: 0.1, lr_warmup_ratio: 0.05, lr_scheduler_type: cosine, min_lr_ratio: 0.2}
          max_grad_norm: 0.5
      """)
    #expect(
      found["stages.update.learning_rate"]
        == #"{"rate":2e-06,"shape":"cosine","warm_up_ratio":0.05,"least_share":0.2,"counts":"steps"}"#)
    #expect(
      found["stages.update.optimizer"] == #"{"beta1":0.9,"beta2":0.95,"weight_decay":0.1,"max_gradient_norm":0.5}"#)
    let steps = try Imported("worker: {actor: {optim: {lr_warmup_steps: 10, lr_warmup_ratio: 0.5}}}")
    #expect(steps["stages.update.learning_rate"] == #"{"rate":1e-06,"warm_up_steps":10,"counts":"steps"}"#)
  }

  @Test("adapters go to the worker, with their rank and alpha")
  func adapters() throws {
    let found = try Imported(
      """
      worker: {actor: {model: {model_path: owner/M-7B, lora: {rank: 64, target_modules: all-linear, exclude_modules: .*visual.*}}}}
      """)
    #expect(found["policy.use"] == #""worker""#)
    #expect(found["policy.with.lora"] == #"{"rank":64,"alpha":64.0}"#)
    #expect(found.paths(.differs).contains { $0.contains("lora") } == false)
    #expect(
      found.findings(.supply).contains(
        #"policy.with.model = "owner/M-7B": a model on a hub; download it, and name its folder"#))
  }

  @Test("a reward function in a file is called through the bridge, with its arguments, and the filter finds its parts")
  func rewardFile() throws {
    let text = """
      algorithm: {online_filtering: true, filter_key: accuracy_normalized}
      worker:
        reward:
          reward_function: ./rewards/mine.py:score_it
          reward_function_kwargs: {max_length: 100, nested: {a: [1, 2]}}
      trainer: {max_try_make_batch: -1}
      """
    try Imported.withFiles(["rewards/mine.py": "", "examples/here": ""]) { folder in
      let found = try Imported(text, in: folder + "/examples")
      let process = try #require(found.spec["stages"]?.arrayValue?[1]["with"]?["functions"]?.arrayValue?.first)
      #expect(process["use"] == "process")
      #expect(process["name"] == "mine")
      #expect(process["with"]?["command"]?.arrayValue?.last?.stringValue?.hasSuffix("/rewards/mine.py") == true)
      #expect(process["with"]?["bridge"] == "easyr1")
      #expect(process["with"]?["function"] == "score_it")
      #expect(process["with"]?["arguments"]?.json == #"{"max_length":100,"nested":{"a":[1,2]}}"#)
      #expect(
        found["stages.filter"]
          == #"{"rule":"reward-band","low":0.01,"high":0.99,"score":"mine/accuracy_normalized","max_attempts":1000000}"#
      )
      #expect(found.findings(.supply).contains { $0.hasPrefix("stages.reward") } == false)
    }
    #expect(
      try Imported(text).findings(.supply).contains(
        #"stages.reward = "./rewards/mine.py:score_it": there is no such file here; put the Python file where the spec names it"#
      ))
  }

  @Test("EasyR1's example math.py is math-answer and the format where the file is not here")
  func mathReward() throws {
    let found = try Imported(
      """
      worker: {reward: {reward_function: ./examples/reward_function/math.py:compute_score, reward_function_kwargs: {format_weight: 0.2}}}
      """)
    #expect(
      found["stages.reward.functions"]
        == #"[{"use":"math-answer","with":{"extract":"boxed","unknown":"zero"},"weight":0.8,"name":"accuracy"},"#
        + #"{"use":"boxed-format","with":{"spaces_in_tags":"ignored"},"weight":0.2,"name":"format"}]"#)
  }

  @Test("evaluation samples as the rollouts do, but for what is overridden")
  func evaluation() throws {
    let found = try Imported(
      """
      data: {val_files: [a.jsonl, b.jsonl], max_response_length: 64}
      worker: {rollout: {n: 4, top_p: 0.9, val_override_config: {temperature: 0.6, n: 2}}}
      trainer: {val_freq: 5, val_before_train: false, save_freq: 3, save_limit: 7, max_steps: 40}
      """)
    #expect(
      found["training"]
        == #"{"steps":40,"checkpoints":{"every":3,"keep":7},"evaluation":{"prompts":["a.jsonl","b.jsonl"],"every":5,"before":false,"#
        + #""samples":2,"sampling":{"temperature":0.6,"top_p":0.9,"max_tokens":64}}}"#)
  }

  @Test("a split of a data set that is here becomes the files of the split")
  func splits() throws {
    try Imported.withFiles([
      "set/train-00000-of-00002.parquet": "", "set/train-00001-of-00002.parquet": "",
      "set/test-00000-of-00001.parquet": "",
      "set/README.md": "", "plain/rows.parquet": "", "nested/data/validation.parquet": "",
      "saved/train/data-0.arrow": "",
      "one.parquet": "",
    ]) { folder throws in
      func files(_ name: String) throws -> [String] {
        let prompts = try Imported("data: {train_files: \(folder)/\(name)}\nworker: {actor: {}}").spec["source"]?[
          "prompts"]
        let paths = prompts?.arrayValue ?? [prompts ?? .null]
        return paths.compactMap { $0.stringValue?.replacing(folder + "/", with: "") }
      }
      #expect(try files("set@train") == ["set/train-00000-of-00002.parquet", "set/train-00001-of-00002.parquet"])
      #expect(try files("set@test") == ["set/test-00000-of-00001.parquet"])
      #expect(try files("plain@train") == ["plain/rows.parquet"])
      #expect(try files("nested@validation") == ["nested/data/validation.parquet"])
      #expect(try files("saved@train") == ["saved/train/data-0.arrow"])
      #expect(try files("one.parquet@train") == ["one.parquet"])
      // No file of that split: the path stays, with a remark.
      #expect(try files("set@validation") == ["set@validation"])
    }
  }

  @Test("settings behind the file count over it, as on the command line, and config= is read from above the script")
  func script() throws {
    let script = """
      MODEL=owner/Model-3B
      python3 -m verl.trainer.main \\
        config=examples/config.yaml \\
        data.train_files=owner/set@train \\
        worker.actor.model.model_path=${MODEL} \\
        worker.rollout.val_override_config='{"n":16,"top_p":0.7}' \\
        algorithm.disable_kl=True \\
        trainer.logger=['console','wandb']
      """
    try Imported.withFiles(["examples/config.yaml": "data: {rollout_batch_size: 64}\nworker: {rollout: {n: 3}}"]) {
      folder in
      let found = try Imported(script, file: "run.sh", ["worker.rollout.n=6", "~data.seed"], in: folder + "/examples")
      #expect(found.result.peer == .easyR1)
      #expect(found["source.batch.groups"] == "64")
      #expect(found["stages.rollout.n"] == "6")
      #expect(found["policy.with.model"] == #""owner/Model-3B""#)
      #expect(
        found.findings(.supply).contains(
          #"source.prompts = "owner/set@train": a data set on a hub; download it, and name its files"#))
      #expect(found.stages.contains("kl-penalty") == false)
    }
    #expect(
      try Imported(script, file: "run.sh").findings(.supply).first
        == #"config = "examples/config.yaml": the file is not here, so that the peer's own defaults stand in its place; import "#
        + "again where it is")
  }

  @Test("what changes results is told from what does not, and each key has its reason")
  func reasons() throws {
    let found = try Imported(
      """
      data: {max_prompt_length: 100, image_dir: pictures, override_chat_template: null, mini_rollout_batch_size: 8}
      worker: {actor: {fsdp: {enable_full_shard: true}, mine: 1, optim: {strategy: adamw_bf16}}, rollout: {ignore_eos: false}}
      trainer: {val_only: false, logger: [file]}
      """)
    #expect(
      found.paths(.differs) == [
        "worker.reward.reward_function", "worker.actor.optim.strategy", "data.image_dir",
        "worker.actor.mine",
      ])
    #expect(
      found.paths(.silent) == [
        "data.mini_rollout_batch_size", "worker.actor.fsdp.enable_full_shard", "worker.rollout.ignore_eos",
        "trainer.val_only",
        "trainer.logger",
      ])
    #expect(
      found.findings(.differs).last == "worker.actor.mine = 1: neither EasyR1 nor Shuffle-R1 is known to have it")
  }

  @Test("faults name the key")
  func faults() {
    #expect(Imported.refusal("[]") == "the configuration is an array, it must be a table of settings")
    #expect(Imported.refusal("stages: []")?.contains("has none of 'worker', 'actor_rollout_ref'") == true)
    #expect(
      Imported.refusal("data: {rollout_batch_size: x}")
        == #"'data.rollout_batch_size' is "x", it must be a whole number"#)
    #expect(
      Imported.refusal("worker: {}\nalgorithm: {online_filtering: 3}")
        == "'algorithm.online_filtering' is 3, it must be true or false")
    #expect(
      Imported.refusal("worker: {}", ["what"])
        == "'what' is no setting; write key=value, as in algorithm.adv_estimator=grpo")
    #expect(
      Imported.refusal("python3 -m other.main a=1", file: "run.sh")
        == "run.sh starts no reinforcement learning of EasyR1, Shuffle-R1, verl or TRL, it starts `python3 -m other.main`; give the "
        + "script with `python3 -m verl.trainer.main_ppo …` or the like, or the configuration itself")
  }
}
