// SPDX-License-Identifier: Apache-2.0
import PeerConfigurations
import PipelineCore
import Testing

@Suite("Shuffle-R1's configurations", .timeLimit(.minutes(15)))
struct ShuffleR1Tests {
  private let config = """
    data:
      train_files: owner/set@train
      val_files: owner/set@test
      prompt_key: problem
      max_response_length: 2048
      rollout_batch_size: 512
      max_pixels: 1000000
    algorithm: {adv_estimator: grpo, disable_kl: false, use_kl_loss: true, kl_penalty: low_var_kl, kl_coef: 1.0e-2}
    worker:
      actor: {global_batch_size: 128, model: {model_path: owner/M, freeze_vision_tower: false}, optim: {lr: 1.0e-6}}
      rollout: {temperature: 1.0, n: 5, val_override_config: {temperature: 0.5, n: 1}}
      reward: {reward_type: function, compute_score: math}
    trainer: {total_episodes: 15, val_freq: 5, save_freq: 5, save_limit: 3, project_name: p}
    """
  private let script = #"""
    EXP=3B
    PROMPT="""You think first.
     Then box: \boxed{}."""
    python3 -m shuffle_r1.main \
      config=examples/config.yaml \
      data.system_prompt="${PROMPT}" \
      worker.rollout.n=16 \
      worker.rollout.top_p=0.99 \
      worker.actor.purning_ratio=0.4 \
      worker.rollout.val_override_config.n=8 \
      worker.actor.model.freeze_vision_tower=true \
      trainer.total_episodes=20 \
      trainer.experiment_name=${EXP} \
      trainer.experience_replay=true \
      trainer.sampling_weight=pos trainer.sampling_coeff=2 \
      algorithm.adv_estimator=pairwise_purning \
      algorithm.kl_coef=0.0
    """#

  @Test("the recipe: prompt, pixels, frozen tower, pairs, shuffle, reward, evaluation")
  func recipe() throws {
    try Imported.withFiles(["examples/config.yaml": config]) { folder in
      let found = try Imported(script, file: "run.sh", in: folder + "/examples")
      #expect(found.result.peer == .shuffleR1)
      #expect(found["name"] == #""p/3B""#)
      #expect(found.stages == ["rollout", "reward", "advantage", "pairwise-sample", "shuffle", "update"])
      #expect(found["source.format_prompt"] == #""You think first.\n Then box: \\boxed{}. {{ content }}""#)
      #expect(
        found["policy.with"] == #"{"model":"owner/M","vision":"frozen","min_pixels":262144,"max_pixels":1000000}"#)
      #expect(found["source.columns"] == #"{"prompt":"problem","answer":"answer","images":"images"}"#)
      #expect(found["source.epochs"] == "20")
      #expect(found["stages.rollout.sampling"] == #"{"temperature":1.0,"top_p":0.99,"max_tokens":2048}"#)
      #expect(found["stages.pairwise-sample"] == #"{"keep":0.6}"#)
      #expect(found["stages.shuffle"] == #"{"rounds":8,"weight_by":"positive","exponent":2.0}"#)
      #expect(
        found["stages.reward.functions"]
          == #"[{"use":"math-answer","with":{"extract":"boxed","unknown":"zero"},"weight":0.9,"name":"accuracy"},"#
          + #"{"use":"boxed-format","weight":0.1,"name":"format"}]"#)
      // One limit, no dual clip, no KL.
      #expect(found["stages.update.loss"] == #"{"use":"clip","with":{"epsilon_low":0.2,"epsilon_high":0.2}}"#)
      #expect(found["stages.update.minibatches"] == "4")
      #expect(found["stages.update.kl"] == nil)
      #expect(
        found["training.evaluation"]
          == #"{"prompts":"owner/set@test","every":5,"samples":8,"sampling":{"temperature":0.5,"top_p":0.99,"max_tokens":2048}}"#
      )
      #expect(found.paths(.differs) == [])
    }
  }

  @Test("a selection of saved rollouts has the reward, the pairs and the shuffle; the rest belongs to training")
  func replay() throws {
    let found = try Imported(
      config, ["algorithm.adv_estimator=pairwise_purning", "trainer.experience_replay=true", "trainer.replay_times=4"],
      for: .replay)
    #expect(found.stages == ["reward", "advantage", "pairwise-sample", "shuffle"])
    #expect(
      found["source"] == #"{"rollouts":"rollouts.jsonl","provides":["response","answer"],"batch":{"groups":512}}"#)
    #expect(found["stages.pairwise-sample"] == #"{"keep":1.0}"#)
    #expect(found["stages.shuffle"] == #"{"rounds":4}"#)
    #expect(found["policy"] == nil)
    #expect(found.findings(.supply) == [])
    #expect(found.findings(.differs) == [])
    #expect(found.findings(.silent).allSatisfy { $0.hasSuffix("it belongs to training: --train imports that") })
  }

  @Test("what is switched off is said to be off")
  func off() throws {
    let found = try Imported(config, ["worker.actor.purning_ratio=0.5", "trainer.replay_times=4"])
    #expect(found.stages == ["rollout", "reward", "advantage", "update"])
    #expect(found["stages.update.kl"] == #"{"coefficient":0.01,"estimator":"k3"}"#)
    #expect(
      found.findings(.silent).contains(
        "worker.actor.purning_ratio = 0.5: only the estimator 'pairwise_purning' drops pairs"))
    #expect(found.findings(.silent).contains("trainer.replay_times = 4: trainer.experience_replay is off"))
    #expect(
      Imported.refusal(
        config, file: "c.yaml", ["algorithm.adv_estimator=pairwise_purning", "worker.actor.purning_ratio=1"])
        == "'worker.actor.purning_ratio' is 1.0, it must lie in 0…1 and below 1")
  }

  @Test("a prompt with what Jinja would take for its own stays as it is")
  func rawPrompt() throws {
    let found = try Imported(config, ["data.system_prompt=say {{ this }}"])
    #expect(found["source.format_prompt"] == #""{% raw %}say {{ this }}{% endraw %} {{ content }}""#)
  }
}
