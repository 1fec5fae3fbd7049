# SPDX-License-Identifier: Apache-2.0
"""A run of many small steps that is killed on the way and resumed, for checks of what follows a run."""

import json
import os
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("SHUFFLE_R1", str(ROOT / ".build/release/shuffle-r1"))
EXAMPLE = ROOT / "Examples/replay"


class InterruptedRun:
    """The rollouts of Examples/replay, several times over, one group a step."""

    def __init__(self, scratch: Path, copies: int, *settings: str):
        self.folder = scratch / "run"
        lines = (EXAMPLE / "rollouts.jsonl").read_text().splitlines()
        with open(scratch / "rollouts.jsonl", "w") as file:
            for copy in range(copies):
                for line in lines:
                    record = json.loads(line)
                    record["id"] += f"-{copy}"
                    record["group"] += f"-{copy}"
                    del record["step"]  # the step of the run that it came from
                    file.write(json.dumps(record) + "\n")
        source = f"source.rollouts={json.dumps(str(scratch / 'rollouts.jsonl'))}"
        words = [PROGRAM, "run", str(EXAMPLE / "pipeline.json"), "-q", "-o", str(self.folder)]
        for setting in (source, "source.batch.groups=1", *settings):
            words += ["--set", setting]
        self.command = words

    def complete_steps(self) -> int:
        try:
            return json.loads((self.folder / "state.json").read_text())["complete_steps"]
        except FileNotFoundError:
            return 0

    def start_and_kill(self, steps: int) -> int:
        """Runs until at least so many steps are complete, and no further; returns how many are."""
        program = subprocess.Popen(self.command)
        while self.complete_steps() < steps and program.poll() is None:
            time.sleep(0.0005)
        program.kill()
        assert program.wait() == -9, "the run ended before it could be killed; make it longer"
        return self.complete_steps()

    def resume(self) -> None:
        subprocess.run([*self.command, "--resume"], check=True)

    def lines(self) -> list:
        """For each step all that metrics.jsonl and timings.jsonl say, in one dictionary."""
        both = [(self.folder / name).read_text().splitlines() for name in ("metrics.jsonl", "timings.jsonl")]
        steps = [json.loads(metrics) | json.loads(timings) for metrics, timings in zip(*both)]
        assert len(both[0]) == len(both[1]) and [line.pop("step") for line in steps] == list(range(len(steps)))
        return steps
