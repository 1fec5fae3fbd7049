# SPDX-License-Identifier: Apache-2.0
"""What the pages are tested with: images, prompts, a run of the bundled model, peers' files, and rollouts that mean harm."""

import json
import struct
import subprocess
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COLORS = {"red": (220, 40, 40), "green": (40, 160, 60), "blue": (40, 80, 220), "yellow": (230, 210, 40)}


def png(path: Path, color: tuple, size: int = 64) -> None:
    """A picture of one color with a darker square."""
    rows = b""
    for y in range(size):
        line = b"".join(bytes(color if (x // 16 + y // 16) % 2 else tuple(c // 2 for c in color)) for x in range(size))
        rows += b"\0" + line
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def write_lines(path: Path, records: list) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def prompts(folder: Path, count: int) -> Path:
    """Questions about pictures, with their answers."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    names = list(COLORS)
    for name, color in COLORS.items():
        png(folder / "images" / f"{name}.png", color)
    records = []
    for index in range(count):
        name = names[index % len(names)]
        content = [{"type": "image", "image": f"images/{name}.png"}, {"type": "text", "text": "what color is the shape?"}]
        records.append({"id": f"q{index}", "prompt": [{"role": "user", "content": content}], "answer": name, "kind": "open"})
    return write_lines(folder / "prompts.jsonl", records)


def training_command(program: str, prompts: Path, output: Path, steps: int, *settings: str) -> list:
    """A short training run of the bundled model, with pairs and draws."""
    values = {
        "source.prompts": prompts, "source.batch.groups": 4, "training.steps": steps, "training.checkpoints.every": 2,
        "training.evaluation.prompts": prompts, "training.evaluation.every": 2, "training.evaluation.limit": 8,
        "stages.rollout.n": 8,
    }
    command = [program, "run", str(ROOT / "Examples/easy-vqa/train.json"), "--output", str(output), "--quiet", "--trust"]
    for name, value in values.items():
        command += ["--set", f"{name}={value}"]
    for setting in settings:
        command += ["--set", setting]
    return command


def train(program: str, prompts: Path, output: Path, steps: int, *settings: str) -> Path:
    subprocess.run(training_command(program, prompts, output, steps, *settings), check=True)
    return output


HARM = {
    "markup": "<img src=x onerror=\"window.harmed='img'\"><script>window.harmed='script'</script><b>bold</b>",
    "address": "[click](javascript:window.harmed='link') javascript:alert(1) <a href=\"javascript:window.harmed=1\">x</a>",
    "closing": "</script></textarea></style><svg onload=\"window.harmed='svg'\"> ${window.harmed='template'} ' \" ` \\",
    "terminal": "\u001b[31mred\u001b[0m \u001b]8;;http://example.org\u0007link\u001b]8;;\u0007 \u0007\u0008",
    "direction": "user\u202egnp.exe \u2067abc\u2069 zero\u200bwidth\ufeff \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "separators": "line\u2028separator and\u2029paragraph\u0085next\rreturn",
    "formula": "$\\href{javascript:alert(1)}{x}$ $\\frac{1}{2}$ $" + "{" * 3000 + "$ \\boxed{" + "\\frac{1}{" * 500,
    "think": "<think>" * 500 + "never closed",
    "surrogate": "half \ud800 a pair",
    "large": "long " * (2 << 20),
}


def hostile(folder: Path) -> Path:
    """Rollouts whose every field wants to break out of the page."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "no.png").write_bytes(b"\x89PNG\r\n\x1a\nthis is no picture")
    (folder / "page.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg' onload='window.harmed=1'><script>window.harmed=2</script></svg>")
    (folder / "secret.txt").write_text("nobody's business")
    png(folder / "fine.png", (200, 30, 30), 400)
    images = ["no.png", "page.svg", "secret.txt", "../../../../etc/passwd", "http://example.org/x.png", "data:image/png;base64,AAAA",
              "javascript:alert(1)", "fine.png", "missing.png\" onerror=\"window.harmed=3", "data:text/html,<script>window.harmed=4</script>"]
    records = []
    for index, (name, text) in enumerate(HARM.items()):
        records.append({
            "id": f"{name}<script>/'\"{index}", "group": f"g<b>&{index}", "step": index % 2, "response": text, "reward": index / 10,
            "prompt": [{"role": "<i>user", "content": [{"type": "image", "image": images[index % len(images)]}, {"type": "text", "text": HARM["markup"]}]}],
            "answer": HARM["closing"], "finish": "<u>stop", "rewards": {"<b>part": 1.0, "__proto__": 2.0, "accuracy": index % 2},
            "__proto__": "polluted", "constructor": "x", "hasOwnProperty": 1, f"key {index}<i>": text[:50], "tokens": [1, 2, 3], "logprobs": [-1, None, -3],
        })
    lines = [json.dumps(record) for record in records]
    lines += ["{broken", "[1,2]", json.dumps({"id": "x"}), '{"id":"nan/0","group":"nan","reward":NaN,"response":"not a number","step":1}']
    path = folder / "hostile.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def peers(folder: Path) -> dict:
    """A few rollouts as verl, TRL and verifiers write them."""
    folder.mkdir(parents=True, exist_ok=True)
    question, answers = "What is 2 + 3?", ["<think>2 + 3 = 5</think> \\boxed{5}", "It is \\boxed{6}"]
    verl = [{"input": f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n", "output": answer, "gts": "5", "score": float(i == 0), "step": 1}
            for i, answer in enumerate(answers)]
    trl = [{"step": 1, "prompt": [question, question], "completion": answers, "accuracy_reward": [1.0, 0.0], "advantage": [0.7, -0.7]}]
    verifiers = [{"example_id": 1, "prompt": [{"role": "user", "content": question}], "completion": [{"role": "assistant", "content": answer}],
                  "answer": "5", "reward": float(i == 0), "task": "sum"} for i, answer in enumerate(answers)]
    return {name: write_lines(folder / f"{name}.jsonl", lines) for name, lines in (("verl", verl), ("trl", trl), ("verifiers", verifiers))}
