# SPDX-License-Identifier: Apache-2.0
"""Prompts and responses in one row without padding: the same numbers as padded, and no packing where it would not be right."""

import contextlib
import functools
import itertools
import os
import tempfile
import unittest
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable
from unittest import mock

import numpy as np
import torch
import transformers

import families
from shuffle_r1_worker import packing, probe
from shuffle_r1_worker.batches import Piece, micro_batches, packed_length
from shuffle_r1_worker.pictures import Pictures
from shuffle_r1_worker.policy import WorkerPolicy
from shuffle_r1_worker.ranks import Ranks
from shuffle_r1_worker.settings import Settings
from shuffle_r1_worker.work import Group, Prompt
from test_families import CANNOT, PICTURES, conversations
from worker_client import Client, Refused

LONG = "and so on " * 6
"""A text of more tokens than the window of families that have one."""


def opened(folder: Path, **options: Any) -> WorkerPolicy:
    """A policy within this process."""
    settings = Settings(folder, None, True, device="cpu", dtype="float32", prompts="worker", rows_per_micro_batch=700)
    pictures = Pictures()
    pictures._pixels = dict(PICTURES)
    return WorkerPolicy(replace(settings, **options), Ranks("cpu"), pictures)


def groups(policy: WorkerPolicy, sees: bool) -> list[Group]:
    """Prompts with two images, none and one, and a long one; responses of any ids, some of one token, one of none."""
    asked = [*conversations(sees), ([{"role": "user", "content": LONG}], [])]
    draw = np.random.RandomState(8)
    size = policy._vocabulary_size
    made = []
    for messages, images in asked:
        lengths = [draw.randint(2, 40), 1, draw.randint(2, 9), 0, 30]
        responses = [draw.randint(0, size, length).astype(np.int32) for length in lengths]
        responses[0][0] = (policy.processor.picture_tokens or [5])[0]
        made.append(Group(Prompt(policy.processor.encode(messages, images), images), responses))
    return made


def slope(place: tuple[int, int]) -> float:
    """A gradient that differs from response to response."""
    return 0.02 if sum(place) % 2 else -0.03


def trained(policy: WorkerPolicy, given: list[Group]) -> tuple[np.ndarray, dict[str, torch.Tensor], dict]:
    """Log-probabilities, the gradient of each weight, and what was computed for it."""
    values = policy.log_probs(given, 0.8, "policy", lambda: None)

    def exchange(places: list[tuple[int, int]], log_probs: np.ndarray) -> np.ndarray:
        return np.concatenate([
            np.full(len(given[group].responses[index]), slope((group, index)), np.float32) for group, index in places])

    policy.accumulate(given, 0.8, exchange, lambda: None)
    gradients = {it.name: it.gradient for it in policy.optimizer.learners if it.gradient is not None}
    counted = policy._since_the_last_step()
    policy.optimizer.forget()
    return values, gradients, counted


class EveryFamilyTests(unittest.TestCase):
    def test_numbers_are_those_of_padded_rows(self) -> None:
        transformers.logging.disable_progress_bar()
        chosen = os.environ.get("SHUFFLE_R1_FAMILIES", "").split()
        with tempfile.TemporaryDirectory() as name:
            for family in families.FAMILIES:
                if not chosen or family.name in chosen:
                    for options in ({}, {"gradient_checkpointing": True}):
                        with self.subTest(f"{family.name} {options}"):
                            self.check(Path(name) / family.name, family, **options)

    def check(self, folder: Path, family: families.Family, **options: Any) -> None:
        if not folder.exists():
            family.make(folder)
        vision = "trained" if family.sees else "frozen"
        padded = opened(folder, packing="off", vision=vision)
        packed = opened(folder, packing="auto", vision=vision, **options)
        self.assertFalse(padded.facts["packs"])
        self.assertEqual(packed.facts["packs"], family.name not in CANNOT)
        if family.name in CANNOT:
            self.assertEqual(packed.facts["note"], CANNOT[family.name])
            return
        given = groups(padded, family.sees)
        shared = trained(padded, given)
        # Each prompt of the padded one is computed with each response, in rows as transformers knows them.
        padded.layout.shares_prompts = False
        wanted, found = trained(padded, given), trained(packed, given)
        self.assertEqual(len(found[0]), sum(len(it) for group in given for it in group.responses))
        self.compare(shared, wanted)
        worst, gradient = self.compare(found, wanted)
        print(f"\n  packed, {family.name} {options or ''}: log-probabilities {worst:.1e}, gradient {gradient:.1e}", end="", flush=True)
        before, after = wanted[2], found[2]
        self.assertGreater(before["tokens_of_padding"], 0)
        self.assertEqual(after["tokens_of_padding"], 0)
        self.assertLess(after["tokens_computed"], 0.7 * before["tokens_computed"])

    def compare(self, one: tuple, two: tuple) -> tuple[float, float]:
        """The largest differences of log-probabilities, and of gradients by the largest of them."""
        worst = float(np.abs(one[0] - two[0]).max())
        self.assertEqual(set(one[1]), set(two[1]))
        largest = max(float(it.abs().max()) for it in two[1].values())
        gradient = max(float((one[1][key] - two[1][key]).abs().max()) for key in two[1]) / largest
        self.assertLess(worst, 1e-5)
        self.assertLess(gradient, 1e-5)
        return worst, gradient


