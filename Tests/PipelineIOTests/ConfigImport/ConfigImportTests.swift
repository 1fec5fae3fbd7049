// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineIO
import Testing

@Suite("Configurations of EasyR1, Shuffle-R1 and verl", .timeLimit(.minutes(15)))
struct ConfigImportTests {
  private func config(_ text: String) throws -> ConfigImport {
    try ConfigImport(try JSONValue(parsing: text))
  }

  private func message(_ text: String) -> String? {
    do {
      _ = try config(text)
      return nil
    } catch { return "\(error)" }
  }

  @Test("Shuffle-R1: pairs, shuffle and the rest of the list")
  func shuffleR1() throws {
    let result = try config(
      """
      {"data": {"train_files": "geo@train", "rollout_batch_size": 512, "seed": 7},
       "algorithm": {"adv_estimator": "pairwise_purning", "kl_coef": 0.0},
       "worker": {"actor": {"purning_ratio": 0.4, "optim": {"lr": "1.0e-6"}}, "rollout": {"n": 16, "top_p": 0.99},
                  "reward": {"reward_type": "function", "compute_score": "math"}},
       "trainer": {"project_name": "easy_r1", "experiment_name": "3B", "experience_replay": true,
                   "replay_times": 4, "sampling_weight": "pos", "sampling_coeff": 2, "load_checkpoint_path": null}}
      """)
    #expect(
      result.spec.json
        == #"{"name":"easy_r1/3B","seed":7,"source":{"rollouts":"rollouts.jsonl","provides":["response","answer"],"batch":{"groups":512}},"stages":[{"use":"reward","with":{"functions":[{"use":"boxed-answer","weight":0.9},{"use":"format","weight":0.1}]}},{"use":"advantage","with":{"estimator":"grpo"}},{"use":"pairwise-sample","with":{"keep":0.6}},{"use":"shuffle","with":{"rounds":4,"weight_by":"positive","exponent":2.0}}],"output":{"rollouts":"selected.jsonl"}}"#
    )
    #expect(
      result.unmapped.map(\.description) == [
        #"data.train_files = "geo@train": it belongs to training: --train imports that"#,
        "algorithm.kl_coef = 0.0: it belongs to training: --train imports that",
        #"worker.actor.optim.lr = "1.0e-6": it belongs to training: --train imports that"#,
        "worker.rollout.n = 16: the groups of saved rollouts are fixed",
        "worker.rollout.top_p = 0.99: it belongs to training: --train imports that",
      ])
  }

  @Test("EasyR1: DAPO's filter by a part of the reward, and another's reward function")
  func easyR1() throws {
    let result = try config(
      """
      {"algorithm": {"adv_estimator": "rloo", "online_filtering": "true", "filter_key": "accuracy", "filter_low": 0.1},
       "worker": {"reward": {"reward_function": "./mine.py:score"}}}
      """)
    #expect(
      result.spec["stages"]?.json
        == #"[{"use":"filter","with":{"rule":"reward-band","low":0.1,"high":0.99,"score":"accuracy"}},{"use":"advantage","with":{"estimator":"rloo"}}]"#
    )
    #expect(result.spec["source"]?["provides"] == ["reward", "rewards"])
    #expect(
      result.unmapped == [
        .init(
          "worker.reward.reward_function", "./mine.py:score",
          "it is another program's function: the saved records must carry 'reward'")
      ])
  }

  @Test("verl: groups without variance, GRPO without the standard deviation, its dumps as source")
  func verl() throws {
    let result = try config(
      """
      {"actor_rollout_ref": {"rollout": {"n": 8}}, "data": {"train_batch_size": 256},
       "algorithm": {"adv_estimator": "grpo", "norm_adv_by_std_in_grpo": false,
                     "filter_groups": {"enable": true, "metric": "acc", "max_num_gen_batches": 10}},
       "trainer": {"rollout_data_dir": "dumps"}, "mine": 1}
      """)
    #expect(
      result.spec["source"]?.json
        == #"{"rollouts":"dumps/*.jsonl","provides":["reward"],"batch":{"groups":256}}"#)
    #expect(
      result.spec["stages"]?.json
        == #"[{"use":"filter","with":{"rule":"zero-variance"}},{"use":"advantage","with":{"estimator":"dr-grpo"}}]"#
    )
    #expect(
      result.unmapped.map(\.path) == [
        "actor_rollout_ref.rollout.n", "algorithm.filter_groups.metric",
        "algorithm.filter_groups.max_num_gen_batches",
        "mine",
      ])
  }

  @Test(
    "estimators",
    arguments: [
      ("grpo", #""grpo""#), ("grpo_passk", #""grpo-passk""#), ("remax", #""remax""#),
      ("reinforce_plus_plus", #"{"use":"reinforce-plus-plus","with":{"gamma":0.9}}"#),
    ])
  func estimators(peer: String, ours: String) throws {
    let result = try config(#"{"algorithm":{"adv_estimator":"\#(peer)","gamma":0.9}}"#)
    #expect(result.spec["stages"]?.arrayValue?[0]["with"]?["estimator"]?.json == ours)
    #expect(result.unmapped.map(\.path) == (peer.hasPrefix("reinforce") ? [] : ["algorithm.gamma"]))
  }

  @Test("GAE has no counterpart", arguments: ["gae", "opo"])
  func noEstimator(name: String) throws {
    let result = try config(#"{"algorithm":{"adv_estimator":"\#(name)"}}"#)
    #expect(result.spec["stages"] == [])
    #expect(result.spec["source"]?["provides"] == ["reward", "advantage"])
    #expect(result.unmapped.map(\.path) == ["algorithm.adv_estimator"])
  }

  @Test("EasyR1's training: policy, rollouts, dynamic sampling, updates, checkpoints, evaluation")
  func training() throws {
    let result = try ConfigImport(
      JSONValue(
        parsing: """
          {"data": {"train_files": "train.jsonl", "val_files": ["a.jsonl", "b.jsonl"], "rollout_batch_size": 512,
                    "max_response_length": 2048, "shuffle": true, "filter_overlong_prompts": true},
           "algorithm": {"adv_estimator": "grpo", "use_kl_loss": true, "kl_penalty": "low_var_kl", "kl_coef": 0.01,
                         "online_filtering": true},
           "worker": {"actor": {"global_batch_size": 128, "max_grad_norm": 1.0, "clip_ratio_low": 0.2,
                                "clip_ratio_high": 0.28, "model": {"model_path": "models/3B", "freeze_vision_tower": false},
                                "optim": {"lr": 1e-6, "weight_decay": 0.01}, "fsdp": {"enable_full_shard": true}},
                      "rollout": {"n": 8, "temperature": 1.0, "top_p": 0.99, "val_override_config": {"temperature": 0.5, "n": 1}},
                      "reward": {"compute_score": "math"}},
           "trainer": {"total_epochs": 15, "max_try_make_batch": 10, "val_freq": 5, "val_before_train": false, "save_freq": 5,
                       "save_limit": 3, "n_gpus_per_node": 8}}
          """), for: .training)
    let spec = result.spec
    #expect(spec["policy"]?.json == #"{"use":"bundled","with":{"model":"models/3B","vision":"trained"}}"#)
    #expect(
      spec["source"]?.json
        == #"{"prompts":"train.jsonl","provides":["answer"],"epochs":15,"batch":{"groups":512}}"#)
    let stages = try #require(spec["stages"]?.arrayValue)
    #expect(stages.compactMap { $0["use"]?.stringValue } == ["rollout", "reward", "filter", "advantage", "update"])
    #expect(
      stages.first?["with"]?.json
        == #"{"n":8,"sampling":{"temperature":1.0,"top_p":0.99,"max_tokens":2048},"too_long":"skip"}"#)
    #expect(stages[2]["with"]?["max_attempts"] == 10)
    #expect(
      stages[4]["with"]?.json
        == #"{"loss":{"use":"clip","with":{"epsilon_low":0.2,"epsilon_high":0.28}},"minibatches":4,"#
        + #""learning_rate":{"rate":1e-06},"optimizer":{"weight_decay":0.01,"max_gradient_norm":1.0},"#
        + #""kl":{"coefficient":0.01,"estimator":"k3"}}"#)
    #expect(
      spec["training"]?.json
        == #"{"checkpoints":{"every":5,"keep":3},"evaluation":{"prompts":["a.jsonl","b.jsonl"],"every":5,"before":false,"#
        + #""samples":1,"sampling":{"temperature":0.5,"max_tokens":2048}}}"#)
    #expect(
      result.unmapped.map(\.description) == [
        "worker.actor.fsdp.enable_full_shard = true: it concerns GPUs and memory, or has no counterpart",
        "trainer.n_gpus_per_node = 8: it concerns the peer's trainer",
      ])
  }

  @Test("faults name the key")
  func faults() {
    #expect(message("[]") == "the configuration is an array, it must be a table of settings")
    #expect(
      message("{}")
        == "the configuration has none of 'worker', 'actor_rollout_ref', 'algorithm', 'data' and 'trainer': it is "
        + "neither EasyR1's nor verl's")
    #expect(message(#"{"data":{"seed":"x"}}"#) == #"'data.seed' is "x", it must be a whole number from 0"#)
    #expect(
      message(#"{"algorithm":{"online_filtering":3}}"#)
        == "'algorithm.online_filtering' is 3, it must be true or false")
    #expect(
      message(#"{"algorithm":{"adv_estimator":"pairwise_purning"},"worker":{"actor":{"purning_ratio":1}}}"#)
        == "'worker.actor.purning_ratio' is 1.0, it must lie in 0…1 and below 1")
  }
}
