# SPDX-License-Identifier: Apache-2.0
"""What a step costs on paper: bytes over the wire, memory of a rank, operations. Needs Python alone.

python3 -m shuffle_r1_worker.costs MODEL [--ranks 8] [--rollouts 8192] [--tokens 2048] …
python3 -m shuffle_r1_worker.costs MODEL --scale [--tokens 4096] …    the same step on 8, 64 and 512 GPUs

MODEL is the folder of a model, or 3B, 7B or 72B for the shapes of Qwen2.5-VL (its published config.json).
"""

from __future__ import annotations

import argparse
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PUBLISHED = {
    "3B": dict(
        hidden_size=2048, num_hidden_layers=36, num_attention_heads=16, num_key_value_heads=2, intermediate_size=11008,
        vocab_size=151936, tie_word_embeddings=True),
    "7B": dict(
        hidden_size=3584, num_hidden_layers=28, num_attention_heads=28, num_key_value_heads=4, intermediate_size=18944,
        vocab_size=152064, tie_word_embeddings=False),
    "72B": dict(
        hidden_size=8192, num_hidden_layers=80, num_attention_heads=64, num_key_value_heads=8, intermediate_size=29568,
        vocab_size=152064, tie_word_embeddings=False),
}
TOWER = dict(depth=32, hidden_size=1280, patch_size=14, temporal_patch_size=2, in_channels=3, spatial_merge_size=2)
TOWER_WIDTHS = {"3B": 3420, "7B": 3420, "72B": 3456}
WEIGHT, SINGLE = 2, 4
"""Bytes of a number in bfloat16, and in single precision."""
LOGITS = 1024
"""Rows whose logits exist at a time; `network.py`."""
RESPONSE_ENTRY, PROMPT_ENTRY, SEED = 4, 8, 8
"""Bytes of a response's length, of a prompt's length and its number of responses, of a seed."""


@dataclass(frozen=True)
class Shape:
    """A Qwen2.5-VL."""

    text: dict[str, Any]
    vision: dict[str, Any]

    @staticmethod
    def of(name: str) -> Shape:
        if name in PUBLISHED:
            text = PUBLISHED[name]
            return Shape(text, TOWER | {"intermediate_size": TOWER_WIDTHS[name], "out_hidden_size": text["hidden_size"]})
        config = json.loads((Path(name) / "config.json").read_text(encoding="utf-8"))
        text = config.get("text_config", config)
        tied = text.get("tie_word_embeddings", config.get("tie_word_embeddings", False))
        return Shape(text | {"tie_word_embeddings": tied}, TOWER | config["vision_config"])

    @property
    def key_width(self) -> int:
        """Numbers that a layer caches for each token, keys or values."""
        return self.text["num_key_value_heads"] * self.text["hidden_size"] // self.text["num_attention_heads"]

    @property
    def layer(self) -> int:
        """Weights of one layer of the decoder."""
        hidden, wide, key = self.text["hidden_size"], self.text["intermediate_size"], self.key_width
        return 2 * hidden * hidden + hidden + 2 * (hidden * key + key) + 3 * hidden * wide + 2 * hidden

    @property
    def embedding(self) -> int:
        return self.text["vocab_size"] * self.text["hidden_size"]

    @property
    def decoder(self) -> int:
        """Trainable weights with a frozen tower."""
        tables = 1 if self.text["tie_word_embeddings"] else 2
        return self.text["num_hidden_layers"] * self.layer + tables * self.embedding + self.text["hidden_size"]

    @property
    def tower(self) -> int:
        """Weights of the vision tower and its merger."""
        it = self.vision
        hidden, wide = it["hidden_size"], it["intermediate_size"]
        patch = it["in_channels"] * it["temporal_patch_size"] * it["patch_size"] ** 2
        block = 4 * hidden * hidden + 4 * hidden + 3 * hidden * wide + 2 * wide + hidden + 2 * hidden
        merged = hidden * it["spatial_merge_size"] ** 2
        merger = hidden + merged * merged + merged + merged * it["out_hidden_size"] + it["out_hidden_size"]
        return patch * hidden + it["depth"] * block + merger

    @property
    def cache(self) -> int:
        """Bytes of keys and values cached for each token."""
        return 2 * self.text["num_hidden_layers"] * self.key_width * WEIGHT

    def adapters(self, rank: int) -> int:
        """Weights of low-rank adapters on every matrix of the decoder's layers."""
        hidden, wide, key = self.text["hidden_size"], self.text["intermediate_size"], self.key_width
        sides = 2 * (hidden + hidden) + 2 * (hidden + key) + 3 * (hidden + wide)
        return self.text["num_hidden_layers"] * rank * sides


