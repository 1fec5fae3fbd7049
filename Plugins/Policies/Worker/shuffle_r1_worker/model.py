# SPDX-License-Identifier: Apache-2.0
"""Opens a model: transformers' architecture with the weights of a folder, with adapters and shards if requested."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Any, Iterator

import torch
from torch import nn

from .faults import WorkerFault, first_line
from .ranks import Ranks
from .settings import Settings
from .tested import TESTED
from .weights import StoredNames, WeightFiles, canonical, plain

TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
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
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
    except Exception as error:
        raise WorkerFault(
            "model", f"{folder}/config.json cannot be read: {first_line(error)}",
            "name the folder of a model in the Hugging Face layout") from None
    family = _family(config, folder)
    if getattr(config, "quantization_config", None) is not None:
        raise WorkerFault(
            "model", f"{folder}/config.json has a 'quantization_config'; quantised weights cannot be trained",
            "take the checkpoint in bfloat16 or float32, and policy.with.lora to save memory")
    model = _made(family, config, settings.attention, folder)
    if model.base_model is model:
        raise WorkerFault(
            "model", f"{folder} is a '{config.model_type}' whose class has no body apart from its output layer",
            "take a model of another family")
    # The padding token may be sampled: here its embedding is trained like any other.
    model.get_input_embeddings().padding_idx = None
    without_dropout(model)
    return model


def _made(family: type, config: Any, attention: str, folder: Path) -> nn.Module:
    """A model without weights; `auto` attention is PyTorch's own, or transformers' plain one for families without it."""
    tried = ["sdpa", "eager"] if attention == "auto" else [attention]
    for last, name in ((it == tried[-1], it) for it in tried):
        config._attn_implementation = name
        try:
            with _weightless():
                return family(config)
        except (ValueError, ImportError) as error:
            if last:
                raise WorkerFault(
                    "options", f"{folder} cannot be opened with policy.with.attention '{name}': {first_line(error)}",
                    "leave policy.with.attention out, or set it to eager") from None
    raise AssertionError


def _family(config: Any, folder: Path) -> type:
    """The class of a configuration's models that take text, or images and text, and go on with text."""
    from transformers import AutoModelForCausalLM, AutoModelForImageTextToText, __version__

    for auto in (AutoModelForImageTextToText, AutoModelForCausalLM):
        if type(config) in auto._model_mapping:
            found = auto._model_mapping[type(config)]
            return found[0] if isinstance(found, (tuple, list)) else found
    raise WorkerFault(
        "model",
        f"{folder} is a '{config.model_type}', which transformers {__version__} has neither as a causal language model nor as "
        "a model from images and text to text",
        f"take one that is; tested are {', '.join(sorted(TESTED))}")


def takes_images(model: nn.Module) -> bool:
    """Whether prompts may have images."""
    from transformers import AutoModelForImageTextToText

    return type(model.config) in AutoModelForImageTextToText._model_mapping


def without_dropout(model: nn.Module) -> None:
    """A policy's log-probabilities must be the same each time, also while it learns."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        for name in ("attention_dropout", "dropout", "hidden_dropout", "attn_dropout"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.0)


def decoder_name(model: nn.Module) -> str:
    """The name of the language model within the whole: `model.language_model`, or `model` where there is nothing else."""
    decoder = model.get_decoder()
    return next(name for name, module in model.named_modules() if module is decoder)


def vision_names(model: nn.Module) -> frozenset[str]:
    """The parameters before the language model: the vision tower, and what joins it to the language model."""
    if not takes_images(model):
        return frozenset()
    kept = [model.get_decoder(), model.get_input_embeddings(), model.get_output_embeddings()]
    language = {id(parameter) for module in kept for parameter in module.parameters()}
    return frozenset(canonical(plain(name)) for name, it in model.named_parameters() if id(it) not in language)


PROJECTORS = ("merger", "projector", "connector", "aligner")
"""What families call the modules that join the vision tower to the decoder, or a part of those names."""


def projector_names(model: nn.Module) -> frozenset[str]:
    """The parameters that join the vision tower to the decoder."""
    return frozenset(
        name for name in vision_names(model) if any(word in part for part in name.split(".") for word in PROJECTORS))


def fill(model: nn.Module, files: WeightFiles, number_format: torch.dtype) -> None:
    """Loads a model's weights; they stay mapped from the file if they are stored in the wanted format."""
    wanted = {canonical(name): name for name, _ in model.named_parameters(remove_duplicate=True)}
    # A tied weight may be stored under each of its names; buffers may be stored.
    others = {canonical(name): name for name in model.state_dict() if canonical(name) not in wanted}
    ignored = [re.compile(it) for it in model._keys_to_ignore_on_load_unexpected or []]
    computed = ("rotary_emb.inv_freq", "rotary_pos_emb.inv_freq")
    surplus = [
        name for name in files
        if name not in wanted and name not in others and not name.endswith(computed)
        and not any(it.search(name) or it.search(files.stored_name(name)) for it in ignored)
    ]
    faults = [f"'{name}' is missing" for name in wanted if name not in files]
    faults += [f"'{name}' is no part of the model" for name in surplus]
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
    buffers = dict(model.named_buffers())
    for name, own in others.items():
        if name in files and own in buffers:
            buffers[own].copy_(files.tensor(name))
    model.tie_weights()


