# SPDX-License-Identifier: Apache-2.0
"""The worker against the stored numbers of `families` in the folder that SHUFFLE_R1_ORACLES names, in this process.

Logits, log-probabilities, entropies, every stored gradient, and greedy tokens; prompts from text by the model's own processor,
with images that the worker resizes.
"""

import json
import unittest
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file

from shuffle_r1_worker.batches import Piece
from shuffle_r1_worker.pictures import Pictures
from shuffle_r1_worker.policy import WorkerPolicy
from shuffle_r1_worker.ranks import Ranks
from shuffle_r1_worker.settings import Settings
from shuffle_r1_worker.weights import canonical
from shuffle_r1_worker.wire import Frame
from shuffle_r1_worker.work import Group, Prompt, Request, Sampling, payload
from worker_client import ORACLES

FOLDERS = sorted((ORACLES / "families").glob("*/oracle.json")) if ORACLES else []


def on_white(path: Path) -> np.ndarray:
    """An image as the stored numbers have it: what is transparent shows white."""
    image = Image.open(path)
    if image.mode == "RGBA":
        white = Image.new("RGBA", image.size, "white")
        white.alpha_composite(image)
        image = white
    return np.array(image.convert("RGB"))


def never() -> None:
    """Nothing asks to stop."""


@unittest.skipIf(not FOLDERS, "SHUFFLE_R1_ORACLES does not name the folder of the oracles")
class FamilyOracleTests(unittest.TestCase):
    def test_all(self) -> None:
        for path in FOLDERS:
            for attention in ("eager", "sdpa"):
                with self.subTest(f"{path.parent.name} {attention}"):
                    self.check(path.parent, attention)

    def check(self, folder: Path, attention: str) -> None:
        document = json.loads((folder / "oracle.json").read_text())
        tensors = load_file(folder / "oracle.safetensors")
        pictures = Pictures()
        names = {name for case in document["cases"] for name in case["images"]}
        pictures.take(Frame({"kind": "images"}, {name: payload(on_white(folder / name), "uint8") for name in names}))
        settings = Settings(
            folder / "model", None, True, vision="trained", dtype="float32", attention=attention, prompts="worker")
        policy = WorkerPolicy(settings, Ranks("cpu"), pictures)
        self.assertTrue(policy.layout.shares_prompts)
        worst = {"logits": 0.0, "log-probabilities": 0.0, "entropies": 0.0, "gradients": 0.0}

        def record(name: str, found: np.ndarray, wanted: object) -> None:
            worst[name] = max(worst[name], float(np.abs(found - np.asarray(wanted)).max()))

        for case in document["cases"]:
            tokens = policy.processor.tokens_of(case["prompt"], case["images"])
            self.assertEqual(tokens.tolist(), case["prompt_ids"], case["name"])
            prompt = Prompt(tokens, case["images"])
            response = np.array(case["response_ids"], np.int32)
            groups = [Group(prompt, [response, response[:3]])]
            values = policy.log_probs(groups, 1.0, "policy", never, True)[: len(response)]
            record("log-probabilities", values[:, 0], case["response_log_probs"])
            record("entropies", values[:, 1], case["entropy_at_response"])
            scored = policy.layout.scored([Piece(0, 0, prompt, response)], False)
            record("logits", self.logits(policy, scored), tensors[f"{case['name']}.logits_at_response"])
            self.gradients(policy, Group(prompt, [response]), case, tensors, record)
            greedy = self.greedy(policy, prompt)
            self.assertEqual(greedy, case["greedy_8"], case["name"])
        shown = ", ".join(f"{name} {value:.1e}" for name, value in worst.items())
        print(f"\n  {folder.name}, {attention}, {len(document['cases'])} cases: {shown}, greedy tokens equal", end="", flush=True)
        self.assertLess(max(worst["logits"], worst["log-probabilities"], worst["entropies"]), 1e-4)
        self.assertLess(worst["gradients"], 1e-3)

    @staticmethod
    def logits(policy: WorkerPolicy, scored: object) -> np.ndarray:
        """The logits from which log-probabilities are taken."""
        found: list[torch.Tensor] = []
        own = policy.network._scores
        policy.network._scores = lambda hidden: found.append(own(hidden)) or found[-1]
        try:
            with torch.no_grad():
                policy.network("log-probs", scored=scored, temperature=1.0)
        finally:
            del policy.network._scores
        return torch.cat(found).numpy()

    def gradients(self, policy: WorkerPolicy, group: Group, case: dict, tensors: dict, record: object) -> None:
        count = len(group.responses[0])
        policy.accumulate([group], 1.0, lambda places, values: np.full(len(values), -1 / count, np.float32), never)
        found = {it.name: it.gradient for it in policy.optimizer.learners if it.gradient is not None}
        policy.optimizer.forget()
        largest = max(case["grad_norms"].values())
        for name, norm in case["grad_norms"].items():
            own = found.get(canonical(name))
            value = 0.0 if own is None else float(own.norm())
            # What is nearly nothing, such as the bias of keys, is measured by the others.
            record("gradients", np.array(value - norm) / max(norm, 1e-3 * largest), 0.0)
        for key, wanted in tensors.items():
            for kind in (f"{case['name']}.grad.", f"{case['name']}.grad_first_2_rows."):
                if key.startswith(kind):
                    own = found[canonical(key.removeprefix(kind))]
                    own = own[:2] if "first_2_rows" in kind else own
                    scale = max(float(wanted.norm()), 1e-3 * largest)
                    record("gradients", np.array(float((own - wanted).norm()) / scale), 0.0)

    @staticmethod
    def greedy(policy: WorkerPolicy, prompt: Prompt) -> list[int]:
        found: list[list[int]] = []
        sampling = Sampling(
            temperature=0.0, top_p=1.0, top_k=0, min_tokens=0, max_tokens=8, stop=[], end_tokens=[])
        policy.generate(
            [Request(prompt, np.array([1], np.uint64))], sampling,
            lambda responses, tokens: found.extend(it.tokens for it in responses), never)
        return found[0]


if __name__ == "__main__":
    unittest.main()
