#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns TRL's completion logs (parquet) into lines of JSON, and back.

    completions_to_jsonl.py completions/*.parquet > completions.jsonl
    completions_to_jsonl.py --to-parquet completions.parquet < completions.jsonl

Needs pyarrow. Rows keep the order of their files, columns that of the table. Empty cells and NaN are null.
"""

import argparse
import json
import math
import sys

import pyarrow as pa
import pyarrow.parquet as pq

FIRST = ["step", "prompt", "completion"]


def without_nan(value):
    """The value with null in place of NaN and infinities, which JSON does not have."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list):
        return [without_nan(element) for element in value]
    if isinstance(value, dict):
        return {key: without_nan(element) for key, element in value.items()}
    return value


def without_filling(value):
    """Messages without the nulls that a parquet struct fills in for keys which only other messages have."""
    if isinstance(value, list):
        return [without_filling(element) for element in value]
    if isinstance(value, dict):
        return {
            key: without_filling(element)
            for key, element in value.items()
            if element is not None or (key == "content" and "role" in value)
        }
    return value


def to_jsonl(paths, out):
    for path in paths:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=256):
                for row in batch.to_pylist():
                    row = without_nan(row)
                    row.pop("__index_level_0__", None)
                    for key in ("prompt", "completion"):
                        if key in row:
                            row[key] = without_filling(row[key])
                    out.write(json.dumps(row, ensure_ascii=False, default=str) + "\n")


def to_parquet(lines, path):
    rows = [json.loads(line) for line in lines if line.strip()]
    names = list(FIRST)
    for row in rows:
        names += [name for name in row if name not in names]
    try:
        columns = {name: pa.array([row.get(name) for row in rows]) for name in names}
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        sys.exit(f"completions_to_jsonl.py: a column mixes kinds of values, which parquet cannot hold: {error}")
    pq.write_table(pa.table(columns), path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parquet", nargs="*", help="files to read, in this order")
    parser.add_argument("--to-parquet", metavar="FILE", help="read lines from standard input, write FILE")
    arguments = parser.parse_args()
    if bool(arguments.parquet) == bool(arguments.to_parquet):
        parser.error("name parquet files to read, or a file to write with --to-parquet")
    if arguments.to_parquet:
        to_parquet(sys.stdin, arguments.to_parquet)
    else:
        to_jsonl(arguments.parquet, sys.stdout)


if __name__ == "__main__":
    main()
