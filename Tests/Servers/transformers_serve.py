#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Collects rollouts from `transformers serve` with a tiny text-only checkpoint of random weights.

Such a server ignores `n`, so that the rest must be asked one by one, and shows neither tokens nor log-probabilities.
It seeds one generator for all requests, so that what a seed gives is only settled with one request at a time.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import openai
import torch
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

PROGRAM = Path(sys.argv[1]).resolve()
TOKENIZER = Path(__file__).parent.parent / "PipelineCommandTests/Fixtures/model/tokenizer.json"
TEMPLATE = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant:"


def make_checkpoint(folder: Path) -> None:
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(TOKENIZER), eos_token="<|im_end|>", pad_token="<|endoftext|>")
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    torch.manual_seed(1)
    config = Qwen2Config(
        vocab_size=len(tokenizer), hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=512, eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id, bos_token_id=None,
    )  # fmt: skip
    model = Qwen2ForCausalLM(config)
    # Without it the server is greedy, whatever temperature it is asked for.
    model.generation_config.do_sample = True
    model.save_pretrained(folder)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(model: Path, port: int) -> subprocess.Popen:
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(model), "--host", "127.0.0.1"]
    server = subprocess.Popen([*command, "--port", str(port), "--device", "cpu"], stdout=subprocess.DEVNULL,
                              stderr=open("server.log", "w"), start_new_session=True)  # fmt: skip
    for _ in range(600):
        if server.poll() is not None:
            sys.exit("transformers serve ended:\n" + Path("server.log").read_text()[-2000:])
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1)
            return server
        except OSError:
            time.sleep(0.2)
    sys.exit("transformers serve did not start within two minutes:\n" + Path("server.log").read_text()[-2000:])


def run(*words, expected: int = 0) -> subprocess.CompletedProcess:
    done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True)
    if done.returncode != expected:
        sys.exit(f"{' '.join(map(str, words))} gave {done.returncode}:\n{done.stderr}")
    return done


def records(path) -> list[dict]:
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def check(what: str, holds: bool) -> None:
    print(f"  {'ok' if holds else 'FAILED'}  {what}")
    if not holds:
        sys.exit(1)


def main() -> None:
    os.chdir(tempfile.mkdtemp(prefix="shuffle-r1-"))
    model = Path.cwd() / "model"
    make_checkpoint(model)
    prompts = [
        {"id": f"q{i}", "answer": str(i % 3), "prompt": [{"role": "user", "content": f"How many circles in {i}?"}]}
        for i in range(16)
    ]
    Path("prompts.jsonl").write_text("".join(json.dumps(p) + "\n" for p in prompts))
    port = free_port()
    url = f"http://127.0.0.1:{port}/v1"
    server = start(model, port)
    try:
        compare(url, model, prompts, server)
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGKILL)


def compare(url: str, model: Path, prompts: list[dict], server: subprocess.Popen) -> None:
    def policy(**more) -> str:
        return json.dumps({"use": "openai", "with": {"url": url, "model": str(model), **more}})

    began = time.time()
    sampling = ["--n", 4, "--max-tokens", 24]
    run("generate", "--policy", policy(concurrency=1), *sampling, "-o", "one.jsonl", "prompts.jsonl")
    seconds = time.time() - began
    rollouts = records("one.jsonl")
    check(f"16 prompts, 4 rollouts each, one at a time: {seconds:.1f} s", len(rollouts) == 64)
    check("no tokens and no log-probabilities are made up", not any({"tokens", "logprobs"} & r.keys() for r in rollouts))
    check("every response has a seed of its own", len({r["sampling"]["seed"] for r in rollouts}) == 64)
    check("responses differ", len({r["response"] for r in rollouts}) > 32)

    client = openai.OpenAI(base_url=url, api_key="none", max_retries=0)
    several = client.chat.completions.create(
        model=str(model), messages=rollouts[0]["prompt"], n=4, temperature=1.0, max_tokens=24
    )
    check("the server gives one choice where four are asked for, so the rest was asked for again", len(several.choices) == 1)
    equal = 0
    for rollout in rollouts:
        answer = client.chat.completions.create(
            model=str(model), messages=rollout["prompt"], seed=rollout["sampling"]["seed"], temperature=1.0, max_tokens=24
        )
        equal += answer.choices[0].message.content == rollout["response"]
    check(f"{equal} of 64 responses are what OpenAI's own client gets for the same seeds", equal == 64)

    began = time.time()
    done = run("generate", "--policy", policy(concurrency=8), *sampling, "-o", "eight.jsonl", "prompts.jsonl")
    check(f"eight at a time: {time.time() - began:.1f} s; {done.stderr.strip()}", len(records("eight.jsonl")) == 64)

    options = policy(concurrency=1, cache="kept.jsonl")
    words = ["generate", "--policy", options, *sampling, "-o", "killed.jsonl", "prompts.jsonl"]
    running = subprocess.Popen([PROGRAM, *map(str, words)], stderr=subprocess.DEVNULL)
    while not Path("kept.jsonl").exists() or Path("kept.jsonl").read_bytes().count(b"\n") < 20:
        time.sleep(0.01)
    running.kill()
    running.wait()
    time.sleep(2)  # the server goes on with what nobody waits for any more, out of the one generator for all
    kept = Path("kept.jsonl").read_bytes().count(b"\n")
    done = run(*words)
    check(f"killed after {kept} answers, it asks for the others alone", f"{kept} answers were kept" in done.stderr)
    asked = [answer["request"] for answer in records("kept.jsonl")]
    check(f"{len(asked)} answers were kept, none twice", len(asked) == len(set(asked)) == 64)
    check("and gives the same bytes", Path("killed.jsonl").read_bytes() == Path("one.jsonl").read_bytes())

    letters = {"use": "contains", "with": {"texts": ["a", "e", "o"], "match": "share", "whole_words": False}}
    spec = {
        "policy": json.loads(policy()),
        "source": {"prompts": "prompts.jsonl", "provides": ["answer"], "batch": {"groups": 8}},
        "stages": [
            {"use": "rollout", "with": {"n": 4, "sampling": {"max_tokens": 24}}},
            {"use": "reward", "with": {"functions": [letters]}},
            "advantage",
            "pairwise-sample",
            "shuffle",
        ],
    }
    Path("spec.json").write_text(json.dumps(spec))
    run("run", "spec.json", "--output", "run")
    check("a run collects, rewards and selects", len(records("run/selected.jsonl")) > 0)

    done = run("generate", "--server", url, "--model", "nobody", "-o", "no.jsonl", "prompts.jsonl", expected=1)
    check("a model that it does not have: " + done.stderr.strip().split("error: ")[-1], "nobody" in done.stderr)
    os.killpg(server.pid, signal.SIGKILL)
    server.wait()
    done = run("generate", "--server", url, "--model", model, "-o", "no.jsonl", "prompts.jsonl", expected=1)
    check("the server is gone: " + done.stderr.strip().split("error: ")[-1], "cannot be reached" in done.stderr)


main()
