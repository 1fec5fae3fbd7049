#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes small random models with transformers, and writes what it computes with them.

    python3 Tests/BundledPluginTests/Fixtures/make_models.py   # needs torch, transformers 5, Pillow, safetensors

Writes models/NAME: `model/` as transformers saves it, images, `oracle.json` and `oracle.safetensors`. Each case is a
prompt whose last five tokens stand for a response as well. Made with transformers 5.23.0 and torch 2.15 in float32.

- interleaved: untied, 6 query heads over 2, head size 10; several images in a prompt, text between them, windows
  that do not divide the image; text alone. All gradients of one case.
- odd: tied, 3 heads over 1, head size 14; patches of 6 pixels, windows of 3 tokens, five vision blocks. Three steps
  of AdamW on a clipped loss.
- bfloat16: weights in BF16 and the flat config of published checkpoints; 3 x 3 patches a token.
"""

import json
import shutil
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "Parity"))
import reference  # noqa: E402
from reference import Prompt, draw_image, greedy, log_probs, random_model, rope  # noqa: E402

NEW_TOKENS = 12


def describe(model, prompt: Prompt, all_gradients: bool) -> tuple[dict, dict]:
    """What transformers computes with a prompt."""
    facts = {"images": prompt.images, "image_grid_thw": prompt.grids, "input_ids": prompt.ids}
    inputs = prompt.inputs()
    tensors = {}
    ids = inputs["input_ids"]
    if prompt.pixels is None:
        positions, delta = torch.arange(ids.shape[1]).expand(3, 1, -1), torch.tensor([[0]])
    else:
        positions, delta = model.model.get_rope_index(
            ids, inputs["mm_token_type_ids"], inputs["image_grid_thw"], attention_mask=inputs["attention_mask"]
        )
        tensors["pixel_values"] = prompt.pixels
        with torch.no_grad():
            tensors["vision_features"] = model.model.visual(prompt.pixels, inputs["image_grid_thw"]).pooler_output
    facts |= {"position_ids": positions[:, 0].tolist(), "rope_delta": int(delta.flatten()[0])}
    model.zero_grad()
    found = model(**inputs, output_hidden_states=True)
    tensors |= {"hidden_last": found.hidden_states[-1][0], "logits": found.logits[0]}
    each = torch.log_softmax(found.logits[0, :-1], -1).gather(1, ids[0, 1:, None])[:, 0]
    loss = -each[-5:].mean()
    loss.backward()
    facts |= {"token_log_probs": each.tolist(), "loss_last5_mean_nll": loss.item()}
    facts["grad_norms"] = {
        name: 0.0 if weight.grad is None else weight.grad.norm().item() for name, weight in model.named_parameters()
    }
    if all_gradients:
        tensors |= {
            "grad." + name: weight.grad for name, weight in model.named_parameters() if weight.grad is not None
        }
    tokens, margin = greedy(model, prompt, NEW_TOKENS)
    assert margin > 2e-3, f"greedy choices are too close: {margin}"
    facts["greedy"] = tokens
    return facts, {name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}


def train(model, prompts: list, seed: int) -> tuple[dict, dict]:
    """Three AdamW steps on a clipped loss over all tokens of two groups."""
    options = dict(
        learning_rate=3e-4, beta1=0.9, beta2=0.99, epsilon=1e-8, weight_decay=0.1, max_gradient_norm=1.0, clip=0.2,
        temperature=0.9,
    )
    draw = torch.Generator().manual_seed(seed)
    vocabulary = model.config.text_config.vocab_size
    groups = []
    for case, prompt in prompts:
        responses = [
            torch.randint(3, vocabulary - 5, (length,), generator=draw).tolist() for length in (4, 1, 7)
        ]
        with torch.no_grad():
            old = [log_probs(model, prompt, response, options["temperature"]) for response in responses]
        old = [(each + 0.25 * torch.randn(each.shape, generator=draw)).tolist() for each in old]
        advantages = torch.randn(len(responses), generator=draw).tolist()
        groups.append(dict(case=case, responses=responses, old_log_probs=old, advantages=advantages))
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=options["learning_rate"], betas=(options["beta1"], options["beta2"]),
        eps=options["epsilon"], weight_decay=options["weight_decay"],
    )
    count = sum(len(response) for group in groups for response in group["responses"])
    steps = []
    for _ in range(3):
        optimizer.zero_grad(set_to_none=False)
        total = 0.0
        for (_, prompt), group in zip(prompts, groups):
            for response, old, advantage in zip(group["responses"], group["old_log_probs"], group["advantages"]):
                ratio = (log_probs(model, prompt, response, options["temperature"]) - torch.tensor(old)).exp()
                clipped = ratio.clamp(1 - options["clip"], 1 + options["clip"])
                loss = -torch.minimum(ratio * advantage, clipped * advantage).sum() / count
                loss.backward()
                total += loss.item()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), options["max_gradient_norm"])
        optimizer.step()
        steps.append(dict(loss=total, gradient_norm=norm.item()))
    after = {"adamw." + name: weight.detach().clone() for name, weight in model.named_parameters()}
    return dict(options=options, groups=groups, steps=steps), after


def make(name: str, model, images: list, prompts: list, *, dtype=torch.float32, flat=False, gradients=(), trains=None):
    """Writes a model's folder; images are (rows, columns) of tokens, prompts lists of ids and indices of images."""
    folder = HERE / "models" / name
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "model").mkdir(parents=True)
    reference.save(model, folder / "model", dtype)
    if flat:
        flatten(folder / "model/config.json")
    model = reference.load(folder / "model")
    for index, (rows, columns) in enumerate(images):
        draw_image(folder / f"img{index}.png", model.config.vision_config, rows, columns, seed=index)
    cases, tensors = [], {}
    prompts = [
        Prompt(model, [f"img{part}.png" if isinstance(part, int) else part for part in parts], folder)
        for parts in prompts
    ]
    for index, prompt in enumerate(prompts):
        facts, found = describe(model, prompt, index in gradients)
        cases.append(facts)
        tensors |= {f"{index}.{key}": value for key, value in found.items()}
    oracle = dict(origin="make_models.py: transformers, float32, eager attention", cases=cases)
    if trains is not None:
        shorter = []
        for case in trains:
            prompts[case].ids = prompts[case].ids[:-5]
            shorter.append((case, prompts[case]))
        oracle["training"], found = train(model, shorter, seed=5)
        tensors |= found
    reference.write_json(folder / "oracle.json", oracle)
    save_file(tensors, folder / "oracle.safetensors", metadata={"format": "pt"})
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    print(f"{name}: {sum(weight.numel() for weight in model.parameters())} weights, {size} bytes")