class OwnPackingTests(unittest.TestCase):
    def test_it_is_what_transformers_makes_of_positions_that_start_again(self) -> None:
        # One response to each prompt; one of the families has windows.
        transformers.logging.disable_progress_bar()
        with tempfile.TemporaryDirectory() as name:
            for family in families.FAMILIES:
                if family.name not in ("llama", "mistral", "qwen3"):
                    continue
                with self.subTest(family.name):
                    folder = Path(name) / family.name
                    family.make(folder)
                    policy = opened(folder, packing="on")
                    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
                    given = [Group(it.prompt, [it.responses[0]]) for it in groups(policy, False)]
                    whole = [np.concatenate([it.prompt.tokens, it.responses[0]]) for it in given]
                    positions = torch.from_numpy(np.concatenate([np.arange(len(it)) for it in whole]))[None]
                    with torch.no_grad():
                        tokens = torch.from_numpy(np.concatenate(whole).astype(np.int64))[None]
                        logits = model(input_ids=tokens, position_ids=positions, use_cache=False).logits[0]
                    values = torch.log_softmax(logits[:-1] / 0.8, -1).gather(1, tokens[0, 1:, None])[:, 0]
                    ends = np.cumsum([len(it) for it in whole])
                    wanted = np.concatenate([
                        values[end - len(it.responses[0]) - 1 : end - 1].numpy() for end, it in zip(ends, given)])
                    found = policy.log_probs(given, 0.8, "policy", lambda: None)
                    self.assertLess(float(np.abs(found - wanted).max()), 1e-5)


