# SPDX-License-Identifier: Apache-2.0
"""Random Qwen2.5-VL models and what transformers computes with them, in single precision with eager attention."""

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

torch.set_num_threads(1)
CLASS = Qwen2_5_VLForConditionalGeneration


def random_model(seed: int, text: dict, vision: dict, tied: bool, scale: float = 0.2) -> CLASS:
    """A model whose weights are large enough that it is sure of something; the last five ids are placeholders."""
    vocabulary = text["vocab_size"]
    text = dict(
        max_position_embeddings=256, bos_token_id=1, eos_token_id=2, pad_token_id=0, tie_word_embeddings=tied,
        hidden_act="silu",
    ) | text
    same = dict(in_channels=3, tokens_per_second=2, temporal_patch_size=2, out_hidden_size=text["hidden_size"])
    vision = same | vision
    config = Qwen2_5_VLConfig(
        text_config=text, vision_config=vision, tie_word_embeddings=tied, image_token_id=vocabulary - 5,
        video_token_id=vocabulary - 4, vision_start_token_id=vocabulary - 3, vision_end_token_id=vocabulary - 2,
    )
    config._attn_implementation = "eager"
    torch.manual_seed(seed)
    model = CLASS(config).float().eval()
    for name, weight in model.named_parameters():
        if weight.dim() > 1:
            weight.data = torch.randn_like(weight) * min(0.5, 1.4 * scale * 5 / weight[0].numel() ** 0.5)
        elif name.endswith("bias"):
            weight.data = torch.randn_like(weight) * scale * 0.5
        else:
            weight.data = 1 + torch.randn_like(weight) * scale
    model.tie_weights()
    return model


def processor(vision) -> Qwen2VLImageProcessorPil:
    """An image processor of the vision tower's patches, which leaves images of whole tokens as they are."""
    side = vision.patch_size * vision.spatial_merge_size
    return Qwen2VLImageProcessorPil(
        patch_size=vision.patch_size, merge_size=vision.spatial_merge_size,
        temporal_patch_size=vision.temporal_patch_size,
        size={"shortest_edge": side * side, "longest_edge": side * side * 64},
    )


def save(model: CLASS, folder: Path, dtype: torch.dtype = torch.float32, **options) -> None:
    """Writes a model's folder, its image processor's settings included."""
    model.to(dtype).save_pretrained(folder, **options)
    model.float()
    vision = model.config.vision_config
    processor(vision).save_pretrained(folder)


def load(folder: Path) -> CLASS:
    """Reads a model's folder; every weight must be there."""
    model, info = CLASS.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
    )
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        assert not info[kind], (folder, kind, info[kind])
    return model.eval()


def draw_image(path: Path, vision, rows: int, columns: int, seed: int) -> None:
    """A picture of so many tokens: coarse blocks, which make small files, and some noise."""
    side = vision.patch_size * vision.spatial_merge_size
    draw = np.random.RandomState(seed)
    blocks = draw.randint(0, 256, (rows * 2, columns * 2, 3), dtype=np.uint8)
    picture = blocks.repeat(side // 2, 0).repeat(side // 2, 1)
    picture[draw.rand(*picture.shape[:2]) < 0.1] = 200
    Image.fromarray(picture).save(path, optimize=True)


class Prompt:
    """Ids with placeholders expanded, and images."""

    def __init__(self, model: CLASS, parts: list, folder: Path):
        """Parts are lists of ids, and names of images."""
        config = model.config
        merge = config.vision_config.spatial_merge_size
        self.images = [part for part in parts if isinstance(part, str)]
        self.ids, pixels, grids = [], [], []
        for part in parts:
            if not isinstance(part, str):
                self.ids += part
                continue
            found = processor(config.vision_config)(images=[Image.open(folder / part)])
            pixels.append(torch.as_tensor(np.asarray(found["pixel_values"])))
            grids.append([int(side) for side in np.asarray(found["image_grid_thw"])[0]])
            count = int(np.prod(grids[-1])) // merge**2
            self.ids += [config.vision_start_token_id] + [config.image_token_id] * count + [config.vision_end_token_id]
        self.grids = grids
        self.pixels = torch.cat(pixels) if pixels else None
        self.image_token = config.image_token_id

    def inputs(self, more: list = ()) -> dict:
        """What the model is called with, some ids of a response behind the prompt."""
        ids = torch.tensor([self.ids + list(more)])
        if self.pixels is None:
            return dict(input_ids=ids, attention_mask=torch.ones_like(ids))
        return dict(
            input_ids=ids, attention_mask=torch.ones_like(ids), pixel_values=self.pixels,
            image_grid_thw=torch.tensor(self.grids), mm_token_type_ids=(ids == self.image_token).int(),
        )


def log_probs(model: CLASS, prompt: Prompt, response: list, temperature: float = 1) -> torch.Tensor:
    """Log-probabilities of a response's tokens."""
    logits = model(**prompt.inputs(response)).logits[0, len(prompt.ids) - 1 : -1]
    return torch.log_softmax(logits / temperature, -1).gather(1, torch.tensor(response)[:, None])[:, 0]


def greedy(model: CLASS, prompt: Prompt, count: int) -> tuple[list, float]:
    """The tokens of greedy generation, and the least distance of a chosen logit from the next."""
    with torch.no_grad():
        found = model.generate(
            **prompt.inputs(), do_sample=False, max_new_tokens=count, output_logits=True, return_dict_in_generate=True
        )
    best = [step[0].topk(2).values for step in found.logits]
    return found.sequences[0, len(prompt.ids) :].tolist(), min((two[0] - two[1]).item() for two in best)


def rope(sections: list, theta: float = 1e6) -> dict:
    return {"rope_type": "default", "rope_theta": theta, "mrope_section": sections}


def write_json(path: Path, value) -> None:
    path.write_text(json.dumps(value, indent=None, separators=(",", ":")) + "\n")
