#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes saved rollouts to replay: one JSONL line of 2 to 8 KB for each trajectory, in group order.

The same options give the same bytes. Speed comes from drawing, at random, long runs out of pools of
numbers and sentences that were turned into JSON once.
"""

import argparse
import json

import numpy as np

POOL = 1_000_000  # numbers of each kind to draw from
LENGTHS = (90, 380)  # tokens of a response; together with the text this makes lines of 2 to 8 KB
SENTENCES = [
    "Let me look at the figure: triangle ABC is inscribed in circle O, and AB is a diameter.\n",
    "Since \\angle ACB subtends the diameter, \\angle ACB = 90°, so \\triangle ABC is right-angled. ",
    "By the Pythagorean theorem, AC^2 + BC^2 = AB^2, hence {a}^2 + {b}^2 = AB^2.\n\n",
    "The label \"{a}\" sits next to the hypotenuse, so I read it as its length. ",
    "Wait, the two marked angles are equal: ∠1 = ∠2 = {b}°. Let me check that again.\n",
    "Therefore $\\frac{{x}}{{{a}}} = \\frac{{{b}}}{{{c}}}$, which gives $x = \\sqrt{{{c}}}$. ",
    "Substituting, {a}x + {b} = {c}, so x = ({c} - {b}) / {a}.\n",
    "The opposite sides of the parallelogram are parallel, thus the alternate angles agree. ",
]


def quoted(value) -> str:
    """`value` as compact JSON, non-ASCII characters left as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class Writer:
    """Makes the lines; holds the pools and the random generator."""

    def __init__(self, seed: int):
        self.random = np.random.Generator(np.random.Philox(seed))
        draw = self.random
        self.tokens = (draw.beta(0.6, 2.5, POOL) * 151_643).astype(int).astype(str).tolist()
        decimals = draw.integers(4, 7, POOL).tolist()
        values = (-draw.exponential(0.35, POOL) * (draw.random(POOL) ** 3)).tolist()
        self.logprobs = [repr(round(value, digits)) for value, digits in zip(values, decimals)]
        numbers = draw.integers(2, 180, (4096, 3)).tolist()
        texts = [SENTENCES[i % len(SENTENCES)].format(a=a, b=b, c=c) for i, (a, b, c) in enumerate(numbers)]
        draw.shuffle(texts)
        self.sentences = [quoted(text)[1:-1] for text in texts]

    def rewards(self, size: int) -> tuple[list[bool], list[bool]]:
        """Which rollouts of a group are right, and which keep to the format; one group in five is uniform."""
        draw = self.random
        if draw.random() < 0.2:
            return [bool(draw.random() < 0.5)] * size, [True] * size
        right = draw.random(size) < draw.beta(1.2, 1.2)
        return right.tolist(), (draw.random(size) < 0.95).tolist()

    def group(self, index: int, size: int) -> str:
        """The lines of one query's rollouts."""
        name = f"geo-{index:06d}"
        answer = int(self.random.integers(2, 180))
        question = self.sentences[index % len(self.sentences)]
        head = (
            f',"group":"{name}","prompt":[{{"role":"system","content":"Reason inside <think> </think>, then put '
            f'the answer into \\\\boxed{{}}."}},{{"role":"user","content":[{{"type":"image","image":"images/'
            f'{index}.png"}},{{"type":"text","text":"{question}Find x."}}]}}],"answer":"{answer}","response":"'
        )
        lengths = np.clip(self.random.lognormal(5.4, 0.4, size), *LENGTHS).astype(int).tolist()
        starts = self.random.integers(0, POOL - 512, (size, 2)).tolist()
        right, formatted = self.rewards(size)
        lines = []
        for i, length in enumerate(lengths):
            first, second = starts[i]
            sentence = first % (len(self.sentences) - 128)
            text = "".join(self.sentences[sentence : sentence + length // 17])
            boxed = answer if right[i] else answer + 1 + i
            response = f"<think>{text}</think> \\\\boxed{{{boxed}}}" if formatted[i] else f"{text} \\\\boxed{{{boxed}}}"
            accuracy, format_ = int(right[i]), int(formatted[i])
            lines.append(
                f'{{"id":"{name}/{i}"{head}{response}","finish":"{"length" if length == LENGTHS[1] else "stop"}",'
                f'"tokens":[{",".join(self.tokens[first : first + length])}],'
                f'"logprobs":[{",".join(self.logprobs[second : second + length])}],'
                f'"sampling":{{"temperature":1.0,"top_p":0.99}},"reward":{(9 * accuracy + format_) / 10},'
                f'"rewards":{{"accuracy":{accuracy},"format":{format_}}},"reward_status":"scored",'
                f'"data_source":"geometry3k","step":0,"policy_version":0}}\n'
            )
        return "".join(lines)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--groups", type=int, default=12_500)
    options.add_argument("--group-size", type=int, default=16)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--out", required=True)
    options = options.parse_args()

    writer = Writer(options.seed)
    with open(options.out, "w", encoding="utf-8", buffering=1 << 20) as out:
        for index in range(options.groups):
            out.write(writer.group(index, options.group_size))


if __name__ == "__main__":
    main()
