# SPDX-License-Identifier: Apache-2.0
"""Tests of the comparison: python3 -m unittest discover -s Examples/paper-in-miniature. They need no network."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

from miniature import statistics  # noqa: E402
from miniature.arms import ARMS, Shape  # noqa: E402
from miniature.charts import Curve, Panel, svg, ticks  # noqa: E402
from miniature.jobs import Job  # noqa: E402
from miniature.plan import CELLS, SETTINGS, TASKS  # noqa: E402
from miniature.results import zero_variance_share  # noqa: E402
from miniature.study import Study  # noqa: E402

PROGRAM = HERE.parents[1] / ".build" / "release" / "shuffle-r1"


class StatisticsTests(unittest.TestCase):
    def test_interval_by_the_t_distribution(self):
        # Standard deviation 1 over three seeds: 4.303 / √3.
        self.assertAlmostEqual(statistics.half_width([1, 2, 3]), 2.4843, places=4)
        self.assertIsNone(statistics.half_width([1]))

    def test_values_that_were_not_reached_are_counted_alone(self):
        found = statistics.summary([2, None, 4])
        self.assertEqual((found["mean"], found["values"]), (3, [2, None, 4]))
        self.assertIsNone(statistics.summary([None])["mean"])

    def test_curves_between_their_points(self):
        xs, ys = [0, 10, 20], [0.0, 0.5, 0.4]
        self.assertAlmostEqual(statistics.at(xs, ys, 5), 0.25)
        self.assertAlmostEqual(statistics.at(xs, ys, 20), 0.4)
        self.assertIsNone(statistics.at(xs, ys, 21))
        self.assertAlmostEqual(statistics.first_reaching(xs, ys, 0.1), 2)
        self.assertIsNone(statistics.first_reaching(xs, ys, 0.6))
        self.assertEqual(statistics.smoothed([0, 3, 9, 3, 6]), [0, 4, 5, 6, 6])


class ArmTests(unittest.TestCase):
    def stages(self, arm: str) -> list:
        return ARMS[arm].stages(Shape(), 1e-4, 24)

    def test_every_arm_trains_on_half_or_on_all_of_its_rollouts(self):
        for arm in ("grpo-8", "dapo", "gspo"):
            self.assertEqual(self.stages(arm)[0]["with"]["n"], 8)
        for arm in ("grpo-16", "pts", "random-half", "largest", "shuffle", "shuffle-r1", "reweight"):
            self.assertEqual(self.stages(arm)[0]["with"]["n"], 16)

    def test_the_method_is_two_stages_between_advantages_and_update(self):
        names = [stage if isinstance(stage, str) else stage["use"] for stage in self.stages("shuffle-r1")]
        self.assertEqual(names, ["rollout", "reward", "advantage", "pairwise-sample", "shuffle", "update"])

    def test_the_filter_of_dynamic_sampling_counts_as_groups_without_variance(self):
        line = {"filter/attempts": 2, "filter/dropped/reward-band": 16, "rollout/kept": 64}
        self.assertEqual(zero_variance_share(line), 0.25)
        self.assertEqual(zero_variance_share({"advantage/zero_variance_groups": 3, "advantage/groups": 12}), 0.25)


class StudyTests(unittest.TestCase):
    study = Study(Path("runs"), "medium", SETTINGS["medium"], ("grpo-16", "pts"))

    def test_arms_take_turns_within_a_seed_and_share_prompts_and_warm_starts(self):
        spec = self.study.spec(TASKS["easy-vqa"], "pts", 1e-4, 2, 10, Shape(), {"prompts": "test"})
        other = self.study.spec(TASKS["easy-vqa"], "grpo-16", 1e-4, 2, 10, Shape(), {"prompts": "test"})
        for same in ("seed", "source", "policy"):
            self.assertEqual(spec[same], other[same])
        names = [job.folder.parts[-3] for job in self.study.tuning(TASKS["easy-vqa"])]
        self.assertEqual(names[:2], ["grpo-16", "pts"])

    def test_choices_never_see_the_test_pictures(self):
        for task in TASKS.values():
            for job in self.study.tuning(task):
                self.assertNotIn("test", Path(job.spec["training"]["evaluation"]["prompts"]).name)

    def test_the_best_rate_is_looked_for_beyond_the_edge(self):
        with tempfile.TemporaryDirectory() as folder:
            study = Study(Path(folder), "medium", SETTINGS["medium"], ("grpo-16", "pts"))
            task = TASKS["easy-vqa"]

            def finish(arm: str, rate: float, accuracy: float) -> None:
                job = study.tuning_job(task, arm, rate, 1)
                (job.folder / "run").mkdir(parents=True)
                (job.folder / "run" / "evaluations.jsonl").write_text(json.dumps({task.metric: accuracy}) + "\n")
                (job.folder / "result.json").write_text(json.dumps({"wanted": job.wanted}))

            def left() -> list:
                return [job.folder.relative_to(study.output).parts[2:4] for job in study.tuning(task) if not job.result]

            for rate, inside, edge in ((1e-4, 0.5, 0.5), (2e-4, 0.7, 0.6), (4e-4, 0.6, 0.7)):
                finish("grpo-16", rate, inside)
                finish("pts", rate, edge)
            self.assertEqual(left(), [("pts", "rate-0.0008")])
            finish("pts", 8e-4, 0.65)
            self.assertEqual(left(), [])
            self.assertEqual(study.rates(task), {"grpo-16": 2e-4, "pts": 4e-4})

    def test_a_cell_takes_as_many_prompts_as_the_others(self):
        for cell in CELLS.values():
            self.assertEqual(cell.shape(Shape()).groups * cell.steps(40), 32 * 40)

    def test_a_result_counts_only_for_the_spec_that_made_it(self):
        with tempfile.TemporaryDirectory() as folder:
            job = Job(Path(folder), {"seed": 1})
            self.assertIsNone(job.result)
            (Path(folder) / "result.json").write_text(json.dumps({"wanted": job.wanted}))
            self.assertIsNotNone(job.result)
            self.assertIsNone(Job(Path(folder), {"seed": 2}).result)


class ChartTests(unittest.TestCase):
    def test_a_drawing_is_well_formed_and_within_its_frame(self):
        curve = Curve("#000", [0, 5, 10], [0.1, 0.5, 2], [0, 0.4, 0.9], [0.2, 0.6, 1.1], "x")
        drawing = ElementTree.fromstring(svg([Panel("a", [curve], "steps")] * 4, 3, {"one": "#000"}))
        height = float(drawing.get("height"))
        for line in drawing.iter("{http://www.w3.org/2000/svg}polyline"):
            for point in line.get("points").split():
                self.assertTrue(0 <= float(point.split(",")[1]) <= height)

    def test_ticks_are_round(self):
        self.assertEqual(ticks(0, 1), [0, 0.25, 0.5, 0.75, 1])
        self.assertEqual(ticks(0, 60), [0, 20, 40, 60])


@unittest.skipUnless(os.access(PROGRAM, os.X_OK), "the program has not been built")
class RunTests(unittest.TestCase):
    def run_it(self, output: str, *arguments: str) -> subprocess.CompletedProcess:
        command = [str(HERE / "run"), "--setting", "smoke", "--arms", "grpo-16,dapo,shuffle-r1", "--output", output]
        return subprocess.run([*command, *arguments], capture_output=True, text=True)

    def test_the_whole_way_and_again(self):
        with tempfile.TemporaryDirectory() as output:
            parts = ("--parts", "tune,compare,conditions,report", "--cells", "base,few-groups")
            first = self.run_it(output, *parts)
            self.assertEqual(first.returncode, 0, first.stderr)
            results = Path(output) / "results" / "easy-vqa"
            found = json.loads((results / "results.json").read_text())
            self.assertEqual(list(found["arms"]), ["grpo-16", "dapo", "shuffle-r1"])
            self.assertEqual(found["arms"]["grpo-16"]["seeds"], [1, 2])
            for name in ("learning.svg", "cost.svg", "utilisation.svg"):
                ElementTree.parse(results / name)
            self.assertIn("| GRPO, 16 rollouts | 2 |", (results / "table.md").read_text())
            again = self.run_it(output, *parts)
            self.assertIn("comparison: all 6 runs are there", again.stdout)
            self.assertEqual(json.loads((results / "results.json").read_text()), found)

    def test_what_was_interrupted_goes_on(self):
        with tempfile.TemporaryDirectory() as output, tempfile.TemporaryDirectory() as undisturbed:
            self.assertEqual(self.run_it(undisturbed).returncode, 0)
            command = [str(HERE / "run"), "--setting", "smoke", "--arms", "grpo-16,dapo,shuffle-r1", "--output", output]
            first = Path(output) / "easy-vqa" / "tuning" / "grpo-16" / "rate-0.0001" / "seed-1" / "result.json"
            # As Ctrl-C on a terminal: a signal for all processes of the group.
            # A shell without job control has its background processes ignore it, and so would this one.
            with subprocess.Popen(
                command,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
            ) as run:
                while not first.exists() and run.poll() is None:
                    time.sleep(0.01)
                os.killpg(run.pid, signal.SIGINT)
                said = run.stderr.read().decode()
            self.assertEqual(run.returncode, 1, said)
            self.assertIn("the same command", said)
            began = first.stat().st_mtime_ns
            again = self.run_it(output)
            self.assertEqual(again.returncode, 0, again.stderr)
            self.assertEqual(first.stat().st_mtime_ns, began)
            for arm in ("grpo-16", "dapo", "shuffle-r1"):
                ends = [
                    (Path(folder) / "easy-vqa" / "comparison" / arm / "seed-2" / "run" / "metrics.jsonl").read_bytes()
                    for folder in (output, undisturbed)
                ]
                self.assertEqual(*ends)

    def test_a_name_that_is_unknown_is_named(self):
        with tempfile.TemporaryDirectory() as output:
            wrong = self.run_it(output, "--parts", "tuning")
            self.assertEqual(wrong.returncode, 1)
            self.assertIn("there is no part 'tuning'; there are tune, compare, conditions, report", wrong.stderr)


if __name__ == "__main__":
    unittest.main()
