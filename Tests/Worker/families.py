# SPDX-License-Identifier: Apache-2.0
"""Tiny random models of many families, each a folder as transformers saves it: configuration, weights, tokenizer, processor.

Nothing is taken from a published checkpoint: vocabularies, templates and weights are made here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

import torch
import transformers
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

TEXT_TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}")
IMAGE_TEMPLATE = (
    "{% if messages[0]['role'] == 'tool' %}{{ raise_exception('no tools here') }}{% endif %}{% for m in messages %}<|{{ m['role'] }}|>{% if m['content'] is string %}{{ m['content'] }}{% else %}"
    "{% for p in m['content'] %}{% if p['type'] == 'image' %}IMAGE{% else %}{{ p['text'] }}{% endif %}{% endfor %}"
    "{% endif %}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}")
ROLES = ["<|pad|>", "<|end|>", "<|user|>", "<|assistant|>", "<|system|>"]
CONTEXT = 4096
SIZES = dict(
    hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
    max_position_embeddings=CONTEXT)


def tokenizer(marks: dict[str, str] | None = None, others: list[str] | None = None) -> Any:
    """A byte-level tokenizer; `marks` are special tokens by the attribute under which processors look for them."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE(vocab={letter: number for number, letter in enumerate(alphabet)}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    special = dict.fromkeys([*ROLES, *(marks or {}).values(), *(others or [])])
    made.add_special_tokens([AddedToken(it, special=True, normalized=False) for it in special])
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, eos_token="<|end|>", pad_token="<|pad|>", extra_special_tokens=marks or {})


@dataclass
class Family:
    """How to make a tiny model of a family."""

    name: str
    make: Callable[[Path], None]
    sees: bool
    moved: bool = False
    """Whether two ranks are compared with one."""


def _save(folder: Path, config: Any, words: Any, processor: Any, template: str, family: type) -> None:
    torch.manual_seed(len(str(config.model_type)))
    model = family._from_config(config).float()
    for parameter in model.parameters():
        # Far from symmetric, so that a mistake shows in every number.
        torch.nn.init.normal_(parameter, std=0.15) if parameter.dim() > 1 else parameter.data.add_(
            0.1 * torch.randn_like(parameter))
    model.generation_config = transformers.GenerationConfig(eos_token_id=words.eos_token_id, pad_token_id=words.pad_token_id)
    model.save_pretrained(folder)
    if processor is None:
        words.chat_template = template
        words.save_pretrained(folder)
    else:
        processor.chat_template = template
        processor.save_pretrained(folder)


def text(config_class: str, model_class: str, **changes: Any) -> Callable[[Path], None]:
    """A model of text alone."""

    def make(folder: Path) -> None:
        words = tokenizer()
        ids = dict(vocab_size=len(words) + 3, eos_token_id=words.eos_token_id, pad_token_id=words.pad_token_id, bos_token_id=None)
        config = getattr(transformers, config_class)(**(SIZES | ids | changes))
        _save(folder, config, words, None, TEXT_TEMPLATE, getattr(transformers, model_class))

    return make


def _ids(words: Any) -> dict[str, Any]:
    return dict(vocab_size=len(words) + 3, eos_token_id=words.eos_token_id, pad_token_id=words.pad_token_id, bos_token_id=None)