@dataclass(frozen=True)
class Step:
    """The workload of a step."""

    rollouts: int = 8192
    group: int = 16
    prompt: int = 512
    tokens: int = 2048
    trained: float = 0.5
    """The share of rollouts that is trained on, each once: those that pairwise sampling keeps."""
    pixels: int = 448 * 448
    """Of each prompt's image."""
    reference: bool = False

    @property
    def prompts(self) -> int:
        return math.ceil(self.rollouts / self.group)


def wire(step: Step) -> dict[str, int]:
    """Bytes of arrays over the wire, by message; headers add a few dozen for each response."""
    asked = step.prompts * (step.prompt * 4 + PROMPT_ENTRY)
    answers = step.rollouts * (step.tokens * 4 + RESPONSE_ENTRY)
    kept = round(step.rollouts * step.trained)
    kept_groups = min(step.prompts, kept)
    scored = kept_groups * (step.prompt * 4 + PROMPT_ENTRY) + kept * (step.tokens * 4 + RESPONSE_ENTRY)
    found = {
        "images": step.prompts * 3 * step.pixels,
        "generate": asked + step.rollouts * SEED + answers + step.rollouts * step.tokens * 4,
        # Log-probabilities out, gradients in.
        "accumulate": scored + 2 * kept * step.tokens * 4,
    }
    if step.reference:
        found["log-probs"] = scored + kept * step.tokens * 4
    return found


@dataclass(frozen=True)
class Settings:
    """The worker's settings."""

    ranks: int = 8
    lora: int = 0
    rows: int = 4096
    rows_at_once: int = 256
    tensor_parallel: int = 1


def memory(shape: Shape, step: Step, settings: Settings) -> dict[str, float]:
    """Bytes on one rank's device: sharded weights, layers recomputed in the backward pass, rollouts by transformers."""
    ranks = settings.ranks
    learning = shape.adapters(settings.lora) if settings.lora else shape.decoder
    all_weights = shape.decoder + shape.tower + (learning if settings.lora else 0)
    layers, hidden = shape.text["num_hidden_layers"], shape.text["hidden_size"]
    widest = max(hidden, shape.text["intermediate_size"])
    found = {
        "weights": WEIGHT * all_weights / ranks,
        # The weights, a gradient and two moments in single precision, and the gradient as it is computed.
        "optimizer": (4 * SINGLE + WEIGHT) * learning / ranks,
    }
    if step.reference and not settings.lora:
        found["reference"] = WEIGHT * (shape.decoder + shape.tower) / ranks
    if ranks > 1:
        # Two layers in transit, and what belongs to no layer.
        tables = 1 if shape.text["tie_word_embeddings"] else 2
        found["gathered"] = WEIGHT * (2 * shape.layer + tables * shape.embedding)
    # The inputs of all layers, one layer's activations, logits with their gradient.
    found["activations"] = (
        WEIGHT * settings.rows * (layers * hidden + 8 * hidden + 4 * widest) + 3 * SINGLE * LOGITS * shape.text["vocab_size"])
    found["keys and values"] = _passes(step, settings, 1)[1] * (step.prompt + step.tokens) * shape.cache
    return found


def operations(shape: Shape, step: Step) -> dict[str, float]:
    """Floating-point operations of the decoder: two for each weight and row, plus attention."""
    matrices = shape.decoder - (0 if shape.text["tie_word_embeddings"] else shape.embedding)
    layers, hidden = shape.text["num_hidden_layers"], shape.text["hidden_size"]
    length = step.prompt + step.tokens

    def rows(count: float, of: int) -> float:
        return count * of * (2 * matrices + 2 * layers * hidden * of)

    sampled = rows(step.prompts, step.prompt) + step.rollouts * step.tokens * (
        2 * matrices + 4 * layers * hidden * (step.prompt + step.tokens / 2))
    kept = step.rollouts * step.trained
    # Forward, forward again for recomputation, and twice as much for the backward pass.
    found = {"rollout": sampled, "update": 4 * rows(kept, length)}
    if step.reference:
        found["reference"] = rows(kept, length)
    return found


