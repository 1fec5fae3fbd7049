#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests how Plugins/Tools/Trackers/track.py follows a run, with a tracker that only takes notes. Standard library alone."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

PROGRAM = Path(__file__).resolve().parents[2] / "Plugins/Tools/Trackers/track.py"
sys.path.insert(0, str(PROGRAM.parent))
import track  # noqa: E402


class WrittenRun:
    """A run directory as shuffle-r1 writes it, step by step."""

    def __init__(self, folder, seed=1):
        self.folder = Path(folder)
        self.folder.mkdir(exist_ok=True)
        self.put("resolved.json", json.dumps({"seed": seed, "output": {"rollouts": "selected.jsonl"}}))
        self.offsets = {"metrics.jsonl": 0, "timings.jsonl": 0, "selected.jsonl": 0}
        for name in self.offsets:
            self.put(name, "")

    def put(self, name, text):
        """Replaces a file as a whole."""
        (self.folder / ".partial").write_text(text)
        (self.folder / ".partial").replace(self.folder / name)

    def append(self, name, line):
        with open(self.folder / name, "a") as file:
            file.write(json.dumps(line) + "\n")

    def lines(self, step, seconds=0.25):
        """Writes a step without completing it."""
        histogram = {"edges": [-1.0, 1.0], "counts": [1, 2, 3]}
        self.append("metrics.jsonl", {"step": step, "a/b": step / 10, "none": None, "flag": True, "h": histogram})
        self.append("timings.jsonl", {"step": step, "timing_s/step": seconds})
        for index in range(3):
            self.append("selected.jsonl", {"id": f"{step}/{index}", "response": "r", "reward": 1, "step": step})

    def complete(self, finished=False):
        self.offsets = {name: (self.folder / name).stat().st_size for name in self.offsets}
        self.put("state.json", json.dumps({"version": 1, "finished": finished, "offsets": self.offsets}))

    def step(self, number, finished=False, seconds=0.25):
        self.lines(number, seconds)
        self.complete(finished)

    def cut(self, offsets):
        """What a resume does: every file goes back to where a step ended."""
        for name, offset in offsets.items():
            os.truncate(self.folder / name, offset)
        self.complete()


class NotingTracker(track.Tracker):
    """Notes what it is told, across trackers."""

    package = "noting"
    notes = []

    def __init__(self, run, options, run_id):
        self.run_id = run_id or f"id-{len([note for note in self.notes if note[0] == 'new'])}"
        self.notes.append(("again" if run_id else "new", self.run_id, run.config["seed"]))

    def log(self, step):
        self.notes.append(("log", step))

    def close(self, is_finished):
        self.notes.append(("close", is_finished))


class FailingTracker(NotingTracker):
    """Fails in its third step."""

    def log(self, step):
        if step.number == 2:
            raise ConnectionError("no network")
        super().log(step)


