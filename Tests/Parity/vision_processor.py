# SPDX-License-Identifier: Apache-2.0
"""The processor of a Qwen2.5-VL checkpoint in transformers, without torchvision."""

from pathlib import Path

from transformers import AutoTokenizer, Qwen2_5_VLProcessor
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

# What Qwen2.5-VL's own template gives for prompts of texts and images.
TEMPLATE = (
    "{% if messages[0]['role'] != 'system' %}<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}"
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")


class Processor(Qwen2_5_VLProcessor):
    """Takes the Pillow image processor and no video processor, as both others need torchvision."""

    def check_argument_for_proper_class(self, argument_name, argument):
        return type(argument)


def load_processor(folder: Path) -> Processor:
    """Tokenizer, images and chat template of a checkpoint; the template above where it brings none."""
    tokenizer = AutoTokenizer.from_pretrained(
        folder, padding_side="left", eos_token="<|im_end|>", pad_token="<|endoftext|>")
    return Processor(
        image_processor=Qwen2VLImageProcessorPil.from_pretrained(folder), tokenizer=tokenizer,
        chat_template=tokenizer.chat_template or TEMPLATE)
