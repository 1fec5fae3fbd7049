#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lets short runs meet partners that misbehave: reward programs, servers, and workers of a policy.

    Tests/Campaign/partners.py [--cases N] [--seed S] PROGRAM

What a partner does is drawn from the seed: it dies, falls silent, closes its pipe, repeats itself, sends noise, too much, too little,
or a message with some bytes changed. Whatever it does, the program ends in time, with a status of its own and a few lines that say why;
and where it has not come to its end, it goes on with a partner that behaves. Standard library only.
"""

import argparse
import collections
import http.server
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
FIXTURES = ROOT / "Tests/PipelineCommandTests/Fixtures"
WORKER = ROOT / "Tests/WorkerPluginTests/Fixtures/scripted_worker.py"
LIMIT = 90  # seconds that a run may take; the time limits in the specs are a few


# --- The partners. ---


def draw_of(folder: Path) -> random.Random | None:
    """What decides of a partner's faults, another one each time that it is started; nothing for one that behaves."""
    seed = folder / "fault"
    if not seed.exists():
        return None
    with open(folder / "starts", "ab") as starts:
        starts.write(b".")
        return random.Random(f"{seed.read_text()} {starts.tell()}")


def changed(data: bytes, draw: random.Random) -> bytes:
    """A message with some of it changed, cut off, or put in twice."""
    at = draw.randrange(len(data) + 1)
    return draw.choice([
        data[:at], data[:at] + bytes([draw.randrange(256)]) + data[at + 1:], data[:at] + data[at // 2:], b"", data + data,
        data[:at] + draw.randbytes(40) + data[at:], data.replace(b"1", b"9999999999999999999"), data.replace(b":", b"["),
    ])


def reward_program() -> None:
    """Scores the length of responses, or does not."""
    draw = draw_of(Path.cwd())

    def say(line: dict) -> None:
        data = json.dumps(line).encode() + b"\n"
        if draw and draw.random() < 0.15:
            fault = draw.choice(["change", "die", "kill", "close", "wait", "flood", "deep", "other", "nan"])
            if fault == "die":
                sys.exit(draw.randrange(4))
            if fault == "kill":
                os.kill(os.getpid(), 9)
            if fault == "close":
                os.close(1)
                time.sleep(30)
            if fault == "wait":
                time.sleep(30)
            data = {
                "change": changed(data, draw), "flood": b"x" * (3 << 20) + b"\n", "deep": b"[" * 5000 + b"\n",
                "other": json.dumps({**line, "id": "nobody"}).encode() + b"\n", "nan": b'{"id": "g0/0", "score": NaN}\n',
            }[fault]
        os.write(1, data)

    say({"ready": True})
    for line in sys.stdin:
        record = json.loads(line)
        say({"id": record["id"], "score": len(record.get("response", "")) / 8})


def worker() -> None:
    """Passes on what a worker that behaves says, some of it changed."""
    draw = draw_of(Path.cwd())
    config = json.loads(Path("model/config.json").read_text())
    environment = dict(os.environ, VOCABULARY=str(config.get("text_config", config)["vocab_size"]))
    inner = subprocess.Popen([sys.executable, WORKER, "good"], stdin=0, stdout=subprocess.PIPE, env=environment)
    count, fatal = 0, draw.randrange(3, 60) if draw else None
    while data := os.read(inner.stdout.fileno(), 1 << 16):
        count += 1
        if count == fatal:
            if draw.random() < 0.3:
                inner.kill()
                os.kill(os.getpid(), 9)
            if draw.random() < 0.2:
                time.sleep(30)
            data = changed(data, draw)
        while data:
            data = data[os.write(1, data):]
    inner.wait()


class Judge(http.server.BaseHTTPRequestHandler):
    """A server whose verdict is 5 of 10, or something else."""

    protocol_version = "HTTP/1.1"
    fault: random.Random | None = None

    def log_message(self, *_: object) -> None:
        pass

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            pass

    def do_POST(self) -> None:  # noqa: N802
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        choice = {"index": 0, "message": {"role": "assistant", "content": "Score: 5"}, "finish_reason": "stop"}
        body = json.dumps({"id": "x", "choices": [choice], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}).encode()
        draw, status, length = self.fault, 200, None
        if draw and draw.random() < 0.4:
            fault = draw.choice(["change", "status", "short", "long", "huge", "reset", "wait", "redirect", "headers"])
            if fault == "change":
                body = changed(body, draw)
            if fault == "status":
                status = draw.choice([204, 400, 401, 404, 418, 429, 500, 503, 599])
            if fault == "short":
                length = len(body) + 100
            if fault == "long":
                length = max(0, len(body) - 10)
            if fault == "huge":
                body = b" " * (12 << 20) + body
            if fault == "wait":
                time.sleep(6)
            if fault == "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                self.connection.close()
                return
            if fault == "redirect":
                self.send_response(302)
                self.send_header("Location", "http://169.254.169.254/latest")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            if fault == "headers":
                self.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 200_000 + b"\r\n\r\n")
                return
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body) if length is None else length))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            pass


# --- The cases. ---