def flatten(path: Path) -> None:
    """Rewrites a config as the published checkpoints have it."""
    config = json.loads(path.read_text())
    text = config.pop("text_config")
    parameters = text.pop("rope_parameters")
    config |= {key: value for key, value in text.items() if key not in ("model_type", "layer_types", "dtype")}
    config |= {"rope_theta": parameters["rope_theta"], "torch_dtype": config.pop("dtype", "float32")}
    config["rope_scaling"] = {"type": "mrope", "mrope_section": parameters["mrope_section"]}
    config["vision_config"]["in_chans"] = config["vision_config"].pop("in_channels")
    config["vision_config"].pop("rope_parameters", None)
    path.write_text(json.dumps(config, indent=2) + "\n")


def main() -> None:
    interleaved = random_model(
        11,
        dict(
            vocab_size=101, hidden_size=60, intermediate_size=44, num_hidden_layers=3, num_attention_heads=6,
            num_key_value_heads=2, rms_norm_eps=1e-5, rope_parameters=rope([1, 2, 2]),
        ),
        dict(
            depth=3, hidden_size=16, intermediate_size=20, num_heads=2, patch_size=4, window_size=16,
            spatial_merge_size=2, fullatt_block_indexes=[2],
        ),
        tied=False,
    )
    ids = [[7, 30, 12], [44, 9], [81, 5, 66, 20, 17, 3], [60, 61, 62, 63, 64, 65, 66, 70]]
    make(
        "interleaved", interleaved, [(3, 5), (2, 2), (5, 1)],
        [
            [ids[0], 0, ids[1], 1, ids[2]],
            [ids[0], 2, 2, ids[1], 0, ids[3]],
            [ids[0] + ids[3] + ids[2]],
            [1, ids[2]],
        ],
        gradients=[0],
    )
    odd = random_model(
        12,
        dict(
            vocab_size=83, hidden_size=42, intermediate_size=29, num_hidden_layers=2, num_attention_heads=3,
            num_key_value_heads=1, rms_norm_eps=1e-6, rope_parameters=rope([1, 2, 4], 10_000.0),
        ),
        dict(
            depth=5, hidden_size=20, intermediate_size=13, num_heads=5, patch_size=6, window_size=36,
            spatial_merge_size=2, fullatt_block_indexes=[0, 3],
        ),
        tied=True,
    )
    ids = [[7, 30], [44, 9, 13, 14, 15, 16, 17], [61, 5, 66, 20, 17, 3]]
    make("odd", odd, [(4, 5), (1, 4)], [[ids[0], 0, ids[2]], [ids[1], 1, ids[2]], [ids[1]]], trains=[0, 1])
    stored = random_model(
        13,
        dict(
            vocab_size=90, hidden_size=32, intermediate_size=40, num_hidden_layers=2, num_attention_heads=2,
            num_key_value_heads=2, rms_norm_eps=1e-6, rope_parameters=rope([2, 3, 3]),
        ),
        dict(
            depth=2, hidden_size=16, intermediate_size=24, num_heads=1, patch_size=4, window_size=24,
            spatial_merge_size=3, fullatt_block_indexes=[1],
        ),
        tied=False,
    )
    ids = [[7, 30, 8], [61, 5, 66, 20, 17, 3, 9]]
    make(
        "bfloat16", stored, [(3, 2), (1, 3)], [[ids[0], 0, 1, ids[1]], [ids[1]]], dtype=torch.bfloat16, flat=True
    )


if __name__ == "__main__":
    main()
