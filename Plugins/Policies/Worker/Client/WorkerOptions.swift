// SPDX-License-Identifier: Apache-2.0
package import ModelInput
package import PipelineCore

extension WorkerPolicyBackend {
  /// The options.
  package struct Options: ComponentOptions {
    package var model = SpecPath("")
    package var vision = VisionUse.frozen
    package var rowsPerMicroBatch = 4096
    package var packing = Packing.auto
    package var minPixels = PixelLimit.model
    package var maxPixels = PixelLimit.model
    package var prompts = PromptMaker.auto
    package var python = "auto"
    package var ranks = 1
    package var command: [String] = []
    package var connect = ""
    package var device = Device.auto
    package var dtype = NumberFormat.auto
    package var attention = "auto"
    package var sharding = Sharding.auto
    package var gradientCheckpointing = false
    package var lora = LoRAOptions()
    package var optimizer = OptimizerChoice.fresh
    package var generation = WorkerGenerationOptions()
    package var limits = WorkerLimits()
    package var log = SpecPath("-")

    /// No model is set.
    package init() {}

    /// The help for each option.
    package static let help = [
      "model": "the folder of the model, relative to the spec's: config.json, model.safetensors, tokenizer.json",
      "vision": VisionUse.help,
      "rows_per_micro_batch":
        "tokens that are computed at a time on each rank, including padding; fewer need less memory, and change no gradient",
      "packing":
        "prompts and responses that are scored are one row without padding, each prompt once: on, off, or auto, which is on "
        + "where it computes on the CPU and the model allows it; the padding left is actor/padding",
      "prompts":
        "who makes tokens and gives images their size: worker, by the model's own processor, or auto, which is this program for "
        + "the families that it knows, and the worker for all others",
      "python":
        "a Python with the worker's packages, by name or path from the working folder; auto means that of `make worker`",
      "ranks": "the number of processes on this machine, one for each GPU; several are started by torchrun",
      "command":
        "a program that starts the worker, with its arguments, instead of Python: ssh, or torchrun for several nodes",
      "connect": "host:port or unix:PATH of a worker that was started with --listen, instead of starting one",
      "device": "cuda, cpu, or auto, which takes a GPU if there is one",
      "dtype": "float32, bfloat16, or auto, which is bfloat16 on a GPU; the optimizer always computes in float32",
      "attention":
        "transformers' implementation: sdpa, eager, flash_attention_2, …; auto is sdpa, or eager for a family without it",
      "sharding": "auto shards the weights over the ranks (FSDP); with none, each rank has all of them",
      "gradient_checkpointing": "recompute layers in the backward pass instead of keeping them: less memory, more time",
      "lora": "train low-rank adapters of the decoder instead of its weights (needs peft)",
      "optimizer":
        "what a new run begins with: fresh, or continue, which takes the optimizer's state in the model's folder, a checkpoint "
        + "of another run; a resume always takes its own",
      "generation": "how responses are sampled",
      "limits": "time limits of the worker",
      "log": "a file to which the worker's standard error is appended; - for none",
    ].merging(PixelLimits.help) { own, _ in own }

    var pixels: PixelLimits { PixelLimits(minPixels: minPixels, maxPixels: maxPixels) }

    /// The program that starts the worker; the one of `make worker` is no code of the spec's.
    package func programs() -> [String] {
      if !connect.isEmpty { return [] }
      return command.isEmpty ? (python == "auto" ? [] : [python]) : [command.joined(separator: " ")]
    }

    /// The problems of the values.
    package func problems() -> [OptionProblem] {
      var problems: [OptionProblem] = []
      if model.text.isEmpty || model.isStandardStream {
        problems.append(OptionProblem("model", "is missing; name the folder of a model"))
      }
      for (name, value) in [("rows_per_micro_batch", rowsPerMicroBatch), ("ranks", ranks)] where value < 1 {
        problems.append(OptionProblem(name, "is \(value), it must be at least 1"))
      }
      if python.isEmpty {
        problems.append(OptionProblem("python", "is empty; name a program, or 'auto' for the one of `make worker`"))
      }
      if let problem = ProgramEnvironment.problem(ofCommand: command) { problems.append(problem) }
      if command.first == "" { problems.append(OptionProblem("command", "begins with an empty text; name a program")) }
      problems += placeProblems() + pixels.problems
      if command.isEmpty, connect.isEmpty, generation.tensorParallel > 1, ranks % generation.tensorParallel != 0 {
        problems.append(
          OptionProblem(
            "generation.tensor_parallel", "is \(generation.tensorParallel), which does not divide the \(ranks) ranks"))
      }
      return problems
    }

    /// A worker is started here in one way, or runs elsewhere.
    private func placeProblems() -> [OptionProblem] {
      var problems: [OptionProblem] = []
      if !connect.isEmpty {
        if WorkerAddress(connect) == nil {
          problems.append(OptionProblem("connect", "is '\(connect)', it must be host:port or unix:PATH"))
        }
        if !command.isEmpty {
          problems.append(OptionProblem("connect", "names a worker that runs, and 'command' starts one; leave one out"))
        }
      }
      if ranks > 1, !connect.isEmpty || !command.isEmpty {
        problems.append(
          OptionProblem("ranks", "is \(ranks), but 'command' or 'connect' has a worker that starts its ranks by itself")
        )
      }
      return problems
    }
  }

