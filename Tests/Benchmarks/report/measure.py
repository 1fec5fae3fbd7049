#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures a report: 100,000 rollouts of 1,000 images. Speed and memory of writing; first paint, filter, sort and group in Chromium.

The viewers of others see the same rollouts in the same run: Inspect AI's in the same browser, where inspect-ai is installed; verl's
in a headless terminal, where VERL_VIEWER names it.

usage: measure.py PROGRAM [--rollouts N] [--keep FOLDER] [--alone]
"""

import argparse
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import sync_playwright

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "Report"), str(Path(__file__).resolve().parent)]
import material  # noqa: E402
import peers  # noqa: E402

WORDS = "the shape angle triangle so we have area equals base times height therefore circle radius compute answer line".split()


def write_rollouts(folder: Path, count: int) -> Path:
    """Rollouts in groups of 16, with tokens and log-probabilities, about 5.5 kB each."""
    random.seed(1)
    (folder / "images").mkdir(parents=True)
    for index in range(1000):
        material.png(folder / "images" / f"{index}.png", (index % 256, index * 7 % 256, index * 31 % 256), 448)
    path = folder / "rollouts.jsonl"
    with path.open("w") as file:
        for group in range(count // 16):
            content = [{"type": "image", "image": f"images/{group % 1000}.png"}, {"type": "text", "text": f"What is the area in figure {group}?"}]
            for index in range(16):
                size = random.randint(60, 400)
                right = float(random.random() < 0.4)
                words = " ".join(random.choice(WORDS) for _ in range(size))
                file.write(json.dumps({
                    "id": f"q{group}/{index}", "group": f"q{group}", "step": group // 64, "prompt": [{"role": "user", "content": content}],
                    "answer": str(group % 10), "response": f"<think>{words}</think> \\boxed{{{random.randint(0, 9)}}}",
                    "finish": random.choice(["stop", "stop", "length"]), "tokens": [random.randint(0, 150000) for _ in range(size)],
                    "logprobs": [round(-random.random() * 2, 4) for _ in range(size)], "reward": right * 0.9 + 0.1,
                    "rewards": {"accuracy": right, "format": 1.0}, "advantage": random.gauss(0, 1), "kind": random.choice(["count", "color", "area"]),
                }) + "\n")
    return path


def measure_writing(program: str, rollouts: Path, output: Path) -> None:
    size = rollouts.stat().st_size
    # The file is in the page cache; a child begins with the memory of its parent, which therefore reads none of it.
    subprocess.run(["cat", str(rollouts)], stdout=subprocess.DEVNULL, check=True)
    start = time.perf_counter()
    subprocess.run([program, "report", str(rollouts), "--output", str(output), "--quiet", "--force"], check=True)
    seconds = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"written   {size / 1e6:.0f} MB in {seconds:.1f} s: {size / 1e6 / seconds:.0f} MB/s, at most {memory:.0f} MiB of memory")


FILTER = """async text => {
  const input = document.querySelector('input[type=search]'), start = performance.now();
  input.value = text; input.dispatchEvent(new Event('input'));
  await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - start; }"""
SORT = """async () => {
  const start = performance.now(); location.hash = '#/table?sort=advantage';
  while (!document.querySelector('[aria-sort]')) await new Promise(done => setTimeout(done, 1));
  return performance.now() - start; }"""
GROUP = """async index => {
  const group = store.groups[index], start = performance.now(); location.hash = shared.groupAddress(group);
  while (!document.querySelector('h1').textContent.endsWith(' ' + group.group) || [...document.querySelectorAll('.rollout .words')].some(words => words.textContent === '…')) await new Promise(done => setTimeout(done, 1));
  return performance.now() - start; }"""


@contextmanager
def chromium():
    """A headless Chromium, the system's own."""
    path = next(found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--enable-precise-memory-info"])
        yield browser
        browser.close()


def measure_page(report: Path) -> None:
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1300, "height": 900})
        start = time.perf_counter()
        page.goto(f"file://{report}/index.html#/table")
        while not page.evaluate("document.documentElement.dataset.ready === 'yes'"):
            time.sleep(0.01)
        ready = time.perf_counter() - start
        paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        heap = page.evaluate("performance.memory.usedJSHeapSize") / 2**20
        filters = [page.evaluate(FILTER, text) for text in ("reward < 0.5 & finish = length & step > 20", "question ~ 77", "kind = count | right = yes")]
        sort = page.evaluate(SORT)
        page.goto(f"file://{report}/index.html#/group")
        count = page.evaluate("store.groups.length")
        groups = [page.evaluate(GROUP, index) for index in (10, count // 2, count - 10)]
        print(f"page      first paint {paint:.0f} ms, all rows {ready:.2f} s, {heap:.0f} MiB in the page; a filter {max(filters):.0f} ms, a sort {sort:.0f} ms, a group {max(groups):.0f} ms (the slowest of three)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("--rollouts", type=int, default=100_000)
    parser.add_argument("--keep", type=Path, help="a folder for the rollouts, which are used again where they are there")
    parser.add_argument("--alone", action="store_true", help="leave the viewers of others out")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch) / "data"
        rollouts = folder / "rollouts.jsonl"
        if not rollouts.exists():
            rollouts = write_rollouts(folder, options.rollouts)
        report = Path(scratch) / "report"
        measure_writing(options.program, rollouts, report)
        measure_page(report)
        if not options.alone:
            with chromium() as browser:
                print(peers.measure_inspect(browser, rollouts, folder), flush=True)
            print(peers.measure_verl(rollouts, folder), flush=True)
    print(f"load      {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
