# SPDX-License-Identifier: Apache-2.0
"""Samples responses with vLLM inside the worker's processes, and gives it the weights after each step.

Written after vLLM's documentation of offline inference, reinforcement learning and multimodal inputs
(docs.vllm.ai: `LLM`, `SamplingParams`, `distributed_executor_backend="external_launcher"`, `load_weights`).
Not run by its authors: no machine of theirs has had vLLM.
"""

from __future__ import annotations

import os
from typing import Any, Callable

import numpy as np
from torch import nn

from .faults import WorkerFault
from .generator import Response
from .pictures import Pictures
from .settings import Settings
from .weights import canonical
from .work import Group, Prompt, Request, Sampling


class VLLMEngine:
    """One engine for each rank, with a model that one GPU holds.

    A response's seed is vLLM's own: it gives the same tokens again with the same version and batch, and others than the
    bundled policy. Log-probabilities are computed by the model that is trained: those of vLLM differ by its rounding.
    """

    def __init__(self, settings: Settings, pictures: Pictures, config: Any):
        # In this process, so that its model's weights are at hand.
        os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
        try:
            from vllm import LLM
        except ImportError as error:
            raise WorkerFault(
                "packages", f"policy.with.generation.engine is vllm, and it cannot be imported: {error}",
                "install it into the worker's environment (`.venv-worker/bin/pip install vllm`), or take transformers"
            ) from None
        self.pictures, self.config = pictures, config
        self.merge = config.vision_config.spatial_merge_size
        self._steps: int | None = None
        launcher = {"distributed_executor_backend": "external_launcher"} if int(os.environ.get("WORLD_SIZE", "1")) > 1 else {}
        self.engine = LLM(
            model=str(settings.model), dtype="auto" if settings.dtype == "auto" else settings.dtype,
            gpu_memory_utilization=settings.generation.memory_share, tensor_parallel_size=1, seed=settings.seed, **launcher)

    def synchronize(self, steps: int, model: nn.Module) -> None:
        """Gives it the weights where they have changed; every rank must call it, for each holds a part."""
        if self._steps == steps:
            return
        target = self.engine.llm_engine.model_executor.driver_worker.model_runner.model
        for name, parameter in model.named_parameters():
            whole = parameter.detach()
            whole = whole.full_tensor() if hasattr(whole, "full_tensor") else whole
            target.load_weights([(canonical(name), whole)])
        self.engine.reset_prefix_cache()
        self._steps = steps

    def run(
        self, requests: list[Request], sampling: Sampling, finished: Callable[[list[Response], int], None], policy: Any
    ) -> list[Response]:
        """All responses of this rank's requests."""
        from vllm import SamplingParams

        prompts, parameters, responses = [], [], []
        for number, request in enumerate(requests):
            for index, seed in enumerate(request.seeds):
                prompts.append(self._prompt(request.prompt))
                parameters.append(
                    SamplingParams(
                        temperature=sampling.temperature, top_p=sampling.top_p, top_k=sampling.top_k or -1,
                        min_tokens=sampling.min_tokens, max_tokens=sampling.max_tokens, stop=sampling.stop or None,
                        stop_token_ids=sampling.end_tokens, ignore_eos=True, seed=int(seed) % 2**63,
                        detokenize=bool(sampling.stop)))
                responses.append(Response(number, index, int(seed), sampling.max_tokens))
        outputs = self.engine.generate(prompts, parameters, use_tqdm=False) if prompts else []
        for response, output in zip(responses, outputs):
            response.tokens = list(output.outputs[0].token_ids)
            response.finish = "length" if output.outputs[0].finish_reason == "length" else "stop"
        self._score(requests, responses, sampling, policy)
        finished(responses, sum(len(it.tokens) for it in responses))
        return responses

    def _prompt(self, prompt: Prompt) -> dict[str, Any]:
        """Tokens with one placeholder for each image, which vLLM expands by itself, and the images."""
        from PIL import Image

        tokens, place, images = [], 0, iter(prompt.images)
        while place < len(prompt.tokens):
            tokens.append(int(prompt.tokens[place]))
            if prompt.tokens[place] == self.config.image_token_id:
                rows, columns = self.pictures.grid(next(images))
                place += rows * columns // self.merge**2
            else:
                place += 1
        found: dict[str, Any] = {"prompt_token_ids": tokens}
        if prompt.images:
            found["multi_modal_data"] = {"image": [Image.fromarray(self.pictures.pixels(name)) for name in prompt.images]}
        return found

    @staticmethod
    def _score(requests: list[Request], responses: list[Response], sampling: Sampling, policy: Any) -> None:
        """Sets the log-probabilities that the model which is trained gives."""
        groups = [Group(request.prompt, []) for request in requests]
        for response in responses:
            groups[response.request].responses.append(np.array(response.tokens, np.int32))
        values = policy.own_log_probs(groups, sampling.temperature)
        start = 0
        for response in responses:
            end = start + len(response.tokens)
            response.log_probs = values[start:end].tolist()
            start = end
