# SPDX-License-Identifier: Apache-2.0
"""Random small models of every family, at shapes drawn by chance, as transformers saves them."""

import json
import random
from pathlib import Path

import numpy as np
import torch
import transformers
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

torch.set_num_threads(1)

# The class of each family, by its model_type.
CLASSES = {
    "qwen2_vl": "Qwen2VLForConditionalGeneration",
    "qwen2_5_vl": "Qwen2_5_VLForConditionalGeneration",
    "qwen3_vl": "Qwen3VLForConditionalGeneration",
    "qwen2": "Qwen2ForCausalLM",
    "qwen3": "Qwen3ForCausalLM",
    "llama": "LlamaForCausalLM",
}
CONTEXT = 256


def model_class(family: str):
    return getattr(transformers, CLASSES[family])


def scaling(draw: random.Random, mrope: bool) -> dict:
    """Rotary parameters: no scaling in half of the models, else any that is supported."""
    theta = draw.choice([1e4, 1e5, 1e6])
    kind = draw.choice(["default"] * 4 + ["linear", "yarn", "llama3", "dynamic"])
    rope = {"rope_type": kind, "rope_theta": theta}
    if kind != "default":
        rope["factor"] = draw.choice([2.0, 4.0, 8.0])
    if kind == "llama3":
        rope |= dict(low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=draw.choice([32, 64]))
    if kind == "yarn":
        rope |= dict(original_max_position_embeddings=draw.choice([32, 64]))
        rope |= draw.choice([{}, dict(beta_fast=16.0, beta_slow=2.0), dict(attention_factor=1.25), dict(truncate=False)])
    return rope


def decoder(draw: random.Random, family: str) -> dict:
    """The decoder's part of a configuration."""
    key_value_heads = draw.choice([1, 2, 3])
    heads = key_value_heads * draw.choice([1, 2, 3])
    text = dict(
        vocab_size=draw.randint(60, 400), intermediate_size=draw.randint(9, 90), num_hidden_layers=draw.randint(1, 4),
        num_attention_heads=heads, num_key_value_heads=key_value_heads, rms_norm_eps=draw.choice([1e-5, 1e-6]),
        max_position_embeddings=CONTEXT, bos_token_id=1, eos_token_id=2, pad_token_id=0, hidden_act="silu",
    )
    rope = scaling(draw, family.endswith("_vl"))
    if family in ("qwen2_vl", "qwen2_5_vl"):
        sections = [draw.randint(1, 4) for _ in range(3)]
        text["hidden_size"] = heads * 2 * sum(sections)
        rope["mrope_section"] = sections
    else:
        size = 2 * draw.randint(2, 12)
        # Heads need not be as wide as the decoder together.
        text["hidden_size"] = heads * (size if draw.random() < 0.3 else draw.randint(3, 20))
        if family != "qwen2" or draw.random() < 0.5:
            text["head_dim"] = size
        elif text["hidden_size"] // heads % 2:
            text["hidden_size"] = heads * size
    if family == "qwen3_vl":
        rope |= dict(mrope_interleaved=True, mrope_section=[draw.randint(1, 4) for _ in range(3)])
    if family in ("qwen3", "qwen3_vl", "llama"):
        text["attention_bias"] = draw.random() < 0.3
    if family == "llama":
        text["mlp_bias"] = draw.random() < 0.3
    text["rope_parameters"] = rope
    return text


def tower(draw: random.Random, family: str, text: dict) -> dict:
    """The vision tower's part of a configuration."""
    patch, merge = draw.choice([(2, 2), (4, 2), (4, 3), (6, 2), (14, 2), (16, 2), (4, 1)])
    depth, heads = draw.randint(1, 5), draw.choice([1, 2, 3])
    width = heads * 4 * draw.randint(1, 4)
    vision = dict(
        depth=depth, num_heads=heads, patch_size=patch, spatial_merge_size=merge, temporal_patch_size=2, in_channels=3,
    )
    if family == "qwen2_vl":
        activation = draw.choice(["quick_gelu"] * 3 + ["gelu", "gelu_pytorch_tanh"])
        return vision | dict(
            embed_dim=width, hidden_size=text["hidden_size"], mlp_ratio=draw.randint(1, 4), hidden_act=activation
        )
    vision |= dict(hidden_size=width, intermediate_size=draw.randint(7, 50), out_hidden_size=text["hidden_size"])
    if family == "qwen2_5_vl":
        return vision | dict(
            window_size=patch * merge * draw.randint(1, 4), tokens_per_second=2,
            fullatt_block_indexes=sorted(draw.sample(range(depth), draw.randint(0, depth))),
        )
    # At most one for each layer of the decoder.
    most = min(depth, text["num_hidden_layers"])
    return vision | dict(
        hidden_act=draw.choice(["gelu_pytorch_tanh"] * 3 + ["gelu", "quick_gelu"]),
        num_position_embeddings=draw.choice([1, 4, 9, 16, 36, 50, 100]),
        deepstack_visual_indexes=draw.sample(range(depth), draw.randint(0, most)),
    )


def random_config(draw: random.Random, family: str):
    """A configuration; the last five ids of vision-language models are placeholders."""
    text, tied = decoder(draw, family), draw.random() < 0.5
    config_class = model_class(family).config_class
    if not family.endswith("_vl"):
        return config_class(**text, tie_word_embeddings=tied)
    rows = text["vocab_size"]
    return config_class(
        text_config=text | dict(tie_word_embeddings=tied), vision_config=tower(draw, family, text),
        tie_word_embeddings=tied, image_token_id=rows - 5, video_token_id=rows - 4, vision_start_token_id=rows - 3,
        vision_end_token_id=rows - 2,
    )


def text_config(config):
    return getattr(config, "text_config", config)