def _qwen(folder: Path, kind: str) -> None:
    marks = {
        "image_token": "<|image_pad|>", "video_token": "<|video_pad|>", "vision_bos_token": "<|vision_start|>",
        "vision_eos_token": "<|vision_end|>"}
    words = tokenizer(marks)
    of = words.convert_tokens_to_ids
    ids = dict(
        image_token_id=of("<|image_pad|>"), video_token_id=of("<|video_pad|>"),
        vision_start_token_id=of("<|vision_start|>"), vision_end_token_id=of("<|vision_end|>"))
    rope = dict(rope_type="default", rope_theta=10000.0, mrope_section=[2, 1, 1])
    body = SIZES | _ids(words) | dict(rope_parameters=rope)
    name = {"qwen2": "Qwen2VL", "qwen2_5": "Qwen2_5_VL", "qwen3": "Qwen3VL", "qwen3_5": "Qwen3_5"}[kind]
    vision = {
        "qwen2": dict(depth=2, embed_dim=32, hidden_size=32, num_heads=2, mlp_ratio=2, patch_size=8),
        "qwen2_5": dict(
            depth=2, hidden_size=32, intermediate_size=48, num_heads=2, patch_size=8, out_hidden_size=32, window_size=32,
            fullatt_block_indexes=[1]),
        "qwen3": dict(
            depth=2, hidden_size=32, intermediate_size=48, num_heads=2, patch_size=8, out_hidden_size=32,
            num_position_embeddings=64, deepstack_visual_indexes=[0]),
        "qwen3_5": dict(
            depth=2, hidden_size=32, intermediate_size=48, num_heads=2, patch_size=8, out_hidden_size=32,
            num_position_embeddings=64),
    }[kind]
    if kind == "qwen3":
        body |= dict(head_dim=8)
    if kind == "qwen3_5":
        body |= LINEAR | dict(head_dim=8)
        body["rope_parameters"] |= dict(partial_rotary_factor=1.0)
    config = getattr(transformers, f"{name}Config")(text_config=body, vision_config=vision, **ids)
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    seen = Qwen2VLImageProcessorPil(
        patch_size=8, merge_size=2, temporal_patch_size=2, size={"shortest_edge": 256, "longest_edge": 4096})
    video = "Qwen3VLVideoProcessor" if kind.startswith("qwen3") else "Qwen2VLVideoProcessor"
    processor = getattr(transformers, "Qwen3VLProcessor" if kind.startswith("qwen3") else f"{name}Processor")(
        seen, words, getattr(transformers, video)(patch_size=8, merge_size=2, temporal_patch_size=2))
    template = IMAGE_TEMPLATE.replace("IMAGE", "<|vision_start|><|image_pad|><|vision_end|>")
    _save(folder, config, words, processor, template, getattr(transformers, f"{name}ForConditionalGeneration"))


LINEAR = dict(
    layer_types=["linear_attention", "full_attention"], linear_num_key_heads=2, linear_num_value_heads=2, linear_key_head_dim=8,
    linear_value_head_dim=8)
"""One layer of linear attention, one of attention to all tokens."""

SIGLIP = dict(hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2, patch_size=8)


def gemma3(folder: Path) -> None:
    words = tokenizer({"boi_token": "<start_of_image>", "eoi_token": "<end_of_image>", "image_token": "<image_soft_token>"})
    of = words.convert_tokens_to_ids
    config = transformers.Gemma3Config(
        text_config=SIZES | _ids(words) | dict(head_dim=8, sliding_window=64, query_pre_attn_scalar=8),
        vision_config=SIGLIP | dict(image_size=32), mm_tokens_per_image=4, boi_token_index=of("<start_of_image>"),
        eoi_token_index=of("<end_of_image>"), image_token_index=of("<image_soft_token>"))
    from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil

    processor = transformers.Gemma3Processor(
        Gemma3ImageProcessorPil(size={"height": 32, "width": 32}), words, image_seq_length=4)
    template = IMAGE_TEMPLATE.replace("IMAGE", "<start_of_image>")
    _save(folder, config, words, processor, template, transformers.Gemma3ForConditionalGeneration)


def internvl(folder: Path) -> None:
    marks = {
        "start_image_token": "<img>", "end_image_token": "</img>", "context_image_token": "<IMG_CONTEXT>",
        "video_token": "<video>"}
    words = tokenizer(marks)
    config = transformers.InternVLConfig(
        text_config=transformers.Qwen2Config(**(SIZES | _ids(words))),
        vision_config=dict(
            hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2, patch_size=[8, 8],
            image_size=[32, 32]),
        image_token_id=words.convert_tokens_to_ids("<IMG_CONTEXT>"), image_seq_length=4)
    from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import GotOcr2ImageProcessorPil

    seen = GotOcr2ImageProcessorPil(size={"height": 32, "width": 32}, crop_to_patches=True, max_patches=4)
    processor = transformers.InternVLProcessor(
        seen, words, transformers.InternVLVideoProcessor(size={"height": 32, "width": 32}), image_seq_length=4)
    template = IMAGE_TEMPLATE.replace("IMAGE", "<IMG_CONTEXT>")
    _save(folder, config, words, processor, template, transformers.InternVLForConditionalGeneration)


