# SPDX-License-Identifier: Apache-2.0
"""One contender in a process of its own: computes the work once, after a small warm-up, and prints seconds, memory and numbers.

    contender.py NAME MODEL THREADS WORK LOG_PROBS
"""

import json
import resource
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import torch
from work import ROWS, Work, slope

ROOT = Path(__file__).resolve().parents[3]


class Worker:
    """This project's worker, within the process: padded, with shared prompts, or packed."""

    def __init__(self, name: str, model: str, threads: int):
        sys.path.insert(0, str(ROOT / "Plugins/Policies/Worker"))
        from shuffle_r1_worker.pictures import Pictures
        from shuffle_r1_worker.policy import WorkerPolicy
        from shuffle_r1_worker.ranks import Ranks
        from shuffle_r1_worker.settings import Settings

        packing = "on" if name == "packed" else "off"
        settings = Settings(
            Path(model), None, True, device="cpu", dtype="float32", rows_per_micro_batch=ROWS, threads=threads,
            prompts="worker", packing=packing)
        self.policy = WorkerPolicy(settings, Ranks("cpu"), Pictures())
        if name == "padded":
            self.policy.layout.shares_prompts = False
        self.facts: dict = {}

    def compute(self, groups: list) -> list[np.ndarray]:
        from shuffle_r1_worker.work import Group, Prompt

        found: dict[tuple[int, int], np.ndarray] = {}

        def exchange(places: list[tuple[int, int]], values: np.ndarray) -> np.ndarray:
            lengths = [len(groups[group][1][index]) for group, index in places]
            found.update(zip(places, np.split(values, np.cumsum(lengths)[:-1])))
            return np.concatenate([np.full(count, slope(*place), np.float32) for place, count in zip(places, lengths)])

        asked = [Group(Prompt(prompt, []), responses) for prompt, responses in groups]
        self.policy.accumulate(asked, 1.0, exchange, lambda: None)
        counted = self.policy._since_the_last_step()
        self.facts = {"tokens_computed": counted["tokens_computed"], "of_them_padding": counted["tokens_of_padding"]}
        return [found[group, index] for group, (_, responses) in enumerate(groups) for index in range(len(responses))]

    def norm(self) -> float:
        return sum(float(it.gradient.double().square().sum()) for it in self.policy.optimizer.learners) ** 0.5

    def forget(self) -> None:
        self.policy.optimizer.forget()


class Peer:
    """Prompts padded on the left, responses on the right, as both peers lay them out."""

    facts: dict
    model: torch.nn.Module

    @staticmethod
    def batch(groups: list) -> SimpleNamespace:
        rows = [(group, index, prompt, response) for group, (prompt, responses) in enumerate(groups)
                for index, response in enumerate(responses)]
        before, after = max(len(it[2]) for it in rows), max(len(it[3]) for it in rows)
        ids, mask = (torch.zeros(len(rows), before + after, dtype=torch.int64) for _ in range(2))
        for row, (_, _, prompt, response) in enumerate(rows):
            span = slice(before - len(prompt), before + len(response))
            ids[row, span] = torch.from_numpy(np.concatenate([prompt, response]).astype(np.int64))
            mask[row, span] = 1
        slopes = torch.tensor([[slope(group, index)] for group, index, _, _ in rows])
        return SimpleNamespace(ids=ids, mask=mask, slopes=slopes, after=after, lengths=[len(it[3]) for it in rows])

    @staticmethod
    def rows(values: torch.Tensor, lengths: list[int]) -> list[np.ndarray]:
        return [row[:length].numpy() for row, length in zip(values.detach().float(), lengths)]

    def norm(self) -> float:
        return sum(float(it.grad.double().square().sum()) for it in self.model.parameters() if it.grad is not None) ** 0.5

    def forget(self) -> None:
        self.model.zero_grad()


