#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Loads a checkpoint in transformers, lets it answer prompts greedily, and prints how often it is right.

usage: accuracy_parity.py MODEL PROMPTS [--compare RESPONSES] [--by FIELD] [--max-tokens N] [--batch N] [--limit N]

PROMPTS are records with `id`, `prompt` (messages with text and image parts, or a string) and `answer`; paths of images
start from the folder of the file. A response is right where its last \\boxed{…} is the answer, but for space, `$`, a
full stop at the end, and upper and lower case of a single letter; plain numbers are compared as numbers.

--compare takes our greedy responses to the same prompts (`shuffle-r1 generate --model MODEL --temperature 0`, or what
`evaluate` saves): it scores them by the same rule, where they carry a reward also by that, and counts how many texts
are the same. Of those that differ it prints how far apart the two best tokens are where they part: a near tie, or a fault.
Exits with 1 where texts differ without a near tie.

Needs torch, transformers and Pillow.
"""

import argparse
import base64
import io
import json
import re
import sys
from collections import defaultdict
from pathlib import Path

import torch
from PIL import Image, ImageOps
from transformers import Qwen2_5_VLForConditionalGeneration

from vision_processor import load_processor

NEAR_TIE = 1e-3


def boxed(text: str) -> str | None:
    """What the last \\boxed{…} holds, up to the brace that closes it."""
    start = text.rfind("\\boxed{")
    if start < 0:
        return None
    start, depth = start + len("\\boxed{"), 0
    at = start
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == "{":
            depth += 1
        elif text[at] == "}":
            if depth == 0:
                return text[start:at]
            depth -= 1
        at += 1
    return None


def plain(answer: str) -> str:
    reduced = re.sub(r"[\s$]", "", answer).rstrip(".,;")
    return reduced.upper() if len(reduced) == 1 else reduced


def is_right(response: str, answer: str) -> bool:
    found, held = boxed(response), boxed(answer)
    if found is None:
        return False
    found, expected = plain(found), plain(answer if held is None else held)
    if found == expected:
        return bool(expected)
    number = r"[-+]?[0-9]+(\.[0-9]+)?"
    return all(re.fullmatch(number, text) for text in (found, expected)) and float(found) == float(expected)


def read_records(path: Path) -> list[dict]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def open_image(address: str, folder: Path) -> Image.Image:
    if address.startswith("data:"):
        opened = Image.open(io.BytesIO(base64.b64decode(address.split(",", 1)[1])))
    else:
        opened = Image.open(folder / address.removeprefix("file://"))
    # Upright as in transformers' load_image; its processor does the rest.
    return ImageOps.exif_transpose(opened)


def messages(record: dict, folder: Path) -> tuple[list, list]:
    """A record's messages as transformers has them, and its images in order."""
    prompt, images = record["prompt"], []
    elsewhere = iter(record.get("images") or [])
    if isinstance(prompt, str):
        prompt = [{"role": "user", "content": prompt}]
    made = []
    for message in prompt:
        content = message["content"]
        if not isinstance(content, str):
            parts = []
            for part in content:
                if part.get("type") == "text":
                    parts.append({"type": "text", "text": part["text"]})
                    continue
                address = part.get("image") or part.get("image_url") or next(elsewhere)
                if isinstance(address, dict):
                    address = address.get("url") or address.get("path")
                images.append(open_image(address, folder))
                parts.append({"type": "image"})
            content = parts
        made.append({"role": message["role"], "content": content})
    return made, images


class Reader:
    """A checkpoint in transformers that answers greedily."""

    def __init__(self, folder: Path):
        self.processor = load_processor(folder)
        self.model, loaded = Qwen2_5_VLForConditionalGeneration.from_pretrained(
            folder, dtype=torch.float32, output_loading_info=True)
        for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
            if loaded[kind]:
                sys.exit(f"{folder}: {kind.replace('_', ' ')}: {loaded[kind]}")
        self.model.eval()
        self.model.generation_config.pad_token_id = self.processor.tokenizer.pad_token_id

    def inputs(self, records: list[dict], folder: Path) -> dict:
        made = [messages(record, folder) for record in records]
        texts = [
            self.processor.apply_chat_template(found, tokenize=False, add_generation_prompt=True) for found, _ in made]
        images = [image for _, pictures in made for image in pictures]
        return self.processor(text=texts, images=images or None, padding=True, return_tensors="pt")

    def answers(self, records: list[dict], folder: Path, most: int) -> tuple[list, list, list]:
        """The texts, their tokens, and the prompts' tokens."""
        given = self.inputs(records, folder)
        with torch.no_grad():
            # What a generation_config.json says of sampling must not matter.
            found = self.model.generate(
                **given, do_sample=False, temperature=None, top_p=None, top_k=None, repetition_penalty=1.0,
                max_new_tokens=most, use_cache=True)
        new = found[:, given["input_ids"].shape[1]:]
        prompts = [ids[mask.bool()].tolist() for ids, mask in zip(given["input_ids"], given["attention_mask"])]
        return self.processor.tokenizer.batch_decode(new, skip_special_tokens=True), new.tolist(), prompts

    def gap(self, record: dict, folder: Path, tokens: list[int]) -> float:
        """How far apart the two best logits are after some tokens of a response."""
        given = dict(self.inputs([record], folder))
        more = torch.tensor([tokens], dtype=torch.long)
        for name, values in (("input_ids", more), ("attention_mask", torch.ones_like(more))):
            given[name] = torch.cat([given[name], values], dim=1)
        if "mm_token_type_ids" in given:
            given["mm_token_type_ids"] = torch.cat([given["mm_token_type_ids"], torch.zeros_like(more)], dim=1)
        with torch.no_grad():
            best = self.model(**given).logits[0, -1].topk(2).values
        return (best[0] - best[1]).item()


