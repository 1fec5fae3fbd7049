#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a random model of the shape of Qwen2.5-VL-3B or Qwen3-VL-4B, and measures the bundled policy on it.

usage: large_model.py [FOLDER] [THREADS] [qwen2_5_vl|qwen3_vl]

FOLDER (.large) gets 7.5 or 8.9 GB of BF16 weights in shards, unless they are there; writing takes little memory. Then
`policy-probe measure` loads them, scores a response to a prompt with an image, and generates. transformers scores the
same in float32, a layer at a time, so that it needs 3 GB and no more. Fails where a log-probability differs by more
than 1e-4, or the policy took 1.5 GB or more beside the weights.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import torch
from safetensors import safe_open

import families
import reference
from families import Prompt
from reference import draw_image

ROOT = Path(__file__).resolve().parents[2]
PROBE = os.environ.get("POLICY_PROBE", str(ROOT / ".build/release/policy-probe"))
SHARD_BYTES = 2 << 30
# Beside the weights.
MEMORY_LIMIT = 1.5e9
TOLERANCE = 1e-4
IDS = {
    "image_token_id": 151655, "video_token_id": 151656, "vision_start_token_id": 151652, "vision_end_token_id": 151653,
}
QWEN3_VL = {
    "architectures": ["Qwen3VLForConditionalGeneration"], "model_type": "qwen3_vl", "tie_word_embeddings": True, **IDS,
    "text_config": {
        "model_type": "qwen3_vl_text", "dtype": "bfloat16", "vocab_size": 151936, "hidden_size": 2560,
        "intermediate_size": 9728, "num_hidden_layers": 36, "num_attention_heads": 32, "num_key_value_heads": 8,
        "head_dim": 128, "hidden_act": "silu", "max_position_embeddings": 262144, "rms_norm_eps": 1e-06,
        "rope_theta": 5000000.0, "attention_bias": False, "attention_dropout": 0.0, "bos_token_id": 151643,
        "eos_token_id": 151645, "use_cache": True, "tie_word_embeddings": True,
        "rope_scaling": {"rope_type": "default", "mrope_interleaved": True, "mrope_section": [24, 20, 20]},
    },
    "vision_config": {
        "model_type": "qwen3_vl", "depth": 24, "hidden_size": 1024, "intermediate_size": 4096, "num_heads": 16,
        "out_hidden_size": 2560, "in_channels": 3, "patch_size": 16, "spatial_merge_size": 2, "temporal_patch_size": 2,
        "num_position_embeddings": 2304, "deepstack_visual_indexes": [5, 11, 17], "hidden_act": "gelu_pytorch_tanh",
    },
}
QWEN2_5_VL = {
    "architectures": ["Qwen2_5_VLForConditionalGeneration"], "model_type": "qwen2_5_vl", "torch_dtype": "bfloat16",
    "vocab_size": 151936, "hidden_size": 2048, "intermediate_size": 11008, "num_hidden_layers": 36,
    "num_attention_heads": 16, "num_key_value_heads": 2, "hidden_act": "silu", "max_position_embeddings": 128000,
    "rms_norm_eps": 1e-06, "rope_theta": 1000000.0, "rope_scaling": {"type": "mrope", "mrope_section": [16, 24, 24]},
    "tie_word_embeddings": True, "bos_token_id": 151643, "eos_token_id": 151645, "attention_dropout": 0.0,
    "use_sliding_window": False, "sliding_window": 32768, "max_window_layers": 70, "use_cache": True, **IDS,
    "vision_config": {
        "depth": 32, "hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16, "out_hidden_size": 2048,
        "in_chans": 3, "patch_size": 14, "spatial_merge_size": 2, "temporal_patch_size": 2, "tokens_per_second": 2,
        "window_size": 112, "fullatt_block_indexes": [7, 15, 23, 31], "hidden_act": "silu",
    },
}


CONFIGS = {"qwen2_5_vl": QWEN2_5_VL, "qwen3_vl": QWEN3_VL}


def meta_model(folder: Path):
    """The model without weights."""
    kind = families.model_class(json.loads((folder / "config.json").read_text())["model_type"])
    config = kind.config_class.from_pretrained(folder)
    config._attn_implementation = "eager"
    with torch.device("meta"):
        return kind(config).eval()


def published(name: str, family: str) -> str:
    """The name that checkpoints give to a weight."""
    if family == "qwen3_vl":
        return name
    return name.replace("model.visual.", "visual.").replace("model.language_model.", "model.")


def write_shard(path: Path, tensors: list, draw: torch.Generator) -> None:
    """Writes random tensors one after the other, a piece at a time."""
    header, start = {"__metadata__": {"format": "pt"}}, 0
    for name, shape in tensors:
        size = 2 * torch.Size(shape).numel()
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [start, start + size]}
        start += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name, shape in tensors:
            left = torch.Size(shape).numel()
            while left:
                piece = torch.randn(min(left, 1 << 24), generator=draw)
                left -= len(piece)
                if len(shape) > 1:
                    piece *= 0.02
                elif name.endswith("bias"):
                    piece *= 0.1
                else:
                    piece = 1 + 0.1 * piece
                file.write(piece.bfloat16().view(torch.int16).numpy().tobytes())