  /// Who makes tokens and gives images their size.
  package enum PromptMaker: String, Codable, Sendable, CaseIterable {
    /// This program for families that it knows, the worker for others.
    case auto
    /// The worker.
    case worker
  }

  /// Whether prompts and responses are computed in one row without padding.
  package enum Packing: String, Codable, Sendable, CaseIterable {
    /// On the CPU, if the model allows it.
    case auto
    /// Always; a model that does not allow it is refused.
    case on
    /// Never.
    case off
  }

  /// The device.
  package enum Device: String, Codable, Sendable, CaseIterable {
    /// A GPU if there is one.
    case auto
    /// The CPU.
    case cpu
    /// An Nvidia GPU.
    case cuda
  }

  /// A number format.
  package enum NumberFormat: String, Codable, Sendable, CaseIterable {
    /// `bfloat16` on a GPU, `float32` elsewhere.
    case auto
    /// 32 bits.
    case float32
    /// 16 bits with the exponents of 32.
    case bfloat16
  }

  /// How ranks share the weights.
  package enum Sharding: String, Codable, Sendable, CaseIterable {
    /// Each has a part.
    case auto
    /// Each has all.
    case none
  }
}

/// Low-rank adapters: the trainable part is `B · A`, scaled by alpha / rank, added to the weights.
///
/// Source: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models" (arXiv 2106.09685).
package struct LoRAOptions: ComponentOptions, Hashable {
  package var rank = 0
  package var alpha = 16.0

  /// None.
  package init() {}

  /// The help for each option.
  package static let help = [
    "rank": "the rank of the adapters; 0 trains the weights themselves",
    "alpha": "adapters are scaled by alpha / rank",
  ]

  /// The problems of the values.
  package func problems() -> [OptionProblem] {
    var problems: [OptionProblem] = []
    if rank < 0 { problems.append(OptionProblem("rank", "is \(rank), it must be 0 or more")) }
    if !(alpha > 0 && alpha.isFinite) { problems.append(OptionProblem("alpha", "is \(alpha), it must be more than 0")) }
    return problems
  }
}

/// How a worker samples responses.
package struct WorkerGenerationOptions: ComponentOptions, Hashable {
  /// The engine.
  package enum Engine: String, Codable, Sendable, CaseIterable {
    /// The trained model itself, by transformers.
    case transformers
    /// vLLM, which receives the weights after each step.
    case vllm
  }

  package var engine = Engine.transformers
  package var rowsAtOnce = 256
  package var memoryShare = 0.4
  package var tensorParallel = 1

  /// The defaults.
  package init() {}

  /// The help for each option.
  package static let help = [
    "engine": "transformers samples with the trained model itself; vllm is faster on GPUs and must be installed",
    "rows_at_once": "transformers: responses generated together on each rank; fewer need less memory",
    "memory_share": "vllm: the share of each GPU's memory that it uses",
    "tensor_parallel": "vllm: the number of ranks that share one copy of the model, if it does not fit on one "
      + "GPU; a divisor of the ranks",
  ]

  /// The problems of the values.
  package func problems() -> [OptionProblem] {
    var problems: [OptionProblem] = []
    if rowsAtOnce < 1 { problems.append(OptionProblem("rows_at_once", "is \(rowsAtOnce), it must be at least 1")) }
    if !(memoryShare > 0 && memoryShare < 1) {
      problems.append(OptionProblem("memory_share", "is \(memoryShare), it must lie between 0 and 1"))
    }
    if tensorParallel < 1 {
      problems.append(OptionProblem("tensor_parallel", "is \(tensorParallel), it must be at least 1"))
    } else if tensorParallel > 1, engine == .transformers {
      problems.append(
        OptionProblem("tensor_parallel", "is \(tensorParallel), which is for vllm: transformers shares by 'sharding'"))
    }
    return problems
  }
}
