// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Why settings that were not converted have no counterpart, by the beginnings of their keys.
struct SettingReasons {
  private struct Entry {
    let prefixes: [String]
    let reason: String
    var matters = false
  }

  private let entries: [Entry]
  private let unknown: String

  /// Adds a finding for each given setting of which nothing was said and that was not used.
  func explainRest(_ context: inout ConversionContext) {
    for path in context.settings.paths where !context.settings.isUsed(path) && !context.findings.paths.contains(path) {
      let value = context.settings.givenValue(path)
      if value == .null || value == .array([]) || value == .object([]) { continue }
      guard let entry = entry(for: path) else {
        context.findings.differs(path, value, unknown)
        continue
      }
      // What is off changes nothing, even if it would change something where it is on.
      if entry.matters, value != .bool(false) {
        context.findings.differs(path, value, entry.reason)
      } else {
        context.findings.silent(path, value, entry.reason)
      }
    }
  }

  /// The entry with the longest beginning.
  private func entry(for path: String) -> Entry? {
    var best: (length: Int, entry: Entry)?
    for entry in entries {
      for prefix in entry.prefixes
      where path == prefix || path.hasPrefix(prefix + ".")
        || (prefix.hasSuffix("*") && path.hasPrefix(prefix.dropLast()))
      {
        if prefix.count > best?.length ?? -1 { best = (prefix.count, entry) }
      }
    }
    return best?.entry
  }

  private static let hardware = "it says how the peer shares work and memory among its GPUs"
  private static let logging = "it says what the peer logs, and where"
  private static let places = "it says where the peer saves and resumes: here `run --output` and `--resume` do"
  private static let critic = "there is no value model, and the estimator needs none"
  private static let loading = "it says how the peer's programs load data and models"

  /// EasyR1's and Shuffle-R1's.
  static let easyR1 = SettingReasons(
    entries: [
      Entry(
        prefixes: [
          "worker.actor.micro_batch_size*", "worker.actor.padding_free", "worker.actor.dynamic_batching",
          "worker.actor.ulysses*", "worker.actor.use_torch_compile", "worker.actor.fsdp", "worker.actor.offload",
          "worker.actor.strategy", "worker.actor.model.enable_gradient_checkpointing",
          "worker.rollout.gpu_memory_utilization",
          "worker.rollout.enforce_eager", "worker.rollout.enable_chunked_prefill",
          "worker.rollout.tensor_parallel_size",
          "worker.rollout.max_num_*", "worker.rollout.max_model_len", "worker.rollout.free_cache_engine",
          "worker.rollout.dtype", "worker.rollout.name", "worker.rollout.limit_images", "worker.ref",
          "worker.hybrid_engine",
          "worker.reward.num_cpus", "trainer.nnodes", "trainer.n_gpus_per_node", "data.filter_overlong_prompts_workers",
          "data.val_batch_size", "data.mini_rollout_batch_size",
        ], reason: hardware),
      Entry(
        prefixes: [
          "worker.rollout.disable_*", "trainer.logger", "trainer.val_generations_to_log", "trainer.ray_timeline",
        ], reason: logging),
      Entry(
        prefixes: [
          "trainer.save_checkpoint_path", "trainer.load_checkpoint_path", "trainer.find_last_checkpoint",
          "trainer.save_model_only",
        ], reason: places),
      Entry(prefixes: ["worker.critic", "trainer.critic_warmup"], reason: critic),
      Entry(
        prefixes: [
          "worker.actor.model.trust_remote_code", "worker.actor.model.tokenizer_path",
          "worker.reward.skip_special_tokens",
        ],
        reason: loading),
      Entry(prefixes: ["worker.rollout.seed"], reason: "the run's seed decides every draw"),
      Entry(prefixes: ["worker.rollout.val_override_config"], reason: "evaluation samples without it", matters: true),
      Entry(prefixes: ["data.video_key", "data.video_fps"], reason: "it is for videos, which are refused by name"),
      Entry(
        prefixes: ["data.image_dir"],
        reason: "paths of images are relative to the file that names them; move them there",
        matters: true),
      Entry(
        prefixes: ["data.override_chat_template"], reason: "prompts are rendered by the checkpoint's own chat template",
        matters: true),
      Entry(prefixes: ["worker.actor.model.override_config"], reason: "the model's config.json holds", matters: true),
      Entry(
        prefixes: ["worker.rollout.ignore_eos"], reason: "a response ends with the model's end token", matters: true),
      Entry(prefixes: ["trainer.val_only"], reason: "`shuffle-r1 evaluate` evaluates without training", matters: true),
      Entry(
        prefixes: [
          "worker.actor.use_nll_loss", "worker.actor.use_vis_pir", "worker.rollout.caption_n",
          "worker.rollout.answer_m",
        ],
        reason: "Shuffle-R1's published update does not use it"),
    ], unknown: "neither EasyR1 nor Shuffle-R1 is known to have it")

