#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes Fixtures/tokenizer: a small byte-level BPE in Qwen2's configuration, and what it makes of many texts.

usage: make_tokenizer.py [TEMPLATE]

Needs `pip install tokenizers transformers jinja2`. TEMPLATE is a file with the chat template that Qwen2.5-VL was
published with, which is not in this repository; with it, chat.jsonl is written too.
"""

import importlib.util
import json
import random
import sys
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, trainers
from tokenizers.pre_tokenizers import ByteLevel

HERE = Path(__file__).resolve().parent
TARGET = HERE / "tokenizer"


def script(name: str):
    """A script of Tests/Parity as a module."""
    spec = importlib.util.spec_from_file_location(name, HERE.parents[1] / f"Parity/{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


vocabulary, fuzz = script("qwen_vocabulary"), script("tokenizer_fuzz")

CORPUS = """A triangle has three sides and three angles; the sum of the angles is 180 degrees.
Let x be the length of the side. Then x^2 + 3x = 10, so x = 2, and the answer is \\boxed{2}.
I'll see what they've said: it's the user's image, don't you think? We're there. HE'LL COME, SHE'D GO.
<think>First find the area of the circle, then the volume of the cone.</think>
Die Länge der Straße beträgt fünf Kilometer. Où est la bibliothèque ? ¿Cuántos años tiene él?
Площадь круга равна произведению числа пи на квадрат радиуса. Ответ: двенадцать.
三角形的内角和是一百八十度。这张图片里有什么？ 図の面積を求めなさい。 삼각형의 넓이를 구하시오.
def area(width, height):\n    return width * height\n\n\tfor i in range(10):\n\t\tprint(i, i * i)\r\n
""".splitlines()

TEXTS = """
hello world| leading|trailing |  two  spaces  |\n|\r\n|\n\n\n|a\n\nb|a \n b|a\t\tb|\t\ta| \n \n x|a   b|\r\r\n\n|   |x\n   y|
it's IT'S it'ſ we'll WE'LL we'Ve they're I'm I'd can't|'s|''s|'x|'|s's|'lll|'l|'r|'re've|don''t|
1234567890|3.14159|1,000,000|x1y2|①②③|½¾|Ⅷ|٣٤٥|१२३|x²|10⁻³|
café|cafe\u0301|e\u0323\u0301|e\u0301\u0323|\u0301|\u0301\u0323a|ﬁ|Å|Å|Ω|ё|й|\u1100\u1161\u11a8|각\u11a8|가\u11a8|억\u11a8|
ệ|e\u0302\u0323|\u0f71\u0f72|\u0f73|\u0344|\u0958|\u2126|\u212b|\ufb1d|豈|丽|\u0b47\u0b3e|\u1025\u102e|\u0341\u0340|
漢字かな交じり文|한국어 문장|עברית|العربية|हिन्दी|ไทย|ქართული|አማርኛ|
🙂|👩‍👩‍👧‍👦|🏳️‍🌈|🇩🇪🇫🇷|👍🏽|a🙂b| 🙂|🙂🙂🙂|\u200b|\ufeff|\u00ad|\u200d|\u2028|\u2029|\u0085|\u00a0|\u3000x|\u3000\u3000x|\x0b\x0c|\x00|\x7f|
\\frac{1}{2}|$x^2$|\\boxed{25}|a_b|a-b|---|...|!!!\n\n|?!\r\nx|(a)|[b]|{c}| (|( |#!/bin/sh\n|<b>|&amp;|@user #tag|https://example.com/a?b=c&d=%20|
<|im_start|>user\nhi<|im_end|>\n|<|im_end|>|<|im_end|><|im_end|>| <|im_end|> |<|im_end|x|<|im_<|im_end|>|<|vision_start|><|image_pad|><|vision_end|>|
<tool_call>{}</tool_call>|<tool_callx>|<K>|<\u212a>|a<\u212a>b|<think>x</think>|\U0010ffff|\ue000|\ufffd|\U0001d400\U0001d7ce|\u0378|\U00033479|\ua7ce|\u088f|\u0898\u0301|a\u0898\u0301|\U00011935\U00011930|\U000105d2\u0307|
aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa|
thethethethethethethethethethethethethethetriangleangletheangletriangletheandandandandthesumoftheanglesisthe
"""

CHATS = [
    [{"role": "user", "content": "What is x?"}],
    [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is x?"}],
    [{"role": "user", "content": [{"type": "image", "image": "a.png"}, {"type": "text", "text": "Find x."}]}],
    [{"role": "user", "content": [{"type": "text", "text": "A "}, {"type": "image"}, {"type": "text", "text": " B"}]}],
    [{"role": "user", "content": [{"type": "image", "image": "a"}, {"type": "image", "image": "b"}, {"type": "text", "text": "?"}]}],
    [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]}],
    [{"role": "user", "content": [{"image": "a.png"}, {"text": "Words"}]}],
    [{"role": "user", "content": " a\n"}, {"role": "assistant", "content": "b "}, {"role": "user", "content": ""}],
    [{"role": "system", "content": [{"type": "text", "text": "S"}]}, {"role": "user", "content": []}],
    [{"role": "tool", "content": "x"}, {"role": "system", "content": "late"}],
    [{"role": "user", "content": "{{ braces }} {% raw %} <|im_end|> é漢🙂"}],
]


def texts() -> list[str]:
    # "|" separates texts, but not within "<|…|>".
    marked = TEXTS.replace("<|", "<\x01").replace("|>", "\x01>")
    own = [text.replace("\x01", "|") for line in marked.strip("\n").split("|\n") for text in line.split("|")]
    own += [" ".join(CORPUS), "\n".join(CORPUS), ""]
    draw = random.Random(5)
    drawn = [fuzz.text(draw)[:60] for _ in range(200)]
    return own + drawn


def main(template: str | None) -> None:
    TARGET.mkdir(exist_ok=True)
    made = vocabulary.tokenizer({}, [])
    trainer = trainers.BpeTrainer(vocab_size=700, initial_alphabet=ByteLevel.alphabet(), show_progress=False)
    made.train_from_iterator(CORPUS * 2, trainer)
    special = [f"<|{name}|>" for name in vocabulary.SPECIAL]
    made.add_tokens([AddedToken(text, special=True, normalized=False) for text in special])
    made.add_tokens([AddedToken(text, special=False, normalized=False) for text in vocabulary.PLAIN])
    made.add_tokens([AddedToken("<K>", special=False, normalized=True)])
    made.save(str(TARGET / "tokenizer.json"), pretty=False)
    document = json.loads((TARGET / "tokenizer.json").read_text())
    parts = TARGET / "parts"
    parts.mkdir(exist_ok=True)
    dump = dict(ensure_ascii=False, separators=(",", ":"))
    (parts / "vocab.json").write_text(json.dumps(document["model"]["vocab"], **dump))
    lines = ["#version: 0.2"] + [" ".join(pair) for pair in document["model"]["merges"]]
    (parts / "merges.txt").write_text("\n".join(lines) + "\n")
    decoder = {str(token.pop("id")): token for token in document["added_tokens"]}
    (parts / "tokenizer_config.json").write_text(json.dumps({"added_tokens_decoder": decoder}, **dump))
    with open(TARGET / "cases.jsonl", "w") as file:
        for text in texts():
            ids = made.encode(text).ids
            plain = made.decode(ids, skip_special_tokens=True)
            case = {"text": text, "ids": ids, "decoded": made.decode(ids, skip_special_tokens=False), "plain": plain}
            file.write(json.dumps(case, separators=(",", ":")) + "\n")
    if template:
        from transformers import PreTrainedTokenizerFast

        chat = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_file(str(TARGET / "tokenizer.json")))
        with open(template, encoding="utf-8") as file:
            chat.chat_template = file.read()
        with open(TARGET / "chat.jsonl", "w") as file:
            for messages in CHATS:
                both = [
                    chat.apply_chat_template(messages, tokenize=False, add_generation_prompt=flag)
                    for flag in (True, False)
                ]
                ids = made.encode(both[0]).ids
                case = {"messages": messages, "answer": both[0], "last": both[1], "ids": ids}
                file.write(json.dumps(case, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
