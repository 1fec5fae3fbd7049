# SPDX-License-Identifier: Apache-2.0
"""The peak memory of a command's processes, by what they are, from Linux's /proc."""

import os
import threading

EVERY_SECONDS = 0.1
# What a command line holds, and what the process is called here; the first that fits.
KINDS = (
    ("CoarseGrainedExecutorBackend", "executor (Java)"),
    ("org.apache.spark.deploy.SparkSubmit", "driver (Java)"),
    ("pyspark.daemon", "task (Python)"),
    ("ray::", "task (Python)"),
    ("on_spark.py", "driver (Python)"),
    ("on_ray.py", "driver (Python)"),
    ("shuffle-r1 groups", "program"),
    ("shuffle-r1 run", "program"),
    ("/ray/", "Ray's own"),
    ("raylet", "Ray's own"),
    ("gcs_server", "Ray's own"),
)


class Peaks:
    """Looks ten times a second at what descends from a process; the system itself keeps each one's peak.

    A process that lives for less than that may be missed, and what one takes in its last tenth of a second.
    """

    def __init__(self, process: int):
        self.process, self.bytes, self.ended = process, {}, threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Peaks":
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.ended.set()
        self.thread.join()

    def __str__(self) -> str:
        return ", ".join(f"{kind} {peak / 1e6:,.0f} MB" for kind, peak in sorted(self.bytes.items()))

    def _watch(self) -> None:
        while not self.ended.wait(EVERY_SECONDS):
            for process in descendants(self.process):
                try:
                    words = _read(process, "cmdline").replace("\0", " ")
                    status = _read(process, "status")
                except OSError:
                    continue  # it has just ended
                kind = next((kind for text, kind in KINDS if text in words), None)
                if kind and "VmHWM:" in status:
                    peak = int(status.split("VmHWM:")[1].split()[0]) * 1024
                    self.bytes[kind] = max(peak, self.bytes.get(kind, 0))


def descendants(process: int) -> list[int]:
    """All processes that descend from one."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                parent = int(_read(int(name), "stat").rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(name))
    found = list(children.get(process, []))
    for parent in found:
        found += children.get(parent, [])
    return found


def _read(process: int, name: str) -> str:
    with open(f"/proc/{process}/{name}", encoding="utf-8", errors="replace") as file:
        return file.read()
