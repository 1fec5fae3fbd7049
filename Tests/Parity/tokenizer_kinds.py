#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares our tokenizer with the `tokenizers` package on random Unicode, for every kind that is read.

usage: tokenizer_kinds.py [TEXTS] [SEED]

Trains a small vocabulary for each kind: the expressions of Qwen2, Llama 3 and GPT-2, digits apart or together, with a
normaliser or without, whole pieces taken as tokens, bytes without a token. Runs tokenizer_fuzz.py on each.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from qwen_vocabulary import PATTERN, spelling

HERE = Path(__file__).resolve().parent
LLAMA3 = PATTERN.replace(r"|\p{N}|", r"|\p{N}{1,3}|")
CORPUS = (HERE / "tokenizer_kinds.py").read_text().splitlines() + [
    "It's 1234 and 56, we'll see: 3.14159; don't they've I'M HE'LL", "\tdef f(x):\n\n\n  return  x  ** 2\r\n", "naïve café 三角形 123",
] * 20


def split(pattern: str):
    return pre_tokenizers.Split(Regex(pattern), behavior="isolated", invert=False)


def plain():
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)


def gpt2():
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)


def digits(each: bool):
    return pre_tokenizers.Digits(individual_digits=each)


def sequence(*steps):
    return pre_tokenizers.Sequence(list(steps))


BOS = processors.TemplateProcessing(single="<|s|> $A", pair="<|s|> $A <|s|> $B:1", special_tokens=[("<|s|>", 0)])
NOTHING = processors.TemplateProcessing(single="$A:0", pair="$A:0 $B:1", special_tokens=[])
# The pre-tokenizer, the normaliser, the post-processor, whether whole pieces are tokens, and the bytes that are missing.
KINDS = {
    "qwen2": (sequence(split(PATTERN), plain()), normalizers.NFC(), None, False, ()),
    "qwen2, no normaliser": (sequence(split(PATTERN), plain()), None, NOTHING, False, ()),
    "llama3": (sequence(split(LLAMA3), plain()), None, processors.Sequence([processors.ByteLevel(), BOS]), True, ()),
    "llama3, merges alone": (sequence(split(LLAMA3), plain()), None, None, False, ()),
    "gpt2": (gpt2(), None, processors.ByteLevel(trim_offsets=False), False, ()),
    "gpt2 after a normaliser": (gpt2(), normalizers.Sequence([normalizers.NFC()]), None, False, ()),
    "smollm2": (sequence(digits(True), gpt2()), None, NOTHING, False, (4, 6, 0x13, 0xC0, 0xC1, 0xF1, 0xF2, 0xF5)),
    "numbers apart": (sequence(digits(False), gpt2()), None, None, False, ()),
    "digits apart, qwen2": (sequence(digits(True), split(PATTERN), plain()), normalizers.NFC(), None, False, ()),
    "numbers apart, llama3": (sequence(digits(False), split(LLAMA3), plain()), None, None, True, ()),
}


def make(kind: str, folder: Path) -> None:
    division, normalizer, processor, whole, missing = KINDS[kind]
    made = Tokenizer(models.BPE(ignore_merges=whole))
    made.pre_tokenizer, made.decoder = division, decoders.ByteLevel()
    if normalizer is not None:
        made.normalizer = normalizer
    alphabet = [letter for letter in pre_tokenizers.ByteLevel.alphabet() if letter not in {spelling()[byte] for byte in missing}]
    trainer = trainers.BpeTrainer(
        vocab_size=900, initial_alphabet=alphabet, show_progress=False, special_tokens=["<|s|>", "<|im_start|>", "<|im_end|>"]
    )
    made.train_from_iterator(CORPUS, trainer)
    made.add_tokens([AddedToken("<tool_call>", special=False, normalized=True), AddedToken("<|K|>", special=True)])
    if processor is not None:
        made.post_processor = processor
    made.save(str(folder / "tokenizer.json"))


def main(count: int, seed: int) -> None:
    failed = 0
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as folder:
            make(kind, Path(folder))
            print(f"{kind}: ", end="", flush=True)
            failed |= subprocess.run([sys.executable, HERE / "tokenizer_fuzz.py", folder, str(count), str(seed)]).returncode
    sys.exit(failed)


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:]]
    main(*(numbers + [20_000, 1][len(numbers) :]))
