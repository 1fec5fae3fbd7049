# SPDX-License-Identifier: Apache-2.0
"""Tests of what goes wrong: jobs that are stopped, that meet, that are given the wrong thing. Nothing may be lost."""

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from unittest import mock

import on_this_machine
import one_machine
from sharding import folder, job, shards, tasks
from test_cluster import SPEC, Folder

COLLECT = os.path.join(one_machine.HERE, "collect.py")


class Trouble(Folder):
    """Jobs in processes of their own, with a program that waits."""

    def start(self, output: str, *options: str) -> subprocess.Popen:
        script = os.path.join(one_machine.HERE, "on_this_machine.py")
        words = [script, SPEC, "--input", self.path("shards"), "--output", self.path(output), *options]
        # A test in the background of a shell has interrupts ignored, and so would its children.
        return subprocess.Popen(
            [sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))

    def end(self, child: subprocess.Popen) -> tuple[int, str]:
        said, _ = child.communicate(timeout=600)
        return child.returncode, said

    def waiting_program(self) -> str:
        """Ours, but its second run waits until there is a file `go`, and says so with a file `waits`."""
        with open(self.path("program"), "w", encoding="utf-8") as file:
            file.write(
                f'#!/bin/sh\nif [ "$1" = run ] && ! mkdir {self.path("first")} 2> /dev/null; then\n'
                '  for word; do [ "$before" != --output ] || output=$word; before=$word; done\n'
                f'  mkdir "$output"; : > {self.path("waits")}\n'
                f'  while [ ! -e {self.path("go")} ]; do sleep 0.02; done\n  rmdir "$output"\nfi\n'
                f'exec {job.default_program()} "$@"\n'
            )
        os.chmod(self.path("program"), 0o755)
        return self.path("program")

    def start_and_wait(self) -> list[str]:
        """Starts a job whose second part waits; returns its options, by which it can be started again."""
        self.shards("--groups", "40")
        one_machine.run(SPEC, [self.path("shards")], self.path("alone"), [])
        options = ["--partitions", "4", "--workers", "1", "--program", self.waiting_program()]
        self.child = self.start("job", *options)
        while not os.path.exists(self.path("waits")):
            self.assertIsNone(self.child.poll(), "the job ended before its second part")
            time.sleep(0.02)
        return options

    def assert_goes_on(self, options: list[str]):
        """The same command, again: nothing is done twice, and the job ends as if nothing had happened."""
        self.assertEqual(one_machine.content(self.path("job", "manifest.json")), b"")
        first = os.stat(self.path("job", "part-00000", "selected.jsonl")).st_mtime_ns
        open(self.path("go"), "w").close()
        status, said = self.end(self.start("job", *options))
        self.assertEqual(status, 0, said)
        self.assertEqual(os.stat(self.path("job", "part-00000", "selected.jsonl")).st_mtime_ns, first)
        self.assertEqual(one_machine.differences(self.path("alone"), self.path("job")), [])

    def test_a_job_that_is_interrupted_ends_its_programs_and_goes_on_later(self):
        options = self.start_and_wait()
        self.child.send_signal(signal.SIGINT)
        status, said = self.end(self.child)
        self.assertEqual((status, said.splitlines()[-1]), (
            130, "on_this_machine.py: stopped; parts that are complete stay, and the same command goes on from there",
        ))  # fmt: skip
        self.assertEqual(sorted(os.listdir(self.path("job"))), ["job.json", "part-00000"])
        self.assert_goes_on(options)

    def test_a_job_that_is_killed_goes_on_later(self):
        options = self.start_and_wait()
        self.child.kill()
        self.assertEqual(self.end(self.child), (-signal.SIGKILL, ""))
        self.assertIn(".part-00001.", str(os.listdir(self.path("job"))))
        self.assert_goes_on(options)

    def test_a_second_job_does_not_write_into_the_output_of_the_first(self):
        options = self.start_and_wait()
        status, said = self.job("job", *options[:2])
        self.assertEqual(status, 1)
        self.assertIn(f"another job is writing into {self.path('job')}; wait until it has ended, or name", said)
        open(self.path("go"), "w").close()
        self.assertEqual(self.end(self.child)[0], 0)
        self.assertEqual(one_machine.differences(self.path("alone"), self.path("job")), [])

    def test_a_task_of_a_lost_job_cannot_publish_what_was_swept_up(self):
        with self.assertRaises(FileNotFoundError), tasks.publishing(self.path("part-00000")) as scratch:
            os.mkdir(scratch)
            tasks.write_json(os.path.join(scratch, "part.json"), {})
            folder.sweep(self.folder)
            self.assertFalse(os.path.exists(scratch))
        self.assertEqual(os.listdir(self.folder), [])

    def test_shards_that_are_written_to_meanwhile(self):
        self.shards("--groups", "20")

        def engine(attempts: list) -> list:
            with open(self.path("shards", "shard-0000.jsonl"), "ab") as file:
                file.write(b"\n")
            return on_this_machine.engine(2)(attempts)

        words = [SPEC, "--input", self.path("shards"), "--output", self.path("job")]
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            self.assertEqual(job.main(job.arguments("").parse_args(words), engine), 1)
        self.assertIn("the shards were changed while the job ran", said.getvalue())
        self.assertFalse(os.path.exists(self.path("job", "manifest.json")))

    def test_an_engine_that_gives_up_is_quoted_by_the_line_that_says_why(self):
        spark = (
            "An exception was thrown from the Python worker:\nTraceback (most recent call last):\n  File \"x\", line 1"
            "\nsharding.program.ProgramDied: part-00001 (a.jsonl): the program was ended by signal 9\n SQLSTATE: 38000"
        )
        ray = '\x1b[36mray::<lambda>()\x1b[39m (pid=1)\n  File "x"\nOSError: [Errno 28] No space left on device'
        java = (
            "An error occurred while calling z:org.apache.spark.api.python.PythonRDD.collectAndServe.\n"
            ": org.apache.spark.SparkException: Job aborted due to stage failure: Lost task\nDriver stacktrace:\n\tat a.b"
        )
        self.assertEqual(
            job.cause(RuntimeError(spark)), "part-00001 (a.jsonl): the program was ended by signal 9"
        )
        self.assertEqual(job.cause(RuntimeError(ray)), "OSError: [Errno 28] No space left on device")
        self.assertEqual(
            job.cause(RuntimeError(java)),
            "org.apache.spark.SparkException: Job aborted due to stage failure: Lost task",
        )
        self.assertEqual(job.cause(RuntimeError("The worker died.\nSee logs.")), "The worker died.")
        self.assertEqual(job.cause(MemoryError()), "MemoryError")


