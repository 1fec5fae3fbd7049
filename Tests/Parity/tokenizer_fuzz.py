#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares our tokenizer with the `tokenizers` package on random Unicode.

usage: tokenizer_fuzz.py FOLDER [TEXTS] [SEED]

FOLDER holds a tokenizer.json of Qwen2's kind: Tests/BundledPluginTests/Fixtures/tokenizer, or what qwen_vocabulary.py
writes. Needs `pip install tokenizers` and `make tools`; POLICY_PROBE names the
program if it is elsewhere. Compares ids of random texts, and texts of random ids.
"""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

from tokenizers import Tokenizer

ROOT = Path(__file__).resolve().parents[2]
PROBE = os.environ.get("POLICY_PROBE", str(ROOT / ".build/release/policy-probe"))
SPACES = " \t\n\r\x0b\x0c\x85\xa0\u1680\u2003\u2028\u2029\u202f\u205f\u3000\u200b\u180e\ufeff"
WORDS = ["'s", "'S", "'ſ", "'ll", "'LL", "'rE", "'Ve", "'d", "'t", "'M", "'", "don't", "hello", "World", "ß", "ﬁ", "x²"]
WORDS += ["½", "٣", "Ⅷ", "漢字", "かな", "한국어", "עברית", "العربية", "हिन्दी", "ไทย", "🙂", "👩‍👩‍👧‍👦", "🏳️‍🌈", "\\frac{1}{2}", "1234567890"]
WORDS += ["<|im_start|>", "<|im_end|>", "<|image_pad|>", "<|endoftext|>", "<|", "|>", "<tool_call>", "<|im_", "\0", "\x7f"]
BLOCKS = [(0, 0x7F), (0x80, 0x24F), (0x250, 0x36F), (0x300, 0x36F), (0x370, 0x5FF), (0x591, 0x5C7), (0x600, 0x8FF)]
BLOCKS += [(0x900, 0xDFF), (0xE00, 0x11FF), (0x1100, 0x11FF), (0x1AB0, 0x1AFF), (0x1DC0, 0x1FFF), (0x2000, 0x2BFF)]
BLOCKS += [(0x3000, 0x33FF), (0x4E00, 0x4F00), (0xAC00, 0xD7A3), (0xD7B0, 0xD7FF), (0xF900, 0xFAFF), (0xFB00, 0xFFFF)]
BLOCKS += [(0x10000, 0x11FFF), (0x11900, 0x1193F), (0x1D100, 0x1D7FF), (0x1F000, 0x1FAFF), (0x2F800, 0x2FA1F), (0, 0x10FFFF)]


def character(draw: random.Random) -> str:
    first, last = draw.choice(BLOCKS)
    code = draw.randint(first, last)
    return chr(code) if not 0xD800 <= code < 0xE000 else "\ufffd"


def text(draw: random.Random) -> str:
    """A text of one flavour out of several, so that runs of a kind are common."""
    flavour = draw.randrange(6)
    length = draw.choice([1, 2, 3, 5, 8, 20, 60, 200])
    parts = []
    for _ in range(length):
        kind = draw.randrange(10)
        if flavour == 0 or kind < 2:
            parts.append(character(draw))
        elif flavour == 1 or kind < 4:
            parts.append(draw.choice(SPACES) * draw.randint(1, 3))
        elif flavour == 2 or kind < 6:
            parts.append(chr(draw.randint(0x61, 0x7A)) + "".join(chr(draw.randint(0x300, 0x36F)) for _ in range(kind % 4)))
        elif flavour == 3:
            parts.append("".join(chr(draw.randint(0x61, 0x66)) for _ in range(draw.randint(1, 90))))
        else:
            parts.append(draw.choice(WORDS))
    return "".join(parts)


def probe(mode: str, folder: str, lines: list) -> list:
    """What our tokenizer makes of each line."""
    given = "".join(json.dumps(line) + "\n" for line in lines)
    result = subprocess.run([PROBE, mode, folder], input=given, capture_output=True, text=True, encoding="utf-8")
    if result.returncode != 0:
        sys.exit(f"policy-probe ended with {result.returncode}: {result.stderr}")
    return [json.loads(line) for line in result.stdout.split("\n") if line]


def main(folder: str, count: int, seed: int) -> None:
    draw = random.Random(seed)
    reference = Tokenizer.from_file(f"{folder}/tokenizer.json")
    size = reference.get_vocab_size(with_added_tokens=True)
    texts = [text(draw) for _ in range(count)]
    wrong = 0
    for given, ours in zip(texts, probe("encode", folder, texts), strict=True):
        theirs = reference.encode(given, add_special_tokens=False).ids
        if ours != theirs:
            wrong += 1
            if wrong <= 5:
                print(f"text {given!r} ({[hex(ord(c)) for c in given][:40]})\n  ours {ours}\n  theirs {theirs}")
    streams = [[draw.randrange(size + 3) for _ in range(draw.choice([0, 1, 2, 3, 10, 50]))] for _ in range(count)]
    for given, ours in zip(streams, probe("decode", folder, streams), strict=True):
        whole = reference.decode(given, skip_special_tokens=False)
        plain = reference.decode(given, skip_special_tokens=True)
        if ours != {"text": whole, "streamed": whole, "plain": plain}:
            wrong += 1
            if wrong <= 10:
                print(f"ids {given}\n  ours {ours}\n  theirs {whole!r}, {plain!r}")
    print(f"seed {seed}: {count} texts, {sum(map(len, texts))} characters; {count} lists of ids; {wrong} differ")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    numbers = [int(argument) for argument in sys.argv[2:]]
    main(sys.argv[1], *(numbers + [20_000, 1][len(numbers) :]))