def decoding_seconds(shape: Shape, step: Step, settings: Settings, bandwidth: float) -> float:
    """The least time to sample in: each token reads all weights once for all rows, and each row's keys and values.

    Engines of `tensor_parallel` GPUs hold the whole model, and read at that many times `bandwidth`.
    """
    tokens, rows = _passes(step, settings, settings.tensor_parallel)
    behind = step.prompt + step.tokens / 2
    return tokens * (WEIGHT * shape.decoder + rows * behind * shape.cache) / (bandwidth * settings.tensor_parallel)


def gathering_seconds(shape: Shape, step: Step, settings: Settings, link: float) -> float:
    """The least time for sharded weights to be gathered while transformers samples: once for each token."""
    tokens, _ = _passes(step, settings, 1)
    return tokens * WEIGHT * shape.decoder * (1 - 1 / settings.ranks) / link


def sharing_seconds(shape: Shape, step: Step, settings: Settings, link: float) -> float:
    """The least time for an update's weights and gradients to pass between ranks.

    For each micro-batch a rank gathers the weights for the forward pass, again for the backward pass, and hands out its gradients.
    """
    rows = step.rollouts * step.trained * (step.prompt + step.tokens)
    micro_batches = math.ceil(rows / settings.rows / settings.ranks)
    return micro_batches * 3 * WEIGHT * shape.decoder * (1 - 1 / settings.ranks) / link


@dataclass(frozen=True)
class Machines:
    """Machines of eight GPUs."""

    flops: float = 0.4 * 989e12
    """Operations a second that a GPU reaches."""
    bandwidth: float = 3350e9
    """Bytes a second of a GPU's memory."""
    link: float = 450e9
    """Bytes a second into a GPU from others of its machine."""
    network: float = 50e9
    """Bytes a second into a GPU from other machines."""
    device: float = 80e9
    """Bytes of a GPU's memory."""
    wire: float = 411e6
    """Bytes a second between the pipeline and rank 0, as measured."""


def scaled(shape: Shape, step: Step, ranks: int, machines: Machines) -> dict[str, float]:
    """Seconds of a step's parts on so many GPUs, rollouts by vLLM on as few GPUs a model as hold it; bytes on each."""
    share = 0.4 * machines.device
    parallel = next((count for count in (1, 2, 4, 8) if WEIGHT * (shape.decoder + shape.tower) / count < share / 2), 8)
    settings = Settings(ranks=ranks, rows_at_once=256, tensor_parallel=parallel)
    held = memory(shape, step, settings)
    del held["keys and values"]
    found = operations(shape, step)
    return {
        "gigabytes": (sum(held.values()) + share) / 1e9,
        "sample, computing": found["rollout"] / ranks / machines.flops,
        "sample, memory": decoding_seconds(shape, step, settings, machines.bandwidth),
        "update, computing": found["update"] / ranks / machines.flops,
        "update, links": sharing_seconds(shape, step, settings, machines.link if ranks <= 8 else machines.network),
        "wire": sum(wire(step).values()) / machines.wire,
    }


