// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineIO
import Testing

@Suite("Configurations of EasyR1, Shuffle-R1 and verl")
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
        #"data.train_files = "geo@train": no counterpart yet: it belongs to the reading of prompts"#,
        "algorithm.kl_coef = 0.0: no counterpart yet: it belongs to the policy and its update",
        #"worker.actor.optim.lr = "1.0e-6": no counterpart yet: it belongs to the policy and its update"#,
        "worker.rollout.n = 16: saved rollouts have the groups that they have",
        "worker.rollout.top_p = 0.99: no counterpart yet: it belongs to the sampling of rollouts",
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
