#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the inputs from which a reader's fuzzing starts: seeds.py READER FOLDER.

They are small, and of every kind that the reader tells apart. What the fuzzer finds from there is kept in the folder.
"""
import gzip
import hashlib
import json
import os
import struct
import sys
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
MODEL = os.path.join(TESTS, "PipelineCommandTests", "Fixtures", "model")


def png(width, height, mode):
    """A PNG of a few pixels: grey, true colour, or with transparency."""
    kind, channels = {"L": (0, 1), "RGB": (2, 3), "LA": (4, 2), "RGBA": (6, 4)}[mode]

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = b"".join(b"\0" + bytes((7 * x + 31 * y) % 256 for x in range(width * channels)) for y in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def images():
    for mode in ("L", "RGB", "LA", "RGBA"):
        yield png(3, 2, mode)
    # A BMP of two pixels, a GIF of one, a TIFF of one.
    yield b"BM" + struct.pack("<IHHI", 62, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, 2, 1, 1, 24, 0, 8, 0, 0, 0, 0) + bytes(8)
    yield bytes.fromhex("47494638396101000100800000000000ffffff2c00000000010001000002024401003b")
    tags = [(256, 3, 1, 1), (257, 3, 1, 1), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 8), (277, 3, 1, 1), (278, 3, 1, 1), (279, 4, 1, 1)]
    yield b"II*\0" + struct.pack("<I", 10) + b"\x7f\0" + struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags) + bytes(4)
    for name in ("image.png",):
        with open(os.path.join(TESTS, "PipelineCommandTests", "Fixtures", name), "rb") as file:
            yield file.read()


def frame(header, body=b""):
    """A frame of the policy wire protocol."""
    text = json.dumps(header).encode()
    return b"SR1W" + struct.pack("<IQ", len(text), len(body)) + text + body


def wire():
    yield frame({"kind": "hello", "id": 0, "protocol": 2})
    yield frame({"kind": "responses", "id": 3, "payloads": [{"name": "tokens", "dtype": "int32", "shape": [2]},
                 {"name": "log_probs", "dtype": "float32", "shape": [2]}]}, struct.pack("<iiff", 1, 2, -0.5, 0))
    yield frame({"kind": "error", "id": 1, "message": "out of memory"})


def servers():
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    token = {"token": "a", "logprob": -0.1, "bytes": [97], "top_logprobs": []}
    yield json.dumps({"id": "x", "choices": [{"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": "stop",
                      "logprobs": {"content": [token]}}], "usage": usage}).encode()
    yield json.dumps({"choices": [{"message": {"content": None, "tool_calls": [{"id": "c", "type": "function"}]}, "finish_reason": "length",
                      "token_ids": [1, 2]}]}).encode()
    yield json.dumps({"error": {"message": "no", "type": "invalid_request_error", "code": 400}}).encode()


def programs():
    for line in ({"ready": True}, {"ready": True, "together": True}, {"id": "a/0", "score": 1}, {"id": "a/0", "scores": {"accuracy": 1, "format": 0}},
                 {"id": "a/0", "failed": "no"}, {"state": {"seen": [1, 2]}}, {"id": "a/0", "abstain": True}):
        yield json.dumps(line).encode()


def runs():
    state = {"version": 2, "finished": False, "complete_steps": 1, "offsets": {"metrics.jsonl": 11, "lineage.jsonl": 11},
             "sha256": {name: hashlib.sha256(b'{"step":0}\n').hexdigest() for name in ("metrics.jsonl", "lineage.jsonl")},
             "training": {"checkpoints": {"files": {"step-00000001": {"model.safetensors": "00"}}, "best": "step-00000001"}}}
    for number in range(5):
        yield bytes([number]) + (json.dumps(state) if number in (0, 4) else '{"version": 1, "stages": []}' if number == 1 else '{"step": 0}\n').encode()


RECORDS = [
    {"id": "a/0", "group": "a", "prompt": [{"role": "user", "content": [{"type": "image", "image": "1.png"}, {"type": "text", "text": "x"}]}],
     "response": "\\boxed{2}", "tokens": [1, 22], "logprobs": [-0.1, 0], "reward": 0.9, "rewards": {"accuracy": 1}, "step": 3},
    {"input": "<|im_start|>user\np<|im_end|>\n<|im_start|>assistant\n", "output": "r", "gts": "C", "score": "0.5", "step": 0, "uid": "geo_12_3", "acc": True},
    {"step": 1, "prompt": "p", "completion": "c", "accuracy_reward": 1.0, "advantage": 0.5, "level": 4},
    {"messages": [{"role": "user", "content": "<image>?"}, {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}, {"role": "tool", "tool_call_id": "c", "content": "1"}, {"role": "assistant", "content": "r"}], "images": [{"path": "a.png"}]},
    {"example_id": 0, "prompt": [{"role": "user", "content": "p"}], "completion": [{"role": "assistant", "content": "c"}], "answer": "a", "reward": 1.0},
    {"problem": "<image>q", "answer": "3", "images": [{"bytes": "iVBORw0KGgo=", "path": None}]},
    {"data_source": "geo3k", "prompt": [{"role": "user", "content": "q"}], "reward_model": {"style": "rule", "ground_truth": "3"}, "extra_info": {"index": 1}},
    {"instruction": "i", "input": "", "output": "o"},
    {"conversations": [{"from": "human", "value": "<image>\nq"}, {"from": "gpt", "value": "a"}], "image": "a.png"},
]


def records():
    for number, record in enumerate(RECORDS):
        line = json.dumps(record).encode()
        yield bytes([255]) + line
        yield bytes([number]) + line + b"\n" + line
    yield b"\xff" + json.dumps(RECORDS[:2]).encode()


def packed():
    text = b"".join(json.dumps(record).encode() + b"\n" for record in RECORDS[:2] * 2)
    yield text
    yield gzip.compress(text)
    yield bytes.fromhex("28b52ffd2000010000")
    yield b"\xef\xbb\xbf[\n" + b",".join(json.dumps(record).encode() for record in RECORDS[:2]) + b"]"


def specs():
    yield b'j{"seed":1,"source":{"rollouts":"r.jsonl","provides":["reward"],"batch":{"groups":4}},"stages":["advantage",{"use":"pairwise-sample","with":{"keep":0.5}},{"use":"shuffle","with":{"rounds":8}}]} // c'
    yield b"yseed: 1\nsource:\n  rollouts: r.jsonl\n  provides: [answer]\nstages:\n  - use: reward\n    with:\n      functions:\n        - {use: boxed-answer, weight: 0.9}\n        - use: format\n  - advantage\n"
    with open(os.path.join(TESTS, "PipelineCommandTests", "Fixtures", "training", "train.json"), "rb") as file:
        yield b"j" + file.read()


def peers():
    yield b"\0data:\n  train_files: a.parquet\n  prompt_key: problem\nalgorithm:\n  adv_estimator: grpo\n  use_kl_loss: true\n  kl_penalty: low_var_kl\nworker:\n  actor:\n    optim: {lr: 1.0e-6}\n  rollout: {n: 5}\n"
    yield b"\x01set -x\nMODEL=Qwen/Qwen2.5-VL-3B\npython3 -m verl.trainer.main_ppo \\\n  algorithm.adv_estimator=grpo \\\n  data.train_batch_size=512 actor_rollout_ref.rollout.n=5 actor_rollout_ref.actor.optim.lr=1e-6 $@\n"
    yield b"\x02from trl import GRPOConfig\nargs = GRPOConfig(output_dir='o', learning_rate=1e-6, num_generations=8, beta=0.04)\n"
    yield b'\x03{"algorithm": {"adv_estimator": "rloo"}}'


def models():
    for number, name in enumerate(
        ["config.json", "tokenizer.json", "generation_config.json", "preprocessor_config.json", "tokenizer_config.json", "chat_template.jinja", "model.safetensors"]
    ):
        path = os.path.join(MODEL, name)
        if os.path.exists(path) and os.path.getsize(path) < 19_000:
            with open(path, "rb") as file:
                yield bytes([number]) + file.read()
    head = json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    yield b"\x06" + struct.pack("<Q", len(head)) + head + bytes(4)
    yield b"\x07" + json.dumps({"weight_map": {"a": "model.safetensors"}}).encode()
    yield b'\x04{"chat_template": "{% for m in messages %}{{ m.content }}{% endfor %}", "added_tokens_decoder": {"1": {"content": "<x>"}}}'


def templates():
    yield b"{%- for message in messages %}{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
    yield b"{% macro f(x, y=2) %}{{ x ~ y }}{% endmacro %}{% set ns = namespace(a=[1, 2][::-1]) %}{{ f(ns.a | join(', ')) | upper | replace('A', 'b') }}{{ content | trim | tojson }}"
    yield b"{% if messages is defined and messages[0]['role'] == 'system' %}{{ '%05.2f' | format(3.14159) }}{% else %}{{ raise_exception('x') }}{% endif %}"


def answers():
    for response, answer in [
        ("The answer is \\boxed{\\frac{1}{2}}.", "0.5"), ("<answer>B. 12</answer>", "B"), ("(-\\infty, 3] \\cup \\{5\\}", "x \\le 3 or x = 5"),
        ("\\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix}", "[[1,2],[3,4]]"), ("5 km", "5000 m"), ("\\sum_{k=1}^{n} k", "\\frac{n(n+1)}{2}"),
        ("twenty-one", "21"), ("12.000,50", "12000.5"), ("p \\land (q \\lor r)", "q"), ("4:30 PM", "16:30"), ("30度", "30^\\circ"),
    ]:
        yield response.encode() + b"\0" + answer.encode()


def json_values():
    for value in (RECORDS[0], [1e400, -0.0, 1.5e-7, None, True, "\u00e9\ud83d\ude00\\n"], {"a": {"b": [[[]]]}}):
        yield json.dumps(value).encode()
    yield b'[NaN, Infinity, -Infinity, 1E+5, "\\u0000\\/"]'


SEEDS = {
    "answers": answers, "images": images, "json": json_values, "models": models, "packed": packed, "peers": peers,
    "programs": programs, "records": records, "runs": runs, "servers": servers, "specs": specs, "templates": templates, "wire": wire,
}


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in SEEDS:
        sys.exit(f"seeds.py READER FOLDER; the readers are: {', '.join(SEEDS)}")
    for seed in SEEDS[sys.argv[1]]():
        with open(os.path.join(sys.argv[2], hashlib.sha1(seed).hexdigest()), "wb") as file:
            file.write(seed)


if __name__ == "__main__":
    main()