class TRL(Peer):
    """GRPOTrainer's own computation of log-probabilities, in micro-batches of as many tokens; it has no packing for GRPO."""

    def __init__(self, name: str, model: str, threads: int):
        from datasets import Dataset
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from trl import GRPOConfig, GRPOTrainer

        self.model = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
        arguments = GRPOConfig(
            output_dir=tempfile.mkdtemp(), per_device_train_batch_size=8, num_generations=8, use_cpu=True, bf16=False,
            gradient_checkpointing=False, report_to="none", disable_tqdm=True)
        self.trainer = GRPOTrainer(
            model=self.model, reward_funcs=lambda completions, **_: [0.0] * len(completions), args=arguments,
            train_dataset=Dataset.from_list([{"prompt": "one"}] * 8), processing_class=AutoTokenizer.from_pretrained(model))
        self.model = self.trainer.model
        self.facts = {}

    def compute(self, groups: list) -> list[np.ndarray]:
        batch = self.batch(groups)
        size = max(1, ROWS // batch.ids.shape[1])
        found = []
        for start in range(0, len(batch.ids), size):
            part = slice(start, start + size)
            values = self.trainer._get_per_token_logps_and_entropies(
                self.model, batch.ids[part], batch.mask[part], batch.after)[0]
            (values * batch.mask[part, -batch.after :] * batch.slopes[part]).sum().backward()
            found += self.rows(values, batch.lengths[part])
        counted = batch.ids.numel()
        self.facts = {"tokens_computed": counted, "of_them_padding": counted - int(batch.mask.sum())}
        return found


class EasyR1(Peer):
    """DataParallelPPOActor's own pass with `padding_free`, and its division into micro-batches.

    It takes flash-attn's kernels for granted. What moves rows in and out of the padding is a stand-in here, by indices of PyTorch; the
    attention is transformers' own for positions that start again, which on a processor computes the whole row and masks it.
    """

    def __init__(self, name: str, model: str, threads: int):
        from transformers import AutoModelForCausalLM

        folder = json.loads(sys.argv[4])["easyr1"]
        sys.path.insert(0, folder)
        _stand_in_for_flash_attention()
        import verl.workers.actor.dp_actor as actor
        from verl.workers.actor.config import ActorConfig

        for function in ("index_first_axis", "pad_input", "rearrange", "unpad_input"):
            setattr(actor, function, getattr(sys.modules["flash_attn.bert_padding"], function))
        self.model = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval()
        self.actor = actor.DataParallelPPOActor(ActorConfig(padding_free=True, use_torch_compile=False), self.model)
        self.facts = {}

    def compute(self, groups: list) -> list[np.ndarray]:
        from verl.protocol import DataProto
        from verl.utils.seqlen_balancing import prepare_dynamic_batch

        batch = self.batch(groups)
        tensors = dict(
            input_ids=batch.ids, attention_mask=batch.mask, position_ids=(batch.mask.cumsum(-1) - 1).clamp(min=0),
            responses=batch.ids[:, -batch.after :], slopes=batch.slopes)
        parts, places = prepare_dynamic_batch(DataProto.from_dict(tensors), max_token_len=ROWS)
        found: dict[int, np.ndarray] = {}
        for part, rows in zip(parts, places):
            inputs = part.batch
            values = self.actor._forward_micro_batch(inputs, temperature=1.0)
            (values * inputs["attention_mask"][:, -batch.after :] * inputs["slopes"]).sum().backward()
            found.update(zip(rows, self.rows(values, [batch.lengths[row] for row in rows])))
        self.facts = {"tokens_computed": int(batch.mask.sum()), "of_them_padding": 0, "micro_batches": len(parts)}
        return [found[row] for row in range(len(found))]


def _stand_in_for_flash_attention() -> None:
    """`flash_attn.bert_padding` by plain indexing."""
    from einops import rearrange

    def unpad_input(values, mask):
        indices = mask.flatten().nonzero()[:, 0]
        return values.flatten(0, 1)[indices], indices

    def pad_input(hidden_states, indices, batch, seqlen):
        padded = hidden_states.new_zeros(batch * seqlen, *hidden_states.shape[1:])
        return padded.index_put((indices,), hidden_states).unflatten(0, (batch, seqlen))

    module = ModuleType("flash_attn.bert_padding")
    module.unpad_input, module.pad_input, module.rearrange = unpad_input, pad_input, rearrange
    module.index_first_axis = lambda values, indices: values[indices]
    sys.modules["flash_attn.bert_padding"] = module


CONTENDERS = {"padded": Worker, "shared": Worker, "packed": Worker, "trl": TRL, "easyr1": EasyR1}


def main() -> None:
    name, model, threads, given, target = sys.argv[1:]
    torch.set_num_threads(int(threads))
    work = Work(**json.loads(given)["work"])
    contender = CONTENDERS[name](name, model, int(threads))
    # Memory and code are ready then; lengths are those of the shortest.
    contender.compute(replace(work, prompts=1, responses=2, longest=2 * work.shortest).groups())
    contender.forget()
    groups = work.groups()
    start, used = time.perf_counter(), time.process_time()
    values = contender.compute(groups)
    seconds, processor_seconds = time.perf_counter() - start, time.process_time() - used
    np.save(target, np.concatenate(values))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    found = {"seconds": seconds, "processor_seconds": processor_seconds, "peak_bytes": peak, "gradient_norm": contender.norm()}
    print(json.dumps(found | contender.facts))


if __name__ == "__main__":
    main()
