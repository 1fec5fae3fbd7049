# SPDX-License-Identifier: Apache-2.0
"""Makes what both trainers of the benchmark start from: a checkpoint with random weights, a tokenizer, prompts."""

import json
import os
import random
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE.parent / "policy"), str(HERE.parents[1] / "Parity")]

PROMPTS, RESPONSES, MINIBATCHES, TOKENS = 32, 16, 4, 16
TEMPERATURE, LEARNING_RATE = 1.0, 1e-4
NUMBERS = 200
COLORS = "red green blue yellow black white purple orange".split()
SHAPES = "circle square triangle star heart ring cross arrow".split()
PLACES = "left right top bottom center corner middle edge".split()


def make(folder: Path, steps: int) -> None:
    """The folders `model` and `images`, and `prompts.jsonl` with the prompts of so many steps."""
    if not (folder / "model/tokenizer.json").exists():
        save_model(folder / "model")
    prompts = folder / "prompts.jsonl"
    if not prompts.exists() or len(prompts.read_text().splitlines()) != steps * PROMPTS:
        save_prompts(folder, steps * PROMPTS)


def question(draw: random.Random) -> str:
    color, other, shape, place = draw.choice(COLORS), draw.choice(COLORS), draw.choice(SHAPES), draw.choice(PLACES)
    return f"How many {color} dots are {place} of the {other} {shape}?"


def tokenizer(vocabulary: int):
    """Bytes, merges learned from the questions, Qwen's special tokens, and the numbers that the reward looks for."""
    import qwen_vocabulary
    from tokenizers import AddedToken, trainers
    from tokenizers.pre_tokenizers import ByteLevel

    draw = random.Random(1)
    corpus = ["You are a helpful assistant. system user assistant"] + [question(draw) for _ in range(500)]
    corpus += [word * 2 for word in COLORS + SHAPES + PLACES]
    made = qwen_vocabulary.tokenizer({}, [])
    added = NUMBERS + len(qwen_vocabulary.SPECIAL)
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - added, initial_alphabet=ByteLevel.alphabet(), show_progress=False)
    made.train_from_iterator(corpus, trainer)
    made.add_tokens([AddedToken(f"<|{name}|>", special=True, normalized=False) for name in qwen_vocabulary.SPECIAL])
    made.add_tokens([AddedToken(f" {number} ", special=False, normalized=False) for number in range(NUMBERS)])
    return made


def save_model(folder: Path) -> None:
    import torch
    from models import SIZES, save_model as save_random
    from safetensors.torch import load_file, save_file
    from transformers import GenerationConfig

    words = tokenizer(SIZES["small"]["vocabulary"])
    ids = {name: words.token_to_id(f"<|{name}|>") for name in (
        "endoftext im_start im_end vision_start vision_end vision_pad image_pad video_pad".split())}
    save_random(
        SIZES["small"], folder, ids=dict(
            image=ids["image_pad"], video=ids["video_pad"], start=ids["vision_start"], end=ids["vision_end"],
            stop=ids["im_end"], pad=ids["endoftext"]))
    # Random weights would draw every token alike, placeholders of images too, which no text may hold. One dimension
    # of the tied embedding keeps special tokens, the end of the response with them, out of the responses.
    weights = load_file(folder / "model.safetensors")
    name = next(name for name in weights if name.endswith("embed_tokens.weight"))
    special = [at for at in range(words.get_vocab_size()) if (words.id_to_token(at) or "").startswith("<|")]
    weights[name][:, 0] = 1
    weights[name][special, 0] = -1
    weights[name][words.get_vocab_size():, 0] = -1
    weights = {key: value.contiguous() for key, value in weights.items()}
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    stops = [ids["im_end"], ids["endoftext"]]
    GenerationConfig(eos_token_id=stops, pad_token_id=ids["endoftext"]).save_pretrained(folder)
    words.save(str(folder / "tokenizer.json"), pretty=False)


def save_prompts(folder: Path, count: int) -> None:
    """Questions of one length in tokens, so that no program pads a prompt, each with an image of its own."""
    import numpy as np
    from PIL import Image
    from tokenizers import Tokenizer

    words = Tokenizer.from_file(str(folder / "model/tokenizer.json"))
    draw, pixels = random.Random(2), np.random.Generator(np.random.PCG64(3))
    (folder / "images").mkdir(exist_ok=True)
    length = len(words.encode(question(random.Random(4))).ids)
    records = []
    while len(records) < count:
        text = question(draw)
        if len(words.encode(text).ids) != length:
            continue
        name = f"images/{len(records)}.png"
        blocks = pixels.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(blocks).resize((64, 64), Image.NEAREST).save(folder / name)
        content = [{"type": "image", "image": name}, {"type": "text", "text": text}]
        records.append(
            {"id": f"dots-{len(records):04}", "prompt": [{"role": "user", "content": content}],
             "answer": str(draw.randrange(NUMBERS // 4, 3 * NUMBERS // 4))})
    partial = folder / "prompts.jsonl.partial"
    partial.write_text("".join(json.dumps(record) + "\n" for record in records))
    os.replace(partial, folder / "prompts.jsonl")