def random_model(draw: random.Random, family: str, scale: float = 0.1, config=None):
    """A model whose weights are large enough that it is sure of something."""
    config = config or random_config(draw, family)
    config._attn_implementation = "eager"
    torch.manual_seed(draw.randrange(1 << 30))
    model = model_class(family)(config).float().eval()
    for name, weight in model.named_parameters():
        if weight.dim() > 1:
            weight.data = torch.randn_like(weight) * min(0.5, 1.4 * scale * 5 / weight[0].numel() ** 0.5)
        elif name.endswith("bias"):
            weight.data = torch.randn_like(weight) * scale * 0.5
        else:
            weight.data = 1 + torch.randn_like(weight) * scale
    model.tie_weights()
    return model


def processor(draw: random.Random, config) -> Qwen2VLImageProcessorPil | None:
    """An image processor of the vision tower's patches; None for a text model."""
    vision = getattr(config, "vision_config", None)
    if vision is None:
        return None
    side = vision.patch_size * vision.spatial_merge_size
    own = {} if draw.random() < 0.5 else dict(image_mean=[0.5, 0.5, 0.5], image_std=[0.5, 0.25, 0.5])
    return Qwen2VLImageProcessorPil(
        patch_size=vision.patch_size, merge_size=vision.spatial_merge_size,
        temporal_patch_size=vision.temporal_patch_size,
        size={"shortest_edge": side * side * draw.choice([1, 4]), "longest_edge": side * side * draw.choice([6, 64])}, **own,
    )


def save(model, images, folder: Path, nested: bool = False, dtype=torch.float32, **options) -> None:
    """Writes a model's folder; the image processor's settings alone, or nested as a processor writes them."""
    model.to(dtype).save_pretrained(folder, **options)
    model.float()
    if images is None:
        return
    images.save_pretrained(folder)
    if nested:
        own = folder / "preprocessor_config.json"
        values = {"image_processor": json.loads(own.read_text()), "processor_class": "Qwen2VLProcessor"}
        (folder / "processor_config.json").write_text(json.dumps(values))
        own.unlink()


def older(folder: Path) -> None:
    """Rewrites config.json as transformers 4 writes it."""
    path = folder / "config.json"
    config = json.loads(path.read_text())
    nested = config.get("text_config")
    text = nested or config
    rope = text.pop("rope_parameters")
    text["rope_theta"] = rope.pop("rope_theta")
    text.pop("layer_types", None)
    if "mrope_section" in rope and config["model_type"] != "qwen3_vl" and rope["rope_type"] == "default":
        rope = {"type": "mrope", "mrope_section": rope["mrope_section"]}
    text["rope_scaling"] = None if rope == {"rope_type": "default"} else rope
    if nested and config["model_type"] != "qwen3_vl":
        config.pop("text_config")
        config |= {key: value for key, value in text.items() if key not in ("model_type", "dtype")}
    if nested:
        config["vision_config"].pop("rope_parameters", None)
        config["vision_config"]["model_type"] = config["model_type"]
    config["torch_dtype"] = config.pop("dtype", "float32")
    path.write_text(json.dumps(config, indent=2) + "\n")


def load(folder: Path):
    """Reads a model's folder; every weight must be there."""
    family = json.loads((folder / "config.json").read_text())["model_type"]
    model, info = model_class(family).from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
    )
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        assert not info[kind], (folder, kind, info[kind])
    return model.eval()


class Prompt:
    """Ids with placeholders expanded, and images."""

    def __init__(self, model, images, parts: list, folder: Path):
        """Parts are lists of ids, and names of images."""
        from PIL import Image

        config = model.config
        self.image_token = getattr(config, "image_token_id", None)
        self.images = [part for part in parts if isinstance(part, str)]
        self.ids, pixels, self.grids = [], [], []
        for part in parts:
            if not isinstance(part, str):
                self.ids += part
                continue
            found = images(images=[Image.open(folder / part)])
            pixels.append(torch.as_tensor(np.asarray(found["pixel_values"])))
            self.grids.append([int(side) for side in np.asarray(found["image_grid_thw"])[0]])
            count = int(np.prod(self.grids[-1])) // config.vision_config.spatial_merge_size**2
            self.ids += [config.vision_start_token_id] + [self.image_token] * count + [config.vision_end_token_id]
        self.pixels = torch.cat(pixels) if pixels else None

    def inputs(self, more: list = ()) -> dict:
        """What the model is called with, some ids of a response behind the prompt."""
        ids = torch.tensor([self.ids + list(more)])
        inputs = dict(input_ids=ids, attention_mask=torch.ones_like(ids))
        if self.pixels is not None:
            inputs |= dict(
                pixel_values=self.pixels, image_grid_thw=torch.tensor(self.grids),
                mm_token_type_ids=(ids == self.image_token).int(),
            )
        return inputs


def log_probs(model, prompt: Prompt, response: list, temperature: float = 1) -> torch.Tensor:
    """Log-probabilities of a response's tokens."""
    logits = model(**prompt.inputs(response)).logits[0, len(prompt.ids) - 1 : -1]
    return torch.log_softmax(logits / temperature, -1).gather(1, torch.tensor(response)[:, None])[:, 0]


def greedy(model, prompt: Prompt, count: int) -> tuple[list, float]:
    """The tokens of greedy generation, and the least distance of a chosen logit from the next."""
    with torch.no_grad():
        found = model.generate(
            **prompt.inputs(), do_sample=False, max_new_tokens=count, output_logits=True, return_dict_in_generate=True
        )
    best = [step[0].topk(2).values for step in found.logits]
    return found.sequences[0, len(prompt.ids) :].tolist(), min((two[0] - two[1]).item() for two in best)
