#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures our tokenizer against the `tokenizers` package on one thread, in one run.

usage: tokenizer_speed.py FOLDER [JSONL]

FOLDER as qwen_vocabulary.py writes it, with tokenizer.json. Texts are the strings in JSONL (of any record), or made up
without it; then one text of a megabyte without a space, and one in decomposed form. Best of five each.
"""

import json
import os
import random
import subprocess
import sys
import time
import unicodedata
from pathlib import Path

os.environ["RAYON_NUM_THREADS"] = "1"
from tokenizers import Tokenizer  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
PROBE = os.environ.get("POLICY_PROBE", str(ROOT / ".build/release/policy-probe"))


def strings(value) -> list[str]:
    if isinstance(value, str):
        return [value]
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for child in children for text in strings(child)]


def best(body) -> float:
    times = []
    for _ in range(5):
        start = time.perf_counter()
        body()
        times.append(time.perf_counter() - start)
    return min(times)


def compare(name: str, folder: str, texts: list[str]) -> None:
    reference = Tokenizer.from_file(f"{folder}/tokenizer.json")
    ids = [reference.encode(text).ids for text in texts]
    count = sum(map(len, ids))
    encoding = best(lambda: [reference.encode(text).ids for text in texts])
    decoding = best(lambda: [reference.decode(each, skip_special_tokens=False) for each in ids])
    given = "".join(json.dumps(text) + "\n" for text in texts)
    result = subprocess.run([PROBE, "speed", folder], input=given, capture_output=True, text=True, check=True)
    ours, our_encoding, our_decoding = map(float, result.stdout.split())
    assert ours == count, (ours, count)
    print(
        f"{name}: {len(texts)} texts, {count} tokens; encode {count / our_encoding / 1e6:.2f} M/s, tokenizers"
        f" {count / encoding / 1e6:.2f}; decode {count / our_decoding / 1e6:.2f} M/s, tokenizers {count / decoding / 1e6:.2f}"
    )


def main(folder: str, file: str | None) -> None:
    draw = random.Random(3)
    if file:
        with open(file, encoding="utf-8") as lines:
            texts = [text for line in lines for text in strings(json.loads(line))]
    else:
        words = ["".join(draw.choices("etaoinshrdlu", k=draw.randint(1, 9))) for _ in range(20_000)]
        texts = [" ".join(draw.choices(words, k=400)) for _ in range(500)]
    compare("texts", folder, texts)
    compare("a megabyte of letters", folder, ["".join(draw.choices("etaoinshrdlu", k=1 << 20))])
    compare("a megabyte of one letter", folder, ["a" * (1 << 20)])
    compare("decomposed", folder, [unicodedata.normalize("NFD", "Tiếng Việt rất đẹp, 한국어도 그렇다. " * 2000)])
    compare("marks", folder, ["a" + "\u0301\u0323" * 100_000])


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
