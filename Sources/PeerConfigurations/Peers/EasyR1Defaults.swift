// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// What EasyR1 and Shuffle-R1 use where a configuration says nothing.
///
/// Sources: EasyR1, `verl/trainer/config.py` and `verl/workers/*/config.py`; Shuffle-R1, `shuffle_r1/config.py` and
/// `verl/workers/*/config.py`.
enum EasyR1Defaults {
  static let easyR1: JSONValue = [
    "data": [
      "prompt_key": "prompt", "answer_key": "answer", "image_key": "images", "max_prompt_length": 512,
      "max_response_length": 512, "rollout_batch_size": 512, "shuffle": true, "seed": 1, "min_pixels": 262_144,
      "max_pixels": 4_194_304, "filter_overlong_prompts": true,
    ],
    "algorithm": [
      "gamma": 1.0, "adv_estimator": "grpo", "disable_kl": false, "use_kl_loss": false, "kl_penalty": "kl",
      "kl_coef": 1e-3, "kl_type": "fixed", "kl_horizon": 10000.0, "kl_target": 0.1, "online_filtering": false,
      "filter_key": "overall", "filter_low": 0.01, "filter_high": 0.99,
    ],
    "worker": [
      "actor": [
        "global_batch_size": 256, "max_grad_norm": 1.0, "clip_ratio_low": 0.2, "clip_ratio_high": 0.3,
        "clip_ratio_dual": 3.0, "loss_avg_mode": "token", "loss_type": "default", "ppo_epochs": 1, "tau_positive": 1.0,
        "tau_negative": 1.05, "model": ["freeze_vision_tower": false, "lora": ["rank": 0, "alpha": 64]],
        "optim": [
          "lr": 1e-6, "betas": [0.9, 0.999], "weight_decay": 0.01, "lr_warmup_ratio": 0.0,
          "lr_scheduler_type": "constant",
        ],
      ],
      "rollout": ["n": 1, "temperature": 1.0, "top_p": 1.0, "top_k": -1],
    ],
    "trainer": [
      "total_epochs": 15, "max_try_make_batch": 20, "val_freq": -1, "val_before_train": true, "save_freq": -1,
      "save_limit": -1,
    ],
  ]

  static let shuffleR1: JSONValue = [
    "data": [
      "prompt_key": "prompt", "answer_key": "answer", "image_key": "images", "max_prompt_length": 512,
      "max_response_length": 512, "rollout_batch_size": 512, "shuffle": true, "seed": 1, "min_pixels": 262_144,
      "max_pixels": 4_194_304,
    ],
    "algorithm": [
      "gamma": 1.0, "adv_estimator": "grpo", "disable_kl": false, "use_kl_loss": false, "kl_penalty": "kl",
      "kl_coef": 1e-3, "kl_type": "fixed",
      "filter_groups": ["enable": false, "max_num_gen_batches": 10, "metric": "seq_reward"],
    ],
    "worker": [
      "actor": [
        "global_batch_size": 256, "max_grad_norm": 1.0, "clip_ratio": 0.2, "ppo_epochs": 1, "purning_ratio": 0.0,
        "model": ["freeze_vision_tower": false],
        "optim": [
          "lr": 1e-6, "betas": [0.9, 0.999], "weight_decay": 0.01, "lr_warmup_ratio": 0.0, "warmup_style": "constant",
        ],
      ],
      "rollout": ["n": 1, "temperature": 1.0, "top_p": 1.0, "top_k": -1],
      "reward": ["reward_type": "function", "compute_score": "math"],
    ],
    "trainer": [
      "total_episodes": 10, "val_freq": -1, "val_before_train": true, "save_freq": -1, "save_limit": -1,
      "experience_replay": false, "sampling_method": "power", "sampling_coeff": 1, "sampling_weight": "sum",
      "slice_sample": false, "replay_times": 8,
    ],
  ]
}
