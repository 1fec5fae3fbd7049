#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes what the parts of a job hold to standard output, in the order of the input: one machine's file.

Where the manifest says that the parts are in order, `cat OUTPUT/part-*/selected.jsonl` does the same.
"""

import argparse
import heapq
import os
import shutil
import sys

from sharding.tasks import read_json


def placed(part: str, file: str):
    """The lines of a part with the places in the input from which they come."""
    with open(os.path.join(part, "places"), "rb") as places, open(os.path.join(part, file), "rb") as lines:
        for place, line in zip(places, lines, strict=True):
            yield tuple(map(int, place.split())), line


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", help="the folder of a job")
    options = parser.parse_args()
    manifest = read_json(os.path.join(options.output, "manifest.json"))
    parts = [os.path.join(options.output, part["name"]) for part in manifest["parts"]]
    if manifest["order"] == "parts":
        for part in parts:
            with open(os.path.join(part, "selected.jsonl"), "rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer, 1 << 20)
        return
    for _, line in heapq.merge(*(placed(part, "selected.jsonl") for part in parts)):
        sys.stdout.buffer.write(line)


if __name__ == "__main__":
    main()
