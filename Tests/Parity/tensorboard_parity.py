#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that TensorBoard reads in our event files what metrics.jsonl and timings.jsonl say, also after a resume.

Runs Examples/replay several times over, kills it on the way, resumes it, and reads the event file with TensorBoard's own
loader, which checks every record. Needs tensorboard and `swift build -c release`; SHUFFLE_R1 names the program if it is
elsewhere.
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.util import tensor_util

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Trackers"))
from interrupted_run import InterruptedRun  # noqa: E402

FILE = "tensorboard/events.out.tfevents.0.shuffle-r1"


def bins(histogram: dict) -> np.ndarray:
    """[bins, 3]: left, right, count, from the first to the last bin that is not empty."""
    edges, counts = histogram["edges"], histogram["counts"]
    edges = [2 * edges[0] - edges[1], *edges, 2 * edges[-1] - edges[-2]]
    rows = np.array(list(zip(edges, edges[1:], counts)), np.float32)
    filled = np.flatnonzero(rows[:, 2])
    return rows[filled[0] : filled[-1] + 1]


def check(run: InterruptedRun, began: float) -> int:
    """Compares every value; returns how many there were."""
    lines = run.lines()
    events = list(EventFileLoader(str(run.folder / FILE)).Load())
    assert events[0].file_version == "brain.Event:2", events[0]
    assert [event.step for event in events[1:]] == list(range(len(lines))), "steps are missing, or come twice"
    times = [event.wall_time for event in events]
    assert times == sorted(times) and began <= times[0] and times[-1] <= time.time(), times
    count = 0
    for event, line in zip(events[1:], lines):
        found = {value.tag: value for value in event.summary.value}
        # When a step began is text, and the event has it as its own time.
        expected = {name: value for name, value in line.items() if value is not None and not isinstance(value, str)}
        assert sorted(found) == sorted(expected), (event.step, found.keys() ^ expected.keys())
        for name, value in expected.items():
            plugin = found[name].metadata.plugin_data.plugin_name
            array = tensor_util.make_ndarray(found[name].tensor)
            if isinstance(value, dict):
                assert plugin == "histograms" and np.array_equal(array, bins(value)), (event.step, name, array)
            else:
                assert plugin == "scalars" and array == np.float32(value), (event.step, name, array, value)
            count += 1
    # The whole folder, as `tensorboard --logdir` takes it.
    accumulator = EventAccumulator(str(run.folder / "tensorboard"), size_guidance={"scalars": 0, "histograms": 0})
    accumulator.Reload()
    for name in accumulator.Tags()["scalars"]:
        expected = [(step, np.float32(line[name])) for step, line in enumerate(lines) if line.get(name) is not None]
        assert [(event.step, event.value) for event in accumulator.Scalars(name)] == expected, name
    assert accumulator.Tags()["histograms"], "no histogram"
    return count


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        began = time.time()
        run = InterruptedRun(scratch, 12, "output.tensorboard=on")
        killed = run.start_and_kill(40)
        watching = EventFileLoader(str(run.folder / FILE))
        seen = [event.step for event in watching.Load()]
        run.resume()
        # A TensorBoard that was looking on must not lose its place.
        assert len(seen) > 40 and seen + [event.step for event in watching.Load()] == [0, *range(288)], seen
        print(f"{check(run, began)} values of 288 steps, killed after {killed}: all equal to 32 bits")
        # The check of the records is no formality: a bit that is turned must not pass.
        damaged = bytearray((run.folder / FILE).read_bytes())
        damaged[len(damaged) // 2] ^= 1
        (run.folder / FILE).write_bytes(damaged)
        try:
            check(run, began)
        except Exception as error:
            print(f"a turned bit is noticed: {type(error).__name__}")
        else:
            raise SystemExit("a turned bit went unnoticed")


if __name__ == "__main__":
    main()
