# SPDX-License-Identifier: Apache-2.0
"""Specs that name the worker, run by the program: beside the bundled policy, on two ranks, killed and resumed."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from safetensors.torch import load_file

from worker_client import ROOT

PROGRAM = ROOT / ".build/release/shuffle-r1"
MODEL = ROOT / "Examples/easy-vqa/model"


def write_prompts(folder: Path, count: int = 24) -> None:
    """Questions like those that the bundled model was made for, on pictures like those."""
    draw = np.random.RandomState(3)
    with open(folder / "prompts.jsonl", "w", encoding="utf-8") as file:
        for number in range(count):
            image = Image.new("RGB", (64, 64), "white")
            color = ["black", "blue", "red", "green"][draw.randint(4)]
            left, top = draw.randint(2, 30, 2)
            ImageDraw.Draw(image).ellipse([left, top, left + 28, top + 28], fill=color)
            image.save(folder / f"{number}.png")
            content = [{"type": "image", "image": f"{number}.png"}, {"type": "text", "text": "what color is the shape?"}]
            record = {"id": f"q{number}", "prompt": [{"role": "user", "content": content}], "answer": color}
            file.write(json.dumps(record) + "\n")


def spec(policy: str, steps: int, **options) -> dict:
    """Shuffle-R1 in small."""
    reward = [{"use": "boxed-answer", "weight": 0.9}, {"use": "format", "weight": 0.1}]
    return {
        "seed": 1,
        "policy": {"use": policy, "with": {"model": str(MODEL)} | options},
        "source": {"prompts": "prompts.jsonl", "provides": ["answer"], "batch": {"groups": 8}},
        "stages": [
            {"use": "rollout", "with": {"n": 8, "sampling": {"temperature": 1, "max_tokens": 24}}},
            {"use": "reward", "with": {"functions": reward}}, "advantage",
            {"use": "pairwise-sample", "with": {"keep": 0.5}}, {"use": "shuffle", "with": {"rounds": 8}},
            {"use": "update", "with": {"learning_rate": {"rate": 1e-4}, "kl": {"coefficient": 0.01, "estimator": "k3"}}},
        ],
        "training": {"steps": steps, "checkpoints": {"every": 1, "keep": 9}},
        "output": {"rollouts": "selected.jsonl"},
    }


class SpecTests(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        write_prompts(self.folder)

    def command(self, name: str, value: dict, *more: str) -> list[str]:
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(value))
        return [str(PROGRAM), "run", str(path), "--output", str(self.folder / name), "--quiet", "--trust", "--threads", "2", *more]

    def run_spec(self, name: str, value: dict, *more: str) -> Path:
        found = subprocess.run(self.command(name, value, *more), capture_output=True, text=True)
        self.assertEqual(found.returncode, 0, found.stderr)
        return self.folder / name

    def compare(self, one: Path, two: Path, what: str) -> tuple[float, float]:
        """The largest difference of weights and log-probabilities; the same was rolled out, kept and drawn."""
        first, second = [
            {(it["step"], it["id"]): it for it in map(json.loads, open(run / "selected.jsonl", encoding="utf-8"))}
            for run in (one, two)
        ]
        self.assertEqual(list(first), list(second))
        log_probs = 0.0
        for key, record in first.items():
            self.assertEqual(record["tokens"], second[key]["tokens"])
            self.assertEqual(record["draws"], second[key]["draws"])
            for field in ("logprobs", "old_logprobs", "ref_logprobs"):
                if field in record:
                    log_probs = max(log_probs, float(np.abs(np.subtract(record[field], second[key][field])).max()))
        a, b = [load_file(run / "checkpoints/latest/model.safetensors") for run in (one, two)]
        self.assertEqual(set(a), set(b))
        weights = max(float((a[name] - b[name]).abs().max()) for name in a)
        print(f"\n  {what}: {len(first)} trajectories, log-probabilities {log_probs:.1e}, weights {weights:.1e}", flush=True)
        return log_probs, weights

    def test_bundled_and_worker_on_one_and_two_ranks(self) -> None:
        bundled = self.run_spec("bundled", spec("bundled", 3))
        worker = self.run_spec("worker", spec("worker", 3, dtype="float32", device="cpu"))
        self.assertLess(max(self.compare(bundled, worker, "bundled and worker, three steps")), 1e-4)
        two = self.run_spec("two", spec("worker", 3, dtype="float32", device="cpu", ranks=2))
        self.assertLess(max(self.compare(worker, two, "one rank and two, three steps")), 1e-5)
        # The one goes on from the other's checkpoint.
        moved = spec("bundled", 1) | {"name": "moved"}
        moved["policy"]["with"]["model"] = str(worker / "checkpoints/latest")
        self.run_spec("moved", moved)
        moved = spec("worker", 1, dtype="float32", device="cpu") | {"name": "moved"}
        moved["policy"]["with"]["model"] = str(bundled / "checkpoints/latest")
        self.run_spec("back", moved)

    def test_a_killed_worker_ends_the_run_and_a_resume_goes_on_to_the_same_bytes(self) -> None:
        value = spec("worker", 5, dtype="float32", device="cpu")
        whole = self.run_spec("whole", value)
        run = subprocess.Popen(self.command("killed", value), stderr=subprocess.PIPE, text=True)
        metrics = self.folder / "killed/metrics.jsonl"
        while run.poll() is None and not (metrics.exists() and metrics.read_bytes().count(b"\n") >= 2):
            time.sleep(0.01)
        children = Path(f"/proc/{run.pid}/task").glob("*/children")
        for child in {int(pid) for file in children for pid in file.read_text().split()}:
            os.kill(child, signal.SIGKILL)
        said = run.communicate()[1]
        self.assertEqual(run.returncode, 1, said)
        self.assertIn("was ended by SIGKILL", said)
        self.assertIn("--resume", said)
        killed = self.run_spec("killed", value, "--resume")
        for file in ("metrics.jsonl", "selected.jsonl", "lineage.jsonl"):
            self.assertEqual((whole / file).read_bytes(), (killed / file).read_bytes(), file)
        for file in sorted((whole / "checkpoints/step-5").iterdir()):
            self.assertEqual(file.read_bytes(), (killed / "checkpoints/step-5" / file.name).read_bytes(), file.name)

    def test_a_worker_over_a_socket(self) -> None:
        address = f"unix:{self.folder}/socket"
        command = [os.environ["SHUFFLE_R1_WORKER_PYTHON"], "-m", "shuffle_r1_worker", "--listen", address]
        worker = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: (worker.kill(), worker.wait()))
        piped = self.run_spec("piped", spec("worker", 1, dtype="float32", device="cpu"))
        found = self.run_spec("connected", spec("worker", 1, dtype="float32", device="cpu", connect=address))
        self.assertEqual((piped / "selected.jsonl").read_bytes(), (found / "selected.jsonl").read_bytes())
        self.assertEqual(worker.wait(60), 0)


if __name__ == "__main__":
    unittest.main()
