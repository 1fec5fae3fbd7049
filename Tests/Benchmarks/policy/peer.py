# SPDX-License-Identifier: Apache-2.0
"""The work of the benchmark with transformers on PyTorch, as a trainer on one machine would do it.

    peer.py FOLDER THREADS

Prints seconds and peak memory of each part as JSON. All prompts have one length and all responses another, so that
nothing is padded: the best case for this program.
"""

import json
import resource
import sys
import time
from pathlib import Path

import torch
from PIL import Image
from transformers import AutoConfig, AutoModelForCausalLM, Qwen2_5_VLForConditionalGeneration
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

MICRO_BATCH = 32


def main() -> None:
    folder, threads = Path(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(threads)
    work = json.loads((folder / "work.json").read_text())
    sees = hasattr(AutoConfig.from_pretrained(folder / "model"), "vision_config")
    kind = Qwen2_5_VLForConditionalGeneration if sees else AutoModelForCausalLM
    model = kind.from_pretrained(folder / "model", dtype=torch.float32)
    if sees:
        processor = Qwen2VLImageProcessorPil.from_pretrained(folder / "model")
        model.model.visual.requires_grad_(False)
    report = {"parameters": sum(p.numel() for p in model.parameters()), "threads": torch.get_num_threads()}

    def images(prompts):
        if not sees:
            return {}
        opened = [Image.open(folder / name).convert("RGB") for prompt in prompts for name in prompt["images"]]
        found = processor(images=opened, return_tensors="pt")
        return {"pixel_values": found["pixel_values"], "image_grid_thw": found["image_grid_thw"]}

    def timed(name, tokens, body):
        started, processor = time.perf_counter(), time.process_time()
        body()
        report[name] = {
            "seconds": time.perf_counter() - started, "processor_seconds": time.process_time() - processor, "tokens": tokens, "rss": peak()}

    prompts, responses = work["prompts"], torch.tensor(work["responses"])
    groups, count, length = responses.shape
    prompt_ids = torch.tensor([prompt["tokens"] for prompt in prompts])

    def types(ids):
        if not sees:
            return {}
        return {"mm_token_type_ids": (ids == model.config.image_token_id).long()}

    def generate():
        model.eval()
        with torch.no_grad():
            model.generate(
                input_ids=prompt_ids, attention_mask=torch.ones_like(prompt_ids), **images(prompts),
                **types(prompt_ids), do_sample=True, temperature=1.0, top_k=0, top_p=1.0, num_return_sequences=count,
                max_new_tokens=length, min_new_tokens=length)

    def batches():
        # Groups stay together; an image stands once for each of its rows, as the model wants it.
        step = max(1, MICRO_BATCH // count)
        for start in range(0, groups, step):
            rows = range(start, min(groups, start + step))
            ids = torch.cat(
                [torch.cat([prompt_ids[g].expand(count, -1), responses[g]], dim=1) for g in rows])
            yield rows, ids, images([prompts[g] for g in rows for _ in range(count)])

    def log_probs(ids, pictures):
        out = model(input_ids=ids, attention_mask=torch.ones_like(ids), **types(ids), **pictures, logits_to_keep=length + 1)
        logits = out.logits[:, :-1]
        targets = ids[:, -length:]
        return logits.gather(-1, targets[..., None])[..., 0] - logits.logsumexp(-1)

    old = []

    def score():
        with torch.no_grad():
            for _, ids, pictures in batches():
                old.append(log_probs(ids, pictures))

    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-6)
    advantages = torch.tensor(work["advantages"])

    def update():
        model.train()
        for index, (rows, ids, pictures) in enumerate(batches()):
            ratio = (log_probs(ids, pictures) - old[index]).exp()
            advantage = torch.cat([advantages[g] for g in rows])[:, None]
            loss = torch.max(-advantage * ratio, -advantage * ratio.clamp(0.8, 1.2))
            (loss.sum() / (groups * count * length)).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

    tokens = groups * count * length
    timed("generate", tokens, generate)
    timed("log_probs", tokens, score)
    timed("update", tokens, update)
    report["check"] = float(old[0][0, 0])
    report["gflops"] = matrix_products()
    print(json.dumps(report))


def matrix_products() -> float:
    """What this machine does of large matrix products, in 10^9 operations a second."""
    a, b = torch.rand(1536, 1536), torch.rand(1536, 1536)
    a @ b
    best = 0.0
    for _ in range(5):
        started = time.perf_counter()
        a @ b
        best = max(best, 2 * 1536**3 / (time.perf_counter() - started) / 1e9)
    return best


def peak() -> int:
    """The most memory used so far; not `ru_maxrss` on Linux, which begins with what the parent process had."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
