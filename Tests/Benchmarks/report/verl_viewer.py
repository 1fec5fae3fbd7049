# SPDX-License-Identifier: Apache-2.0
"""How long verl's terminal viewer takes to load a folder of rollouts, and to show another sample.

The viewer is driven in its own headless terminal. It loads everything before a search can find it.

usage: verl_viewer.py VIEWER.py FOLDER    (with the packages that the viewer imports: textual==0.52.1 rich typer aiofiles)
"""

import asyncio
import importlib.util
import json
import resource
import sys
import time
from pathlib import Path

from textual.widgets import ProgressBar


async def measure(viewer, folder: Path) -> dict:
    bar = ProgressBar(total=1, name="data load progress")
    data: dict = {}
    # The first step is there before the viewer starts, as its own main function has it.
    first = min(folder.glob("*.jsonl"), key=lambda path: int(path.stem))
    await viewer.load_path(first, data, "", 0, bar)
    app = viewer.JsonLineViewer(step_num=len(list(folder.glob("*.jsonl"))), data=data, pbar=bar)
    async with app.run_test(size=(160, 48)) as pilot:
        start = time.perf_counter()
        await viewer.load_dir(folder, data, bar, "")
        loaded = time.perf_counter() - start
        samples = []
        for _ in range(3):
            start = time.perf_counter()
            await pilot.press("n")
            await pilot.pause()
            samples.append(time.perf_counter() - start)
    rows = sum(len(step["samples"]) for step in data.values())
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"rows": rows, "load_s": loaded, "sample_ms": max(samples) * 1000, "memory_mib": memory}


def main() -> None:
    spec = importlib.util.spec_from_file_location("viewer", sys.argv[1])
    viewer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(viewer)
    viewer.print = lambda *_, **__: None
    print(json.dumps(asyncio.run(measure(viewer, Path(sys.argv[2])))))


main()
