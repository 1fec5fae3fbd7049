// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// What verl uses where a configuration says nothing.
///
/// Source: verl, `verl/trainer/config/_generated_ppo_trainer.yaml` and `_generated_ppo_megatron_trainer.yaml`.
enum VerlDefaults {
  static let fsdp: JSONValue = [
    "data": [
      "prompt_key": "prompt", "image_key": "images", "max_prompt_length": 512, "max_response_length": 512,
      "train_batch_size": 1024, "shuffle": true, "filter_overlong_prompts": false, "truncation": "error",
    ],
    "actor_rollout_ref": [
      "model": ["lora_rank": 0, "lora_alpha": 16],
      "actor": [
        "ppo_mini_batch_size": 256, "clip_ratio": 0.2, "clip_ratio_low": 0.2, "clip_ratio_high": 0.2,
        "clip_ratio_c": 3.0,
        "tau_pos": 1.0, "tau_neg": 1.05, "freeze_vision_tower": false, "policy_loss": ["loss_mode": "vanilla"],
        "loss_agg_mode": "token-mean", "entropy_coeff": 0, "use_kl_loss": false, "kl_loss_coef": 0.001,
        "kl_loss_type": "low_var_kl", "ppo_epochs": 1,
        "optim": [
          "lr": 1e-6, "lr_warmup_steps": -1, "lr_warmup_steps_ratio": 0.0, "weight_decay": 0.01, "betas": [0.9, 0.999],
          "clip_grad": 1.0, "min_lr_ratio": 0.0, "lr_scheduler_type": "constant", "lr_decay_style": "constant",
          "min_lr": 0.0,
        ],
      ],
      "rollout": [
        "n": 1, "temperature": 1.0, "top_p": 1, "top_k": -1,
        "val_kwargs": ["n": 1, "temperature": 0, "top_p": 1.0, "top_k": -1, "do_sample": false],
      ],
    ],
    "algorithm": [
      "gamma": 1.0, "adv_estimator": "gae", "norm_adv_by_std_in_grpo": true, "use_kl_in_reward": false,
      "kl_penalty": "kl", "kl_ctrl": ["type": "fixed", "kl_coef": 0.001, "horizon": 10000, "target_kl": 0.1],
      "rollout_correction": ["rollout_is_threshold": 2.0],
    ],
    "custom_reward_function": ["name": "compute_score"],
    "trainer": [
      "total_epochs": 30, "save_freq": -1, "test_freq": -1, "val_before_train": true,
    ],
  ]
}
