# SPDX-License-Identifier: Apache-2.0
"""Opens a model: transformers' architecture with the weights of a folder, with adapters and shards if requested."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Iterator

import torch
from torch import nn

from .faults import WorkerFault
from .ranks import Ranks
from .settings import Settings
from .weights import WeightFiles, canonical

TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
ADAPTED = "q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj"
"""The matrices that get adapters: all of the decoder's layers, as the authors of LoRA and QLoRA advise."""
MOST_NAMED = 5


@contextlib.contextmanager
def _weightless() -> Iterator[None]:
    """Parameters are created without memory, buffers as usual."""
    register = nn.Module.register_parameter

    def on_meta(module: nn.Module, name: str, parameter: nn.Parameter | None) -> None:
        if parameter is not None and parameter.device.type != "meta":
            parameter = nn.Parameter(parameter.to("meta"), requires_grad=parameter.requires_grad)
        register(module, name, parameter)

    nn.Module.register_parameter = on_meta  # type: ignore[method-assign]
    try:
        yield
    finally:
        nn.Module.register_parameter = register  # type: ignore[method-assign]


def dtype(settings: Settings, device: torch.device) -> torch.dtype:
    """The number format of the computation."""
    if settings.dtype == "auto":
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    return TYPES[settings.dtype]


def build(folder: Path, settings: Settings) -> nn.Module:
    """The architecture named in `config.json`, without weights."""
    from transformers import AutoConfig, Qwen2_5_VLForConditionalGeneration

    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
    except Exception as error:
        raise WorkerFault(
            "model", f"{folder}/config.json cannot be read: {str(error).strip().splitlines()[0]}",
            "name the folder of a model in the Hugging Face layout") from None
    if config.model_type != "qwen2_5_vl":
        raise WorkerFault(
            "model", f"{folder} is a '{config.model_type}', this worker knows 'qwen2_5_vl'", "take a Qwen2.5-VL model")
    config._attn_implementation = settings.attention
    config.text_config.attention_dropout = 0.0
    with _weightless():
        model = Qwen2_5_VLForConditionalGeneration(config)
    # The padding token may be sampled: here its embedding is trained like any other.
    model.get_input_embeddings().padding_idx = None
    return model


def fill(model: nn.Module, files: WeightFiles, number_format: torch.dtype) -> None:
    """Loads a model's weights; they stay mapped from the file if they are stored in the wanted format."""
    wanted = {canonical(name): name for name, _ in model.named_parameters(remove_duplicate=True)}
    head = model.lm_head.weight is model.get_input_embeddings().weight
    computed = ("rotary_emb.inv_freq", "rotary_pos_emb.inv_freq")
    surplus = [name for name in files if name not in wanted and not name.endswith(computed)]
    faults = [f"'{name}' is missing" for name in wanted if name not in files]
    faults += [f"'{name}' is no part of the model" for name in surplus if not (head and name == "lm_head.weight")]
    for name, own in wanted.items():
        shape = tuple(model.get_parameter(own).shape)
        if name in files and files.shape(name) != shape:
            faults.append(f"'{name}' has the shape {list(files.shape(name))}, config.json makes it {list(shape)}")
    if faults:
        more = f", and {len(faults) - MOST_NAMED} more" if len(faults) > MOST_NAMED else ""
        raise WorkerFault(
            "model", f"the weights in {files.folder} do not fit its config.json: {'; '.join(faults[:MOST_NAMED])}{more}",
            "take weights and config.json from the same checkpoint")
    for name, own in wanted.items():
        module, _, last = own.rpartition(".")
        values = files.tensor(name).to(number_format)
        setattr(model.get_submodule(module), last, nn.Parameter(values, requires_grad=False))
    model.tie_weights()


def adapt(model: nn.Module, settings: Settings) -> None:
    """Adds low-rank adapters to the decoder; their initial values depend only on the seed."""
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError as error:
        raise WorkerFault("packages", f"policy.with.lora needs the package peft: {error}", "run `make worker`") from None
    torch.manual_seed(settings.seed)
    targets = rf".*language_model.*\.({ADAPTED})"
    inject_adapter_in_model(
        LoraConfig(r=settings.lora.rank, lora_alpha=settings.lora.alpha, lora_dropout=0.0, target_modules=targets), model)


def choose_learning(model: nn.Module, settings: Settings) -> None:
    """Marks the trainable parameters: all except the vision tower, or only adapters."""
    for name, parameter in model.named_parameters():
        if settings.lora.rank > 0:
            parameter.requires_grad_("lora_" in name)
        else:
            parameter.requires_grad_(settings.trains and (settings.vision == "trained" or not is_vision(name)))


def is_vision(name: str) -> bool:
    """Whether a parameter belongs to the vision tower."""
    return canonical(name).startswith("visual.")


def keep_few_activations(model: nn.Module) -> None:
    """Makes the model recompute layers in the backward pass instead of keeping them."""
    # The name changes with transformers 6.
    enable = getattr(model, "activation_checkpointing_enable", None) or model.gradient_checkpointing_enable
    model.train()
    enable({"use_reentrant": False})


def shards(settings: Settings, ranks: Ranks) -> bool:
    """Whether ranks share the weights, rather than each holding all of them."""
    return ranks.count > 1 and settings.sharding != "none"


def open_model(folder: Path, settings: Settings, ranks: Ranks) -> nn.Module:
    """A model with its weights, in CPU memory for now."""
    model = build(folder, settings)
    fill(model, WeightFiles(folder), dtype(settings, ranks.device))
    return model.eval()


def place(scorer: nn.Module, model: nn.Module, settings: Settings, ranks: Ranks) -> None:
    """Moves a model to its device: whole, or sharded by FSDP."""
    if not shards(settings, ranks):
        scorer.to(ranks.device)
        return
    from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard

    policy = MixedPrecisionPolicy(reduce_dtype=torch.float32)
    for layer in [*model.model.visual.blocks, *model.model.language_model.layers]:
        fully_shard(layer, mesh=ranks.mesh, mp_policy=policy)
    fully_shard(scorer, mesh=ranks.mesh, mp_policy=policy)
    for module in scorer.modules():
        if isinstance(module, FSDPModule):
            # The pipeline's gradient is that of a sum over all responses, on whichever rank they are.
            module.set_gradient_divide_factor(1.0)
            module.set_force_sum_reduction_for_comms(True)
