# SPDX-License-Identifier: Apache-2.0
"""Tests of what needs neither Spark nor Ray: planning, tasks on threads, and equality with one machine."""

import contextlib
import io
import json
import os
import shutil
import tempfile
import unittest

import generate
import on_this_machine
import one_machine
from sharding import job, plan, shards, tasks
from sharding.shards import Slice

SPEC = os.path.join(one_machine.HERE, "pipeline.json")


class Folder(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, *names: str) -> str:
        return os.path.join(self.folder, *names)

    def shards(self, *options: str) -> str:
        generate.main([self.path("shards"), *options])
        return self.path("shards")

    def job(self, output: str, *options: str, workers: int = 2) -> tuple[int, str]:
        """A job on threads: its exit status and what it said."""
        words = [SPEC, "--input", self.path("shards"), "--output", self.path(output), *options]
        said = io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            status = job.main(job.arguments("").parse_args(words), on_this_machine.engine(workers))
        return status, said.getvalue()

    def assert_equals_one_machine(
        self, partitions: tuple = (1, 3, 8), sets: tuple = (), mode: str = "whole batches"
    ):
        one_machine.run(SPEC, [self.path("shards")], self.path("alone"), list(sets))
        words = [word for value in sets for word in ("--set", value)]
        for count in partitions:
            with self.subTest(partitions=count):
                status, said = self.job(f"job-{count}", "--partitions", str(count), *words)
                self.assertEqual(status, 0, said)
                self.assertIn(mode if count > 1 else "whole batches", said)
                self.assertEqual(one_machine.differences(self.path("alone"), self.path(f"job-{count}")), [])


