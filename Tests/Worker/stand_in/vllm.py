# SPDX-License-Identifier: Apache-2.0
"""A stand-in for vLLM, for the tests: the parts of its interface that the worker uses, with the names and rules that version
0.33 has, over transformers. It says nothing of vLLM itself; it shows that the worker gives it all weights, under the names of
the checkpoint, and understands what it answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterable

import torch
from safetensors.torch import load_file
from transformers import AutoConfig, AutoImageProcessor, Qwen2_5_VLForConditionalGeneration


@dataclass
class SamplingParams:
    """Drawn by none of it but `temperature` 0: greedy."""

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_tokens: int = 0
    max_tokens: int = 16
    stop: list[str] | None = None
    stop_token_ids: list[int] | None = None
    ignore_eos: bool = False
    seed: int | None = None
    detokenize: bool = True

    def __post_init__(self) -> None:
        if self.stop and not self.detokenize:
            raise ValueError("stop strings are only supported when detokenize is True")
        if self.top_k < -1 or not 0 < self.top_p <= 1:
            raise ValueError("top_k or top_p")


@dataclass
class Completion:
    token_ids: list[int]
    finish_reason: str


@dataclass
class RequestOutput:
    outputs: list[Completion]


class Model:
    """What `load_weights` fills: names and shapes as in the checkpoint."""

    def __init__(self, folder: Path):
        self.stored = load_file(folder / "model.safetensors")
        self.model = Qwen2_5_VLForConditionalGeneration(AutoConfig.from_pretrained(folder)).eval()
        self.load_weights(self.stored.items())

    def load_weights(self, weights: Iterable[tuple[str, torch.Tensor]]) -> set[str]:
        given = dict(weights)
        if {name: it.shape for name, it in given.items()} != {name: it.shape for name, it in self.stored.items()}:
            raise ValueError(f"not the weights of the checkpoint: {sorted(set(given) ^ set(self.stored))[:5]}")
        renamed = {}
        for name, tensor in given.items():
            long = name.replace("visual.", "model.visual.", 1) if name.startswith("visual.") else name
            if name.startswith("model.") and not name.startswith(("model.visual.", "model.language_model.")):
                long = name.replace("model.", "model.language_model.", 1)
            renamed[long] = tensor.float()
        missing, surplus = self.model.load_state_dict(renamed, strict=False)
        if surplus or set(missing) - {"lm_head.weight"}:
            raise ValueError(f"{missing} {surplus}")
        self.model.tie_weights()
        return set(given)


class LLM:
    """An engine in this process."""

    def __init__(
        self, model: str, *, dtype: str = "auto", seed: int = 0, gpu_memory_utilization: float = 0.92,
        tensor_parallel_size: int = 1, distributed_executor_backend: str | None = None,
        mm_processor_kwargs: dict[str, Any] | None = None,
    ):
        self.model = Model(Path(model))
        self.images = AutoImageProcessor.from_pretrained(model, use_fast=False)
        self.image_options = mm_processor_kwargs or {}
        self.stale = False

    def apply_model(self, function: Callable[[Any], Any]) -> list[Any]:
        self.stale = True
        return [function(self.model)]

    def reset_prefix_cache(self, reset_running_requests: bool = False, reset_connector: bool = False) -> bool:
        self.stale = False
        return True

    def generate(
        self, prompts: list[dict[str, Any]], sampling_params: list[SamplingParams], *, use_tqdm: bool = True
    ) -> list[RequestOutput]:
        if self.stale:
            raise RuntimeError("prefixes were computed with other weights")
        return [RequestOutput([self._respond(*it)]) for it in zip(prompts, sampling_params, strict=True)]

    @torch.no_grad()
    def _respond(self, prompt: dict[str, Any], parameters: SamplingParams) -> Completion:
        if parameters.temperature != 0:
            raise NotImplementedError("the stand-in is greedy")
        network, config = self.model.model, self.model.model.config
        tokens, inputs = list(prompt["prompt_token_ids"]), {}
        shown = prompt.get("multi_modal_data", {}).get("image", [])
        if shown:
            inputs = self.images(images=shown, return_tensors="pt", **self.image_options)
            counts = (inputs["image_grid_thw"].prod(-1) // config.vision_config.spatial_merge_size**2).tolist()
            expanded: list[int] = []
            for token in tokens:
                expanded += [token] * (counts.pop(0) if token == config.image_token_id else 1)
            tokens = expanded
        found: list[int] = []
        while len(found) < parameters.max_tokens:
            ids = torch.tensor([tokens + found])
            kinds = (ids == config.image_token_id).int()
            scores = network(input_ids=ids, mm_token_type_ids=kinds, **inputs).logits[0, -1]
            found.append(int(scores.argmax()))
            if found[-1] in (parameters.stop_token_ids or []) and len(found) > parameters.min_tokens:
                return Completion(found, "stop")
        return Completion(found, "length")