class Careless(Folder):
    """Jobs that are given the wrong thing: said before anything runs, or without a loss."""

    def assert_refused(self, reason: str, *options: str, output: str = "job"):
        status, said = self.job(output, *options)
        self.assertEqual(status, 1, said)
        self.assertIn(reason, said)
        self.assertFalse(os.path.exists(self.path(output, "manifest.json")))

    def test_numbers_that_are_none(self):
        for option in ("--partitions", "--threads"):
            for value in ("0", "-3", "two", "1.5", ""):
                said = io.StringIO()
                words = [SPEC, "--input", "shards", "--output", "job", f"{option}={value}"]
                with self.subTest(words[-1]), contextlib.redirect_stderr(said), self.assertRaises(SystemExit):
                    job.arguments("").parse_args(words)
                self.assertIn(f"argument {option}: '{value}' is not a whole number from 1 on", said.getvalue())

    def test_something_else_than_the_program(self):
        self.shards("--groups", "4")
        self.assert_refused("there is no program /nowhere/shuffle-r1 on ", "--program", "/nowhere/shuffle-r1")
        self.assert_refused("true is not shuffle-r1: it does not print", "--program", "true")
        with open(self.path("foreign"), "wb") as file:
            file.write(b"\x7fELF of another processor")
        os.chmod(self.path("foreign"), 0o755)
        self.assert_refused("/foreign: Exec format error", "--program", self.path("foreign"))

    def test_a_spec_that_is_wrong_or_has_a_policy(self):
        self.shards("--groups", "4")
        self.assert_refused("'keep' is 4.0, it must lie above 0 and up to 1", "--set", "stages.pairwise-sample.keep=4")
        spec = {"source": {"prompts": "x.jsonl"}, "policy": {"use": "worker", "with": {"model": "x"}}, "stages": []}
        with open(self.path("spec.json"), "w", encoding="utf-8") as file:
            json.dump(spec, file)
        with self.assertRaisesRegex(job.plan.PlanError, "works with a policy, which learns from one batch to the next"):
            job.refuse(spec)

    def test_input_that_is_not_there_or_holds_nothing(self):
        os.mkdir(self.path("shards"))
        self.assert_refused(f"{self.path('shards')} holds no shards, files whose names end in .jsonl, .jsonl.gz")
        open(self.path("shards", "a.jsonl"), "w").close()
        self.assert_refused(f"{self.path('shards', 'a.jsonl')}: no line can be used")
        for path, reason in {
            self.path("nowhere"): "nowhere is not there; name a folder of shards, or shards",
            "/dev/null": "/dev/null is no file; shards are read more than once",
        }.items():
            with self.assertRaisesRegex(FileNotFoundError, reason):
                shards.find([path])

    def test_empty_shards_compressed_or_not_and_files_that_are_none(self):
        self.shards("--groups", "20")
        for name in ("a.jsonl", "shard-0001b.jsonl.zst", "shard-0002b.jsonl.gz", "_SUCCESS", ".hidden", "more.json"):
            open(self.path("shards", name), "w").close()
        os.mkdir(self.path("shards", "old.jsonl"))
        status, said = self.job("job", "--partitions", "3")
        self.assertEqual(status, 0, said)
        self.assertIn("note: more.json, old.jsonl in " + self.path("shards") + " are no shards and left out", said)
        with contextlib.redirect_stderr(io.StringIO()):
            one_machine.run(SPEC, [self.path("shards")], self.path("alone"), [])
        self.assertEqual(one_machine.differences(self.path("alone"), self.path("job")), [])

    def test_a_shard_with_a_torn_last_line(self):
        self.shards("--groups", "20")
        path = self.path("shards", "shard-0001.jsonl")
        os.truncate(path, os.path.getsize(path) - 40)
        status, said = self.job("job", "--partitions", "3")
        self.assertEqual(status, 0, said)
        self.assertIn("; 1 record could not be used, see bad-records.jsonl; ", said)
        one_machine.run(SPEC, [self.path("shards")], self.path("alone"), [])
        self.assertEqual(one_machine.differences(self.path("alone"), self.path("job")), [])
        self.assert_refused(path + ":80:", "--partitions", "3", "--set", "source.max_bad_records=0", output="strict")

    def test_a_group_that_lies_in_four_shards(self):
        self.shards("--groups", "3", "--shards", "16")
        one_machine.run(SPEC, [self.path("shards")], self.path("alone"), ['source.batch={"groups":1}'])
        status, said = self.job("job", "--partitions", "9", "--set", 'source.batch={"groups":1}')
        self.assertEqual((status, "3 parts" in said), (0, True), said)
        self.assertEqual(one_machine.differences(self.path("alone"), self.path("job")), [])

    def test_names_that_are_not_utf_8(self):
        self.shards("--groups", "4")
        odd = os.fsdecode(b"sh\xff.jsonl")
        shutil.copy(self.path("shards", "shard-0000.jsonl"), self.path("shards", odd))
        self.assert_refused("sh\\xff.jsonl' is not UTF-8; rename it")
        os.remove(self.path("shards", odd))
        self.assert_refused("is not UTF-8; rename it", output=os.fsdecode(b"out\xff"))
        self.assertEqual(sorted(os.listdir(self.folder)), ["shards"])

    def test_names_with_blanks_quotes_and_other_alphabets(self):
        self.shards("--groups", "20")
        os.rename(self.path("shards", "shard-0001.jsonl"), self.path("shards", "shard-0001 \"é\" '二'\n.jsonl"))
        one_machine.run(SPEC, [self.path("shards")], self.path("alone"), [])
        self.assertEqual(self.job("ö 'ut'", "--partitions", "3")[0], 0)
        self.assertEqual(one_machine.differences(self.path("alone"), self.path("ö 'ut'")), [])

    def test_zstd_is_not_installed(self):
        with open(self.path("a.jsonl.zst"), "wb") as file:
            file.write(b"\x28\xb5\x2f\xfd")
        with mock.patch.dict(os.environ, {"PATH": "/nowhere"}), \
                self.assertRaisesRegex(job.program.ProgramFailed, "a.jsonl.zst wants the program zstd, which "):  # fmt: skip
            shards.offsets(self.path("a.jsonl.zst"), [])

    def test_a_compressed_shard_that_becomes_shorter(self):
        with shards.gzip.open(self.path("a.jsonl.gz"), "wb") as file:
            file.write(os.urandom(1 << 16))
        os.truncate(self.path("a.jsonl.gz"), 1 << 15)
        with self.assertRaisesRegex(OSError, "a.jsonl.gz cannot be decompressed: .*; get the whole file"):
            shards.offsets(self.path("a.jsonl.gz"), [])

    def test_another_job_says_in_what_it_differs_and_one_that_came_to_nothing_may_be_changed(self):
        self.shards("--groups", "20")
        self.assert_refused("keeps no pair of any group", "--set", "stages.pairwise-sample.keep=0.01")
        self.assertEqual(self.job("job", "--partitions", "2")[0], 0)
        for options, reason in {
            ("--partitions", "3"): "which had --partitions 2",
            ("--partitions", "2", "--set", "seed=4"): "which had another 'seed' in its pipeline",
        }.items():
            status, said = self.job("job", *options)
            self.assertEqual((status, f"job holds another job, {reason}; name another" in said), (1, True), said)
        os.utime(self.path("shards", "shard-0000.jsonl"), (1, 1))
        status, said = self.job("job", "--partitions", "2")
        self.assertEqual((status, "of 4 other shards, or of these before they were changed" in said), (1, True), said)

    def test_output_that_is_something_else(self):
        self.shards("--groups", "4")
        before = sorted(os.listdir(self.path("shards")))
        self.assert_refused("shards is not empty and holds no job; name another folder", output="shards")
        self.assertEqual(sorted(os.listdir(self.path("shards"))), before)
        self.assert_refused("is a file; name a folder for the output", output="shards/shard-0000.jsonl")

    def test_a_complete_job_is_not_done_again_but_a_part_that_is_gone_is(self):
        self.shards("--groups", "20")
        options = ["--partitions", "3", "--set", "source.batch=all"]
        self.assertEqual(self.job("job", *options)[0], 0)
        before = one_machine.content(self.path("job", "manifest.json"))
        with mock.patch.object(job, "run_parts", side_effect=AssertionError):
            self.assertEqual(self.job("job", *options)[0], 0)
        shutil.rmtree(self.path("job", "part-00001"))
        self.assertEqual(self.job("job", *options)[0], 0)
        self.assertEqual(one_machine.content(self.path("job", "manifest.json")), before)
        self.assertEqual(sorted(os.listdir(self.path("job"))), ["job.json", "manifest.json"] + [
            f"part-0000{number}" for number in range(3)
        ])  # fmt: skip

    def test_taps_of_a_divided_batch_are_kept(self):
        self.shards("--groups", "12")
        stages = json.loads(one_machine.content(SPEC))["stages"]
        stages.insert(2, {"use": "tap", "name": "weighed"})
        options = ["--partitions", "3", "--set", "source.batch=all", "--set", f"stages={json.dumps(stages)}"]
        status, said = self.job("job", *options)
        self.assertEqual((status, "3 parts" in said), (0, True), said)
        taps = [self.path("job", f"part-0000{number}", "taps") for number in range(3)]
        self.assertEqual([os.listdir(tap) for tap in taps], [["weighed.jsonl"]] * 3)
        lines = [one_machine.content(os.path.join(tap, "weighed.jsonl")).count(b"\n") for tap in taps]
        self.assertEqual(sum(lines), 12 * 16)


