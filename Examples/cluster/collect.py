#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes what the parts of a job hold to standard output, in the order of the input: one machine's file.

Where the manifest says that the parts are in order, `cat OUTPUT/part-*/selected.jsonl` does the same.
"""

import argparse
import heapq
import os
import resource
import shutil
import sys

from sharding.tasks import read_json


def placed(part: str, file: str):
    """The lines of a part with the places in the input from which they come."""
    with open(os.path.join(part, "places"), "rb") as places, open(os.path.join(part, file), "rb") as lines:
        for place, line in zip(places, lines, strict=True):
            yield tuple(map(int, place.split())), line


def write(output: str) -> None:
    """Writes what the parts of a job hold."""
    manifest = read_json(os.path.join(output, "manifest.json"))
    parts = [os.path.join(output, part["name"]) for part in manifest["parts"]]
    if manifest["order"] == "parts":
        for part in parts:
            with open(os.path.join(part, "selected.jsonl"), "rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer, 1 << 20)
    else:
        # Two files of every part are open at a time.
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        for _, line in heapq.merge(*(placed(part, "selected.jsonl") for part in parts)):
            sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", help="the folder of a job")
    output = parser.parse_args().output
    if not os.path.exists(os.path.join(output, "manifest.json")):
        there = os.path.exists(os.path.join(output, "job.json"))
        what = "is not complete; start its job again" if there else "is not the output of a job: no manifest.json"
        print(f"collect.py: error: {output} {what}", file=sys.stderr)
        return 1
    try:
        write(output)
    except (OSError, ValueError) as error:
        # What could not be written is not tried again at the end of the program.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            print(f"collect.py: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
