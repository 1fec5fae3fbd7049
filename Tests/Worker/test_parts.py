# SPDX-License-Identifier: Apache-2.0
"""The worker's parts that need no model: random numbers, draws, positions, micro-batches, stop texts."""

import json
import unittest

import numpy as np
import torch
from transformers import AutoConfig, Qwen2_5_VLModel

from shuffle_r1_worker import costs
from shuffle_r1_worker.batches import micro_batches
from shuffle_r1_worker.network import Network
from shuffle_r1_worker.philox import name_hash, uniforms
from shuffle_r1_worker.sampler import TokenSampler
from shuffle_r1_worker.stop import StopTexts
from shuffle_r1_worker.work import Group, Prompt, Sampling
from worker_client import FIXTURES, ROOT, message


class CostTests(unittest.TestCase):
    def test_weights_are_counted_as_the_model_has_them(self) -> None:
        for folder in [ROOT / "Examples/easy-vqa/model", *(it / "model" for it in FIXTURES.iterdir())]:
            with torch.device("meta"):
                model = Qwen2_5_VLModel(AutoConfig.from_pretrained(folder))
            shape = costs.Shape.of(str(folder))
            tied = shape.text["tie_word_embeddings"]
            counted = shape.decoder + shape.tower - (0 if tied else shape.embedding)
            self.assertEqual(counted, sum(it.numel() for it in model.parameters()), folder)
        # The sums of the published checkpoints' indices, in weights.
        published = {"3B": 3_754_622_976, "7B": 8_292_166_656, "72B": 73_410_777_344}
        self.assertEqual({name: costs.Shape.of(name).decoder + costs.Shape.of(name).tower for name in published}, published)

    def test_bytes_are_those_of_messages(self) -> None:
        step = costs.Step(rollouts=12, group=4, prompt=7, tokens=5, trained=0.5, pixels=28 * 28, reference=True)
        groups = [([1] * 7, [], [[2] * 5] * 2) for _ in range(3)]
        sent = sum(it.byte_count for it in message(groups)[1].values())
        found = costs.wire(step)
        self.assertEqual(found["accumulate"], sent + 2 * 6 * 5 * 4)
        self.assertEqual(found["log-probs"], sent + 6 * 5 * 4)
        prompts = sum(it.byte_count for name, it in message(groups)[1].items() if name.startswith("prompt"))
        # Seeds and how many each prompt has; then tokens, log-probabilities and lengths of what was sampled.
        self.assertEqual(found["generate"], prompts + 12 * 8 + 3 * 4 + 12 * (5 * 8 + 4))
        self.assertEqual(found["images"], 3 * 3 * 28 * 28)


    def test_more_machines_pass_the_same_bytes_in_less_time(self) -> None:
        shape, step = costs.Shape.of("3B"), costs.Step(rollouts=8192, tokens=4096)
        parts = {ranks: costs.scaled(shape, step, ranks, costs.Machines()) for ranks in (8, 64, 512)}
        self.assertEqual(parts[8]["wire"], sum(costs.wire(step).values()) / 411e6)
        for fewer, more in ((8, 64), (64, 512)):
            self.assertAlmostEqual(parts[fewer]["update, computing"], 8 * parts[more]["update, computing"])
            self.assertLess(parts[more]["sample, memory"], parts[fewer]["sample, memory"])
            self.assertLess(parts[more]["gigabytes"], parts[fewer]["gigabytes"])
        # 4096 rollouts of 4608 rows, in micro-batches of 4096 rows on 8 ranks; 2 bytes for each weight, three times, of which an
        # eighth is there already.
        self.assertAlmostEqual(parts[8]["update, links"], 576 * 6 * shape.decoder * 7 / 8 / 450e9)


class Headed(torch.nn.Module):
    """An output layer over a body that the network does not run."""

    base_model_prefix = "body"

    def __init__(self) -> None:
        super().__init__()
        self.body, self.lm_head = torch.nn.Identity(), torch.nn.Linear(4, 9, bias=False)

    @property
    def base_model(self) -> torch.nn.Module:
        return self.body

    def forward(self, inputs_embeds: torch.Tensor, use_cache: bool):
        from types import SimpleNamespace

        return SimpleNamespace(logits=self.lm_head(self.body(inputs_embeds).last_hidden_state))


class EntropyTests(unittest.TestCase):
    def test_entropies_and_their_gradients_are_those_of_pytorch(self) -> None:
        torch.manual_seed(3)
        model = Headed()
        hidden, targets = torch.randn(5, 4), torch.tensor([8, 0, 3, 3, 1])
        ours = Network(model)._chosen(hidden, targets, 0.7, True)
        theirs = torch.distributions.Categorical(logits=model.lm_head(hidden) / 0.7)
        self.assertLess(float((ours[:, 0] - theirs.log_prob(targets)).abs().max()), 1e-6)
        self.assertLess(float((ours[:, 1] - theirs.entropy()).abs().max()), 1e-6)
        slopes = torch.autograd.grad(ours[:, 1].sum(), model.lm_head.weight)[0]
        wanted = torch.autograd.grad(theirs.entropy().sum(), model.lm_head.weight)[0]
        self.assertLess(float((slopes - wanted).abs().max()), 1e-6)


