# SPDX-License-Identifier: Apache-2.0
"""A model's own processor: messages and images to tokens, images to the model's inputs by name, tokens to text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .faults import WorkerFault, first_line
from .pictures import Pictures
from .settings import Settings
from .work import Prompt

KEPT_BYTES = 512 << 20
"""The most bytes of inputs of images that are kept, unless one prompt's are more."""
BLANK_SIDE = 56
TOKENIZER_FILES = ("tokenizer.json", "vocab.json", "tokenizer.model", "tokenizer_config.json", "spiece.model")


@dataclass
class Shown:
    """What the processor makes of a prompt's images."""

    inputs: dict[str, torch.Tensor]
    """The model's inputs by name, on the CPU."""
    placeholders: int
    """The number of tokens that they take in the prompt."""

    @property
    def byte_count(self) -> int:
        return sum(it.nbytes for it in self.inputs.values())


class Processor:
    """Reads a model's folder; the model's inputs are whatever its processor returns, under the same names."""

    def __init__(self, settings: Settings, model: Any, pictures: Pictures, sees: bool):
        """`sees` says whether the model takes images."""
        self.folder, self.pictures = settings.model, pictures
        self.config = model.config
        self.sees = sees
        self.resized = settings.prompts == "pipeline"
        self._names = _input_names(model)
        self._whole, self._images, self.tokenizer = self._open(settings)
        self._shown: dict[tuple[str, ...], Shown] = {}
        self._type_tables: dict[str, dict[int, int]] = {}
        self.blank: Prompt | None = None
        if self.sees:
            self._look_at_a_blank_image()

    # Opening.

    def _open(self, settings: Settings) -> tuple[Any, Any, Any]:
        """The processor, its image processor, and its tokenizer; those that the folder has."""
        from transformers import AutoImageProcessor, AutoProcessor, AutoTokenizer

        has_tokenizer = any((self.folder / name).exists() for name in TOKENIZER_FILES)
        try:
            if not self.sees:
                tokenizer = AutoTokenizer.from_pretrained(self.folder, local_files_only=True) if has_tokenizer else None
                return None, None, tokenizer
            # Pillow resizes to the same bytes everywhere, and as the pipeline does.
            images = AutoImageProcessor.from_pretrained(self.folder, local_files_only=True, backend="pil")
            if not has_tokenizer:
                return None, images, None
            whole = AutoProcessor.from_pretrained(self.folder, local_files_only=True)
            whole.image_processor = images
            return whole, images, whole.tokenizer
        except ImportError as error:
            raise WorkerFault(
                "packages", f"the processor of {self.folder} needs a package: {first_line(error)}",
                "run `make worker`, or install the package into the worker's environment") from None
        except Exception as error:
            raise WorkerFault(
                "model", f"the processor of {self.folder} cannot be opened: {first_line(error)}",
                "copy tokenizer, preprocessor_config.json and processor_config.json from the same checkpoint") from None

    def _look_at_a_blank_image(self) -> None:
        """Learns which inputs go along with tokens, and what a prompt with an image looks like."""
        name = "blank"
        side = BLANK_SIDE
        if self.resized:
            factor = int(getattr(self._images, "patch_size", 14)) * int(getattr(self._images, "merge_size", 1))
            side = factor * max(1, round(BLANK_SIDE / factor))
        ramp = np.arange(side, dtype=np.uint8)
        pixels = np.stack(np.broadcast_arrays(ramp[:, None], ramp, np.uint8(128)), -1)
        if self._whole is None:
            shown = self._without_text([pixels])
            tokens = [self.image_token] * shown.placeholders
        else:
            output = self._run(self._placeholder_text(1), [pixels])
            tokens = output["input_ids"][0].tolist()
            self._type_tables = self._tables(output)
            shown = self._shown_in(output)
        if shown.placeholders == 0:
            raise WorkerFault(
                "model", f"the processor of {self.folder} makes no token {self.image_token} for an image",
                "take config.json and the processor's files from the same checkpoint")
        self._shown[name,] = shown
        self.blank = Prompt(np.array(tokens, np.int32), [name])

    # Prompts.

    def encode(self, messages: list[dict[str, Any]], images: list[str]) -> np.ndarray:
        """The tokens of a prompt in messages, image placeholders expanded."""
        if self.tokenizer is None:
            raise WorkerFault(
                "data", f"{self.folder} has no tokenizer", "add the model's tokenizer.json, or give records 'prompt_tokens'")
        if images and not self.sees:
            raise WorkerFault(
                "data", f"the prompt has images, but the model, a '{self.config.model_type}', takes text alone",
                "take the images out, or train a model that sees them")
        return self.tokens_of(self.render(messages), images)

    def tokens_of(self, text: str, images: list[str]) -> np.ndarray:
        """The tokens of a prompt's text, image placeholders expanded."""
        if self._whole is None:
            return self.tokenize(text)
        output = self._run(text, [self.pictures.pixels(name) for name in images])
        if images:
            self._keep(tuple(images), self._shown_in(output))
        return output["input_ids"][0].numpy().astype(np.int32)

    def render(self, messages: list[dict[str, Any]]) -> str:
        """The text of messages by the model's chat template, with a placeholder for each image.

        A last message of the assistant is left open: the response continues it.
        """
        renderer = self._renderer
        if renderer is None:
            raise WorkerFault(
                "data", f"{self.folder} has no chat template, so that messages cannot become a prompt",
                "add the chat_template.jinja of the model it was made from, or give records 'prompt_tokens'")
        try:
            shaped = [self._shaped(message) for message in messages]
            continues = end_in_answer(messages)
            return renderer.apply_chat_template(
                shaped, add_generation_prompt=not continues, continue_final_message=continues, tokenize=False)
        except Exception as error:
            raise WorkerFault(
                "data", f"prompt: the chat template does not take these messages: {first_line(error)}",
                "change the messages, or give the record 'prompt_tokens'") from None

    @property
    def has_template(self) -> bool:
        """Whether messages can become text."""
        return self._renderer is not None

    @property
    def _renderer(self) -> Any:
        """What has the chat template: the processor, or else the tokenizer."""
        return next((it for it in (self._whole, self.tokenizer) if getattr(it, "chat_template", None)), None)

    def check(self, prompt: Prompt) -> None:
        """Refuses a prompt in tokens whose placeholders do not fit its images."""
        if not self.sees:
            if prompt.images:
                raise WorkerFault(
                    "data", f"the prompt has images, but the model, a '{self.config.model_type}', takes text alone",
                    "take the images out, or train a model that sees them")
            return
        wanted = self.shown(prompt.images).placeholders if prompt.images else 0
        found = int((prompt.tokens == self.image_token).sum())
        if found != wanted:
            raise WorkerFault(
                "data",
                f"the prompt holds {found} image placeholders, but its {len(prompt.images)} images take {wanted} tokens",
                "expand each placeholder to the number of tokens of its image")

    @property
    def image_token(self) -> int:
        """The id in a prompt whose embedding is replaced by an image's."""
        for holder in (self.config, self._whole):
            found = getattr(holder, "image_token_id", None)
            if isinstance(found, int):
                return found
        raise WorkerFault(
            "model", f"config.json of {self.folder} has no 'image_token_id'", "take a model whose processor expands images")

    @property
    def picture_tokens(self) -> list[int]:
        """The ids that stand for images and videos."""
        if not self.sees:
            return []
        video = getattr(self.config, "video_token_id", None)
        return [self.image_token] + ([video] if isinstance(video, int) else [])

    # The model's inputs.

    def shown(self, images: list[str]) -> Shown:
        """The inputs of a prompt's images."""
        names = tuple(images)
        known = self._shown.get(names)
        if known is not None:
            return known
        pixels = [self.pictures.pixels(name) for name in images]
        if self._whole is None:
            made = self._without_text(pixels)
        else:
            made = self._shown_in(self._run(self._placeholder_text(len(images)), pixels))
        self._keep(names, made)
        return made

    @property
    def token_type_names(self) -> set[str]:
        """The inputs that go along with a prompt's tokens."""
        return set(self._type_tables)

    def token_types(self, tokens: np.ndarray) -> dict[str, np.ndarray]:
        """The inputs that go along with a prompt's tokens, such as `token_type_ids`, by name."""
        found = {}
        for name, table in self._type_tables.items():
            values = np.zeros(len(tokens), np.int64)
            for token, value in table.items():
                values[tokens == token] = value
            found[name] = values
        return found

    def pixel_values(self, images: list[np.ndarray], **options: Any) -> dict[str, torch.Tensor]:
        """What the image processor alone makes of images."""
        return dict(self._images(images=list(images), input_data_format="channels_last", return_tensors="pt", **options))

    def _keep(self, names: tuple[str, ...], shown: Shown) -> None:
        self._shown[names] = shown
        kept = sum(it.byte_count for it in self._shown.values())
        # The oldest go first, but never the blank one.
        for key in [it for it in self._shown if it not in (("blank",), names)]:
            if kept <= KEPT_BYTES:
                break
            kept -= self._shown.pop(key).byte_count

    def forget(self, names: list[str]) -> None:
        """Drops the inputs of images that the pipeline has dropped."""
        gone = set(names)
        for key in [it for it in self._shown if gone.intersection(it)]:
            del self._shown[key]

    def _run(self, text: str, pixels: list[np.ndarray]) -> dict[str, Any]:
        """The processor's output for one prompt."""
        from PIL import Image

        options: dict[str, Any] = {"do_resize": False} if self.resized and pixels else {}
        bos = getattr(self.tokenizer, "bos_token", None)
        if bos is not None and text.startswith(bos):
            # As in `apply_chat_template` of transformers: the template has written it.
            options["add_special_tokens"] = False
        images = [[Image.fromarray(it) for it in pixels]] if pixels else None
        try:
            return dict(self._whole(text=[text], images=images, return_tensors="pt", **options))
        except Exception as error:
            raise WorkerFault(
                "data", f"the model's processor does not take this prompt: {first_line(error)}",
                "see that each image has its place in the prompt, and that no text holds a placeholder") from None

    def _placeholder_text(self, count: int) -> str:
        """A text with places for images alone."""
        if self.has_template:
            return self.render([{"role": "user", "content": [{"type": "image"}] * count}])
        mark = getattr(self._whole, "boi_token", None) or self._whole.image_token
        return mark * count

    def _shown_in(self, output: dict[str, Any]) -> Shown:
        tokens = output["input_ids"]
        alongside = {"input_ids", "attention_mask", *self._type_tables}
        inputs = {
            name: value
            for name, value in output.items()
            if name not in alongside and name in self._names and isinstance(value, torch.Tensor)
        }
        return Shown(inputs, int((tokens == self.image_token).sum()))

    def _tables(self, output: dict[str, Any]) -> dict[str, dict[int, int]]:
        """Which value each token has in the inputs that go along with tokens, where it is not 0."""
        tokens = output["input_ids"][0].tolist()
        tables = {}
        for name, values in output.items():
            if name in ("input_ids", "attention_mask") or name not in self._names or not isinstance(values, torch.Tensor):
                continue
            if values.shape == output["input_ids"].shape and not values.is_floating_point():
                tables[name] = {token: value for token, value in zip(tokens, values[0].tolist()) if value != 0}
        return tables

    def _without_text(self, pixels: list[np.ndarray]) -> Shown:
        """For a folder without a tokenizer: grids say how many tokens an image takes."""
        found = self.pixel_values(pixels, **({"do_resize": False} if self.resized else {}))
        grids = found.get("image_grid_thw")
        if grids is None:
            raise WorkerFault(
                "model", f"{self.folder} has no tokenizer, which the processor of a '{self.config.model_type}' needs",
                "add the model's tokenizer.json")
        if "mm_token_type_ids" in self._names:
            self._type_tables = {"mm_token_type_ids": {self.image_token: 1}}
        merged = int(self._images.merge_size) ** 2
        inputs = {name: value for name, value in found.items() if name in self._names}
        return Shown(inputs, int((grids.prod(-1) // merged).sum()))

    def _shaped(self, message: dict[str, Any]) -> dict[str, Any]:
        """A message in the form that the template shows: some know only strings as content, some only lists of parts."""
        content = message.get("content")
        if isinstance(content, str) and self._shows_lists_only:
            return message | {"content": [{"type": "text", "text": content}]}
        if isinstance(content, list) and not self.sees:
            return message | {"content": "".join(part.get("text", "") for part in content)}
        return message

    @property
    def _shows_lists_only(self) -> bool:
        if not hasattr(self, "_lists_only"):
            self._lists_only = False
            if self.sees and self._renderer is not None:
                try:
                    shown = self._renderer.apply_chat_template([{"role": "user", "content": "zq"}], tokenize=False)
                    self._lists_only = "zq" not in shown
                except Exception:  # noqa: BLE001  a template that refuses strings
                    self._lists_only = True
        return self._lists_only

    # Responses.

    def tokenize(self, text: str) -> np.ndarray:
        """The tokens of a response's text."""
        return np.array(self.tokenizer(text, add_special_tokens=False)["input_ids"], np.int32)

    def decode(self, tokens: Any) -> str:
        """The text of tokens, without special ones and without those that the tokenizer does not have."""
        known = [int(token) for token in tokens if int(token) < len(self.tokenizer)]
        return self.tokenizer.decode(known, skip_special_tokens=True, clean_up_tokenization_spaces=False)

    @property
    def special_tokens(self) -> set[int]:
        """Ids that are no part of a text."""
        return set(self.tokenizer.all_special_ids) if self.tokenizer is not None else set()

    def end_tokens(self, model: Any) -> list[int]:
        """The ids that end a response: those of generation_config.json, or else of config.json or the tokenizer."""
        text = self.config.get_text_config()
        for holder in (model.generation_config, self.config, text, self.tokenizer):
            found = getattr(holder, "eos_token_id", None)
            if found is not None:
                return [int(it) for it in (found if isinstance(found, (list, tuple)) else [found])]
        raise WorkerFault(
            "model", f"{self.folder} names no 'eos_token_id', so that nothing would end a response",
            "add it to generation_config.json")


def end_in_answer(messages: list[dict[str, Any]]) -> bool:
    """Whether the last message is the assistant's and has a text, which the response continues."""
    if not messages or messages[-1].get("role") != "assistant":
        return False
    content = messages[-1].get("content")
    return isinstance(content, str) or any("text" in part for part in content or [])


def _input_names(model: Any) -> set[str]:
    """The inputs that a model takes by name."""
    import inspect

    names = {name for it in (model, model.base_model) for name in inspect.signature(type(it).forward).parameters}
    return names - {"self", "kwargs", "labels"}
