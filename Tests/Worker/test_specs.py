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

import families
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

    def kill_after_two_steps(self, name: str, value: dict) -> str:
        """Kills the worker of a run; returns what the program says."""
        run = subprocess.Popen(self.command(name, value), stderr=subprocess.PIPE, text=True)
        metrics = self.folder / name / "metrics.jsonl"
        while run.poll() is None and not (metrics.exists() and metrics.read_bytes().count(b"\n") >= 2):
            time.sleep(0.01)
        children = Path(f"/proc/{run.pid}/task").glob("*/children")
        for child in {int(pid) for file in children for pid in file.read_text().split()}:
            os.kill(child, signal.SIGKILL)
        said = run.communicate()[1]
        self.assertEqual(run.returncode, 1, said)
        return said

    def compare(self, one: Path, two: Path, what: str) -> tuple[float, float]:
        """The largest difference of weights and log-probabilities; the same was rolled out, kept and drawn."""
        first, second = [
            {(it["step"], it["id"]): it for it in map(json.loads, (run / "selected.jsonl").read_text().splitlines())}
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

    def test_how_much_is_padding_is_reported(self) -> None:
        shares = {}
        for packing in ("on", "off"):
            run = self.run_spec(packing, spec("worker", 1, dtype="float32", device="cpu", packing=packing))
            shares[packing] = json.loads((run / "metrics.jsonl").read_text().splitlines()[0])["actor/padding"]
        self.assertEqual(shares["on"], 0)
        self.assertGreater(shares["off"], 0.01)
        self.assertLess(shares["off"], 0.9)

    def test_a_killed_worker_ends_the_run_and_a_resume_goes_on_to_the_same_bytes(self) -> None:
        value = spec("worker", 5, dtype="float32", device="cpu")
        whole = self.run_spec("whole", value)
        said = self.kill_after_two_steps("killed", value)
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


class FamilySpecTests(SpecTests):
    """Other families than Qwen2.5-VL, through the program."""

    # Those of the class above are run there.
    test_bundled_and_worker_on_one_and_two_ranks = None
    test_how_much_is_padding_is_reported = None
    test_a_killed_worker_ends_the_run_and_a_resume_goes_on_to_the_same_bytes = None
    test_a_worker_over_a_socket = None

    def small(self, policy: str, family: families.Family, steps: int, **options) -> dict:
        """Few and short rollouts of a random model, judged by their letters."""
        folder = self.folder / "models" / family.name
        if not folder.exists():
            family.make(folder)
        value = spec(policy, steps, **options)
        value["policy"]["with"]["model"] = str(folder)
        value["source"] = {"prompts": "prompts.jsonl" if family.sees else "texts.jsonl", "provides": ["answer"], "batch": {"groups": 4}}
        value["stages"][0]["with"] = {"n": 4, "sampling": {"temperature": 1, "max_tokens": 10, "stop": ["zz"]}}
        letters = "def score(record):\n    return sum(ord(it) for it in record['response']) % 7 / 7\n"
        (self.folder / "letters.py").write_text(letters)
        value["stages"][1] = {"use": "reward", "with": {"functions": [
            {"use": "process", "with": {"command": ["python3", "letters.py"], "bridge": "plain"}}]}}
        return value

    def setUp(self) -> None:
        super().setUp()
        with open(self.folder / "texts.jsonl", "w", encoding="utf-8") as file:
            for number in range(24):
                prompt = [{"role": "user", "content": f"What is {number} + {3 * number}? \u00fc"}]
                file.write(json.dumps({"id": f"q{number}", "prompt": prompt, "answer": str(4 * number)}) + "\n")

    def test_bundled_and_worker_where_both_can(self) -> None:
        for family in families.FAMILIES:
            if family.name not in ("llama", "qwen2", "qwen3", "qwen2_vl", "qwen2_5_vl", "qwen3_vl"):
                continue
            with self.subTest(family.name):
                bundled = self.run_spec(f"{family.name}-bundled", self.small("bundled", family, 2))
                worker = self.run_spec(f"{family.name}-worker", self.small("worker", family, 2, dtype="float32", device="cpu"))
                # A weight whose gradient is nearly 0 moves by the signs of rounding, so that weights are compared by what they do.
                log_probs, _ = self.compare(bundled, worker, f"{family.name}, bundled and worker, two steps")
                self.assertLess(log_probs, 1e-4)
                # The worker's own processor makes the same prompts.
                alone = self.small("worker", family, 2, dtype="float32", device="cpu", prompts="worker")
                alone = self.run_spec(f"{family.name}-alone", alone)
                self.assertEqual((worker / "selected.jsonl").read_bytes(), (alone / "selected.jsonl").read_bytes())

    def test_families_that_only_the_worker_knows(self) -> None:
        for name in ("gpt_neox", "gemma3", "idefics3"):
            with self.subTest(name):
                family = next(it for it in families.FAMILIES if it.name == name)
                value = self.small("worker", family, 4, dtype="float32", device="cpu")
                whole = self.run_spec(f"{name}-whole", value)
                records = [json.loads(line) for line in (whole / "selected.jsonl").read_text().splitlines()]
                self.assertTrue(records)
                for record in records:
                    self.assertEqual(len(record["tokens"]), len(record["logprobs"]))
                    self.assertIsInstance(record["response"], str)
                    self.assertGreater(len(record["prompt_tokens"]), 8)
                # Killed and resumed, it comes to the same bytes.
                self.kill_after_two_steps(f"{name}-killed", value)
                killed = self.run_spec(f"{name}-killed", value, "--resume")
                for file in ("metrics.jsonl", "selected.jsonl", "lineage.jsonl", "checkpoints/step-4/model.safetensors"):
                    self.assertEqual((whole / file).read_bytes(), (killed / file).read_bytes(), file)

    def test_the_bundled_policy_names_the_worker(self) -> None:
        family = next(it for it in families.FAMILIES if it.name == "gpt_neox")
        found = subprocess.run(
            self.command("refused", self.small("bundled", family, 1)), capture_output=True, text=True)
        self.assertNotEqual(found.returncode, 0)
        self.assertIn("'model_type' is \"gpt_neox\" (GPTNeoXForCausalLM), which is not supported", found.stderr)
        self.assertIn('The policy "worker" runs other models of transformers', found.stderr)


if __name__ == "__main__":
    unittest.main()