def make(folder: Path, family: str) -> None:
    """Writes the checkpoint."""
    temporary = folder.with_name(folder.name + ".part")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    free = shutil.disk_usage(temporary).free
    if free < 12 << 30:
        sys.exit(f"{temporary}: {free >> 30} GB free, 12 are wanted")
    (temporary / "config.json").write_text(json.dumps(CONFIGS[family], indent=2))
    model = meta_model(temporary)
    reference.processor(model.config.vision_config).save_pretrained(temporary)
    groups, room = [[]], SHARD_BYTES
    for name, weight in model.named_parameters():
        size = 2 * weight.numel()
        if size > room and groups[-1]:
            groups.append([])
            room = SHARD_BYTES
        room -= size
        groups[-1].append((published(name, family), tuple(weight.shape)))
    names, draw = {}, torch.Generator().manual_seed(1)
    for index, group in enumerate(groups):
        file = f"model-{index + 1:05}-of-{len(groups):05}.safetensors"
        write_shard(temporary / file, group, draw)
        names |= {name: file for name, _ in group}
    total = sum(2 * weight.numel() for weight in model.parameters())
    (temporary / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {"total_size": total}, "weight_map": names})
    )
    temporary.rename(folder)


class Layerwise:
    """transformers' model in float32, with the weights of one layer at a time."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.names = json.loads((folder / "model.safetensors.index.json").read_text())["weight_map"]
        self.model = meta_model(folder)
        inner, config = self.model.model, self.model.config
        self.family = config.model_type
        # Their frequencies are computed, not stored.
        inner.language_model.rotary_emb = type(inner.language_model.rotary_emb)(config.text_config)
        rotary = inner.visual.rotary_pos_emb
        try:
            inner.visual.rotary_pos_emb = type(rotary)(config.vision_config)
        except TypeError:
            inner.visual.rotary_pos_emb = type(rotary)(
                config.vision_config.hidden_size // config.vision_config.num_heads // 2
            )
        self.load("model.language_model.embed_tokens", inner.language_model.embed_tokens)
        for name, module in self.model.named_modules():
            is_part = name.rsplit(".", 1)[0].endswith((".blocks", ".layers", ".deepstack_merger_list"))
            others = ("visual.patch_embed", "visual.pos_embed", "visual.merger", "language_model.norm")
            if is_part or name.removeprefix("model.") in others:
                module.register_forward_pre_hook(lambda module, _, name=name: self.load(name, module))
                module.register_forward_hook(lambda module, _, output: module.to("meta") and None)

    def tensor(self, name: str) -> torch.Tensor:
        name = published(name, self.family)
        with safe_open(self.folder / self.names[name], "pt") as file:
            return file.get_tensor(name).float()

    def load(self, prefix: str, module: torch.nn.Module) -> None:
        weights = {name: self.tensor(f"{prefix}.{name}") for name, _ in module.named_parameters()}
        module.load_state_dict(weights, assign=True)

    def log_probs(self, prompt: Prompt, response: list) -> torch.Tensor:
        with torch.no_grad():
            hidden = self.model.model(**prompt.inputs(response), use_cache=False).last_hidden_state[0]
            rows = hidden[len(prompt.ids) - 1 : -1]
            logits = rows @ self.model.model.language_model.embed_tokens.weight.T
            return torch.log_softmax(logits, -1).gather(1, torch.tensor(response)[:, None])[:, 0]


def main(folder: Path, threads: int, family: str) -> None:
    model_folder = folder / ("model" if family == "qwen2_5_vl" else family)
    if not model_folder.exists():
        start = time.time()
        make(model_folder, family)
        print(f"made {model_folder} in {time.time() - start:.0f} s")
    torch.set_num_threads(threads)
    wise = Layerwise(model_folder)
    draw_image(folder / "image.png", wise.model.config.vision_config, 5, 9, 1)
    ids = [151644, 872, 198], [3838, 374, 856, 30, 151645, 198, 151644, 77091, 198]
    images = reference.processor(wise.model.config.vision_config)
    prompt = Prompt(wise.model, images, [ids[0], "image.png", ids[1]], folder)
    response = [785, 4226, 374, 220, 17, 20, 13, 151645]
    record = dict(
        prompt_tokens=prompt.ids, images=prompt.images, folder=str(folder), responses=[response], max_tokens=9
    )
    ran = subprocess.run(
        [PROBE, "measure", str(model_folder), str(threads)], input=json.dumps(record) + "\n", capture_output=True,
        text=True,
    )
    if ran.returncode:
        sys.exit(ran.stderr)
    ours = json.loads(ran.stdout)
    start = time.time()
    theirs = wise.log_probs(prompt, response)
    seconds = time.time() - start
    difference = (torch.tensor(ours["log_probs"][0]) - theirs).abs().max().item()
    print(f"{ours['parameters']} weights in BF16, {len(set(wise.names.values()))} shards, {threads} threads")
    print(f"loaded and checked in {ours['load_seconds']:.1f} s")
    print(
        f"log-probabilities of {len(response)} tokens behind a prompt of {len(prompt.ids)} in {ours['log_prob_seconds']:.1f} s"
        f" (transformers, float32, layer by layer: {seconds:.1f} s)"
    )
    print(f"{ours['seconds_per_token']:.2f} s a generated token")
    limit = 2 * ours["parameters"] + MEMORY_LIMIT
    print(f"most memory: {ours['peak_bytes'] / 1e9:.2f} GB, the mapped weights included (allowed: {limit / 1e9:.2f})")
    print(f"largest difference of a log-probability: {difference:.1e} (allowed: {TOLERANCE:.0e}); values {theirs.tolist()}")
    assert ours["peak_bytes"] < limit and difference < TOLERANCE


if __name__ == "__main__":
    main(
        Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT / ".large",
        int(sys.argv[2]) if len(sys.argv) > 2 else 2,
        sys.argv[3] if len(sys.argv) > 3 else "qwen2_5_vl",
    )