def adapter_targets(model: nn.Module) -> str:
    """The layers that get adapters, as an expression: all linear ones of the decoder, as the authors of LoRA and QLoRA advise."""
    from transformers.pytorch_utils import Conv1D

    decoder, head = model.get_decoder(), model.get_output_embeddings()
    linear = [
        name.rpartition(".")[2] for name, it in decoder.named_modules()
        if isinstance(it, (nn.Linear, Conv1D)) and it is not head
    ]
    if not linear:
        raise WorkerFault(
            "options", f"policy.with.lora: the decoder of a '{model.config.model_type}' has no linear layers",
            "train all weights: leave policy.with.lora out")
    return rf"{re.escape(decoder_name(model))}\..*\.({'|'.join(dict.fromkeys(linear))})"


def adapt(model: nn.Module, settings: Settings, targets: str) -> None:
    """Adds low-rank adapters to the decoder; their initial values depend only on the seed."""
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError as error:
        raise WorkerFault("packages", f"policy.with.lora needs the package peft: {error}", "run `make worker`") from None
    torch.manual_seed(settings.seed)
    inject_adapter_in_model(
        LoraConfig(r=settings.lora.rank, lora_alpha=settings.lora.alpha, lora_dropout=0.0, target_modules=targets), model)


def choose_learning(model: nn.Module, settings: Settings) -> None:
    """Marks the trainable parameters: the decoder and what is asked for of the vision tower, or only adapters."""
    vision = vision_names(model)
    if settings.vision != "frozen" and not vision:
        raise WorkerFault(
            "options", f"policy.with.vision is '{settings.vision}', but a '{model.config.model_type}' has no vision tower",
            "leave policy.with.vision out")
    trained = {"frozen": frozenset(), "projector": projector_names(model), "trained": vision}[settings.vision]
    if settings.vision == "projector" and not trained:
        raise WorkerFault(
            "options",
            f"policy.with.vision is 'projector', but no module of a '{model.config.model_type}' is called so that it is known "
            f"as one ({', '.join(PROJECTORS)})", "set policy.with.vision to 'trained' or 'frozen'")
    for name, parameter in model.named_parameters():
        if settings.lora.rank > 0:
            parameter.requires_grad_("lora_" in name)
        else:
            learns = canonical(name) in trained or canonical(name) not in vision
            parameter.requires_grad_(settings.trains and learns)


def keep_few_activations(model: nn.Module) -> None:
    """Makes the model recompute layers in the backward pass instead of keeping them."""
    # The name changes with transformers 6.
    enable = getattr(model, "activation_checkpointing_enable", None) or model.gradient_checkpointing_enable
    model.train()
    enable({"use_reentrant": False})


def shards(settings: Settings, ranks: Ranks) -> bool:
    """Whether ranks share the weights, rather than each holding all of them."""
    return ranks.count > 1 and settings.sharding != "none"


def open_model(folder: Path, settings: Settings, ranks: Ranks) -> tuple[nn.Module, WeightFiles]:
    """A model with its weights, in CPU memory for now, and the files that they are from."""
    model = build(folder, settings)
    files = WeightFiles(folder, StoredNames(model))
    fill(model, files, dtype(settings, ranks.device))
    return model.eval(), files


def _layers(model: nn.Module) -> list[nn.Module]:
    """The repeated parts of decoder and vision tower, which are gathered one at a time."""
    found: list[nn.Module] = []
    inside: set[int] = set()
    for module in model.modules():
        if isinstance(module, nn.ModuleList) and id(module) not in inside:
            inside.update(id(it) for it in module.modules())
            found += [it for it in module if type(it).__name__.endswith(("Layer", "Block"))]
    return found


def place(scorer: nn.Module, model: nn.Module, settings: Settings, ranks: Ranks) -> None:
    """Moves a model to its device: whole, or sharded by FSDP."""
    if not shards(settings, ranks):
        scorer.to(ranks.device)
        return
    from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard

    policy = MixedPrecisionPolicy(reduce_dtype=torch.float32)
    for layer in _layers(model):
        fully_shard(layer, mesh=ranks.mesh, mp_policy=policy)
    fully_shard(scorer, mesh=ranks.mesh, mp_policy=policy)
    for module in scorer.modules():
        if isinstance(module, FSDPModule):
            # The pipeline's gradient is that of a sum over all responses, on whichever rank they are.
            module.set_gradient_divide_factor(1.0)
            module.set_force_sum_reduction_for_comms(True)
