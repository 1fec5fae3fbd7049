#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a small random model of each family with transformers, and writes what it computes with it.

    python3 Tests/BundledPluginTests/Fixtures/make_families.py   # needs torch, transformers 5, tokenizers, Pillow, safetensors

Writes families/NAME: `model/` as transformers saves it with a small tokenizer of the family's kind, `model_4x/` with the
configuration as transformers 4 writes it, images, `oracle.json` and `oracle.safetensors`. Each case is a prompt in text with a response in tokens.
Made with transformers 5.24.0 and torch 2.15 in float32 with eager attention.
"""

import json
import random
import shutil
import sys
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "Parity"))
import families  # noqa: E402
import qwen_vocabulary  # noqa: E402
import reference  # noqa: E402

CORPUS = ["What is in the image? How many circles are there, 12 or 34? It's the answer: <think>x</think>"] * 3
MARKS = ["endoftext", "im_start", "im_end", "vision_start", "vision_end", "image_pad", "video_pad"]
PICTURE = "<|vision_start|><|image_pad|><|vision_end|>"
VISUAL = {
    "tiny": (["a.png"], f"<|im_start|>user\n{PICTURE}What is it?<|im_end|>\n<|im_start|>assistant\n"),
    "two_images": (["b.png", "a.png"], f"<|im_start|>user\n{PICTURE}{PICTURE} 12 or 34?<|im_end|>\n<|im_start|>assistant\n"),
    "text_only": ([], "<|im_start|>user\nHow many?<|im_end|>\n<|im_start|>assistant\n"),
}
PLAIN = {
    "short": ([], "The answer"),
    "chat": ([], "<|im_start|>user\nHow many circles, 1234?<|im_end|>\n<|im_start|>assistant\n"),
    "unicode": ([], "it's IT'S (word) \tx\n\n漢字 e\u0301 🙂 ½ "),
}
RESPONSE = 5


def qwen_tokenizer() -> Tokenizer:
    made = qwen_vocabulary.tokenizer({}, [])
    made.train_from_iterator(
        CORPUS, trainers.BpeTrainer(vocab_size=276, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    )
    made.add_tokens([AddedToken(f"<|{name}|>", special=True, normalized=False) for name in MARKS])
    return made


def llama_tokenizer() -> Tokenizer:
    """As SmolLM2's: no normaliser, digits apart, GPT-2's expression, special tokens first, some bytes without a token."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)]
    )
    made.decoder = decoders.ByteLevel()
    missing = {qwen_vocabulary.spelling()[byte] for byte in (0x04, 0x06, 0xC0, 0xC1, 0xF5)}
    made.train_from_iterator(
        CORPUS,
        trainers.BpeTrainer(
            vocab_size=272, show_progress=False, special_tokens=[f"<|{name}|>" for name in MARKS[:3]],
            initial_alphabet=[letter for letter in pre_tokenizers.ByteLevel.alphabet() if letter not in missing],
        ),
    )
    made.post_processor = processors.TemplateProcessing(single="$A:0", pair="$A:0 $B:1", special_tokens=[])
    return made


def text(rows: int, heads: tuple, width: int, layers: int, **more) -> dict:
    return dict(
        vocab_size=rows, hidden_size=width, intermediate_size=28, num_hidden_layers=layers, num_attention_heads=heads[0],
        num_key_value_heads=heads[1], max_position_embeddings=128, rms_norm_eps=1e-6, hidden_act="silu",
    ) | more


def rope(theta: float, **more) -> dict:
    return {"rope_parameters": {"rope_type": "default", "rope_theta": theta} | more}


# The decoder, the vision tower, tied or not, and the type of the stored weights.
SHAPES = {
    "qwen2_vl": (
        dict(heads=(3, 1), width=24, layers=2, **rope(1e6, mrope_section=[1, 2, 1])),
        dict(depth=2, embed_dim=16, num_heads=2, mlp_ratio=2, patch_size=4, spatial_merge_size=2, temporal_patch_size=2),
        True, torch.bfloat16,
    ),
    "qwen3_vl": (
        dict(heads=(4, 2), width=20, layers=3, head_dim=12, **rope(5e6, mrope_section=[2, 2, 2], mrope_interleaved=True)),
        dict(
            depth=3, hidden_size=16, intermediate_size=20, num_heads=1, patch_size=4, spatial_merge_size=2,
            temporal_patch_size=2, num_position_embeddings=16, deepstack_visual_indexes=[0, 2],
        ),
        False, torch.bfloat16,
    ),
    "qwen2": (dict(heads=(4, 2), width=24, layers=2, **rope(1e6)), None, True, torch.bfloat16),
    "qwen3": (dict(heads=(4, 1), width=20, layers=2, head_dim=12, **rope(1e6)), None, False, torch.float32),
    "llama": (
        dict(heads=(3, 3), width=24, layers=2, **rope(
            1e4, rope_type="llama3", factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0,
            original_max_position_embeddings=32)),
        None, True, torch.bfloat16,
    ),
}