class StartTests(unittest.TestCase):
    """What is found out at the start."""

    def setUp(self) -> None:
        transformers.logging.disable_progress_bar()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def made(self, name: str, make: Callable[[Path], None] | None = None) -> Path:
        (make or next(it for it in families.FAMILIES if it.name == name).make)(self.folder / name)
        return self.folder / name

    def test_what_the_user_sets_is_what_is_done(self) -> None:
        llama, gemma = self.made("llama"), self.made("gemma3")
        with Client() as client:
            for packing_option, packs in (("auto", True), ("on", True), ("off", False)):
                facts = client.load(llama, dtype="float32", prompts="worker", packing=packing_option)
                self.assertEqual((facts["packs"], facts["shares_prompts"], facts["note"]), (packs, True, ""))
            with self.assertRaisesRegex(
                Refused, "options: policy.with.packing is 'on', but a 'gemma3' cannot be packed: some of its tokens see .*; set "
                "policy.with.packing to auto or off"):
                client.load(gemma, dtype="float32", prompts="worker", packing="on")
            facts = client.load(gemma, dtype="float32", prompts="worker", packing="off")
            self.assertEqual((facts["packs"], facts["note"]), (False, ""))
            # With checkpointing prompts are shared in a packed row, and in padded ones not.
            for packing_option, shares in (("auto", True), ("off", False)):
                facts = client.load(llama, prompts="worker", packing=packing_option, gradient_checkpointing=True)
                self.assertEqual(facts["shares_prompts"], shares)

    def test_families_whose_tokens_are_mixed_otherwise_are_padded(self) -> None:
        cases = [
            ("falcon_h1", families.text(
                "FalconH1Config", "FalconH1ForCausalLM", mamba_d_ssm=32, mamba_n_heads=4, mamba_d_head=8, mamba_d_state=8),
             "it has layers of the kind 'hybrid'"),
            ("mpt", families.text(
                "MptConfig", "MptForCausalLM", d_model=32, n_heads=4, n_layers=2, max_seq_len=64),
             "it does not take a packed row: "),
        ]
        for name, make, reason in cases:
            with self.subTest(name):
                policy = opened(self.made(name, make))
                self.assertFalse(policy.layout.packs)
                self.assertIn(f"cannot be packed: {reason}", policy.facts["note"])

    def test_neighbors_that_are_seen_are_noticed(self) -> None:
        folder = self.made("mistral", families.text("MistralConfig", "MistralForCausalLM", sliding_window=8))
        segments, mask, scores = packing._segments, packing._mask, probe._packed_scores
        one = lambda given: None if segments(given) is None else [packing.Segment(sum(it.length for it in segments(given)))]
        wide = functools.cache(lambda plain, length, before, window, *more, **others: mask(plain, length, before, None, *more, **others))
        passes = itertools.count()

        def after_the_first(*given: Any) -> torch.Tensor:
            with mock.patch.object(packing, "_segments", one) if next(passes) else contextlib.nullcontext():
                return scores(*given)

        cases = [
            (packing, "_segments", one, "its log-probabilities differ by .* from those of padded rows"),
            (packing, "_mask", wide, "some of its tokens see others"),
            (packing.PackedAttention, "windows", [7, 7], "its layers do not say how far back they see"),
            (probe, "_packed_scores", after_the_first, "responses see their neighbors in a row: log-probabilities change by"),
        ]
        for module, name, fault, reason in cases:
            with self.subTest(name), mock.patch.object(module, name, fault):
                self.assertRegex(opened(folder)._padding_note, reason)
        self.assertEqual(opened(folder)._padding_note, "")


class BatchTests(unittest.TestCase):
    def made(self, count: int) -> list[Group]:
        draw = np.random.RandomState(1)
        return [
            Group(Prompt(np.zeros(draw.randint(1, 30), np.int32), []),
                  [np.zeros(draw.randint(0, 20), np.int32) for _ in range(draw.randint(0, 9))])
            for _ in range(count)
        ]

    def test_a_prompt_counts_once(self) -> None:
        prompt = Prompt(np.zeros(10, np.int32), [])
        found = micro_batches([Group(prompt, [np.zeros(length, np.int32) for length in (3, 0, 5, 4, 1, 30)])], 19, packed=True)
        self.assertEqual([[it.response for it in batch] for batch in found], [[0, 2, 3, 4], [5]])
        self.assertEqual([packed_length(batch) for batch in found], [19, 39])

    def test_every_response_is_computed_once(self) -> None:
        given = self.made(40)
        wanted = [(g, r) for g, group in enumerate(given) for r, it in enumerate(group.responses) if len(it)]
        for rows in (1, 7, 64, 10_000):
            for ranks in (1, 3):
                batches = micro_batches(given, rows, packed=True, ranks=ranks)
                self.assertEqual([(it.group, it.response) for batch in batches for it in batch], wanted)
                for batch in batches:
                    self.assertTrue(len(batch) == 1 or packed_length(batch) <= rows)

    def test_ranks_get_about_as_much_each(self) -> None:
        given = self.made(40)
        pieces = [Piece(0, 0, group.prompt, it) for group in given for it in group.responses if len(it)]
        whole, longest = packed_length(pieces), max(it.length for it in pieces)
        for ranks in (2, 4):
            found = [packed_length(batch) for batch in micro_batches(given, 10_000, packed=True, ranks=ranks)]
            self.assertEqual(len(found), ranks)
            self.assertLessEqual(max(found), whole / ranks + longest)


if __name__ == "__main__":
    unittest.main()
