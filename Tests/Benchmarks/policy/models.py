# SPDX-License-Identifier: Apache-2.0
"""Makes the models and the work that the benchmark measures: random weights, drawn images, random responses; and for SmolLM2
its published weights with random tokens."""

import json
import os
import sys
from pathlib import Path

SIZES = {
    # width, layers, heads, key-value heads, feed-forward, vocabulary, vision width, depth, patch, image, response
    "small": dict(
        hidden=128, layers=4, heads=4, kv=2, inner=384, vocabulary=1024, vision=96, depth=2, vision_inner=192,
        patch=8, image=64, prompt=24, response=32),
    "larger": dict(
        hidden=512, layers=10, heads=8, kv=2, inner=1536, vocabulary=4096, vision=256, depth=4, vision_inner=768,
        patch=14, image=224, prompt=32, response=64),
}
# What Examples/smollm2/prepare makes; the lengths are those of its sums.
SMOLLM2 = dict(vocabulary=49152, prompt=40, response=32, prompts=8)
PROMPTS, RESPONSES = 32, 16
IDS = dict(image=6, video=7, start=4, end=5, stop=2, pad=0)


def make(size: str, folder: Path) -> dict:
    """The checkpoint, the images and `work.json` in a folder; nothing is done where they are there already."""
    work = folder / "work.json"
    if size == "smollm2" and not work.exists():
        folder.mkdir(parents=True, exist_ok=True)
        link(Path(__file__).resolve().parents[3] / "Examples/smollm2/work/model", folder / "model")
        save_work(SMOLLM2, folder)
    if not work.exists():
        facts = SIZES[size]
        folder.mkdir(parents=True, exist_ok=True)
        save_model(facts, folder / "model")
        save_work(facts, folder)
    return json.loads(work.read_text())


def link(model: Path, path: Path) -> None:
    if not (model / "model.safetensors").exists():
        sys.exit(f"{model} is missing; run Examples/smollm2/prepare")
    if not path.exists():
        path.symlink_to(model)


def save_model(facts: dict, folder: Path, ids: dict = IDS) -> None:
    """A checkpoint with random weights and its image processor's settings; no tokenizer."""
    import torch
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    torch.manual_seed(0)
    pairs = facts["hidden"] // facts["heads"] // 2
    config = Qwen2_5_VLConfig(
        text_config=dict(
            hidden_size=facts["hidden"], num_hidden_layers=facts["layers"], num_attention_heads=facts["heads"],
            num_key_value_heads=facts["kv"], intermediate_size=facts["inner"], vocab_size=facts["vocabulary"],
            max_position_embeddings=2048, bos_token_id=1, eos_token_id=ids["stop"], pad_token_id=ids["pad"],
            tie_word_embeddings=True,
            rope_parameters=dict(
                rope_type="default", rope_theta=1e6,
                mrope_section=[pairs - 2 * (3 * pairs // 8), 3 * pairs // 8, 3 * pairs // 8])),
        vision_config=dict(
            hidden_size=facts["vision"], depth=facts["depth"], num_heads=4, intermediate_size=facts["vision_inner"],
            patch_size=facts["patch"], out_hidden_size=facts["hidden"], window_size=facts["patch"] * 8,
            fullatt_block_indexes=[facts["depth"] - 1], spatial_merge_size=2, temporal_patch_size=2),
        image_token_id=ids["image"], video_token_id=ids["video"], vision_start_token_id=ids["start"],
        vision_end_token_id=ids["end"], tie_word_embeddings=True)
    model = Qwen2_5_VLForConditionalGeneration(config)
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(
        json.dumps(
            {
                "image_processor_type": "Qwen2VLImageProcessor", "patch_size": facts["patch"], "temporal_patch_size": 2,
                "merge_size": 2, "min_pixels": 4 * facts["patch"] ** 2, "max_pixels": 1 << 20,
                "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711],
            },
            indent=2))


def save_work(facts: dict, folder: Path) -> None:
    import numpy as np
    from PIL import Image

    draw = np.random.Generator(np.random.PCG64(1))
    count = facts.get("prompts", PROMPTS)
    prompts, responses = [], []
    for index in range(count):
        if "image" not in facts:
            prompts.append({"tokens": draw.integers(17, facts["vocabulary"], facts["prompt"]).tolist(), "images": []})
            responses.append(
                [draw.integers(17, facts["vocabulary"], facts["response"]).tolist() for _ in range(RESPONSES)])
            continue
        image_tokens = (facts["image"] // facts["patch"] // 2) ** 2
        name = f"image-{index}.png"
        pixels = draw.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((facts["image"],) * 2, Image.NEAREST).save(folder / name)
        text = draw.integers(8, facts["vocabulary"], facts["prompt"]).tolist()
        prompts.append(
            {"tokens": text[:4] + [IDS["start"]] + [IDS["image"]] * image_tokens + [IDS["end"]] + text[4:],
             "images": [name]})
        responses.append(
            [draw.integers(8, facts["vocabulary"], facts["response"]).tolist() for _ in range(RESPONSES)])
    advantages = draw.standard_normal((count, RESPONSES)).round(4).tolist()
    partial = folder / "work.json.partial"
    partial.write_text(
        json.dumps(
            {"prompts": prompts, "responses": responses, "advantages": advantages, "new_tokens": facts["response"]}))
    os.replace(partial, folder / "work.json")
