# SPDX-License-Identifier: Apache-2.0
"""Samples responses with vLLM inside the worker's processes, and gives it the weights after each step.

Written after vLLM's documentation of offline inference and reinforcement learning, and its sources of version 0.33 (`LLM`,
`SamplingParams`, `LLM.apply_model`, `distributed_executor_backend="external_launcher"`). The tests run it against a stand-in
with those signatures. Not run against vLLM itself: no machine of its authors has had a GPU.
"""

from __future__ import annotations

import os
from typing import Any, Callable, Iterable

import torch

from .faults import WorkerFault
from .generator import Response
from .processor import Processor
from .ranks import Ranks
from .settings import Settings
from .work import Prompt, Request, Sampling


class VLLMEngine:
    """One engine for as many ranks as hold a model together, `tensor_parallel`; all of them ask it for the same.

    A response's seed is vLLM's own: it gives the same tokens again with the same version and batch, and others than the
    bundled policy.
    """

    def __init__(self, settings: Settings, processor: Processor, ranks: Ranks):
        # In this process, so that its model's weights are accessible.
        os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
        try:
            from vllm import LLM
        except ImportError as error:
            raise WorkerFault(
                "packages", f"policy.with.generation.engine is vllm, and it cannot be imported: {error}",
                "install it into the worker's environment (`.venv-worker/bin/pip install vllm`), or take transformers"
            ) from None
        parallel = settings.generation.tensor_parallel
        if ranks.count % parallel != 0:
            raise WorkerFault(
                "options", f"policy.with.generation.tensor_parallel is {parallel}, which does not divide {ranks.count} ranks",
                "take a divisor of the number of ranks")
        self.processor, self.pictures = processor, processor.pictures
        self._steps: int | None = None
        # torchrun has started the ranks; vLLM uses consecutive ones for each engine.
        launcher = {"distributed_executor_backend": "external_launcher"} if ranks.count > 1 else {}
        self.engine = LLM(
            model=str(settings.model), dtype="auto" if settings.dtype == "auto" else settings.dtype, seed=settings.seed,
            gpu_memory_utilization=settings.generation.memory_share,
            tensor_parallel_size=parallel, **self._bounds(settings), **launcher)

    @staticmethod
    def _bounds(settings: Settings) -> dict[str, Any]:
        """If the pipeline has resized the images within bounds, vLLM leaves them as they are."""
        if settings.prompts != "pipeline":
            return {}
        return {"mm_processor_kwargs": {"min_pixels": settings.min_pixels, "max_pixels": settings.max_pixels}}

    def synchronize(self, steps: int, weights: Callable[[], Iterable[tuple[str, torch.Tensor]]]) -> None:
        """Updates the weights that have changed, as whole tensors under the names of the files; every rank must call it."""
        if self._steps == steps:
            return
        self.engine.apply_model(lambda model: model.load_weights(weights()) and None)
        self.engine.reset_prefix_cache()
        self._steps = steps

    def run(self, numbered: list[tuple[int, Request]], sampling: Sampling) -> list[Response]:
        """All responses to requests, which have numbers; the trained model computes their log-probabilities."""
        from vllm import SamplingParams

        prompts, parameters, responses = [], [], []
        for number, request in numbered:
            prompt = self._prompt(request.prompt)
            for index, seed in enumerate(request.seeds):
                prompts.append(prompt)
                parameters.append(
                    SamplingParams(
                        temperature=sampling.temperature, top_p=sampling.top_p, top_k=sampling.top_k,
                        min_tokens=sampling.min_tokens, max_tokens=sampling.max_tokens, stop=sampling.stop or None,
                        stop_token_ids=sampling.end_tokens, ignore_eos=True, seed=int(seed) % 2**63,
                        detokenize=bool(sampling.stop)))
                responses.append(Response(number, index, int(seed), sampling.max_tokens))
        outputs = self.engine.generate(prompts, parameters, use_tqdm=False) if prompts else []
        for response, output in zip(responses, outputs, strict=True):
            response.tokens = list(output.outputs[0].token_ids)
            response.finish = "length" if output.outputs[0].finish_reason == "length" else "stop"
        return responses

    def _prompt(self, prompt: Prompt) -> dict[str, Any]:
        """Tokens with one placeholder for each image, which vLLM itself expands, and the images."""
        from PIL import Image

        tokens, place, counts = [], 0, iter(self._counts(prompt.images))
        while place < len(prompt.tokens):
            tokens.append(int(prompt.tokens[place]))
            is_image = prompt.images and prompt.tokens[place] == self.processor.image_token
            place += next(counts) if is_image else 1
        found: dict[str, Any] = {"prompt_token_ids": tokens}
        if prompt.images:
            found["multi_modal_data"] = {"image": [Image.fromarray(self.pictures.pixels(name)) for name in prompt.images]}
        return found

    def _counts(self, images: list[str]) -> list[int]:
        """The number of tokens of each image."""
        if not images:
            return []
        shown = self.processor.shown(images)
        if "image_grid_thw" not in shown.inputs:
            raise WorkerFault(
                "options", "policy.with.generation.engine is vllm, which is given images of models with 'image_grid_thw' only",
                "take transformers, or prompts without images")
        counts = shown.inputs["image_grid_thw"].prod(-1)
        return (counts * shown.placeholders // counts.sum()).tolist()
