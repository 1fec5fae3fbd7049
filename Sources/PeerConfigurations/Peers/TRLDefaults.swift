// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// What TRL uses where a configuration says nothing.
///
/// Sources: TRL, `trl/trainer/grpo_config.py` and `model_config.py`; what that inherits of transformers'
/// `TrainingArguments`.
enum TRLDefaults {
  static let fields: JSONValue = [
    "learning_rate": 1e-6, "num_generations": 8, "max_completion_length": 512, "shuffle_dataset": true,
    "temperature": 1.0, "top_p": 1.0, "top_k": 0, "repetition_penalty": 1.0, "beta": 0.0, "num_iterations": 1,
    "epsilon": 0.2, "sapo_temperature_neg": 1.05, "sapo_temperature_pos": 1.0, "importance_sampling_level": "token",
    "scale_rewards": "group", "loss_type": "dapo", "mask_truncated_completions": false, "top_entropy_quantile": 1.0,
    "entropy_coef": 0.0, "use_adaptive_entropy": false, "multi_objective_aggregation": "sum_then_normalize",
    "per_device_train_batch_size": 8, "gradient_accumulation_steps": 1, "num_train_epochs": 3.0, "max_steps": -1,
    "lr_scheduler_type": "linear", "warmup_steps": 0, "warmup_ratio": 0.0, "weight_decay": 0.0, "adam_beta1": 0.9,
    "adam_beta2": 0.999, "adam_epsilon": 1e-8, "max_grad_norm": 1.0, "seed": 42, "save_strategy": "steps",
    "save_steps": 500, "eval_strategy": "no", "eval_on_start": false, "use_peft": false, "lora_r": 16, "lora_alpha": 32,
    "dataset_train_split": "train", "dataset_test_split": "test",
  ]
}