def common_length(ours: list[int], theirs: list[int]) -> int:
    at = 0
    while at < min(len(ours), len(theirs)) and ours[at] == theirs[at]:
        at += 1
    return at


def share(values: list) -> str:
    return f"{sum(values) / len(values):.4f} ({sum(values):g} of {len(values)})" if values else "–"


def reward_of(record: dict) -> float | None:
    """How right a record says that it is."""
    return record.get("rewards", {}).get("accuracy", record.get("reward"))


def main() -> None:
    options = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].split("\n")[0])
    options.add_argument("model", type=Path)
    options.add_argument("prompts", type=Path)
    options.add_argument("--compare", type=Path)
    options.add_argument("--by", help="the field of the prompts whose values get a line each (kind or category)")
    options.add_argument("--max-tokens", type=int, default=256)
    options.add_argument("--batch", type=int, default=64)
    options.add_argument("--limit", type=int)
    chosen = options.parse_args()
    records, folder = read_records(chosen.prompts)[:chosen.limit], chosen.prompts.parent
    by = chosen.by or next((name for name in ("kind", "category") if records and name in records[0]), None)
    saved = read_records(chosen.compare) if chosen.compare else []
    ours = {record.get("group", record["id"]): record for record in saved}
    reader = Reader(chosen.model)

    table = defaultdict(lambda: defaultdict(list))
    differing, faults, other_prompts = [], 0, 0
    # Prompts of like length together: less padding, and nothing else depends on the order.
    order = sorted(range(len(records)), key=lambda at: len(json.dumps(records[at]["prompt"])))
    for start in range(0, len(order), chosen.batch):
        batch = [records[at] for at in order[start:start + chosen.batch]]
        for record, text, tokens, prompt in zip(batch, *reader.answers(batch, folder, chosen.max_tokens)):
            rows = ["all"] + ([str(record.get(by))] if by else [])
            found = {"theirs": is_right(text, str(record["answer"]))}
            mine = ours.get(record["id"])
            if chosen.compare and mine is None:
                sys.exit(f"{chosen.compare} has no response to '{record['id']}'")
            if mine is not None:
                found |= {"ours": is_right(mine["response"], str(record["answer"])), "same": mine["response"] == text}
                if reward_of(mine) is not None:
                    found["reward"] = reward_of(mine)
                other_prompts += mine.get("prompt_tokens", prompt) != prompt
                if not found["same"]:
                    given = mine.get("tokens") or reader.processor.tokenizer(mine["response"])["input_ids"]
                    at = common_length(given, tokens)
                    gap = reader.gap(record, folder, tokens[:at]) if at < len(given) else float("inf")
                    faults += gap > NEAR_TIE
                    differing.append((record["id"], at, gap))
            for row in rows:
                for name, value in found.items():
                    table[row][name].append(value)

    columns = {"theirs": "right in transformers", "ours": "right in ours", "reward": "our reward", "same": "same text"}
    columns = {name: words for name, words in columns.items() if table["all"][name]}
    print(f"| {by or 'prompts'} | " + " | ".join(columns.values()) + " |\n|---" + "|---" * len(columns) + "|")
    for row in sorted(table, key=lambda row: (row == "all", row)):
        print(f"| {row} | " + " | ".join(share(table[row][name]) for name in columns) + " |")
    for identifier, at, gap in sorted(differing, key=lambda each: -each[2])[:20]:
        if gap == float("inf"):
            print(f"{identifier}: another text, though its {at} tokens are the same")
        else:
            print(f"{identifier}: another token at place {at}, where the two best logits are {gap:.2e} apart")
    if other_prompts:
        sys.exit(f"{other_prompts} prompts have other tokens here and there")
    if faults:
        sys.exit(f"{faults} responses differ without a near tie (less than {NEAR_TIE:g})")


if __name__ == "__main__":
    main()
