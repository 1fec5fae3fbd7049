// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import Testing

/// The shape of Shuffle-R1's published configuration and script: nothing is changed in what they become but the model, the
/// data's place, and how much of everything there is.
@Suite("Shuffle-R1's recipe, imported", .timeLimit(.minutes(15)), .ownThreads)
struct ImportedRecipeTests {
  private func sandbox() throws -> Sandbox {
    let sandbox = try Sandbox.withModel()
    try sandbox.output("mkdir -p examples")
    try sandbox.write(
      "examples/config.yaml",
      """
      data: {train_files: owner/set@train, val_files: owner/set@test, prompt_key: problem, answer_key: answer, image_key: images,
             max_prompt_length: 2048, max_response_length: 2048, rollout_batch_size: 512, shuffle: true, seed: 1,
             max_pixels: 3136, min_pixels: 784}
      algorithm: {adv_estimator: grpo, disable_kl: false, use_kl_loss: true, kl_penalty: low_var_kl, kl_coef: 1.0e-2}
      worker:
        actor: {global_batch_size: 128, max_grad_norm: 1.0, model: {model_path: owner/Model, freeze_vision_tower: false},
                optim: {lr: 1.0e-6, weight_decay: 1.0e-2, lr_warmup_ratio: 0.0}}
        rollout: {temperature: 1.0, n: 5, val_override_config: {temperature: 0.5, n: 1}}
        reward: {reward_type: function, compute_score: math}
      trainer: {total_episodes: 15, val_freq: 5, val_before_train: true, save_freq: 5, save_limit: 3}
      """)
    try sandbox.write(
      "examples/run.sh",
      #"""
      SYSTEM_PROMPT="""You FIRST think about the reasoning process and then provide the final answer.
       The final answer MUST BE put in \boxed{}."""
      epoch=20
      python3 -m shuffle_r1.main \
          config=examples/config.yaml \
          data.system_prompt="${SYSTEM_PROMPT}" \
          worker.rollout.n=16 worker.rollout.top_p=0.99 worker.rollout.val_override_config.n=8 \
          worker.actor.purning_ratio=0.5 worker.actor.model.freeze_vision_tower=true \
          trainer.total_episodes=${epoch} trainer.experience_replay=true \
          algorithm.adv_estimator=pairwise_purning algorithm.kl_coef=0.0
      """#)
    let rows = (0..<6).map { number in
      #"{"problem": "<image>How many circles, \#(number)?", "answer": "\#(number)", "images": ["image.png"]}"#
    }
    try sandbox.write("train.jsonl", rows.joined(separator: "\n") + "\n")
    return sandbox
  }

  private static let smaller = """
    data.train_files=train.jsonl data.val_files=train.jsonl worker.actor.model.model_path=model trainer.max_steps=2 \
    data.max_prompt_length=200 data.max_response_length=4 data.rollout_batch_size=4 worker.actor.global_batch_size=2 \
    worker.rollout.n=4 worker.rollout.val_override_config.n=1
    """

  @Test("it trains on data of its shape, with its prompt, its pixels and its reward")
  func trains() throws {
    let sandbox = try sandbox()
    let imported = try sandbox.run("shuffle-r1 import-config examples/run.sh \(Self.smaller) --train -o spec.json")
    #expect(imported.errors.contains("differs from") == false)
    #expect(imported.errors.contains("to be supplied") == false)
    try sandbox.output("shuffle-r1 run spec.json -q -o out --set output.allow_empty=true")
    #expect(sandbox.completeSteps(of: "out") == 2)
    let metrics = try sandbox.records(in: "out/metrics.jsonl")
    #expect(metrics.count == 2)
    // Four prompts of four rollouts each; every reward is that of math-answer and of the format.
    #expect(metrics.allSatisfy { $0["reward/accuracy"] != nil && $0["reward/format"] != nil })
  }
}
