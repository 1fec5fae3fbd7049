# SPDX-License-Identifier: Apache-2.0
"""Runs of shuffle-r1, each in a folder of its own: several at once, kept when finished, resumed when interrupted."""

import json
import os
import shutil
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

# Of a finished run only what the report reads, the spec and the model are kept.
BULKY = ("lineage.jsonl", "selected.jsonl")


@dataclass(frozen=True)
class Job:
    """A training run and the evaluations of its last checkpoint.

    `folder` receives spec.json, run/ (the run directory), log.txt and, when all is done, result.json.
    """

    folder: Path
    spec: dict
    # Name of an evaluation → arguments of `shuffle-r1 evaluate` beside the model.
    evaluations: dict = field(default_factory=dict)

    @property
    def wanted(self) -> str:
        return json.dumps({"spec": self.spec, "evaluations": self.evaluations}, sort_keys=True)

    @property
    def result(self) -> dict | None:
        """What the finished job left, or nothing if it has still to be run."""
        try:
            result = json.loads((self.folder / "result.json").read_text())
        except FileNotFoundError:
            return None
        return result if result["wanted"] == self.wanted else None

    @property
    def last_evaluation(self) -> dict:
        """The last evaluation during training."""
        return json.loads((self.folder / "run" / "evaluations.jsonl").read_text().splitlines()[-1])


class Failure(Exception):
    """A run that ended with an error."""


def write(path: Path, text: str) -> None:
    """Writes a file at once or not at all."""
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


class Runner:
    """Runs jobs. Ctrl-C stops the runs at hand, which keep their checkpoints; the next call goes on from there."""

    def __init__(self, program: Path, jobs: int, threads: int):
        self.program, self.jobs, self.threads = program, jobs, threads
        self.stopping = threading.Event()
        self.processes: set[subprocess.Popen] = set()
        self.lock = threading.Lock()
        # Thread pools that spin would distort the measurement on a machine that is shared.
        self.environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_CORETYPE"}

    def run(self, jobs: list[Job], title: str) -> None:
        """Runs those of the jobs that are not finished; throws Failure if one of them fails."""
        left = [job for job in jobs if job.result is None]
        if not left:
            print(f"{title}: all {len(jobs)} runs are there")
            return
        print(f"{title}: {len(left)} of {len(jobs)} runs to do")
        began = time.monotonic()
        with ThreadPoolExecutor(self.jobs) as pool:
            futures = {pool.submit(self.perform, job): job for job in left}
            try:
                for count, future in enumerate(as_completed(futures), 1):
                    future.result()
                    rest = (time.monotonic() - began) / count * (len(left) - count)
                    job = futures[future]
                    print(f"  {count}/{len(left)}  {job.folder}  {duration(rest)} to go", flush=True)
            except BaseException:
                self.stop()
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def stop(self) -> None:
        """Asks the programs that run to stop; those that wait are not begun."""
        self.stopping.set()
        with self.lock:
            for process in self.processes:
                process.terminate()

    def perform(self, job: Job) -> None:
        if self.stopping.is_set():
            return
        job.folder.mkdir(parents=True, exist_ok=True)
        spec, run, usage = job.folder / "spec.json", job.folder / "run", job.folder / "usage.json"
        text = json.dumps(job.spec, indent=2) + "\n"
        if not spec.exists() or spec.read_text() != text:
            shutil.rmtree(run, ignore_errors=True)
            usage.unlink(missing_ok=True)
            write(spec, text)
        used = json.loads(usage.read_text()) if usage.exists() else {"cpu_seconds": 0, "wall_seconds": 0}
        try:
            resume = ["--resume"] if (run / "resolved.json").exists() else ["--overwrite"]
            self.call(job, ["run", str(spec), "--output", str(run), "--quiet", *resume], used)
        finally:
            write(usage, json.dumps(used))
        found = {}
        for name, arguments in job.evaluations.items():
            model = ["--model", str(run / "checkpoints" / "latest")]
            said = self.call(job, ["evaluate", *model, *arguments, "--quiet", "--json"], {})
            found[name] = json.loads(said)
        write(job.folder / "result.json", json.dumps({"wanted": job.wanted, **used, "evaluations": found}))
        for name in BULKY:
            (run / name).unlink(missing_ok=True)
        for state in run.glob("checkpoints/*/optimizer.safetensors"):
            state.unlink()

    def call(self, job: Job, arguments: list[str], used: dict) -> str:
        """Runs the program, adds up what it used, and returns what it printed."""
        command = [str(self.program), *arguments, "--threads", str(self.threads)]
        began = time.monotonic()
        with open(job.folder / "log.txt", "ab") as log:
            with self.lock:
                if self.stopping.is_set():
                    raise Failure("stopped")
                process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=self.environment)
                self.processes.add(process)
            output = process.stdout.read()
            _, status, resources = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            process.stdout.close()
        with self.lock:
            self.processes.discard(process)
        used["cpu_seconds"] = used.get("cpu_seconds", 0) + resources.ru_utime + resources.ru_stime
        used["wall_seconds"] = used.get("wall_seconds", 0) + time.monotonic() - began
        if process.returncode:
            said = (job.folder / "log.txt").read_text(errors="replace").strip().splitlines()[-3:]
            raise Failure(f"'{' '.join(command)}' ended with {process.returncode}: {' '.join(said)}")
        return output.decode()


def duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min" if minutes else "< 1 min"
