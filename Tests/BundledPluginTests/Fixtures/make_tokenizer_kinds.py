#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes Fixtures/tokenizer/kinds.json: one small vocabulary, and the ids of texts for every kind of tokenizer that is read.

    python3 Tests/BundledPluginTests/Fixtures/make_tokenizer_kinds.py   # needs `pip install tokenizers`

The vocabulary is made of whole lines, so that its merges go across the borders of pieces and show them. Made with tokenizers 0.23.3.
"""

import json
import sys
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "Parity")]
from make_tokenizer import texts  # noqa: E402
from tokenizer_kinds import KINDS  # noqa: E402

LINES = ["it's 1234 and 12345 o'clock, IT'S (word) \tx  y\n\n\n", "don't we'll 2024-10-31 12 34  56\r\n", "x²½ naïve 漢字 :-) !!\n"] * 4


def main() -> None:
    made = Tokenizer(models.BPE())
    made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False), decoders.ByteLevel()
    alphabet = [letter for letter in pre_tokenizers.ByteLevel.alphabet() if letter != "ÿ"]
    made.train_from_iterator(
        [line[start:] for line in LINES for start in range(0, len(line), 3)],
        trainers.BpeTrainer(vocab_size=420, initial_alphabet=alphabet, show_progress=False),
    )
    vocabulary = json.loads(made.to_str())
    words = [text for text in texts() if text][:90] + ["".join(LINES[:3]), "1234567", "a  1 \n b", "'s's 'S", "  12  ab12cd  "]
    kinds = []
    for name, (division, normalizer, processor, whole, _) in KINDS.items():
        reference = Tokenizer.from_str(json.dumps(vocabulary))
        reference.pre_tokenizer = division
        if normalizer is not None:
            reference.normalizer = normalizer
        if processor is not None and "<|s|>" not in str(processor):
            reference.post_processor = processor
        whole_document = json.loads(reference.to_str())
        whole_document["model"]["ignore_merges"] = whole
        reference = Tokenizer.from_str(json.dumps(whole_document))
        parts = {key: whole_document[key] for key in ("normalizer", "pre_tokenizer", "post_processor")}
        ids = [reference.encode(text, add_special_tokens=False).ids for text in words]
        kinds.append(dict(name=name, ignore_merges=whole, ids=ids, **parts))
    target = HERE / "tokenizer/kinds.json"
    document = dict(tokenizer=vocabulary, texts=words, kinds=kinds)
    target.write_text(json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
    different = len({json.dumps(kind["ids"]) for kind in kinds})
    print(f"{target}: {target.stat().st_size} bytes; {len(kinds)} kinds, {different} of them with ids of their own")


if __name__ == "__main__":
    main()