def configuration(family: str, tokenizer: Tokenizer):
    decoder, tower, tied, _ = SHAPES[family]
    ids = {name: tokenizer.token_to_id(f"<|{name}|>") for name in MARKS}
    rows = tokenizer.get_vocab_size() + 5
    ends = dict(bos_token_id=None, eos_token_id=ids["im_end"], pad_token_id=ids["endoftext"])
    shape = text(rows, **decoder, **ends)
    made = families.model_class(family).config_class
    if tower is None:
        return made(**shape, tie_word_embeddings=tied)
    output = "hidden_size" if family == "qwen2_vl" else "out_hidden_size"
    return made(
        text_config=shape | dict(tie_word_embeddings=tied), vision_config=tower | {output: shape["hidden_size"]},
        tie_word_embeddings=tied, image_token_id=ids["image_pad"], video_token_id=ids["video_pad"],
        vision_start_token_id=ids["vision_start"], vision_end_token_id=ids["vision_end"],
    )


def expanded(config, tokenizer: Tokenizer, words: str, names: list, images, folder: Path) -> families.Prompt:
    """A prompt whose placeholders are repeated once for each token of their image."""
    made = families.Prompt(config, images, names, folder)
    ids = tokenizer.encode(words, add_special_tokens=False).ids
    made.unexpanded = ids
    counts = iter(grid[1] * grid[2] // config.config.vision_config.spatial_merge_size**2 for grid in made.grids)
    made.ids = [id for each in ids for id in ([each] * next(counts) if names and each == made.image_token else [each])]
    return made


def describe(model, prompt: families.Prompt, words: str, response: list, name: str, details: bool) -> tuple[dict, dict]:
    """What transformers computes with a prompt and a response."""
    inputs = prompt.inputs(response)
    facts = dict(
        name=name, images=prompt.images, prompt=words, prompt_ids_unexpanded=prompt.unexpanded, prompt_ids=prompt.ids,
        response_ids=response, image_grid_thw=prompt.grids,
    )
    tensors = {}
    ids = inputs["input_ids"]
    if hasattr(model.config, "vision_config"):
        if prompt.grids:
            positions, delta = model.model.get_rope_index(
                ids, inputs["mm_token_type_ids"], inputs["image_grid_thw"], attention_mask=inputs["attention_mask"]
            )
            with torch.no_grad():
                found = model.model.visual(prompt.pixels, inputs["image_grid_thw"])
            tensors["vision_features"] = found.pooler_output
            for index, feature in enumerate(getattr(found, "deepstack_features", None) or []):
                tensors[f"deepstack_features.{index}"] = feature
        else:
            positions, delta = torch.arange(ids.shape[1]).expand(3, 1, -1), torch.tensor(0)
        facts |= dict(position_ids=positions[:, 0].tolist(), rope_delta=int(delta.flatten()[0]))
    if details and prompt.pixels is not None:
        tensors["pixel_values"] = prompt.pixels
    model.zero_grad()
    logits = model(**inputs).logits[0, len(prompt.ids) - 1 : -1]
    every = torch.log_softmax(logits, -1)
    chosen = every.gather(1, torch.tensor(response)[:, None])[:, 0]
    (-chosen.mean()).backward()
    facts |= dict(
        response_log_probs=chosen.tolist(), entropy_at_response=(-(every.exp() * every).sum(-1)).tolist(),
        grad_norms={key: weight.grad.norm().item() for key, weight in model.named_parameters() if weight.grad is not None},
    )
    tensors["logits_at_response"] = logits
    if details:
        tensors |= {"grad." + key: weight.grad for key, weight in model.named_parameters() if weight.dim() == 1}
    model.generation_config.eos_token_id = None
    facts["greedy_8"], margin = families.greedy(model, prompt, 8)
    assert margin > 2e-3, f"greedy choices are too close: {name}, {margin}"
    return facts, {f"{name}.{key}": tensor.detach().clone().contiguous() for key, tensor in tensors.items()}


def make(family: str) -> None:
    folder = HERE / "families" / family
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "model").mkdir(parents=True)
    tokenizer = llama_tokenizer() if family == "llama" else qwen_tokenizer()
    draw = random.Random(family)
    made = families.random_model(draw, family, scale=0.2, config=configuration(family, tokenizer))
    images = None
    if hasattr(made.config, "vision_config"):
        images = families.processor(random.Random(3 if family == "qwen3_vl" else 0), made.config)
        reference.draw_image(folder / "b.png", made.config.vision_config, 3, 2, seed=1)
        Image.new("RGB", (9, 6), (200, 40, 90)).save(folder / "a.png")
    families.save(made, images, folder / "model", dtype=SHAPES[family][3])
    tokenizer.save(str(folder / "model/tokenizer.json"), pretty=False)
    ends = [tokenizer.token_to_id("<|im_end|>"), tokenizer.token_to_id("<|endoftext|>")]
    (folder / "model/generation_config.json").write_text(json.dumps({"eos_token_id": ends}) + "\n")
    (folder / "model_4x").mkdir()
    shutil.copy(folder / "model/config.json", folder / "model_4x")
    families.older(folder / "model_4x")
    model = families.load(folder / "model")
    cases, tensors = [], {}
    for name, (pictures, words) in (PLAIN if images is None else VISUAL).items():
        prompt = expanded(model, tokenizer, words, pictures, images, folder)
        response = [draw.randrange(3, 250) for _ in range(RESPONSE)]
        facts, found = describe(model, prompt, words, response, name, details=name in ("tiny", "chat"))
        cases.append(facts)
        tensors |= found
    reference.write_json(folder / "oracle.json", dict(origin="make_families.py: transformers, float32, eager", cases=cases))
    save_file(tensors, folder / "oracle.safetensors", metadata={"format": "pt"})
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    print(f"{family}: {sum(weight.numel() for weight in model.parameters())} weights, {size} bytes")


if __name__ == "__main__":
    for family in SHAPES:
        make(family)