  /// verl's.
  static let verl = SettingReasons(
    entries: [
      Entry(
        prefixes: [
          "actor_rollout_ref.actor.ppo_micro*", "actor_rollout_ref.actor.ppo_max_token*",
          "actor_rollout_ref.actor.use_dynamic_bsz", "actor_rollout_ref.actor.fsdp_config",
          "actor_rollout_ref.actor.megatron",
          "actor_rollout_ref.actor.strategy", "actor_rollout_ref.actor.ulysses*", "actor_rollout_ref.actor.use_*",
          "actor_rollout_ref.actor.entropy_from_logits_with_chunking", "actor_rollout_ref.actor.entropy_checkpointing",
          "actor_rollout_ref.actor.veomni", "actor_rollout_ref.actor.load_weight",
          "actor_rollout_ref.actor.router_replay",
          "actor_rollout_ref.actor.grad_offload", "actor_rollout_ref.actor.micro_batch_size",
          "actor_rollout_ref.actor.policy_loss", "actor_rollout_ref.actor.kl_cov_ratio",
          "actor_rollout_ref.actor.data_loader_seed", "actor_rollout_ref.actor.profile*",
          "actor_rollout_ref.actor.optim.lr_warmup_init",
          "actor_rollout_ref.model.enable_*", "actor_rollout_ref.model.use_*", "actor_rollout_ref.model.fused_kernel*",
          "actor_rollout_ref.model.tiled_mlp", "actor_rollout_ref.ref", "actor_rollout_ref.hybrid_engine",
          "actor_rollout_ref.nccl_timeout", "actor_rollout_ref.rollout", "actor_rollout_ref.profiler",
          "trainer.nnodes", "trainer.n_gpus_per_node", "trainer.device", "trainer.balance_batch",
          "trainer.use_legacy_worker_impl",
          "trainer.ray_wait_register_center_timeout", "trainer.n_*", "ray_kwargs", "ray_init", "rollout",
          "transfer_queue",
          "async_training", "data.val_batch_size", "data.dataloader_num_workers",
          "data.filter_overlong_prompts_workers",
          "actor_rollout_ref.actor.optim.override_optimizer_config", "actor_rollout_ref.actor.loss_remove_*",
        ], reason: hardware),
      Entry(
        prefixes: [
          "trainer.logger", "trainer.log_val_generations", "trainer.validation_data_dir", "trainer.val_generations*",
          "global_profiler", "profiler", "trainer.profile_steps", "trainer.rollout_data_dir",
          "actor_rollout_ref.rollout.disable_log_stats", "actor_rollout_ref.rollout.trace",
          "actor_rollout_ref.actor.calculate_entropy", "trainer.log_*", "trainer.npu_profile",
        ], reason: logging),
      Entry(
        prefixes: [
          "trainer.default_local_dir", "trainer.default_hdfs_dir", "trainer.resume_*",
          "trainer.del_local_ckpt_after_load",
          "trainer.remove_previous_ckpt*", "actor_rollout_ref.actor.checkpoint", "trainer.max_critic_ckpt_to_keep",
          "trainer.esi_redundant_time",
        ], reason: places),
      Entry(prefixes: ["critic", "trainer.critic_warmup", "algorithm.lam"], reason: critic),
      Entry(
        prefixes: [
          "actor_rollout_ref.model.trust_remote_code", "actor_rollout_ref.model.external_lib",
          "actor_rollout_ref.model.tokenizer_path", "actor_rollout_ref.model.hf_config_path", "data.trust_remote_code",
          "data.use_shm", "data.tokenizer", "data.return_*", "data.image_patch_size", "data.validation_shuffle",
          "data.val_max_samples", "data.reward_fn_key", "actor_rollout_ref.rollout.load_format", "data.datagen",
        ], reason: loading),
      Entry(
        prefixes: ["actor_rollout_ref.rollout.calculate_log_probs", "actor_rollout_ref.rollout.logprobs_mode"],
        reason: "log-probabilities are always kept"),
      Entry(
        prefixes: [
          "actor_rollout_ref.rollout.multi_turn", "actor_rollout_ref.rollout.agent", "data.tool_config_path",
        ], reason: "a rollout is one response: no tools and no turns of an environment", matters: true),
      Entry(
        prefixes: ["actor_rollout_ref.rollout.do_sample", "actor_rollout_ref.rollout.ignore_eos"],
        reason: "rollouts are sampled, and end with the model's end token", matters: true),
      Entry(
        prefixes: ["actor_rollout_ref.model.override_config"], reason: "the model's config.json holds", matters: true),
      Entry(
        prefixes: ["actor_rollout_ref.model.custom_chat_template", "data.apply_chat_template_kwargs"],
        reason: "prompts are rendered by the checkpoint's own chat template", matters: true),
      Entry(
        prefixes: ["data.custom_cls", "data.sampler"], reason: "Python classes for data are not called", matters: true),
      Entry(
        prefixes: ["env"], reason: "there are no environments: a rollout is one response to one prompt", matters: true),
      Entry(
        prefixes: [
          "actor_rollout_ref.model.mtp", "actor_rollout_ref.model.lora",
          "actor_rollout_ref.actor.calculate_sum_pi_squared",
        ],
        reason: "there is no counterpart", matters: true),
      Entry(
        prefixes: [
          "actor_rollout_ref.checkpoint_engine", "actor_rollout_ref.model.torch_dtype",
          "actor_rollout_ref.model.lora.merge",
        ], reason: hardware),
      Entry(prefixes: ["data.video_key"], reason: "it is for videos, which are refused by name"),
      Entry(
        prefixes: ["reward_model", "reward_manager", "reward"],
        reason: "it belongs to the peer's reward manager: see that the rewards of the spec score the same",
        matters: true),
      Entry(
        prefixes: [
          "reward_model.use_reward_loop", "reward_model.num_workers", "reward_model.launch_reward_fn_async",
          "reward_model.enable_resource_pool", "reward_model.n_gpus_per_node", "reward_model.nnodes",
          "reward_model.strategy",
          "reward_model.reward_loop_source", "reward_model.reward_manager", "reward.num_workers",
        ], reason: hardware),
      Entry(
        prefixes: ["algorithm"], reason: "there is no counterpart", matters: true),
      Entry(prefixes: ["algorithm.pf_ppo"], reason: "algorithm.use_pf_ppo decides whether it counts"),
      Entry(
        prefixes: ["actor_rollout_ref.actor.shuffle"], reason: "minibatches are cut in order", matters: true),
      Entry(prefixes: ["trainer.val_only"], reason: "`shuffle-r1 evaluate` evaluates without training", matters: true),
      Entry(
        prefixes: ["actor_rollout_ref.actor.optim"], reason: "the optimizer is AdamW in float32", matters: true),
      Entry(prefixes: ["actor_rollout_ref.actor.optim.total_training_steps"], reason: "verl computes it itself"),
    ], unknown: "verl is not known to have it")

