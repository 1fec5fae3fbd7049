#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that transformers reads what we save: same logits as the original, in every layout.

usage: checkpoint_parity.py [SCRATCH]

Makes random checkpoints with transformers (tied and untied; old and new weight names; flat and nested config), saves
each with `policy-probe save` in F32 (one file, and shards), BF16 and F16, loads the result with transformers and
compares logits: exactly for F32, against the weights rounded by torch for the others. Needs torch and transformers
and `make tools`; POLICY_PROBE names the program if it is elsewhere.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

ROOT = Path(__file__).resolve().parents[2]
PROBE = os.environ.get("POLICY_PROBE", str(ROOT / ".build/release/policy-probe"))
TYPES = {"F32": torch.float32, "BF16": torch.bfloat16, "F16": torch.float16}


def model(tied: bool) -> Qwen2_5_VLForConditionalGeneration:
    """A small random model."""
    text = dict(
        vocab_size=300, hidden_size=48, intermediate_size=80, num_hidden_layers=3, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=256, bos_token_id=1, eos_token_id=2, pad_token_id=0,
        rope_parameters={"rope_type": "default", "rope_theta": 1e6, "mrope_section": [2, 2, 2]},
        tie_word_embeddings=tied,
    )
    vision = dict(
        depth=2, hidden_size=32, intermediate_size=40, num_heads=2, out_hidden_size=48, patch_size=14, window_size=56,
        fullatt_block_indexes=[1], tokens_per_second=2, in_channels=3,
    )
    config = Qwen2_5_VLConfig(
        text_config=text, vision_config=vision, tie_word_embeddings=tied, image_token_id=290, video_token_id=291,
        vision_start_token_id=292, vision_end_token_id=293,
    )
    torch.manual_seed(7 + tied)
    made = Qwen2_5_VLForConditionalGeneration(config).float().eval()
    for parameter in made.parameters():
        parameter.data = torch.randn_like(parameter) * 0.1
    made.tie_weights()
    return made


def flatten(folder: Path) -> None:
    """Rewrites a folder as the published checkpoints are: flat config."""
    config = json.loads((folder / "config.json").read_text())
    text = config.pop("text_config")
    rope = text.pop("rope_parameters")
    config |= {key: value for key, value in text.items() if key not in ("model_type", "layer_types", "dtype")}
    config |= {"rope_theta": rope["rope_theta"], "torch_dtype": config.pop("dtype", "float32")}
    config["rope_scaling"] = {"type": "mrope", "mrope_section": rope["mrope_section"]}
    config["vision_config"]["in_chans"] = config["vision_config"].pop("in_channels")
    config["vision_config"].pop("rope_parameters", None)
    (folder / "config.json").write_text(json.dumps(config, indent=2))


def rename(folder: Path) -> None:
    """Rewrites the weights under the newer names."""
    weights = {}
    for name, tensor in load_file(folder / "model.safetensors").items():
        if name.startswith("visual."):
            name = "model." + name
        elif name.startswith("model.") and not name.startswith(("model.visual.", "model.language_model.")):
            name = "model.language_model." + name.removeprefix("model.")
        weights[name] = tensor
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def logits(folder: Path, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Logits of a prompt with one image, computed in F32 whatever the weights are stored as."""
    loaded, info = Qwen2_5_VLForConditionalGeneration.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
    )
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        assert not info[kind], (folder, kind, info[kind])
    if dtype != torch.float32:
        for parameter in loaded.parameters():
            parameter.data = parameter.data.to(dtype).float()
    torch.manual_seed(0)
    ids = torch.tensor([[5, 6, 292, 290, 290, 290, 290, 293, 9, 10, 11]])
    with torch.no_grad():
        return loaded.eval()(
            input_ids=ids, pixel_values=torch.randn(16, 3 * 2 * 14 * 14), image_grid_thw=torch.tensor([[1, 4, 4]]),
            mm_token_type_ids=(ids == 290).int(),
        ).logits


def main(scratch: Path) -> None:
    for tied in (True, False):
        for layout in ("nested-old", "nested-new", "flat-old"):
            source = scratch / f"{'tied' if tied else 'untied'}-{layout}"
            model(tied).save_pretrained(source)
            if layout == "flat-old":
                flatten(source)
            if layout == "nested-new":
                rename(source)
            for type_name, shard in (("F32", 0), ("F32", 60_000), ("BF16", 0), ("F16", 40_000)):
                target = scratch / f"{source.name}-{type_name}-{shard}"
                command = [PROBE, "save", str(source), str(target), type_name] + ([str(shard)] if shard else [])
                subprocess.run(command, check=True)
                expected, found = logits(source, TYPES[type_name]), logits(target)
                difference = (expected - found).abs().max().item()
                files = len(list(target.glob("*.safetensors")))
                print(f"{target.name}: {files} files, largest difference {difference}")
                assert difference == 0, target
    print("all equal")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as folder:
            main(Path(folder))
