#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes rollouts.jsonl: 24 questions about pictures, 16 rollouts each, as a policy in training might give them.

The pictures are not needed and do not exist: a replay reads what was said, not what was seen.
"""
import json
import random

SHAPES = ["circle", "square", "triangle"]
COLORS = ["red", "green", "blue", "yellow", "grey"]


def question(draw):
    kind = draw.choice(["count", "sum", "side"])
    shape, color = draw.choice(SHAPES), draw.choice(COLORS)
    if kind == "count":
        number = draw.randint(2, 9)
        return f"How many {color} {shape}s are there?", str(number), f"I count the {color} {shape}s: {number}."
    if kind == "sum":
        a, b = draw.randint(2, 9), draw.randint(2, 9)
        text = f"Add the number of {color} shapes to the number of {shape}s."
        return text, str(a + b), f"{a} {color} shapes and {b} {shape}s make {a + b}."
    a, b = draw.choice([(3, 4), (6, 8), (5, 12), (8, 15)])
    c = int((a * a + b * b) ** 0.5)
    text = "What is the length of the longest side of the right triangle?"
    return text, str(c), f"\\sqrt{{{a}^2 + {b}^2}} = \\sqrt{{{a * a + b * b}}} = {c}."


def rollout(draw, answer, thought, skill):
    right = draw.random() < skill
    given = answer if right else str(max(0, int(answer) + draw.choice([-3, -2, -1, 1, 2, 10])))
    style = draw.random()
    if style < 0.86:
        return f"<think>{thought if right else thought.rsplit(' ', 1)[0] + ' ' + given + '.'}</think> \\boxed{{{given}}}", "stop"
    if style < 0.94:
        return f"The answer is \\boxed{{{given}}}", "stop"
    return f"<think>{thought} Let me look again. " + "Wait, is that so? " * draw.randint(2, 6), "length"


def main():
    draw = random.Random(20250812)
    with open("rollouts.jsonl", "w", encoding="utf-8") as out:
        for index in range(24):
            text, answer, thought = question(draw)
            # Some questions are too hard, some too easy, most in between.
            skill = draw.choice([0.0, 0.15, 0.3, 0.5, 0.5, 0.7, 0.85, 1.0])
            for number in range(16):
                response, finish = rollout(draw, answer, thought, skill)
                record = {
                    "id": f"shapes-{index:02}/{number}",
                    "group": f"shapes-{index:02}",
                    "prompt": [{"role": "user", "content": [
                        {"type": "image", "image": f"images/{index:02}.png"}, {"type": "text", "text": text}]}],
                    "answer": answer,
                    "response": response,
                    "finish": finish,
                    "sampling": {"temperature": 1.0, "top_p": 0.99},
                    "step": 0,
                }
                out.write(json.dumps(record, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