  /// TRL's, and transformers'.
  static let trl = SettingReasons(
    entries: [
      Entry(
        prefixes: [
          "bf16*", "fp16*", "tf32", "dtype", "torch_dtype", "gradient_checkpointing*", "use_vllm", "vllm_*",
          "attn_implementation", "ddp_*", "fsdp*", "deepspeed", "torch_compile*", "use_liger*",
          "ds3_gather_for_generation",
          "dataloader_*", "per_device_eval_batch_size", "use_transformers_*", "cache_implementation",
          "auto_find_batch_size",
          "optim_args", "accelerator_config", "pad_to_multiple_of", "load_in_*", "bnb_*", "use_bnb*",
          "torch_empty_cache_steps",
          "use_cpu", "transformers_continuous_batching_config",
        ], reason: hardware),
      Entry(
        prefixes: [
          "logging_*", "log_*", "report_to", "num_completions_to_print", "run_name", "project", "trackio*",
          "disable_tqdm",
          "include_*", "wandb*",
        ], reason: logging),
      Entry(
        prefixes: [
          "output_dir", "overwrite_output_dir", "push_to_hub*", "hub_*", "save_*", "resume_from_checkpoint",
          "load_best_model_at_end",
          "metric_for_best_model",
        ], reason: places),
      Entry(
        prefixes: [
          "model_revision", "trust_remote_code", "model_init_kwargs", "remove_unused_columns", "dataset_config",
          "lora_task_type",
          "dataset_streaming", "do_train", "do_eval",
        ], reason: loading),
      Entry(prefixes: ["disable_dropout"], reason: "there is no dropout"),
      Entry(prefixes: ["vespo_*"], reason: "only loss_type 'vespo' uses it"),
      Entry(
        prefixes: ["sync_ref_model", "ref_model_*"], reason: "the reference stays the initial policy", matters: true),
      Entry(
        prefixes: ["chat_template_kwargs", "chat_template_path"],
        reason: "prompts are rendered by the checkpoint's own chat template",
        matters: true),
      Entry(prefixes: ["generation_kwargs"], reason: "tokens are drawn without it", matters: true),
      Entry(
        prefixes: [
          "off_policy_mask_threshold", "use_bias_correction_kl", "max_tool_calling_iterations", "router_aux_loss_coef",
        ],
        reason: "there is no counterpart", matters: true),
      Entry(prefixes: ["data_seed"], reason: "the run's seed decides the order", matters: true),
      Entry(
        prefixes: ["max_prompt_length"], reason: "prompts may be as long as the model's context allows", matters: true),
      Entry(
        prefixes: ["use_dora", "use_rslora", "lora_modules_to_save", "lora_target_parameters"],
        reason: "adapters are plain LoRA", matters: true),
      Entry(
        prefixes: ["entropy_coef_*", "entropy_target"], reason: "use_adaptive_entropy decides whether it counts"),
    ], unknown: "TRL is not known to have it")
}