def _idefics(folder: Path, small: bool) -> None:
    rows = [f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)]
    marks = {
        "image_token": "<image>", "fake_image_token": "<fake_token_around_image>",
        "end_of_utterance_token": "<end_of_utterance>", "global_image_token": "<global-img>"}
    words = tokenizer(marks, rows + ["<video>"])
    ids = _ids(words)
    common = dict(
        text_config=transformers.LlamaConfig(**(SIZES | ids)), vision_config=SIGLIP | dict(image_size=32), scale_factor=2,
        image_token_id=words.convert_tokens_to_ids("<image>"), pad_token_id=words.pad_token_id, vocab_size=ids["vocab_size"])
    sizes = dict(
        size={"longest_edge": 64}, max_image_size={"longest_edge": 32}, do_image_splitting=True, return_row_col_info=True)
    template = IMAGE_TEMPLATE.replace("IMAGE", "<image>")
    if small:
        from transformers.models.smolvlm.image_processing_pil_smolvlm import SmolVLMImageProcessorPil

        processor = transformers.SmolVLMProcessor(
            SmolVLMImageProcessorPil(**sizes), words,
            transformers.SmolVLMVideoProcessor(size={"longest_edge": 32}, max_image_size={"longest_edge": 32}), image_seq_len=4)
        _save(
            folder, transformers.SmolVLMConfig(**common), words, processor, template,
            transformers.SmolVLMForConditionalGeneration)
        return
    from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil

    processor = transformers.Idefics3Processor(Idefics3ImageProcessorPil(**sizes), words, image_seq_len=4)
    _save(
        folder, transformers.Idefics3Config(**common), words, processor, template,
        transformers.Idefics3ForConditionalGeneration)


def llava(folder: Path) -> None:
    words = tokenizer({"image_token": "<image>"})
    config = transformers.LlavaConfig(
        text_config=transformers.LlamaConfig(**(SIZES | _ids(words))),
        vision_config=transformers.CLIPVisionConfig(**SIGLIP, image_size=32, projection_dim=32),
        image_token_index=words.convert_tokens_to_ids("<image>"), vision_feature_layer=-1, image_seq_length=16)
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    seen = CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    processor = transformers.LlavaProcessor(
        seen, words, patch_size=8, vision_feature_select_strategy="default", num_additional_image_tokens=1)
    template = IMAGE_TEMPLATE.replace("IMAGE", "<image>")
    _save(folder, config, words, processor, template, transformers.LlavaForConditionalGeneration)


def llava_onevision(folder: Path) -> None:
    words = tokenizer({"image_token": "<image>", "video_token": "<video>"})
    of = words.convert_tokens_to_ids
    pins = [[32, 32], [32, 64], [64, 32], [64, 64]]
    config = transformers.LlavaOnevisionConfig(
        text_config=transformers.Qwen2Config(**(SIZES | _ids(words))),
        vision_config=transformers.SiglipVisionConfig(**SIGLIP, image_size=32, vision_use_head=False),
        image_token_index=of("<image>"), video_token_index=of("<video>"), image_grid_pinpoints=pins,
        vision_feature_layer=-1, vision_feature_select_strategy="full")
    from transformers.models.llava_onevision.image_processing_pil_llava_onevision import LlavaOnevisionImageProcessorPil

    seen = LlavaOnevisionImageProcessorPil(size={"height": 32, "width": 32}, image_grid_pinpoints=pins)
    processor = transformers.LlavaOnevisionProcessor(
        seen, words, transformers.LlavaOnevisionVideoProcessor(size={"height": 32, "width": 32}), num_image_tokens=16,
        vision_feature_select_strategy="full")
    template = IMAGE_TEMPLATE.replace("IMAGE", "<image>")
    _save(folder, config, words, processor, template, transformers.LlavaOnevisionForConditionalGeneration)


