#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times decoding, resizing and cutting one 1024 x 768 image, here and with Pillow and transformers, in one run.

    python3 Tests/Benchmarks/images/compare.py      # needs numpy, Pillow, transformers 5

Both sides use one thread. Prints the median of 15 runs in milliseconds.
"""

import io
import os
import re
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

ROOT = Path(__file__).resolve().parents[3]


def photo(width, height):
    """Smooth light with texture, so that a JPEG of it has the size of a photograph's."""
    y, x = np.mgrid[0:height, 0:width] / 100
    noise = np.random.RandomState(0).rand(height // 4, width // 4, 3).repeat(4, 0).repeat(4, 1)
    waves = np.stack([np.sin(x + y * y), np.cos(3 * x - y), np.sin(x * y)], -1)
    return Image.fromarray((127 + 80 * waves + 40 * noise).clip(0, 255).astype(np.uint8))


def median(body):
    times = []
    for _ in range(15):
        start = time.perf_counter()
        body()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1000


def python_times(data):
    image = Image.open(io.BytesIO(data)).convert("RGB")
    processor = Qwen2VLImageProcessorPil(min_pixels=3136, max_pixels=12845056)
    return {
        "decode": median(lambda: Image.open(io.BytesIO(data)).convert("RGB")),
        "resize": median(lambda: image.resize((1036, 756), Image.BICUBIC)),
        "resize to half": median(lambda: image.resize((504, 392), Image.BICUBIC)),
        "resize and patches": median(lambda: processor(images=[image], return_tensors="np")),
    }


def swift_times(path):
    command = [os.environ.get("SWIFT", "swift"), "test", "-c", "release", "--filter", "BundledPluginTests.ImageBenchmark"]
    if scratch := os.environ.get("SCRATCH_PATH"):
        command += ["--scratch-path", scratch]
    environment = dict(os.environ, SHUFFLE_R1_BENCHMARK_IMAGE=path)
    output = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout
    return {name: float(value) for name, value in re.findall(r"BENCHMARK (.*): ([\d.e-]+) ms", output)}


def main():
    image = photo(1024, 768)
    for kind, options in (("JPEG", {"quality": 90}), ("PNG", {}), ("WEBP", {"quality": 80})):
        with tempfile.NamedTemporaryFile(suffix="." + kind.lower()) as file:
            image.save(file, kind, **options)
            file.flush()
            data = Path(file.name).read_bytes()
            ours, theirs = swift_times(file.name), python_times(data)
        print(f"{kind}, {len(data) // 1024} KiB")
        for name in theirs:
            print(f"  {name:20} here {ours[name]:7.2f} ms   there {theirs[name]:7.2f} ms   {theirs[name] / ours[name]:5.1f} x")


if __name__ == "__main__":
    main()
