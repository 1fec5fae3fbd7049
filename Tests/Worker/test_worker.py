# SPDX-License-Identifier: Apache-2.0
"""The worker over the wire: ranks, adapters, checkpoints, and what it says is wrong."""

import json
import shutil
import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from shuffle_r1_worker.faults import understood
from worker_client import FIXTURES, ROOT, Client, Refused

MODEL = ROOT / "Examples/easy-vqa/model"
IMAGE_TOKEN = json.loads((MODEL / "config.json").read_text())["image_token_id"]


def picture(seed: int) -> np.ndarray:
    """Coarse blocks of colors, 64 x 64."""
    return np.random.RandomState(seed).randint(0, 256, (8, 8, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)


def groups(count: int = 5) -> list:
    """Prompts with an image each but one, and responses of different lengths."""
    draw = np.random.RandomState(7)
    ids = lambda n: draw.randint(3, 400, n).tolist()
    made = []
    for number in range(count):
        image = [] if number == 2 else [IMAGE_TOKEN] * 16
        made.append((ids(4) + image + ids(3), [f"i{number}"] if image else [], [ids(draw.randint(1, 12)) for _ in range(3)]))
    return made


GROUPS = groups()
PICTURES = {f"i{number}": picture(number) for number in range(len(GROUPS))}


def slope(place: tuple, values: np.ndarray) -> np.ndarray:
    """A gradient that differs from response to response."""
    return np.full(len(values), 0.01 * (1 if (place[0] + place[1]) % 2 else -2))


class EntropyTests(unittest.TestCase):
    def test_entropies_are_given_and_trained_on(self) -> None:
        found: list[float] = []

        def plain(place: tuple, values: np.ndarray, entropies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            self.assertTrue((entropies > 0).all() and (entropies <= np.log(1e6)).all())
            return slope(place, values), np.zeros_like(entropies)

        def higher(place: tuple, values: np.ndarray, entropies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            found.extend(entropies)
            return np.zeros_like(values), np.full_like(entropies, -0.01)

        with Client(1) as client:
            client.load(MODEL, dtype="float32", rows_per_micro_batch=90)
            client.images(PICTURES)
            client.accumulate(GROUPS, slope)
            norm = client.step(learning_rate=0.0)["gradient_norm"]
            client.accumulate_with_entropy(GROUPS, plain)
            self.assertAlmostEqual(client.step(learning_rate=0.0)["gradient_norm"] / norm, 1, places=5)
            means = []
            for _ in range(3):
                found.clear()
                client.accumulate_with_entropy(GROUPS, higher)
                client.step(learning_rate=1e-4, weight_decay=0.0)
                means.append(sum(found) / len(found))
        self.assertLess(means[0], means[1])
        self.assertLess(means[1], means[2])


    def test_entropies_of_given_responses_are_those_that_training_sees(self) -> None:
        seen: dict[tuple, np.ndarray] = {}

        def looks(place: tuple, values: np.ndarray, entropies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            seen[place] = entropies
            return np.zeros_like(values), np.zeros_like(entropies)

        with Client(1) as client:
            client.load(MODEL, dtype="float32", rows_per_micro_batch=90)
            client.images(PICTURES)
            log_probs, entropies = client.entropies(GROUPS)
            plain = client.log_probs(GROUPS)
            client.accumulate_with_entropy(GROUPS, looks)
        places = [(group, index) for group, (_, _, responses) in enumerate(GROUPS) for index in range(len(responses))]
        for place, values, alone, entropy in zip(places, log_probs, plain, entropies, strict=True):
            self.assertLess(float(np.abs(values - alone).max()), 1e-5)
            self.assertLess(float(np.abs(entropy - seen[place]).max()), 1e-5)


class RankTests(unittest.TestCase):
    def train(self, folder: Path, ranks: int, **options) -> tuple[list, dict, dict]:
        """Three steps on micro-batches so small that two ranks have different numbers of them."""
        with Client(ranks) as client:
            client.load(MODEL, dtype="float32", rows_per_micro_batch=90, **options)
            client.images(PICTURES)
            for _ in range(3):
                client.accumulate(GROUPS, slope)
                client.step(learning_rate=1e-4)
            log_probs = client.log_probs(GROUPS)
            prompts = [(tokens, images) for tokens, images, _ in GROUPS]
            sampled = client.generate(prompts, [[1, 2], [3], [4, 5, 6], [7], [8]], end_tokens=[40, 41], max_tokens=12)
            saved = folder / f"{ranks}-{'-'.join(options)}"
            client.save(saved)
        weights = load_file(saved / "model.safetensors")
        if "lora" in options:
            # The merged weights are in bfloat16: a rounding apart is far apart.
            weights = load_file(saved / "adapter/adapter_model.safetensors")
        return log_probs, sampled, weights

    def test_two_ranks_are_as_good_as_one(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            whole = self.train(Path(name), 1)
            for options in ({}, {"sharding": "none"}, {"lora": {"rank": 4}}, {"packing": "off"}):
                one = self.train(Path(name), 1, **options) if "lora" in options else whole
                two = self.train(Path(name), 2, **options)
                worst = max(float(np.abs(a - b).max()) for a, b in zip(one[0], two[0]))
                weights = max(float((one[2][key] - two[2][key]).abs().max()) for key in one[2])
                print(f"\n  two ranks {options or 'in shards'}: log-probabilities {worst:.1e}, weights {weights:.1e}", flush=True)
                self.assertLess(worst, 1e-5)
                self.assertLess(weights, 1e-5)
                self.assertEqual(one[1], two[1])


class EngineTests(unittest.TestCase):
    """vLLM's place is taken by a stand-in of its interface."""

    PROMPTS = [(tokens, images) for tokens, images, _ in GROUPS]
    SEEDS = [[1, 2], [3], [4, 5, 6], [7], [8]]

    def sampled(self, engine: str, ranks: int, parallel: int = 1, **options) -> list:
        """Greedy responses before a step and after it."""
        with Client(ranks, packages=Path(__file__).parent / "stand_in") as client:
            generation = {"engine": engine, "tensor_parallel": parallel}
            client.load(MODEL, dtype="float32", generation=generation, **options)
            client.images(PICTURES)
            found = [client.generate(self.PROMPTS, self.SEEDS, temperature=0.0, end_tokens=[40, 41], max_tokens=8)]
            client.accumulate(GROUPS, slope)
            client.step(learning_rate=1e-2)
            return found + [client.generate(self.PROMPTS, self.SEEDS, temperature=0.0, end_tokens=[40, 41], max_tokens=8)]

    def test_it_gets_the_weights_after_each_step(self) -> None:
        for options in ({}, {"lora": {"rank": 4}}):
            with self.subTest(options):
                expected = self.sampled("transformers", 1, **options)
                self.assertNotEqual(*expected)
                self.assertEqual(self.sampled("vllm", 1, **options), expected)

    def test_ranks_sample_for_themselves_or_together(self) -> None:
        expected = self.sampled("transformers", 1)
        for parallel in (1, 2):
            with self.subTest(parallel):
                self.assertEqual(self.sampled("vllm", 2, parallel), expected)
        with Client(packages=Path(__file__).parent / "stand_in") as client:
            client.load(MODEL, generation={"engine": "vllm", "tensor_parallel": 2})
            client.images(PICTURES)
            with self.assertRaisesRegex(Refused, "options: .*tensor_parallel is 2, which does not divide 1 ranks"):
                client.generate(self.PROMPTS, self.SEEDS, temperature=0.0)

    def test_one_that_is_not_there_is_named(self) -> None:
        with Client() as client:
            client.load(MODEL, generation={"engine": "vllm"})
            client.images(PICTURES)
            with self.assertRaisesRegex(Refused, "packages: .*vllm.*install"):
                client.generate(self.PROMPTS, self.SEEDS)


class CheckpointTests(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def trained(self, client: Client, checkpoint: Path | None = None, steps: int = 2, **options) -> list[np.ndarray]:
        client.load(MODEL, checkpoint, dtype="float32", **options)
        client.images(PICTURES)
        for _ in range(steps):
            client.accumulate(GROUPS, slope)
            client.step()
        return client.log_probs(GROUPS)

    def test_a_checkpoint_goes_on_to_the_same_bytes(self) -> None:
        checkpointing = {"gradient_checkpointing": True, "vision": "trained"}
        for options in ({}, {"lora": {"rank": 4}}, checkpointing, {"packing": "off"}, checkpointing | {"packing": "off"}):
            with self.subTest(options), Client() as client:
                folder = self.folder / str(len(list(self.folder.iterdir())))
                folder.mkdir()
                self.trained(client, steps=3, **options)
                client.save(folder / "whole")
                self.trained(client, steps=2, **options)
                client.save(folder / "first")
                self.trained(client, folder / "first", steps=1, **options)
                client.save(folder / "second")
                files = sorted(it.relative_to(folder / "whole") for it in (folder / "whole").rglob("*") if it.is_file())
                self.assertIn(Path("optimizer.safetensors"), files)
                self.assertIn(Path("tokenizer.json"), files)
                for file in files:
                    self.assertEqual((folder / "whole" / file).read_bytes(), (folder / "second" / file).read_bytes(), file)

    def test_adapters_are_merged_and_the_reference_stays(self) -> None:
        with Client() as client:
            before = self.trained(client, steps=0)
            facts = client.load(MODEL, dtype="float32", lora={"rank": 4})
            self.assertLess(facts["learning_count"], facts["parameter_count"] / 4)
            after = self.trained(client, lora={"rank": 4})
            reference = client.log_probs(GROUPS, of="reference")
            client.save(self.folder / "adapted")
            self.assertGreater(max(np.abs(a - b).max() for a, b in zip(before, after)), 1e-3)
            self.assertLess(max(np.abs(a - b).max() for a, b in zip(before, reference)), 1e-6)
            # The merged weights are in the model's own format, bfloat16.
            client.load(self.folder / "adapted", dtype="float32", purpose="inference")
            client.images(PICTURES)
            merged = client.log_probs(GROUPS)
            moved = max(np.abs(a - b).max() for a, b in zip(before, after))
            self.assertLess(max(np.abs(a - b).max() for a, b in zip(after, merged)), 0.5 * moved)

    def test_full_weights_keep_their_reference(self) -> None:
        with Client() as client:
            before = self.trained(client, steps=0)
            after = self.trained(client)
            reference = client.log_probs(GROUPS, of="reference")
            self.assertGreater(max(np.abs(a - b).max() for a, b in zip(before, after)), 1e-3)
            self.assertEqual([it.tolist() for it in reference], [it.tolist() for it in before])

    def test_bfloat16_learns_below_its_own_steps(self) -> None:
        with Client() as client:
            client.load(MODEL, dtype="bfloat16")
            client.images(PICTURES)
            client.accumulate(GROUPS, slope)
            client.step(learning_rate=1e-6)
            client.save(self.folder / "half")
        saved, source = load_file(self.folder / "half/model.safetensors"), load_file(MODEL / "model.safetensors")
        name = "model.layers.0.mlp.up_proj.weight"
        self.assertEqual(saved[name].dtype, torch.float32)
        moved = (saved[name] - source[name].float()).abs()
        self.assertGreater(float((moved > 5e-7).float().mean()), 0.5)

    def test_a_failed_save_leaves_nothing_under_the_name(self) -> None:
        with Client() as client:
            self.trained(client, steps=0)
            client.save(self.folder / "one")
            with self.assertRaisesRegex(Refused, "save: .* exists already"):
                client.save(self.folder / "one")
            (self.folder / "file").write_text("")
            with self.assertRaisesRegex(Refused, "save: cannot write the checkpoint"):
                client.save(self.folder / "file/two")


class FaultTests(unittest.TestCase):
    def test_checkpoints_that_cannot_be_loaded(self) -> None:
        with tempfile.TemporaryDirectory() as name, Client() as client:
            folder = Path(name) / "model"
            with self.assertRaisesRegex(Refused, "model: .*config.json cannot be read"):
                client.load(Path(name) / "nowhere")
            shutil.copytree(MODEL, folder)
            (folder / "model.safetensors").unlink()
            with self.assertRaisesRegex(Refused, "model: .* has neither model.safetensors nor"):
                client.load(folder)
            (folder / "model.safetensors").write_bytes(b"not a checkpoint")
            with self.assertRaisesRegex(Refused, "model: the weights in .* cannot be read"):
                client.load(folder)
            tensors = load_file(MODEL / "model.safetensors")
            tensors["model.norm.weight"] = torch.ones(3)
            tensors["x"] = tensors.pop("model.layers.0.mlp.up_proj.weight")
            save_file(tensors, folder / "model.safetensors")
            with self.assertRaises(Refused) as refused:
                client.load(folder)
            self.assertEqual(refused.exception.header["error"], "model")
            for part in ("'model.layers.0.mlp.up_proj.weight' is missing", "'x' is no part", "[3], config.json makes it [128]"):
                self.assertIn(part, refused.exception.header["message"])
            # The worker is as good as new.
            client.load(MODEL, dtype="float32")

    def test_what_comes_at_the_wrong_time(self) -> None:
        with Client() as client:
            with self.assertRaisesRegex(Refused, "protocol: 'step' came before 'load'"):
                client.step()
            client.load(MODEL, dtype="float32", purpose="inference")
            with self.assertRaisesRegex(Refused, "options: the policy was opened for inference"):
                client.accumulate([([1, 2], [], [[3]])], slope)
            with self.assertRaisesRegex(Refused, "protocol: the image 'i0' was not sent"):
                client.log_probs(GROUPS[:1])
            with self.assertRaisesRegex(Refused, "protocol: 'load' has an option"):
                client.load(MODEL, colour="red")

    def test_a_gradient_that_is_not_finite_is_not_applied(self) -> None:
        with Client() as client:
            client.load(MODEL, dtype="float32")
            client.images(PICTURES)
            before = client.log_probs(GROUPS)
            client.accumulate(GROUPS, lambda _, values: np.full(len(values), np.inf))
            with self.assertRaisesRegex(Refused, "data: the gradient of '.*' is not finite"):
                client.step()
            self.assertEqual([it.tolist() for it in client.log_probs(GROUPS)], [it.tolist() for it in before])

    def test_memory_that_runs_out_names_what_to_lower(self) -> None:
        for kind, setting in (("accumulate", "rows_per_micro_batch"), ("generate", "rows_at_once"), ("load", "lora")):
            fault = understood(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), kind)
            self.assertEqual(fault.kind, "memory")
            self.assertIn("Tried to allocate 2.00 GiB", fault.message)
            self.assertIn(setting, fault.advice)

    def test_what_is_printed_does_not_reach_the_stream(self) -> None:
        import subprocess
        import sys

        code = (
            "import runpy, sys; import shuffle_r1_worker.streams as s; take = s.take_standard\n"
            "def loud():\n    found = take(); print('noise'); import os; os.write(1, b'more noise'); return found\n"
            "s.take_standard = loud; sys.argv = ['w']; runpy.run_module('shuffle_r1_worker', run_name='__main__')")
        found = subprocess.run([sys.executable, "-c", code], input=b"", capture_output=True, timeout=60)
        self.assertEqual(found.stdout, b"")
        self.assertIn(b"noise", found.stderr)


if __name__ == "__main__":
    unittest.main()
