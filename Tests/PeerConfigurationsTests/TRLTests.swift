// SPDX-License-Identifier: Apache-2.0
import PeerConfigurations
import PipelineCore
import Testing

@Suite("TRL's configurations", .timeLimit(.minutes(15)))
struct TRLTests {
  @Test("what a configuration leaves out is what TRL would use")
  func defaults() throws {
    let found = try Imported("num_generations: 8\nmodel_name_or_path: m")
    #expect(found.result.peer == .trl)
    #expect(found.stages == ["rollout", "reward", "advantage", "update"])
    #expect(found["stages.rollout"] == #"{"n":8,"sampling":{"temperature":1.0,"top_p":1.0,"max_tokens":512}}"#)
    #expect(found["stages.update.loss"] == #"{"use":"clip","with":{"epsilon_low":0.2,"epsilon_high":0.2}}"#)
    #expect(found["stages.update.aggregation"] == #""token-mean""#)
    #expect(found["stages.update.learning_rate"] == #"{"rate":1e-06,"shape":"linear"}"#)
    #expect(
      found["stages.update.optimizer"]
        == #"{"beta1":0.9,"beta2":0.999,"epsilon":1e-08,"weight_decay":0.0,"max_gradient_norm":1.0}"#)
    #expect(found["stages.update.kl"] == nil)
    #expect(found["source.batch.groups"] == "1")
    #expect(found["source.epochs"] == "3")
    #expect(found["training"] == #"{"checkpoints":{"every":500}}"#)
    #expect(found["seed"] == "42")
  }