def glm4v(folder: Path) -> None:
    marks = {
        "image_token": "<|image|>", "video_token": "<|video|>", "image_start": "<|begin_of_image|>",
        "image_end": "<|end_of_image|>"}
    words = tokenizer(marks, ["<|begin_of_video|>", "<|end_of_video|>"])
    of = words.convert_tokens_to_ids
    rope = dict(rope_type="default", rope_theta=10000.0, mrope_section=[2, 1, 1], partial_rotary_factor=1.0)
    config = transformers.Glm4vConfig(
        text_config=SIZES | _ids(words) | dict(rope_parameters=rope),
        vision_config=dict(
            depth=2, hidden_size=32, intermediate_size=48, num_heads=2, patch_size=8, out_hidden_size=32, image_size=32),
        image_token_id=of("<|image|>"), video_token_id=of("<|video|>"), image_start_token_id=of("<|begin_of_image|>"),
        image_end_token_id=of("<|end_of_image|>"), video_start_token_id=of("<|begin_of_video|>"),
        video_end_token_id=of("<|end_of_video|>"))
    from transformers.models.glm4v.image_processing_pil_glm4v import Glm4vImageProcessorPil

    sizes = dict(patch_size=8, merge_size=2, temporal_patch_size=2)
    processor = transformers.Glm4vProcessor(
        Glm4vImageProcessorPil(size={"shortest_edge": 256, "longest_edge": 8192}, **sizes), words,
        transformers.Glm4vVideoProcessor(**sizes))
    template = IMAGE_TEMPLATE.replace("IMAGE", "<|begin_of_image|><|image|><|end_of_image|>")
    _save(folder, config, words, processor, template, transformers.Glm4vForConditionalGeneration)


def mistral3(folder: Path) -> None:
    words = tokenizer({"image_token": "[IMG]", "image_break_token": "[IMG_BREAK]", "image_end_token": "[IMG_END]"})
    config = transformers.Mistral3Config(
        text_config=transformers.MistralConfig(**(SIZES | _ids(words) | dict(head_dim=8, sliding_window=None))),
        vision_config=transformers.PixtralVisionConfig(**SIGLIP, image_size=64, head_dim=16),
        image_token_index=words.convert_tokens_to_ids("[IMG]"), vision_feature_layer=-1, spatial_merge_size=2)
    from transformers.models.pixtral.image_processing_pil_pixtral import PixtralImageProcessorPil

    seen = PixtralImageProcessorPil(size={"longest_edge": 64}, patch_size={"height": 16, "width": 16})
    processor = transformers.PixtralProcessor(seen, words, patch_size=8, spatial_merge_size=2)
    template = IMAGE_TEMPLATE.replace("IMAGE", "[IMG]")
    _save(folder, config, words, processor, template, transformers.Mistral3ForConditionalGeneration)


FAMILIES = [
    Family("gpt_neox", text("GPTNeoXConfig", "GPTNeoXForCausalLM", num_key_value_heads=4), False, moved=True),
    Family("mistral", text("MistralConfig", "MistralForCausalLM", sliding_window=16), False),
    Family("gemma2", text("Gemma2Config", "Gemma2ForCausalLM", head_dim=8, sliding_window=16), False),
    Family("phi3", text("Phi3Config", "Phi3ForCausalLM"), False),
    Family("granite", text("GraniteConfig", "GraniteForCausalLM", logits_scaling=3.0), False),
    Family("olmo2", text("Olmo2Config", "Olmo2ForCausalLM"), False),
    Family("llama", text("LlamaConfig", "LlamaForCausalLM"), False),
    Family("qwen2", text("Qwen2Config", "Qwen2ForCausalLM"), False),
    Family("qwen3", text("Qwen3Config", "Qwen3ForCausalLM", head_dim=8), False),
    Family("qwen3_5_text", text("Qwen3_5TextConfig", "Qwen3_5ForCausalLM", head_dim=8, **LINEAR), False),
    Family("lfm2", text("Lfm2Config", "Lfm2ForCausalLM", layer_types=["conv", "full_attention"]), False),
    Family("qwen3_5", lambda folder: _qwen(folder, "qwen3_5"), True, moved=True),
    Family("qwen2_vl", lambda folder: _qwen(folder, "qwen2"), True),
    Family("qwen2_5_vl", lambda folder: _qwen(folder, "qwen2_5"), True),
    Family("qwen3_vl", lambda folder: _qwen(folder, "qwen3"), True, moved=True),
    Family("gemma3", gemma3, True, moved=True),
    Family("internvl", internvl, True),
    Family("idefics3", lambda folder: _idefics(folder, False), True, moved=True),
    Family("smolvlm", lambda folder: _idefics(folder, True), True),
    Family("llava", llava, True),
    Family("llava_onevision", llava_onevision, True),
    Family("glm4v", glm4v, True),
    Family("mistral3", mistral3, True),
]