class Collecting(Folder):
    def collect(self, output: str, into=subprocess.PIPE) -> subprocess.CompletedProcess:
        return subprocess.run([sys.executable, COLLECT, output], stdout=into, stderr=subprocess.PIPE, check=False)

    def test_a_folder_that_is_not_the_output_of_a_job_or_is_not_complete(self):
        done = self.collect(self.folder)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"is not the output of a job: no manifest.json", done.stderr)
        open(self.path("job.json"), "w").close()
        self.assertIn(b"is not complete; start its job again", self.collect(self.folder).stderr)

    def test_nobody_reads_on_or_there_is_no_room(self):
        self.shards("--groups", "200")
        for batch in ('{"groups":8}', "all"):
            output = "job" + batch[0]
            self.assertEqual(self.job(output, "--partitions", "2", "--set", f"source.batch={batch}")[0], 0)
            command = f"{sys.executable} {COLLECT} {self.path(output)}"
            done = subprocess.run(f"{command} | head -c 1", shell=True, capture_output=True, check=False)
            self.assertEqual((done.stdout, done.stderr), (b"{", b""))
            if os.path.exists("/dev/full"):
                with open("/dev/full", "wb") as full:
                    done = self.collect(self.path(output), full)
                self.assertEqual(done.returncode, 1)
                self.assertEqual(done.stderr, b"collect.py: error: [Errno 28] No space left on device\n")

    def test_more_parts_than_files_may_be_open(self):
        self.shards("--groups", "60")
        self.assertEqual(self.job("job", "--partitions", "20", "--set", "source.batch=all")[0], 0)
        done = subprocess.run(
            f"ulimit -Sn 24; {sys.executable} {COLLECT} {self.path('job')} | wc -l",
            shell=True, capture_output=True, text=True, check=True)  # fmt: skip
        kept = json.loads(one_machine.content(self.path("job", "manifest.json")))["totals"]["kept"]
        self.assertEqual((done.stdout.strip(), done.stderr), (str(kept), ""))