  @Test("a command line: options with and without values, the batch of several processes, updates of a batch")
  func commandLine() throws {
    let found = try Imported(
      """
      accelerate launch --config_file zero3.yaml --num_processes 4 \\
        examples/scripts/grpo.py \\
        --model_name_or_path owner/Model-1.5B \\
        --learning_rate 1e-5 --warmup_ratio 0.1 --weight_decay 0.1 \\
        --per_device_train_batch_size 8 --gradient_accumulation_steps 2 --steps_per_generation 8 --num_iterations 2 \\
        --num_generations=16 --beta 0.04 --epsilon_high 0.28 --delta 1.5 --entropy_coef 0.01 \\
        --scale_rewards none --mask_truncated_completions --max_steps 80 \\
        --reward_funcs accuracy_reward think_format_reward my_lib.rewards.short --reward_weights 1.0 0.5 0.2 \\
        --use_peft --lora_r 32 --lora_target_modules "q_proj", "v_proj"
      """, file: "run.sh")
    // 8 · 4 · 8 = 256 completions of 16; 8 · 4 · 2 = 64 in an update.
    #expect(found["source.batch.groups"] == "16")
    #expect(found["stages.update.minibatches"] == "4")
    #expect(found["stages.update.epochs"] == "2")
    #expect(found["training.steps"] == "10")
    #expect(found.stages == ["rollout", "reward", "advantage", "filter", "update"])
    #expect(found["stages.filter"] == #"{"rule":"overlong"}"#)
    #expect(found["stages.advantage.estimator"] == #""dr-grpo""#)
    #expect(
      found["stages.update.loss"] == #"{"use":"clip","with":{"epsilon_low":0.2,"epsilon_high":0.28,"dual_clip":1.5}}"#)
    #expect(found["stages.update.kl"] == #"{"coefficient":0.04,"estimator":"k3"}"#)
    #expect(found["stages.update.entropy_bonus"] == "0.01")
    #expect(found["stages.update.learning_rate"] == #"{"rate":1e-05,"shape":"linear","warm_up_ratio":0.1}"#)
    #expect(found["stages.update.optimizer.decaying"] == #""matrices""#)
    #expect(
      found["stages.reward.functions"]
        == #"[{"use":"math-answer","name":"accuracy"},{"use":"think-format","weight":0.5},{"use":"process","with":{"command":["#
        + #""python3","my_lib/rewards.py"],"bridge":"trl","function":"short","reads":["response","answer"]},"weight":0.2,"name":"short"}]"#
    )
    #expect(
      found["policy"]
        == #"{"use":"worker","with":{"model":"owner/Model-1.5B","vision":"frozen","lora":{"rank":32,"alpha":32.0}}}"#)
    #expect(found.paths(.differs) == ["lora_target_modules"])
  }

  @Test(
    "losses",
    arguments: [
      ("loss_type: grpo", #"{"use":"clip","with":{"epsilon_low":0.2,"epsilon_high":0.2}}"#, "seq-mean-token-mean"),
      (
        "loss_type: dr_grpo", #"{"use":"clip","with":{"epsilon_low":0.2,"epsilon_high":0.2}}"#,
        "seq-mean-token-sum-norm"
      ),
      // The largest weight itself, and none that is least.
      (
        "loss_type: cispo, epsilon_high: 5", #"{"use":"cispo","with":{"epsilon_low":1.0,"epsilon_high":4.0}}"#,
        "token-mean"
      ),
      ("loss_type: sapo", #"{"use":"sapo","with":{"tau_positive":1.0,"tau_negative":1.05}}"#, "seq-mean-token-mean"),
      (
        "loss_type: grpo, importance_sampling_level: sequence, epsilon: 3e-4, epsilon_high: 4e-4",
        #"{"use":"gspo","with":{"epsilon_low":0.0003,"epsilon_high":0.0004}}"#, "seq-mean-token-mean"
      ),
    ])
  func losses(fields: String, loss: String, aggregation: String) throws {
    let found = try Imported("{num_generations: 8, max_completion_length: 300, \(fields)}")
    #expect(found["stages.update.loss"] == loss)
    #expect(found["stages.update.aggregation"] == "\"\(aggregation)\"")
    #expect(found["stages.update.longest"] == (aggregation.hasSuffix("norm") ? "300" : nil))
  }

  @Test(
    "schedules of transformers",
    arguments: [
      ("lr_scheduler_type: cosine, warmup_steps: 5", #"{"rate":1e-06,"shape":"cosine","warm_up_steps":5}"#),
      ("lr_scheduler_type: constant, warmup_steps: 5", #"{"rate":1e-06}"#),
      ("lr_scheduler_type: constant_with_warmup, warmup_steps: 0.2", #"{"rate":1e-06,"warm_up_ratio":0.2}"#),
      (
        "lr_scheduler_type: cosine_with_min_lr, lr_scheduler_kwargs: {min_lr: 1e-7}",
        #"{"rate":1e-06,"shape":"cosine","least_share":0.1}"#
      ),
    ])
  func schedules(fields: String, rate: String) throws {
    #expect(try Imported("{num_generations: 8, \(fields)}")["stages.update.learning_rate"] == rate)
  }

  @Test("a Python program: literal arguments count, computed ones are named, nothing is run")
  func python() throws {
    let program = #"""
      """Train.

      accelerate launch train.py \
          --model_name_or_path owner/Model-3B \
          --learning_rate 2e-5
      """
      from trl import GRPOConfig, GRPOTrainer
      args = GRPOConfig(
          output_dir="out",  # a place
          max_completion_length=1_024, loss_type='dr_grpo',
          beta=0.01, temperature=compute(1, "(,"), num_generations=4,
      )
      trainer = GRPOTrainer(model=name, args=args, reward_funcs=[think_format_reward, accuracy_reward])
      """#
    let found = try Imported(program, file: "train.py")
    #expect(found["stages.update.learning_rate.rate"] == "2e-05")
    #expect(found["stages.rollout.n"] == "4")
    #expect(found["stages.rollout.sampling.max_tokens"] == "1024")
    #expect(found["stages.update.longest"] == "1024")
    #expect(found["stages.reward.functions"] == #"["think-format",{"use":"math-answer","name":"accuracy"}]"#)
    #expect(
      found.findings(.differs) == [
        "temperature: train.py computes its value; set it as temperature=VALUE behind the file's name"
      ])
    #expect(
      try Imported(program, file: "train.py", ["--temperature", "0.7"])["stages.rollout.sampling.temperature"] == "0.7")
    #expect(Imported.refusal("print(1)", file: "other.py")?.hasPrefix("other.py holds no GRPOConfig(…)") == true)
  }

  @Test("a batch that does not hold whole groups is refused, as TRL refuses it")
  func batch() {
    #expect(
      Imported.refusal("{num_generations: 8, per_device_train_batch_size: 3}")
        == "a batch of 3 completions (per_device_train_batch_size × processes × steps_per_generation) does not hold whole groups of "
        + "num_generations (8), which TRL refuses too; the number of processes is that of `accelerate launch --num_processes`, or "
        + "set generation_batch_size")
  }
}