class RandomTests(unittest.TestCase):
    def test_philox_is_that_of_numpy(self) -> None:
        seeds, positions = [0, 1, 2**63, 2**64 - 1, 12345], [0, 1, 2, 3, 2**40]
        for seed, position, found in zip(seeds, positions, uniforms(np.array(seeds, np.uint64), np.array(positions))):
            key, counter = np.array([seed, name_hash("sample")], np.uint64), np.array([0, position, 0, 0], np.uint64)
            philox = np.random.Philox(key=key, counter=counter)
            self.assertEqual(found, ((int(philox.random_raw()) >> 11) + 0.5) * 2.0**-53)


class SamplerTests(unittest.TestCase):
    def draw(self, logits: list, uniform: float, no_end: bool = False, **options) -> tuple[int, float]:
        sampling = Sampling(**(dict(
            temperature=1.0, top_p=1.0, top_k=0, min_tokens=0, max_tokens=8, stop=[], end_tokens=[0]) | options))
        tokens, log_probs = TokenSampler(sampling).draw(
            torch.tensor([logits]), torch.tensor([uniform], dtype=torch.float64), torch.tensor([no_end]))
        return int(tokens[0]), float(log_probs[0])

    LOGITS = np.log([0.1, 0.2, 0.3, 0.4]).tolist()

    def test_plain_draws_go_by_the_sum_of_probabilities(self) -> None:
        found = [self.draw(self.LOGITS, it)[0] for it in (0.05, 0.15, 0.35, 0.65, 0.999999)]
        self.assertEqual(found, [0, 1, 2, 3, 3])

    def test_log_probabilities_are_those_before_cutting(self) -> None:
        token, log_prob = self.draw(self.LOGITS, 0.9, top_k=1)
        self.assertEqual(token, 3)
        self.assertAlmostEqual(log_prob, np.log(0.4), places=6)

    def test_top_p_keeps_what_it_takes_to_reach_it(self) -> None:
        self.assertEqual({self.draw(self.LOGITS, it, top_p=0.65)[0] for it in np.linspace(0.01, 0.99, 50)}, {2, 3})
        self.assertEqual(self.draw(self.LOGITS, 0.5, top_p=1e-9)[0], 3)

    def test_an_end_token_that_is_not_allowed_is_not_drawn(self) -> None:
        self.assertEqual(self.draw(self.LOGITS, 0.05, no_end=True)[0], 1)
        self.assertEqual(self.draw([9.0, 1.0, 0.0], 0.5, no_end=True, temperature=0.0)[0], 1)

    def test_temperature_0_takes_the_first_of_the_greatest(self) -> None:
        token, log_prob = self.draw([0.0, 2.0, 2.0], 0.9, temperature=0.0)
        self.assertEqual(token, 1)
        self.assertAlmostEqual(log_prob, 2 - np.log(1 + 2 * np.exp(2)), places=6)


class BatchTests(unittest.TestCase):
    def test_micro_batches_are_bounded_padding_included(self) -> None:
        prompt = Prompt(np.zeros(4, np.int32), [])
        responses = [np.zeros(length, np.int32) for length in (3, 0, 9, 2, 2, 30)]
        found = micro_batches([Group(prompt, responses)], 24)
        self.assertEqual([[it.response for it in batch] for batch in found], [[0, 2], [3, 4], [5]])

    def test_every_response_is_computed_once(self) -> None:
        draw = np.random.RandomState(1)
        groups = [
            Group(Prompt(np.zeros(draw.randint(1, 9), np.int32), []),
                  [np.zeros(draw.randint(1, 20), np.int32) for _ in range(draw.randint(0, 6))])
            for _ in range(40)
        ]
        for rows in (1, 7, 64, 10_000):
            batches = micro_batches(groups, rows)
            places = [(it.group, it.response) for batch in batches for it in batch]
            self.assertEqual(places, [(g, r) for g, group in enumerate(groups) for r in range(len(group.responses))])
            for batch in batches:
                self.assertTrue(len(batch) == 1 or len(batch) * max(it.length for it in batch) <= rows)


class StopTests(unittest.TestCase):
    WORDS = [b"", b"ab", b"c", "\u00e9".encode()[:1], "\u00e9".encode()[1:]]

    def decode(self, tokens: list[int]) -> str:
        return b"".join(self.WORDS[token] for token in tokens).decode(errors="replace")

    def test_a_text_may_begin_in_one_token_and_end_in_another(self) -> None:
        stop = StopTexts(["bc", "\u00e9"], self.decode, {0})
        self.assertEqual([stop.holds((0, 0), token) for token in (2, 1, 0, 2)], [False, False, False, True])
        self.assertEqual([stop.holds((0, 1), token) for token in (3, 4)], [False, True])

    def test_it_is_found_however_much_comes_before(self) -> None:
        stop = StopTexts(["bc"], self.decode, {0})
        self.assertFalse(any(stop.holds((0, 0), token) for token in [1] * 100 + [0] * 50))
        self.assertTrue(stop.holds((0, 0), 2))


if __name__ == "__main__":
    unittest.main()