class Planning(unittest.TestCase):
    def segment(self, group, cut=None, shard=0, at=0):
        return plan.Segment(Slice(shard, at, at + 10, at // 10 + 1), group, cut, 1)

    def test_piles_are_neighbours_and_of_about_the_same_size(self):
        self.assertEqual(plan.pack(list("abcd"), [1, 1, 1, 1], 2), [["a", "b"], ["c", "d"]])
        self.assertEqual(plan.pack(list("abcd"), [100, 1, 1, 1], 2), [["a"], ["b", "c", "d"]])
        self.assertEqual(plan.pack(list("ab"), [1, 1], 7), [["a"], ["b"]])
        for parts in range(1, 9):
            piles = plan.pack(list(range(50)), [number % 7 for number in range(50)], parts)
            self.assertEqual(sum(piles, []), list(range(50)))
            self.assertLessEqual(len(piles), parts)

    def test_a_batch_ends_after_so_many_groups_and_lines_that_cannot_be_used_go_with_those_before(self):
        segments = [self.segment(name, at=10 * at) for at, name in enumerate([None, "a", "b", None, "a", "c", "d"])]
        cut = plan.batches(segments, {"groups": 2}, ["x"])
        self.assertEqual([[piece.group for piece in batch] for batch in cut], [[None, "a", "b", None, "a"], ["c", "d"]])

    def test_a_group_that_comes_back_is_refused_as_by_the_program(self):
        segments = [self.segment(name, at=10 * at) for at, name in enumerate("aba")]
        with self.assertRaisesRegex(plan.PlanError, "x:3:1: group 'a' appears again after its batch ended"):
            plan.batches(segments, {"groups": 1}, ["x"])

    def test_a_field_cuts_where_its_value_changes(self):
        segments = [self.segment("a", "1"), self.segment("b", "1"), self.segment("a", "2")]
        self.assertEqual([len(batch) for batch in plan.batches(segments, {"by": "step"}, ["x"])], [2, 1])
        self.assertEqual([len(batch) for batch in plan.batches(segments, "auto", ["x"])], [2, 1])
        with self.assertRaisesRegex(plan.PlanError, "'step' 1 appears again"):
            plan.batches([*segments, self.segment("c", "1")], {"by": "step"}, ["x"])
        with self.assertRaisesRegex(plan.PlanError, "has no 'step'"):
            plan.batches([self.segment("a")], {"by": "step"}, ["x"])

    def test_a_group_is_never_split_wherever_it_lies(self):
        segments = [self.segment(name, at=10 * at) for at, name in enumerate("abcabcabc")]
        parts = plan.by_group(segments, 3)
        self.assertEqual(
            [[piece.begin for piece in part.slices] for part in parts], [[0, 30, 60], [10, 40, 70], [20, 50, 80]]
        )
        self.assertFalse(plan.follow_one_another(parts))
        self.assertTrue(plan.follow_one_another(plan.by_batch([[segment] for segment in segments], 3)))


class Reading(Folder):
    def test_slices_are_the_lines_they_say_compressed_or_not(self):
        text = b"\xef\xbb\xbfone\ntwo\n\nfour\nfive"
        os.mkdir(self.path("shards"))
        for suffix in ["", ".gz", ".zst"] if shutil.which("zstd") else ["", ".gz"]:
            path = self.path("shards", "a.jsonl" + suffix)
            with contextlib.ExitStack() as stack:
                if suffix == ".zst":
                    os.system(f"printf '\\357\\273\\277one\\ntwo\\n\\nfour\\nfive' | zstd -q -o {path}")
                else:
                    file = stack.enter_context(shards.gzip.open(path, "wb") if suffix else open(path, "wb"))
                    file.write(text)
            begins, end = shards.offsets(path, [1, 2, 4, 5])
            self.assertEqual((begins, end), ([0, 7, 12, 17], 21))
            pieces = [Slice(0, 0, 7, 1), Slice(0, 12, 21, 4)]
            self.assertEqual([block for _, block in shards.blocks(path, pieces)], [b"one\n", b"four\nfive\n"])

    def test_a_line_is_found_again_where_it_stood(self):
        os.mkdir(self.path("shards"))
        for name in "ab":
            with open(self.path(name), "w") as file:
                file.write("1\n2\n \n4\n")
        feed = tasks.Feed([self.path("a"), self.path("b")], [Slice(0, 2, 6, 2), Slice(1, 0, 7, 1)], notes_blanks=True)
        self.assertEqual(b"".join(feed), b"2\n \n1\n2\n \n4"[:-1] + b"4\n")
        self.assertEqual([feed.place(line) for line in (1, 2, 3, 6)], [(0, 2), (0, 3), (1, 1), (1, 4)])
        self.assertEqual(feed.blanks, {2, 5})


class OneMachine(Folder):
    def test_batches_of_so_many_groups(self):
        self.shards("--groups", "60", "--bad", "20", "--skew", "--compress")
        self.assert_equals_one_machine()

    def test_batches_by_a_field(self):
        self.shards("--groups", "40", "--step-groups", "7", "--bad", "10", "--shards", "3")
        self.assert_equals_one_machine(sets=('source.batch={"by":"step"}', "seed=5"))

    def test_one_batch_of_groups_torn_over_all_shards(self):
        self.shards("--groups", "40", "--bad", "30", "--skew", "--scatter", "--compress")
        self.assert_equals_one_machine(sets=("source.batch=all",), mode="groups of one batch")

    def test_one_batch_that_is_weighed_instead_of_drawn(self):
        self.shards("--groups", "30", "--step-groups", "9")
        sets = ("source.batch=all", "stages.shuffle.mode=reweight", "stages.pairwise-sample.strategy=random")
        self.assert_equals_one_machine(sets=sets, partitions=(4,), mode="groups of one batch")

    def test_one_batch_drawn_with_a_correction(self):
        self.shards("--groups", "30", "--bad", "5")
        sets = ("source.batch=all", "stages.shuffle.correction=importance")
        self.assert_equals_one_machine(sets=sets, partitions=(4,), mode="groups of one batch")

    def test_one_batch_without_a_shuffle(self):
        self.shards("--groups", "30", "--scatter")
        sets = ("source.batch=all", 'stages.shuffle={"use":"tap","name":"last"}')
        self.assert_equals_one_machine(sets=sets, partitions=(4,), mode="groups of one batch")

    def test_a_stage_that_looks_at_the_whole_batch_is_not_divided(self):
        self.shards("--groups", "30")
        sets = (
            "source.batch=all",
            "stages.advantage.estimator=reinforce-plus-plus",
            'source.provides=["answer","tokens"]',
        )
        self.assert_equals_one_machine(sets=sets, partitions=(4,))

    def test_parts_of_groups_that_are_all_too_small(self):
        self.shards("--groups", "12", "--skew", "--seed", "3")
        self.assert_equals_one_machine(sets=("source.batch=all",), partitions=(12,), mode="groups of one batch")


class Failing(Folder):
    def test_what_the_program_refuses_is_said_with_the_part_and_its_shards(self):
        self.shards("--groups", "20")
        status, said = self.job("job", "--set", 'source.provides=["answer","baseline"]', "--partitions", "3")
        self.assertEqual(status, 1)
        self.assertIn("no line can be used", said)
        status, said = self.job("other", "--set", "stages.pairwise-sample.keep=0.01", "--partitions", "3")
        self.assertEqual(status, 1)
        self.assertIn("part-00001 (" + self.path("shards", "shard-"), said)
        self.assertIn("stage 'pairwise-sample', step 1: keep = 0.01 keeps no pair of any group", said)
        self.assertEqual([name for name in os.listdir(self.path("other")) if name != "job.json"], [])

    def test_no_group_of_one_batch_is_large_enough(self):
        self.shards("--groups", "20")
        words = ["--set", "stages.pairwise-sample.keep=0.01", "--set", "source.batch=all", "--partitions", "3"]
        status, said = self.job("job", *words)
        self.assertEqual(status, 1)
        self.assertIn("keep = 0.01 keeps no pair of any group", said)

    def test_too_many_bad_records_of_all_parts_together(self):
        self.shards("--groups", "30", "--bad", "40")
        status, said = self.job("job", "--set", "source.max_bad_records=5", "--partitions", "4")
        self.assertEqual(status, 1)
        self.assertRegex(said, r"shard-0000\.jsonl:\d+:\d+: .*the first of \d+ bad records.*now 5")
        self.assertFalse(os.path.exists(self.path("job", "manifest.json")))

    def test_an_id_in_two_groups_of_one_batch(self):
        self.shards("--groups", "20")
        with open(self.path("shards", "shard-0003.jsonl"), "a", encoding="utf-8") as file:
            file.write(json.dumps({"id": "q0/0", "group": "new", "answer": "1", "prompt": "", "response": ""}) + "\n")
        status, said = self.job("job", "--set", "source.batch=all", "--partitions", "3")
        self.assertEqual((status, "the id 'q0/0' stands in two groups" in said), (1, True), said)

    def test_a_job_goes_on_where_it_was_stopped_and_another_one_is_refused(self):
        self.shards("--groups", "40")
        self.assertEqual(self.job("job", "--partitions", "4")[0], 0)
        before = one_machine.content(self.path("job", "manifest.json"))
        kept = os.stat(self.path("job", "part-00000", "selected.jsonl")).st_mtime_ns
        shutil.rmtree(self.path("job", "part-00002"))
        os.remove(self.path("job", "manifest.json"))
        os.mkdir(self.path("job", ".part-00002." + "0" * 32))
        self.assertEqual(self.job("job", "--partitions", "4")[0], 0)
        self.assertEqual(one_machine.content(self.path("job", "manifest.json")), before)
        self.assertEqual(os.stat(self.path("job", "part-00000", "selected.jsonl")).st_mtime_ns, kept)
        self.assertEqual([name for name in os.listdir(self.path("job")) if name[0] == "."], [])
        status, said = self.job("job", "--partitions", "4", "--set", "seed=2")
        self.assertEqual((status, "holds another job" in said), (1, True), said)

    def test_a_program_that_is_killed_leaves_nothing_and_another_attempt_gives_the_same_bytes(self):
        self.shards("--groups", "40")
        one_machine.run(SPEC, [self.path("shards")], self.path("alone"), [])
        with open(self.path("program"), "w") as file:
            file.write(
                f'#!/bin/sh\n[ "$1" = run ] && mkdir {self.path("killed")} 2> /dev/null && '
                f'head -c 20000 > /dev/null && kill -9 $$\nexec {job.default_program()} "$@"\n'
            )
        os.chmod(self.path("program"), 0o755)
        options = ["--partitions", "3", "--program", self.path("program")]
        status, said = self.job("job", *options, workers=1)
        self.assertEqual(status, 1)
        self.assertRegex(said, r"part-00000 \(.*shard-0000.jsonl from line 1 on.*\): the program was ended by signal 9")
        left = os.listdir(self.path("job"))
        self.assertEqual([name for name in left if name[0] == "." or name in ("part-00000", "manifest.json")], [])
        self.assertEqual(self.job("job", *options)[0], 0)
        self.assertEqual(one_machine.differences(self.path("alone"), self.path("job")), [])

    def test_a_shard_that_is_torn(self):
        self.shards("--groups", "20", "--compress")
        path = self.path("shards", "shard-0001.jsonl.gz")
        data = one_machine.content(path)
        with open(path, "wb") as file:
            file.write(data[: len(data) // 2])
        status, said = self.job("job")
        self.assertEqual(status, 1)
        self.assertIn(
            f"listing the groups of {path}: the program ended with status 1:\nshuffle-r1: error: {path}", said
        )

    def test_what_cannot_be_divided(self):
        self.shards("--groups", "4")
        for setting, reason in {
            "source.order=shuffled": "once, in the order of the shards",
            "source.format=verl": "shuffle-r1 convert",
        }.items():
            status, said = self.job("job", "--set", setting)
            self.assertEqual((status, reason in said), (1, True), said)


if __name__ == "__main__":
    unittest.main()
