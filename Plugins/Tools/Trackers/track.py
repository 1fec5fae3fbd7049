#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Forwards the metrics of a run to Weights & Biases, SwanLab or MLflow, while it goes on or afterwards.

    python3 track.py RUN_DIR --to wandb [--to mlflow …] [--follow]

Only steps that state.json counts as complete are read; .tracker-NAME.json in RUN_DIR remembers which of them a tracker
has. Needs Python 3.9 and the client of the tracker, nothing else.
"""

import argparse
import fcntl
import hashlib
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional


class Step(NamedTuple):
    """What a run reports about one step."""

    number: int
    values: Dict[str, float]
    histograms: Dict[str, dict]  # name -> {"edges": […], "counts": […]}, one count more than edges
    rollouts: List[dict]


class LineTail:
    """The lines of a JSONL file, each once, although a resumed run may cut the file and continue it."""

    def __init__(self, path: Path):
        self.path = path
        self.position = 0

    def read(self, end: int) -> Iterator[dict]:
        """The new lines before byte `end`; half a line is left for later."""
        if not end or not self.path.exists():
            return
        with open(self.path, "rb") as file:
            if self.position > end or not self.is_line_start(file):
                self.position = 0  # the file was cut behind our back: what comes again is known by its step
            file.seek(self.position)
            while self.position < end:
                line = file.readline(end - self.position)
                if not line.endswith(b"\n"):
                    return
                self.position += len(line)
                try:
                    yield json.loads(line)
                except ValueError:
                    say(f"{self.path}: the line that ends at byte {self.position} is not JSON; it is left out")

    def is_line_start(self, file) -> bool:
        file.seek(max(self.position - 1, 0))
        return self.position == 0 or file.read(1) == b"\n"


class Run:
    """A run directory, read while it grows."""

    def __init__(self, folder: Path, rollouts: int = 0):
        self.folder = folder
        self.rollouts = rollouts
        self.identity = ""
        self.config: Dict[str, Any] = {}
        self.is_finished = False

    def steps(self) -> List[Step]:
        """The steps completed since the last call; earlier ones may come again."""
        try:
            state = json.loads((self.folder / "state.json").read_bytes())
            resolved = (self.folder / "resolved.json").read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return []
        identity = hashlib.sha256(resolved).hexdigest()
        if identity != self.identity:  # the first call, or another run has taken the place of this one
            self.identity = identity
            self.config = json.loads(resolved)
            names = ["metrics.jsonl", "timings.jsonl"]
            if self.rollouts:
                names.append(self.config.get("output", {}).get("rollouts", "selected.jsonl"))
            self.tails = {name: LineTail(self.folder / name) for name in names}
        found: Dict[int, Step] = {}
        lengths = state.get("offsets", {})
        for name, tail in self.tails.items():
            for line in tail.read(lengths.get(name, 0)):
                number = line.get("step")
                step = found.get(number) or Step(number, {}, {}, [])
                if name == "metrics.jsonl":
                    found[number] = step
                if name in ("metrics.jsonl", "timings.jsonl"):
                    add_metrics(line, step)
                elif len(step.rollouts) < self.rollouts:
                    step.rollouts.append(line)
        self.is_finished = state.get("finished") is True
        return [found[number] for number in sorted(found)]


def add_metrics(line: dict, step: Step) -> None:
    """Sorts the values of a line of metrics; `null` means that there is no number, and is left out."""
    for name, value in line.items():
        if name == "step":
            continue
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            step.values[name] = float(value)
        elif isinstance(value, dict) and "edges" in value and "counts" in value:
            step.histograms[name] = value


ROLLOUT_COLUMNS = ["id", "prompt", "response", "answer", "reward", "advantage"]


def cells(rollout: dict) -> list:
    """A rollout as a row of a table: only text and numbers."""
    row = (rollout.get(column) for column in ROLLOUT_COLUMNS)
    return [value if isinstance(value, (str, int, float)) else json.dumps(value, ensure_ascii=False) for value in row]


class Tracker:
    """The destination of steps. The remote run is created, or found by `run_id`, when a tracker is made."""

    def __init__(self, run: Run, options: argparse.Namespace, run_id: Optional[str]):
        self.run_id = run_id

    def log(self, step: Step) -> None:
        raise NotImplementedError

    def close(self, is_finished: bool) -> None:
        raise NotImplementedError


class WandbTracker(Tracker):
    package = "wandb"

    def __init__(self, run, options, run_id):
        import wandb

        self.wandb = wandb
        mode = "offline" if options.offline else None  # None leaves it to WANDB_MODE
        self.remote = wandb.init(
            project=options.project, name=options.name, config=run.config, mode=mode, id=run_id,
            resume="allow" if run_id else None, settings=wandb.Settings(console="off"),
        )
        self.run_id = self.remote.id

    def log(self, step):
        data: Dict[str, Any] = dict(step.values)
        for name, histogram in step.histograms.items():
            pair = (histogram["counts"], closed(histogram["edges"]))
            data[name] = self.wandb.Histogram(np_histogram=pair)
        if step.rollouts:
            data["rollouts"] = self.wandb.Table(columns=ROLLOUT_COLUMNS, data=[cells(row) for row in step.rollouts])
        self.remote.log(data, step=step.number)

    def close(self, is_finished):
        self.remote.finish()


class SwanLabTracker(Tracker):
    package = "swanlab"

    def __init__(self, run, options, run_id):
        import swanlab

        self.swanlab = swanlab
        # Only its server can continue a run; elsewhere the rest of the steps becomes a run of its own.
        mode = "offline" if options.offline else os.environ.get("SWANLAB_MODE")
        known = {"id": run_id, "resume": "allow"} if run_id and mode in (None, "online", "cloud") else {}
        self.remote = swanlab.init(project=options.project, name=options.name, config=run.config, mode=mode, **known)
        self.run_id = self.remote.id

    def log(self, step):
        data: Dict[str, Any] = dict(step.values)
        if step.rollouts:
            rows = [dict(zip(ROLLOUT_COLUMNS, cells(row))) for row in step.rollouts]
            data["rollouts"] = [self.swanlab.Text(json.dumps(row, ensure_ascii=False, indent=1)) for row in rows]
        self.swanlab.log(data, step=step.number)

    def close(self, is_finished):
        self.swanlab.finish()


class MLflowTracker(Tracker):
    package = "mlflow"

    def __init__(self, run, options, run_id):
        import mlflow

        if options.offline:
            place = os.environ.get("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db")
            if not place.startswith(("sqlite:", "file:", "/", ".")):
                raise ValueError(f"MLFLOW_TRACKING_URI is {place}, not offline; unset it, or leave out --offline")
            mlflow.set_tracking_uri(place)
        self.client = mlflow.MlflowClient()
        self.entities = mlflow.entities
        if run_id:
            self.run_id = run_id
            self.client.update_run(run_id, status="RUNNING")
            return
        experiment = self.client.get_experiment_by_name(options.project)
        experiment_id = experiment.experiment_id if experiment else self.client.create_experiment(options.project)
        self.run_id = self.client.create_run(experiment_id, run_name=options.name).info.run_id
        parameters = [mlflow.entities.Param(name, value[:500]) for name, value in flat(run.config)]
        for start in range(0, len(parameters), 100):  # 100 a call are MLflow's limit
            self.client.log_batch(self.run_id, params=parameters[start : start + 100])
        self.client.log_dict(self.run_id, run.config, "resolved.json")

    def log(self, step):
        now = int(time.time() * 1000)
        metrics = [self.entities.Metric(name, value, now, step.number) for name, value in step.values.items()]
        for start in range(0, len(metrics), 1000):
            self.client.log_batch(self.run_id, metrics=metrics[start : start + 1000])
        if step.rollouts:
            # In the format of `log_table`, which takes a third of a second for each.
            table = {"columns": ROLLOUT_COLUMNS, "data": [cells(row) for row in step.rollouts]}
            self.client.log_dict(self.run_id, table, f"rollouts/step-{step.number:06}.json")

    def close(self, is_finished):
        if is_finished:
            self.client.set_terminated(self.run_id)


TRACKERS = {"wandb": WandbTracker, "swanlab": SwanLabTracker, "mlflow": MLflowTracker}


def closed(edges: List[float]) -> List[float]:
    """Edges with an outer end for the first and the last bin, which are open: each as wide as its neighbour."""
    lowest, highest = (edges[1] - edges[0], edges[-1] - edges[-2]) if len(edges) > 1 else (1, 1)
    return [edges[0] - lowest, *edges, edges[-1] + highest]


def flat(value: Any, path: str = "") -> Iterator[tuple]:
    """The leaves of the resolved spec as (`stages.0.use`, text) pairs."""
    if isinstance(value, (dict, list)) and value:
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from flat(part, f"{path}.{key}" if path else str(key))
    else:
        yield "".join(c if c.isalnum() or c in "_-./ " else "_" for c in path), str(value)


class Forwarder:
    """One tracker and the record of what it has been sent, so that no step is sent twice."""

    def __init__(self, name: str, run: Run, options: argparse.Namespace, make=None):
        self.run, self.options, self.make = run, options, make or TRACKERS[name]
        self.path = run.folder / f".tracker-{name}.json"
        self.lock = open(run.folder / f".tracker-{name}.lock", "w")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SystemExit(f"another track.py forwards {run.folder} to {name} already")
        self.tracker: Optional[Tracker] = None
        self.memory: dict = {}
        if self.path.exists() and not options.again:
            self.memory = json.loads(self.path.read_bytes())

    @property
    def last_step(self) -> int:
        return self.memory.get("last_step", -1)

    def send(self, steps: List[Step], stop: threading.Event) -> int:
        """Sends the steps that the tracker does not have yet; returns how many."""
        sent = 0
        if self.memory.get("identity") != self.run.identity:
            self.close()
            self.memory = {"identity": self.run.identity, "run_id": None, "last_step": -1}
        for step in steps:
            if stop.is_set():
                break
            if step.number <= self.last_step:
                continue
            if self.tracker is None:
                self.tracker = self.make(self.run, self.options, self.memory["run_id"])
            self.tracker.log(step)
            self.memory.update(run_id=self.tracker.run_id, last_step=step.number)
            partial = self.path.with_suffix(".partial")
            partial.write_text(json.dumps(self.memory) + "\n")
            partial.replace(self.path)
            sent += 1
        return sent

    def close(self) -> None:
        if self.tracker:
            self.tracker.close(self.run.is_finished)
        self.tracker = None


def forward(options: argparse.Namespace, stop: threading.Event, trackers: Dict[str, Any] = TRACKERS) -> int:
    """Forwards until the run is finished or `stop` is set; returns the exit status."""
    run = Run(options.run_dir, options.rollouts)
    steps = run.steps()
    if not run.identity:
        if not options.follow:
            say(f"{run.folder} holds no run (no state.json); start one, or wait for it with --follow")
            return 1
        say(f"waiting for a run in {run.folder}")
        while not run.identity and not stop.wait(options.every):
            steps = run.steps()
        if not run.identity:
            return 0
    forwarders = {name: Forwarder(name, run, options, trackers[name]) for name in options.to}
    counts = dict.fromkeys(options.to, 0)
    while True:
        for name, forwarder in list(forwarders.items()):
            try:
                counts[name] += forwarder.send(steps, stop)
            except ImportError as error:
                package = trackers[name].package
                say(f"{name}: {error}; install its client: {sys.executable} -m pip install {package}")
                forwarders.pop(name).lock.close()
            except Exception as error:  # one tracker's trouble must not stop the others
                say(f"{name}: {type(error).__name__}: {error}; run this again to go on where it stopped")
                forwarders.pop(name).lock.close()
        if run.is_finished or not options.follow or stop.is_set() or not forwarders:
            break
        stop.wait(options.every)
        steps = run.steps()
    for name, forwarder in forwarders.items():
        forwarder.close()
        forwarder.lock.close()
        say(f"{name}: {counts[name]} steps sent" + (f", the last is {forwarder.last_step}" if counts[name] else ""))
    return 0 if len(forwarders) == len(options.to) else 1


def say(text: str) -> None:
    print(f"track: {text}", file=sys.stderr, flush=True)


def arguments(words: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run_dir", type=Path, metavar="RUN_DIR", help="what `shuffle-r1 run --output` names")
    names = sorted(TRACKERS)
    parser.add_argument("--to", action="append", required=True, choices=names, help="a tracker; may be repeated")
    parser.add_argument("--follow", action="store_true", help="wait for more until the run is finished; Ctrl-C ends it")
    parser.add_argument("--project", default="shuffle-r1", help="the project or experiment (shuffle-r1)")
    parser.add_argument("--name", help="the run's name there (that of RUN_DIR)")
    parser.add_argument("--offline", action="store_true", help="keep everything on this machine")
    parser.add_argument("--rollouts", type=int, default=0, metavar="N", help="send N rollouts of every step too (0)")
    parser.add_argument("--every", type=float, default=2, metavar="SECONDS", help="how often to look with --follow (2)")
    parser.add_argument("--again", action="store_true", help="forget what was sent: everything, as a new run there")
    options = parser.parse_args(words)
    options.to = list(dict.fromkeys(options.to))
    options.every = max(options.every, 0.05)
    options.name = options.name or options.run_dir.resolve().name
    return options


def main() -> int:
    stop = threading.Event()

    def interrupt(number, frame):
        stop.set()
        signal.signal(number, signal.SIG_DFL)  # a second one ends it at once

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    return forward(arguments(), stop)


if __name__ == "__main__":
    sys.exit(main())
