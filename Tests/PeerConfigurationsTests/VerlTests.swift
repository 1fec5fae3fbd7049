// SPDX-License-Identifier: Apache-2.0
import PeerConfigurations
import PipelineCore
import Testing

@Suite("verl's configurations", .timeLimit(.minutes(15)))
struct VerlTests {
  @Test("what a configuration leaves out is what verl would use")
  func defaults() throws {
    let found = try Imported("actor_rollout_ref: {model: {path: m}}\nalgorithm: {adv_estimator: grpo}")
    #expect(found.result.peer == .verl)
    #expect(found.stages == ["rollout", "reward", "advantage", "update"])
    #expect(
      found["stages.update.loss"] == #"{"use":"clip","with":{"epsilon_low":0.2,"epsilon_high":0.2,"dual_clip":3.0}}"#)
    #expect(found["stages.update.minibatches"] == "4")
    #expect(
      found["stages.update.optimizer"] == #"{"beta1":0.9,"beta2":0.999,"weight_decay":0.01,"max_gradient_norm":1.0}"#)
    #expect(found["source.batch.groups"] == "1024")
    #expect(found["source.epochs"] == "30")
    #expect(
      found["stages.rollout"]
        == #"{"n":1,"sampling":{"temperature":1.0,"top_p":1.0,"max_tokens":512},"too_long":"error","max_prompt_tokens":512}"#
    )
    #expect(found["policy"] == #"{"use":"bundled","with":{"model":"m","vision":"trained"}}"#)
    #expect(found["name"] == nil)
    #expect(found["source.columns"] == nil)
  }

  @Test("KL in the loss by its own estimator, schedule, betas, adapters, entropy bonus, trained tower, columns")
  func everything() throws {
    let found = try Imported(
      """
      algorithm: {adv_estimator: grpo, kl_penalty: kl, use_kl_in_reward: false}
      data: {train_files: train.parquet, train_batch_size: 512, image_key: pictures}
      actor_rollout_ref:
        model: {path: m, lora_rank: 8, lora_alpha: 4, exclude_modules: .*visual.*}
        actor:
          ppo_mini_batch_size: 100
          use_kl_loss: true
          kl_loss_coef: 0.02
          kl_loss_type: low_var_kl
          entropy_coeff: 0.003
          freeze_vision_tower: true
          optim: {lr: 1e-5, lr_warmup_steps_ratio: 0.2, lr_scheduler_type: cosine, min_lr_ratio: 0.05, betas: [0.8, 0.9]}
      """)
    #expect(found["stages.update.kl"] == #"{"coefficient":0.02,"estimator":"k3"}"#)
    #expect(
      found["stages.update.learning_rate"]
        == #"{"rate":1e-05,"shape":"cosine","warm_up_ratio":0.2,"least_share":0.05,"counts":"steps"}"#)
    #expect(found["stages.update.optimizer.beta1"] == "0.8")
    #expect(found["stages.update.optimizer.beta2"] == "0.9")
    #expect(found["stages.update.entropy_bonus"] == "0.003")
    #expect(found["stages.update.minibatches"] == "6")
    #expect(
      found["policy"] == #"{"use":"worker","with":{"model":"m","vision":"frozen","lora":{"rank":8,"alpha":4.0}}}"#)
    #expect(found["source.columns"] == #"{"prompt":"prompt","answer":"reward_model.ground_truth","images":"pictures"}"#)
    #expect(found.findings(.silent).contains(#"algorithm.kl_penalty = "kl": algorithm.use_kl_in_reward is off"#))
  }

  @Test("KL in the reward is a stage before the advantage, with its controller; both places can be on")
  func klInReward() throws {
    let found = try Imported(
      """
      algorithm:
        adv_estimator: rloo
        use_kl_in_reward: true
        kl_penalty: k3
        kl_ctrl: {type: adaptive, kl_coef: 0.01, target_kl: 0.2, horizon: 500}
      actor_rollout_ref: {actor: {use_kl_loss: true, kl_loss_type: k1}}
      """)
    #expect(found.stages == ["rollout", "reward", "kl-penalty", "advantage", "update"])
    #expect(
      found["stages.kl-penalty"]
        == #"{"coefficient":0.01,"estimator":"k3","controller":"adaptive","target":0.2,"horizon":500.0}"#)
    #expect(found["stages.update.kl"] == #"{"coefficient":0.001,"estimator":"k1"}"#)
    let straight = try Imported("actor_rollout_ref: {actor: {use_kl_loss: true, kl_loss_type: k3+}}")
    #expect(straight["stages.update.kl.estimator"] == #""k2""#)
    #expect(straight.paths(.differs).contains("actor_rollout_ref.actor.kl_loss_type"))
  }

  @Test(
    "losses, and the aggregation that verl gives them",
    arguments: [
      (
        "loss_agg_mode: seq-mean-token-mean",
        #"{"use":"clip","with":{"epsilon_low":0.2,"epsilon_high":0.2,"dual_clip":3.0}}"#, "seq-mean-token-mean"
      ),
      (
        "policy_loss: {loss_mode: gspo}, clip_ratio_low: 3e-4, clip_ratio_high: 4e-4",
        #"{"use":"gspo","with":{"epsilon_low":0.0003,"epsilon_high":0.0004}}"#, "seq-mean-token-mean"
      ),
      (
        "policy_loss: {loss_mode: sapo}, tau_pos: 2",
        #"{"use":"sapo","with":{"tau_positive":2.0,"tau_negative":1.05}}"#, "seq-mean-token-mean"
      ),
      (
        "policy_loss: {loss_mode: cispo}, clip_ratio_high: 5, clip_ratio_low: 10",
        #"{"use":"cispo","with":{"epsilon_low":1.0,"epsilon_high":5.0}}"#, "token-mean"
      ),
      (
        "policy_loss: {loss_mode: geo_mean}",
        #"{"use":"clip","with":{"epsilon_low":0.2,"epsilon_high":0.2,"dual_clip":3.0}}"#, "token-mean"
      ),
      (
        "clip_ratio: 0.3, clip_ratio_low: null, clip_ratio_high: null, clip_ratio_c: 10",
        #"{"use":"clip","with":{"epsilon_low":0.3,"epsilon_high":0.3,"dual_clip":10.0}}"#, "token-mean"
      ),
    ])
  func losses(actor: String, loss: String, aggregation: String) throws {
    let found = try Imported("actor_rollout_ref: {actor: {\(actor)}}")
    #expect(found["stages.update.loss"] == loss)
    #expect(found["stages.update.aggregation"] == "\"\(aggregation)\"")
    #expect(
      found.paths(.differs).contains("actor_rollout_ref.actor.policy_loss.loss_mode") == actor.contains("geo_mean"))
  }

  @Test(
    "estimators",
    arguments: [
      ("grpo", #""grpo""#), ("grpo_passk", #""grpo-passk""#), ("rloo_vectorized", #""rloo""#),
      ("reinforce_plus_plus", #"{"use":"reinforce-plus-plus","with":{"gamma":0.9}}"#),
      ("gae", #""reinforce-plus-plus""#),
      ("opo", #""opo""#), ("gpg", #""grpo""#), ("remax", #""rloo""#),
    ])
  func estimators(peer: String, ours: String) throws {
    let text = "actor_rollout_ref: {}\nalgorithm: {adv_estimator: \(peer), gamma: 0.9}"
    let found = try Imported(text)
    #expect(found["stages.advantage.estimator"] == ours)
    #expect(found.paths(.differs).contains("algorithm.adv_estimator") == ["gae", "gpg", "remax"].contains(peer))
    let replay = try Imported(text, for: .replay)
    #expect(replay["source.provides"]?.contains("advantage") == ["gae", "gpg"].contains(peer))
  }

  @Test(
    "DAPO: groups without variance, attempts, its punishment of long responses; rewards in files through the bridge")
  func dapo() throws {
    let found = try Imported(
      """
      actor_rollout_ref: {rollout: {n: 16}}
      data: {max_response_length: 20480, gen_batch_size: 1536, train_files: [a.parquet, b.parquet]}
      algorithm: {adv_estimator: grpo, norm_adv_by_std_in_grpo: false, filter_groups: {enable: true, metric: acc, max_num_gen_batches: 10}}
      custom_reward_function: {path: my/score.py, name: judge, reward_kwargs: {strict: true}}
      reward_model:
        reward_manager: dapo
        reward_kwargs: {max_resp_len: 20480, overlong_buffer_cfg: {enable: true, len: 4096, penalty_factor: 0.5, log: false}}
      """)
    #expect(found["stages.filter"] == #"{"rule":"zero-variance","max_attempts":10}"#)
    #expect(found["stages.advantage.estimator"] == #""dr-grpo""#)
    #expect(
      found["stages.reward.functions"]
        == #"[{"use":"process","with":{"command":["python3","my/score.py"],"bridge":"verl","function":"judge","arguments":{"strict":true},"#
        + #""reads":["response","answer"]},"name":"score"},{"use":"soft-overlong","with":{"max_length":20480,"cache":4096},"weight":0.5}]"#
    )
    #expect(found["source.prompts"] == #"["a.parquet","b.parquet"]"#)
    #expect(
      found.paths(.differs) == [
        "data.gen_batch_size", "reward_model.reward_kwargs.overlong_buffer_cfg.penalty_factor",
        "algorithm.filter_groups.metric",
      ])
  }

  @Test("a run script: Hydra's signs, quoted lists, arithmetic, Megatron's schedule")
  func script() throws {
    let script = """
      set -x
      response=$((1024 * 8))
      files="['$HOME/a.parquet', '$HOME/b.parquet']"
      CONFIG=(
        actor_rollout_ref.actor.optim.lr_decay_style=linear
        +actor_rollout_ref.actor.optim.min_lr=1e-7
      )
      python3 -m verl.trainer.main_ppo --config-path=config \\
        --config-name='ppo_megatron_trainer.yaml' \\
        algorithm.adv_estimator=grpo \\
        data.train_files="$files" \\
        data.max_response_length=${response} \\
        ++data.truncation='left' \\
        actor_rollout_ref.actor.optim.lr=1e-6 \\
        "${CONFIG[@]}" \\
        trainer.n_gpus_per_node=8 $@
      """
    let found = try Imported(script, file: "run_it.sh")
    #expect(found["source.prompts"] == #"["/home/me/a.parquet","/home/me/b.parquet"]"#)
    #expect(found["stages.rollout.sampling.max_tokens"] == "8192")
    #expect(found["stages.rollout.too_long"] == #""cut""#)
    #expect(
      found["stages.update.learning_rate"] == #"{"rate":1e-06,"shape":"linear","least_share":0.1,"counts":"steps"}"#)
  }

  @Test("evaluation is greedy unless it says that it samples; a test at the beginning alone is one at the ends here")
  func evaluation() throws {
    let greedy = try Imported("actor_rollout_ref: {}\ndata: {val_files: v.parquet}")
    #expect(
      greedy["training.evaluation"]
        == #"{"prompts":"v.parquet","every":0,"samples":1,"sampling":{"temperature":0,"top_p":1.0,"max_tokens":512}}"#)
    let sampled = try Imported(
      """
      actor_rollout_ref: {rollout: {val_kwargs: {do_sample: true, temperature: 0.8, top_p: 0.7, n: 4}}}
      data: {val_files: v.parquet}
      trainer: {test_freq: 10, val_before_train: false, save_freq: 20, total_training_steps: 200}
      """)
    #expect(
      sampled["training"]
        == #"{"steps":200,"checkpoints":{"every":20},"evaluation":{"prompts":"v.parquet","every":10,"before":false,"samples":4,"#
        + #""sampling":{"temperature":0.8,"top_p":0.7,"max_tokens":512}}}"#)
    let none = try Imported(
      "actor_rollout_ref: {}\ndata: {val_files: v.parquet}\ntrainer: {test_freq: False, val_before_train: false}")
    #expect(none["training.evaluation"] == nil)
  }

  @Test("correction for rollouts of another engine")
  func correction() throws {
    let found = try Imported(
      "actor_rollout_ref: {}\nalgorithm: {rollout_correction: {rollout_is: sequence, rollout_is_threshold: 3.0, rollout_rs: token}}"
    )
    #expect(found["stages.update.importance"] == #"{"level":"sequence","mode":"truncate","cap":3.0}"#)
    #expect(found.paths(.differs).contains("algorithm.rollout_correction.rollout_rs"))
  }

  @Test("saved rollouts keep the reward that they carry")
  func replay() throws {
    let found = try Imported(
      "actor_rollout_ref: {}\nalgorithm: {adv_estimator: grpo}\ntrainer: {rollout_data_dir: dumps}", for: .replay)
    #expect(found["source"] == #"{"rollouts":"dumps/*.jsonl","provides":["reward"],"batch":{"groups":1024}}"#)
    #expect(found.stages == ["advantage"])
    #expect(found.findings(.differs) == [])
  }
}