def lay_out(folder: Path, kind: str, url: str) -> str:
    """The inputs of a case; the name of its spec."""
    records = [
        {"id": f"g{group}/{index}", "group": f"g{group}", "prompt": "p", "answer": "5", "response": "r" * (index + 1)}
        for group in range(6) for index in range(4)]
    (folder / "rollouts.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    program = [sys.executable, str(Path(__file__).resolve()), "--be"]
    source = {"rollouts": "rollouts.jsonl", "provides": ["answer"], "batch": {"groups": 2}}
    if kind == "reward":
        function = {"use": "process", "with": {"command": [*program, "reward"], "seconds": 2, "start_seconds": 3}}
    elif kind == "server":
        patience = {"timeout_seconds": 3, "retries": 2, "backoff_seconds": 0.1}
        function = {"use": "judge", "with": {"url": url, "model": "m", **patience}}
    else:
        shutil.copytree(FIXTURES / "training", folder, dirs_exist_ok=True)
        shutil.copytree(FIXTURES / "model", folder / "model")
        shutil.copy(FIXTURES / "image.png", folder)
        text = (folder / "train.json").read_text()
        spec = json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.M))
        spec["training"]["steps"] = 2
        limits = {"start": 10, "load": 10, "generate": 10, "compute": 10, "save": 10, "silence": 5}
        spec["policy"] = {"use": "worker", "with": {"model": "model", "command": [*program, "worker"], "limits": limits}}
        spec["training"].pop("evaluation", None)
        spec.setdefault("output", {})["allow_empty"] = True
        (folder / "spec.json").write_text(json.dumps(spec))
        return "spec.json"
    stages = [{"use": "reward", "with": {"functions": [function]}}, "advantage"]
    (folder / "spec.json").write_text(json.dumps({"source": source, "stages": stages}))
    return "spec.json"


def run(folder: Path, *more: str) -> subprocess.CompletedProcess:
    command = [PROGRAM, "run", "spec.json", "--quiet", "--trust", "--threads", "1", "--output", "run", *more]
    return subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=LIMIT)


def complaint(ended: subprocess.CompletedProcess) -> str | None:
    """What is wrong with how a run ended."""
    words = ended.stderr.decode(errors="replace")
    if ended.returncode < 0 or ended.returncode > 125:
        return f"it ended with {ended.returncode}: {words[:300]}"
    if "Fatal error" in words or "Backtrac" in words:
        return f"it crashed: {words[:300]}"
    if ended.returncode and "error:" not in words:
        return f"status {ended.returncode} and no reason: {words[:300]}"
    return f"{words.count(chr(10))} lines of messages" if words.count("\n") > 60 else None


def case(kind: str, seed: str, scratch: Path) -> tuple[str, str | None]:
    """One case: how the run ended, and what is wrong with that."""
    folder = scratch / f"{kind}-{seed}"
    folder.mkdir()
    server, url = None, ""
    if kind == "server":
        handler = type("Handler", (Judge,), {"fault": random.Random(seed)})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        lay_out(folder, kind, url)
        (folder / "fault").write_text(seed)
        ended = run(folder)
        if found := complaint(ended):
            return "finding", found
        if ended.returncode == 0:
            return "went through", None
        (folder / "fault").unlink()
        if server:
            server.RequestHandlerClass.fault = None
        again = run(folder, "--resume") if (folder / "run/resolved.json").exists() else run(folder)
        if found := complaint(again):
            return "finding", "resumed: " + found
        if again.returncode:
            return "finding", f"resumed with a partner that behaves: {again.stderr.decode(errors='replace')[:300]}"
        return "ended, and resumed", None
    except subprocess.TimeoutExpired:
        return "finding", f"it was still at work after {LIMIT} s"
    finally:
        if server:
            server.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    if sys.argv[1:2] == ["--be"]:
        {"reward": reward_program, "worker": worker}[sys.argv[2]]()
        return 0
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--cases", type=int, default=60, help="of each kind (default: %(default)s)")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("program")
    options = options.parse_args()
    global PROGRAM
    PROGRAM = str(Path(options.program).resolve())
    ends: dict[str, collections.Counter] = {kind: collections.Counter() for kind in ("reward", "server", "worker")}
    findings = []
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(2) as pool:
        jobs = [(kind, f"{options.seed}.{index}") for index in range(options.cases) for kind in ends]
        for done, ((kind, seed), (end, fault)) in enumerate(
                zip(jobs, pool.map(lambda job: case(*job, Path(scratch)), jobs)), 1):
            ends[kind][end] += 1
            if fault:
                findings.append(f"{kind} {seed}: {fault}")
            if done % 30 == 0:
                print(f"partners: {done} of {len(jobs)} cases, {len(findings)} findings", file=sys.stderr, flush=True)
    for kind, counts in ends.items():
        print(f"{kind:8}" + ", ".join(f"{count} {end}" for end, count in sorted(counts.items())))
    for finding in findings:
        print("FINDING " + finding)
    return 1 if findings else 0


PROGRAM = ""

if __name__ == "__main__":
    sys.exit(main())