class TrackTests(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name) / "run"
        NotingTracker.notes = []

    def track(self, *words, tracker=NotingTracker, stop=None):
        """Runs to the end; returns the status and what was said."""
        options = track.arguments([str(self.folder), "--every", "0.05", *(words or ("--to", "wandb"))])
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            status = track.forward(options, stop or threading.Event(), {"wandb": tracker, "mlflow": NotingTracker})
        return status, said.getvalue()

    def start(self, *words, tracker=NotingTracker):
        """Follows in the background; returns the way to end it."""
        stop, result = threading.Event(), []
        thread = threading.Thread(
            target=lambda: result.append(self.track("--follow", "--to", "wandb", *words, tracker=tracker, stop=stop))
        )
        thread.start()

        def end(is_stopped=False):
            if is_stopped:
                stop.set()
            thread.join(20)
            self.assertFalse(thread.is_alive())
            return result[0]

        self.addCleanup(stop.set)
        return end

    def wait_for(self, condition):
        pause = threading.Event()
        for _ in range(400):
            if condition():
                return
            pause.wait(0.05)
        self.fail("it did not come about")

    def sent(self):
        return [note[1].number for note in NotingTracker.notes if note[0] == "log"]

    def test_metrics_and_timings_are_joined_by_step(self):
        run = WrittenRun(self.folder)
        run.step(0)
        run.step(1, finished=True)
        status, said = self.track()
        self.assertEqual((status, said), (0, "track: wandb: 2 steps sent, the last is 1\n"))
        histograms = {"h": {"edges": [-1.0, 1.0], "counts": [1, 2, 3]}}
        steps = [track.Step(n, {"a/b": n / 10, "timing_s/step": 0.25}, histograms, []) for n in range(2)]
        expected = [("new", "id-0", 1), ("log", steps[0]), ("log", steps[1]), ("close", True)]
        self.assertEqual(NotingTracker.notes, expected)

    def test_what_is_not_complete_is_left_for_later(self):
        run = WrittenRun(self.folder)
        run.step(0)
        run.lines(1)
        with open(self.folder / "metrics.jsonl", "a") as file:
            file.write('{"step":2,"a/')
        self.track()
        self.assertEqual(self.sent(), [0])

    def test_half_a_line_waits_for_its_end(self):
        run = WrittenRun(self.folder)
        run.step(0)
        tail = track.LineTail(self.folder / "metrics.jsonl")
        whole = (self.folder / "metrics.jsonl").stat().st_size
        self.assertEqual(list(tail.read(whole - 1)), [])
        self.assertEqual([line["step"] for line in tail.read(whole)], [0])
        self.assertEqual(list(tail.read(whole)), [])

    def test_a_line_that_is_no_json_is_left_out_and_named(self):
        run = WrittenRun(self.folder)
        with open(self.folder / "metrics.jsonl", "a") as file:
            file.write("nonsense\n")
        run.step(0, finished=True)
        status, said = self.track()
        self.assertEqual((status, self.sent()), (0, [0]))
        self.assertIn("metrics.jsonl: the line that ends at byte 9 is not JSON; it is left out", said)

    def test_a_second_call_goes_on_in_the_same_remote_run(self):
        run = WrittenRun(self.folder)
        run.step(0)
        self.track()
        self.assertEqual(self.track(), (0, "track: wandb: 0 steps sent\n"))
        run.step(1)
        self.track()
        self.assertEqual(self.sent(), [0, 1])
        starts = [note for note in NotingTracker.notes if note[0] in ("new", "again")]
        self.assertEqual(starts, [("new", "id-0", 1), ("again", "id-0", 1)])

    def test_again_sends_everything_as_a_new_run(self):
        WrittenRun(self.folder).step(0, finished=True)
        self.track()
        self.track("--to", "wandb", "--again")
        self.assertEqual(self.sent(), [0, 0])
        self.assertEqual([note[1] for note in NotingTracker.notes if note[0] == "new"], ["id-0", "id-1"])

    def test_trackers_have_memories_of_their_own(self):
        run = WrittenRun(self.folder)
        run.step(0)
        self.track()
        self.track("--to", "wandb", "--to", "mlflow")
        self.assertEqual(self.sent(), [0, 0])

    def test_a_resume_that_cuts_the_files_sends_no_step_twice(self):
        run = WrittenRun(self.folder)
        run.step(0)
        offsets = run.offsets
        end = self.start()
        run.step(1)
        run.step(2)
        self.wait_for(lambda: self.sent() == [0, 1, 2])
        run.cut(offsets)  # seen by the tracker, or not: both must do
        for number in range(1, 5):
            run.step(number, seconds=0.123456789)
        run.step(5, seconds=0.123456789, finished=True)
        self.assertEqual(end()[0], 0)
        self.assertEqual(self.sent(), [0, 1, 2, 3, 4, 5])
        seconds = [note[1].values["timing_s/step"] for note in NotingTracker.notes if note[0] == "log"]
        self.assertEqual(seconds, [0.25] * 3 + [0.123456789] * 3)

    def test_a_resume_between_two_looks_loses_no_line(self):
        run = WrittenRun(self.folder)
        run.step(0)
        reader = track.Run(self.folder)
        offsets = run.offsets
        run.step(1)
        self.assertEqual([step.number for step in reader.steps()], [0, 1])
        run.cut(offsets)
        run.step(1, seconds=0.5)
        self.assertEqual([step.values["timing_s/step"] for step in reader.steps() if step.number > 1], [])
        run.cut(offsets)
        for number in (1, 2, 3):
            run.step(number, seconds=0.5)
        later = {step.number: step.values for step in reader.steps()}
        self.assertEqual([later[n]["timing_s/step"] for n in (2, 3)], [0.5, 0.5])

    def test_another_run_in_the_directory_is_another_remote_run(self):
        WrittenRun(self.folder).step(0)
        end = self.start()
        self.wait_for(lambda: self.sent() == [0])
        run = WrittenRun(self.folder, seed=2)
        run.step(0)
        run.step(1, finished=True)
        end()
        self.assertEqual(self.sent(), [0, 0, 1])
        starts = [note for note in NotingTracker.notes if note[0] in ("new", "again")]
        self.assertEqual(starts, [("new", "id-0", 1), ("new", "id-1", 2)])

    def test_a_run_that_does_not_exist(self):
        expected = f"track: {self.folder} holds no run (no state.json); start one, or wait for it with --follow\n"
        self.assertEqual(self.track(), (1, expected))
        end = self.start()
        threading.Event().wait(0.2)
        WrittenRun(self.folder).step(0, finished=True)
        self.assertEqual(end()[0], 0)
        self.assertEqual(self.sent(), [0])

    def test_a_stop_ends_following_and_closes_the_tracker(self):
        WrittenRun(self.folder).step(0)
        end = self.start()
        self.wait_for(lambda: self.sent() == [0])
        self.assertEqual(end(is_stopped=True)[0], 0)
        self.assertEqual(NotingTracker.notes[-1], ("close", False))

    def test_a_tracker_that_fails_does_not_stop_the_others_and_can_go_on(self):
        run = WrittenRun(self.folder)
        for number in range(4):
            run.step(number)
        status, said = self.track("--to", "wandb", "--to", "mlflow", tracker=FailingTracker)
        self.assertEqual(status, 1)
        self.assertIn("wandb: ConnectionError: no network; run this again to go on where it stopped", said)
        self.assertEqual(self.sent(), [0, 1, 0, 1, 2, 3])
        NotingTracker.notes = []
        self.assertEqual(self.track()[0], 0)
        self.assertEqual(self.sent(), [2, 3])

    def test_rollouts_go_with_their_step(self):
        run = WrittenRun(self.folder)
        run.step(0)
        run.step(1, finished=True)
        self.track("--to", "wandb", "--rollouts", "2")
        rollouts = [[row["id"] for row in note[1].rollouts] for note in NotingTracker.notes if note[0] == "log"]
        self.assertEqual(rollouts, [["0/0", "0/1"], ["1/0", "1/1"]])
        self.assertEqual(track.cells({"id": "a", "prompt": [{"role": "user"}], "reward": 0.5}),
                         ["a", '[{"role": "user"}]', "null", "null", 0.5, "null"])

    def test_two_at_once_are_refused(self):
        WrittenRun(self.folder).step(0)
        end = self.start()
        self.wait_for(lambda: self.sent() == [0])
        with self.assertRaisesRegex(SystemExit, "another track.py forwards .* to wandb already"):
            self.track()
        end(is_stopped=True)

    def program(self, *words):
        # -S: without the packages of this machine, whatever they are.
        command = [sys.executable, "-S", "-s", str(PROGRAM), str(self.folder), *words]
        return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)

    def test_a_client_that_is_missing_is_named(self):
        WrittenRun(self.folder).step(0)
        for name in track.TRACKERS:
            program = self.program("--to", name)
            said = program.communicate(timeout=60)[1]
            self.assertEqual(program.returncode, 1)
            expected = f"track: {name}: No module named '{name}'; install its client: "
            self.assertIn(expected + f"{sys.executable} -m pip install {name}\n", said)
        self.assertFalse((self.folder / ".tracker-wandb.json").exists())

    def test_an_interrupt_ends_the_program_in_order(self):
        program = self.program("--to", "wandb", "--follow")
        self.assertIn("waiting for a run in", program.stderr.readline())
        program.send_signal(signal.SIGINT)
        self.assertEqual(program.communicate(timeout=60)[1], "")
        self.assertEqual(program.returncode, 0)


if __name__ == "__main__":
    unittest.main()
