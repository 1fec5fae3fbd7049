# SPDX-License-Identifier: Apache-2.0
"""What a benchmark says of itself: the machine, the versions, the spread of its figures, and how far it is."""

import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def processor() -> str:
    """The processor's name as the system gives it."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith(("model name", "Hardware", "CPU part")):
                return line.split(":", 1)[1].strip()
    if sys.platform == "darwin":
        return subprocess.run(
            ["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True).stdout.strip()
    return platform.processor() or platform.machine()


def facts(packages: list[str]) -> dict:
    """The machine and the versions of a run; `load` is how many threads of anybody's wanted to run in the last minute."""
    revision = subprocess.run(
        ["git", "-C", str(REPOSITORY), "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    versions = {name: importlib.metadata.version(name) for name in packages}
    return {
        "processor": processor(), "cores": os.cpu_count(), "system": platform.platform(), "load": os.getloadavg()[0],
        "revision": revision, "python": platform.python_version(), "versions": versions}


def spread(values: list[float]) -> dict:
    """Median and range."""
    return {"median": statistics.median(values), "least": min(values), "most": max(values), "count": len(values)}


def progress(words: str) -> None:
    """Says on standard error how far a benchmark is."""
    print(f"{time.strftime('%H:%M:%S')} {words}", file=sys.stderr, flush=True)


def finish(report: dict, file: str | None) -> None:
    """Prints the report as one line of JSON, and writes it where it is wanted."""
    text = json.dumps(report)
    print(f"\n{text}")
    if file:
        Path(file).write_text(text + "\n")
