# SPDX-License-Identifier: Apache-2.0
"""The work of the benchmark with TRL's GRPO trainer on transformers and PyTorch.

    peer.py FOLDER THREADS STEPS [--micro-batch ROWS] [--attention eager|sdpa] [--data memory|decoded] [--compile]

Trains for one step that is not counted and STEPS that are, and prints the seconds of each as JSON. A step is one batch
of rollouts and the updates from it. README.md says which settings were tried.
"""

import argparse
import json
import re
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import torch
from datasets import Dataset
from PIL import Image
from transformers import Qwen2_5_VLForConditionalGeneration, TrainerCallback
from trl import GRPOConfig, GRPOTrainer
from trl import __version__ as trl_version

# `work` comes first: it says where the other module is.
from work import LEARNING_RATE, MINIBATCHES, NUMBERS, PROMPTS, RESPONSES, TEMPERATURE, TOKENS
from vision_processor import load_processor

def close_number(completions, answer, **_) -> list[float]:
    """1 where the last number of a response is within a quarter of the range of the answer."""
    scores = []
    for completion, expected in zip(completions, answer, strict=True):
        numbers = re.findall(r"(?<![A-Za-z0-9])[0-9]+", completion[0]["content"])
        scores.append(float(bool(numbers) and abs(int(numbers[-1]) - int(expected)) <= NUMBERS // 4))
    return scores


class TimedTrainer(GRPOTrainer):
    """Adds up the seconds of the parts of every step."""

    def __init__(self, **options):
        super().__init__(**options)
        self.seconds, self.steps, self.facts = defaultdict(float), [], {}
        self.add_callback(StepEnd(self))

    def begin(self):
        self.seconds.clear()
        self.started = time.perf_counter()

    def close_step(self):
        """A step lasts from the end of the one before, so that reading its prompts is part of it."""
        parts, step = dict(self.seconds), time.perf_counter() - self.started
        # What is neither rollouts nor reward is the update: forward, backward, optimizer, and the loop around them.
        self.steps.append(parts | {
            "step": step, "sampling": parts["rollout"] - parts["reward"], "update": step - parts["rollout"]})
        self.begin()

    def _generate_and_score_completions(self, inputs):
        return self.timed("rollout", super()._generate_and_score_completions, inputs)

    def _calculate_rewards(self, *arguments):
        found = self.timed("reward", super()._calculate_rewards, *arguments)
        self.facts["reward_varies"] = len(set(found.flatten().tolist())) > 1
        return found

    def _generate_single_turn(self, *arguments, **options):
        prompts = arguments[0]
        completions, logprobs = self.timed("generate", super()._generate_single_turn, *arguments, **options)
        self.facts["prompt_tokens"] = sorted({len(ids) for ids in prompts})
        self.facts["response_tokens"] = sorted({len(ids) for ids in completions})
        self.facts["rollouts"] = len(completions)
        return completions, logprobs

    def _get_per_token_logps_and_entropies(self, *arguments, **options):
        name = "old_log_probs" if not torch.is_grad_enabled() else "forward"
        return self.timed(name, super()._get_per_token_logps_and_entropies, *arguments, **options)

    def timed(self, name, body, *arguments, **options):
        started = time.perf_counter()
        found = body(*arguments, **options)
        self.seconds[name] += time.perf_counter() - started
        return found


class StepEnd(TrainerCallback):
    """Tells the trainer when a step begins and ends: four of what TRL calls steps, its optimizer's."""

    def __init__(self, trainer: TimedTrainer):
        self.trainer = trainer

    def on_train_begin(self, args, state, control, **_):
        self.trainer.begin()

    def on_step_end(self, args, state, control, **_):
        if state.global_step % MINIBATCHES == 0:
            self.trainer.close_step()


def rows(folder: Path, kind: str):
    """The prompts, their images in memory, or decoded whenever a row is asked for, as a table with images does it."""
    made = []
    for line in (folder / "prompts.jsonl").read_text().splitlines():
        record = json.loads(line)
        image, text = record["prompt"][0]["content"]
        with Image.open(folder / image["image"]) as picture:
            made.append({
                "prompt": [{"role": "user", "content": text["text"]}], "image": picture.convert("RGB"),
                "answer": record["answer"]})
    if kind == "decoded":
        return Dataset.from_list(made)
    table = Dataset.from_dict({"row": list(range(len(made)))})
    # The trainer looks at the first row's names before it asks for rows.
    return table.with_transform(lambda batch: {name: [made[at][name] for at in batch["row"]] for name in made[0]})


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("threads", type=int)
    options.add_argument("steps", type=int)
    options.add_argument("--micro-batch", type=int, default=PROMPTS * RESPONSES // MINIBATCHES)
    options.add_argument("--attention", default="sdpa")
    options.add_argument("--data", default="memory")
    options.add_argument("--compile", action="store_true")
    chosen = options.parse_args()
    torch.set_num_threads(chosen.threads)

    model = Qwen2_5_VLForConditionalGeneration.from_pretrained(
        chosen.folder / "model", dtype=torch.float32, attn_implementation=chosen.attention)
    model.model.visual.requires_grad_(False)
    minibatch = PROMPTS * RESPONSES // MINIBATCHES
    accumulate = minibatch // chosen.micro_batch
    with tempfile.TemporaryDirectory() as output:
        trainer = TimedTrainer(
            model=model, reward_funcs=close_number, processing_class=load_processor(chosen.folder / "model"),
            train_dataset=rows(chosen.folder, chosen.data),
            args=GRPOConfig(
                output_dir=output, use_cpu=True, bf16=False, gradient_checkpointing=False, seed=1,
                per_device_train_batch_size=chosen.micro_batch, gradient_accumulation_steps=accumulate,
                steps_per_generation=MINIBATCHES * accumulate, num_generations=RESPONSES, num_iterations=1,
                max_steps=(chosen.steps + 1) * MINIBATCHES, max_completion_length=TOKENS,
                temperature=TEMPERATURE, top_p=1.0, top_k=0,
                generation_kwargs={"min_new_tokens": TOKENS, "use_cache": True},
                beta=0.0, epsilon=0.2, loss_type="dapo",
                learning_rate=LEARNING_RATE, lr_scheduler_type="constant", max_grad_norm=1.0, optim="adamw_torch_fused",
                torch_compile=chosen.compile, logging_strategy="no", save_strategy="no", eval_strategy="no",
                report_to="none", disable_tqdm=True, dataloader_pin_memory=False))
        # Weights that changed are counted, on both sides.
        before = [parameter.detach().clone() for parameter in model.parameters() if parameter.requires_grad]
        trainer.train()
    after = [parameter for parameter in model.parameters() if parameter.requires_grad]
    print(json.dumps({
        "steps": trainer.steps[1:], "warm_up": trainer.steps[0],
        "updates": trainer.state.global_step, "parameters": sum(p.numel() for p in model.parameters()),
        "trainable": sum(p.numel() for p, was in zip(after, before) if not torch.equal(p.detach(), was)),
        "trl": trl_version, "threads": torch.get_num_threads(), **trainer.facts}))


if __name__ == "__main__":
    main()