def _passes(step: Step, settings: Settings, parallel: int) -> tuple[float, int]:
    """Passes that an engine of this many ranks makes for a step's tokens, and rows in each."""
    own = math.ceil(step.rollouts * parallel / settings.ranks)
    rows = min(settings.rows_at_once, own)
    return math.ceil(own / rows) * step.tokens, rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a model's folder, or 3B, 7B, 72B")
    parser.add_argument("--ranks", type=int, default=8, help="GPUs (8)")
    parser.add_argument("--rollouts", type=int, default=8192, help="of a step (8192)")
    parser.add_argument("--group", type=int, default=16, help="rollouts of a prompt (16)")
    parser.add_argument("--prompt", type=int, default=512, help="tokens of a prompt, those of its image included (512)")
    parser.add_argument("--tokens", type=int, default=2048, help="tokens of a response (2048)")
    parser.add_argument("--pixels", type=int, default=448 * 448, help="of a prompt's image (448 x 448)")
    parser.add_argument("--trained", type=float, default=0.5, help="share of rollouts that is trained on (0.5)")
    parser.add_argument("--reference", action="store_true", help="with log-probabilities of the first weights")
    parser.add_argument("--lora", type=int, default=0, metavar="RANK", help="adapters in place of the weights")
    parser.add_argument("--rows", type=int, default=4096, help="rows_per_micro_batch (4096)")
    parser.add_argument("--rows-at-once", type=int, default=256, help="generation.rows_at_once (256)")
    parser.add_argument("--tensor-parallel", type=int, default=1, help="GPUs that hold vLLM's model together (1)")
    parser.add_argument("--tflops", type=float, default=989, help="of a GPU in bfloat16, without sparsity (989, an H100 SXM)")
    parser.add_argument("--use", type=float, default=0.4, help="the share of them that is reached (0.4, an assumption)")
    parser.add_argument("--bandwidth", type=float, default=3350, help="GB/s of a GPU's memory (3350, an H100 SXM)")
    parser.add_argument("--link", type=float, default=450, help="GB/s into a GPU from others (450, NVLink of an H100 SXM)")
    parser.add_argument("--network", type=float, default=50, help="GB/s into a GPU from other machines (50, 400 Gbit/s)")
    parser.add_argument("--scale", action="store_true", help="a table of the same step on 8, 64 and 512 GPUs")
    given = parser.parse_args()
    try:
        shape = Shape.of(given.model)
    except (OSError, ValueError, KeyError) as error:
        parser.exit(2, f"costs: {given.model} is no folder of a Qwen2.5-VL model, nor 3B, 7B or 72B: {error}\n")
    step = Step(given.rollouts, given.group, given.prompt, given.tokens, given.trained, given.pixels, given.reference)
    settings = Settings(given.ranks, given.lora, given.rows, given.rows_at_once, given.tensor_parallel)
    print(f"{shape.decoder + shape.tower:,} weights, {shape.decoder:,} of them in the decoder")
    print("on paper, not measured\n")
    if given.scale:
        reached = given.tflops * 1e12 * given.use
        _scale(shape, step, Machines(reached, given.bandwidth * 1e9, given.link * 1e9, given.network * 1e9))
        return
    _table("over the wire, a step", wire(step), 1e9, "GB")
    _table(f"on each of {given.ranks} GPUs", memory(shape, step, settings), 1e9, "GB")
    reached = given.tflops * 1e12 * given.use * given.ranks
    _table(f"computing, {given.use:.0%} of {given.tflops:g} TFLOP/s reached", operations(shape, step), reached, "s")
    print("sampling is bound by memory and links")
    print(f"  vLLM, whole weights on {given.tensor_parallel} GPUs: at least {decoding_seconds(shape, step, settings, given.bandwidth * 1e9):.0f} s")
    if given.ranks > 1:
        print(f"  transformers, weights in shards: at least {gathering_seconds(shape, step, settings, given.link * 1e9):.0f} s")


def _scale(shape: Shape, step: Step, machines: Machines) -> None:
    """Of two things that go on at once the longer one counts."""
    parts = {ranks: scaled(shape, step, ranks, machines) for ranks in (8, 64, 512)}
    print(f"{'GPUs':22}" + "".join(f"{ranks:>12}" for ranks in parts))
    for name in parts[8]:
        unit = "" if name == "gigabytes" else ", s"
        title = "GB on each, of 80" if name == "gigabytes" else name + unit
        print(f"  {title:20}" + "".join(f"{found[name]:12.1f}" for found in parts.values()))
    print(f"  {'a step, s, at least':20}" + "".join(f"{_whole(found)[0]:12.1f}" for found in parts.values()))
    print(f"  {'the longest part':20}" + "".join(f"{_whole(found)[1]:>12}" for found in parts.values()))


def _whole(found: dict[str, float]) -> tuple[float, str]:
    """The seconds of a step, and which limit binds the longest part of it."""
    longest = [
        max((found["sample, computing"], "computing"), (found["sample, memory"], "memory")),
        max((found["update, computing"], "computing"), (found["update, links"], "links")), (found["wire"], "wire")]
    return sum(seconds for seconds, _ in longest), max(longest)[1]


def _table(title: str, rows: dict[str, float], unit: float, name: str) -> None:
    print(title)
    for row, value in (rows | {"all": sum(rows.values())}).items():
        print(f"  {row:16} {value / unit:10.2f} {name}")
    print()


if __name__ == "__main__":
    main()
