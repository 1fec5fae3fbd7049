#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes Fixtures/model: a random Qwen2.5-VL of 30,000 weights in BF16 with a small tokenizer; and one image.

usage: make_model.py

Needs `pip install tokenizers transformers torch pillow`. Made with transformers 5.23.0 and torch 2.15.
"""

import importlib.util
import json
from pathlib import Path

import torch
from PIL import Image
from tokenizers import AddedToken, trainers
from tokenizers.pre_tokenizers import ByteLevel
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

HERE = Path(__file__).resolve().parent
TARGET = HERE / "model"
SPEC = importlib.util.spec_from_file_location("qwen_vocabulary", HERE.parents[1] / "Parity/qwen_vocabulary.py")
vocabulary = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(vocabulary)

ROWS = 320
CORPUS = "You are a helpful assistant. system user assistant What is in the image? How many circles are there?"


def tokenizer():
    made = vocabulary.tokenizer({}, [])
    trainer = trainers.BpeTrainer(vocab_size=290, initial_alphabet=ByteLevel.alphabet(), show_progress=False)
    made.train_from_iterator([CORPUS] * 2, trainer)
    made.add_tokens([AddedToken(f"<|{name}|>", special=True, normalized=False) for name in vocabulary.SPECIAL])
    return made


def main() -> None:
    TARGET.mkdir(parents=True, exist_ok=True)
    made = tokenizer()
    made.save(str(TARGET / "tokenizer.json"), pretty=False)
    ids = {name: made.token_to_id(f"<|{name}|>") for name in vocabulary.SPECIAL}
    config = Qwen2_5_VLConfig(
        text_config={
            "vocab_size": ROWS, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
            "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 256,
            "rms_norm_eps": 1e-6, "tie_word_embeddings": True, "bos_token_id": None, "pad_token_id": None,
            "eos_token_id": ids["im_end"],
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [1, 1, 2]},
        },
        vision_config={
            "depth": 2, "hidden_size": 16, "intermediate_size": 24, "num_heads": 2, "out_hidden_size": 32,
            "patch_size": 4, "spatial_merge_size": 2, "temporal_patch_size": 2, "window_size": 16,
            "fullatt_block_indexes": [1],
        },
        image_token_id=ids["image_pad"], video_token_id=ids["video_pad"], vision_start_token_id=ids["vision_start"],
        vision_end_token_id=ids["vision_end"], tie_word_embeddings=True,
    )
    torch.manual_seed(7)
    model = Qwen2_5_VLForConditionalGeneration(config)
    with torch.no_grad():
        # Larger than at the start of training, so that prompts and images matter to what comes next.
        for name, weight in model.named_parameters():
            if weight.ndim > 1:
                weight.normal_(std=0.25)
            elif name.endswith("bias"):
                weight.normal_(std=0.1)
    model.generation_config.eos_token_id = [ids["im_end"], ids["endoftext"]]
    model.to(torch.bfloat16).save_pretrained(TARGET)
    processor = {
        "image_processor_type": "Qwen2VLImageProcessor", "min_pixels": 64, "max_pixels": 1024, "patch_size": 4,
        "merge_size": 2, "temporal_patch_size": 2,
    }
    (TARGET / "preprocessor_config.json").write_text(json.dumps(processor, indent=2) + "\n")
    image = Image.new("RGB", (24, 16))
    image.putdata([(x * 10, y * 15, (x * y) % 256) for y in range(16) for x in range(24)])
    image.save(HERE / "image.png")


if __name__ == "__main__":
    main()
