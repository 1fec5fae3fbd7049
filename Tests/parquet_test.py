#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads what `datasets` itself writes, and lets `datasets` and pyarrow read what the program writes.

    parquet_test.py PROGRAM          in an environment with datasets, pyarrow and pillow

Rows have the layouts of verl's, EasyR1's and TRL's data sets; images are bytes in them.
"""

import hashlib
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import datasets
import PIL.Image
import pyarrow
import pyarrow.parquet

datasets.disable_progress_bars()
PROGRAM = os.path.abspath(sys.argv[1])
ENVIRONMENT = {**os.environ, "SHUFFLE_R1_PYTHON": sys.executable}
IMAGES = datasets.Sequence(datasets.Image())
TEXT = datasets.Value("string")


def program(*arguments, fails=False):
    """What the program prints; on standard error where it is to fail."""
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, env=ENVIRONMENT)
    assert (done.returncode != 0) == fails, f"{arguments}: status {done.returncode}\n{done.stderr}"
    return done.stderr if fails else done.stdout


def png(colour):
    file = io.BytesIO()
    PIL.Image.new("RGB", (8, 8), colour).save(file, "PNG")
    return file.getvalue()


def records(path):
    return [json.loads(line) for line in pathlib.Path(path).read_text().splitlines()]


def parts(record):
    return [part for message in record["prompt"] if isinstance(message["content"], list) for part in message["content"]]


def check_images(path, pictures):
    """Every record has its picture, in a file beside the output, with the bytes that the row had."""
    for record, picture in zip(records(path), pictures, strict=True):
        addresses = [part["image"] for part in parts(record) if part["type"] == "image"]
        assert len(addresses) == 1, record
        assert (pathlib.Path(path).parent / addresses[0]).read_bytes() == picture, addresses


def verl():
    """verl's data set: messages, images, an answer inside an object."""
    pictures = [png((20 * index, 0, 0)) for index in range(10)]
    rows = [
        {
            "data_source": "geo3k", "ability": "math", "images": [{"bytes": picture, "path": None}],
            "prompt": [{"role": "user", "content": f"<image>What is {index} + {index}?"}],
            "reward_model": {"style": "rule", "ground_truth": str(2 * index)},
            "extra_info": {"split": "train", "index": index},
        }
        for index, picture in enumerate(pictures)
    ]
    features = datasets.Features({
        "data_source": TEXT, "ability": TEXT, "images": IMAGES, "prompt": [{"role": TEXT, "content": TEXT}],
        "reward_model": {"style": TEXT, "ground_truth": TEXT},
        "extra_info": {"split": TEXT, "index": datasets.Value("int64")},
    })
    data = datasets.Dataset.from_list(rows, features=features)
    data.to_parquet("verl.parquet")
    data.save_to_disk("verl-folder")
    datasets.DatasetDict({"train": data, "test": data.select([0])}).save_to_disk("verl-splits")
    for source in ["verl.parquet", "verl-folder", "verl-splits/train"]:
        os.makedirs("out", exist_ok=True)
        program("convert", "--force", source, "out/verl.jsonl")
        check_images("out/verl.jsonl", pictures)
        assert [record["answer"] for record in records("out/verl.jsonl")] == [str(2 * index) for index in range(10)]
    assert "verl-splits/train" in program("convert", "verl-splits", "out/x.jsonl", fails=True)
    # Back: bytes in the rows again, as the hub has them.
    program("convert", "--to", "verl-dataset", "--embed-images", "out/verl.jsonl", "back.parquet")
    back = datasets.load_dataset("parquet", data_files="back.parquet", split="train").cast_column("images", IMAGES)
    for row, picture in zip(back, pictures, strict=True):
        assert row["images"][0].tobytes() == PIL.Image.open(io.BytesIO(picture)).tobytes()
        assert row["prompt"][0]["content"].startswith("<image>What is"), row["prompt"]
        assert row["reward_model"]["ground_truth"].isdigit()


def easyr1():
    """EasyR1's data set: a problem with marks, images, an answer; and one without any image."""
    pictures = [png((0, 30 * index, 0)) for index in range(4)]
    rows = [
        {"images": [{"bytes": picture, "path": "a.png"}], "problem": "<image>How many?", "answer": str(index)}
        for index, picture in enumerate(pictures)
    ]
    features = datasets.Features({"images": IMAGES, "problem": TEXT, "answer": TEXT})
    datasets.Dataset.from_list(rows, features=features).to_parquet("easyr1.parquet")
    program("convert", "easyr1.parquet", "out/easyr1.jsonl")
    check_images("out/easyr1.jsonl", pictures)
    plain = [{"images": [], "problem": "What is 1 + 1?", "answer": "2"}]
    datasets.Dataset.from_list(plain, features=features).to_parquet("plain.parquet")
    program("convert", "plain.parquet", "out/plain.jsonl")
    assert len(records("out/plain.jsonl")) == 1 and parts(records("out/plain.jsonl")[0]) == []


def trl():
    """Completions as TRL logs them, in parquet with an integer step and rewards."""
    rows = [
        {"step": step, "prompt": f"Question {group}", "completion": f"Answer {index}", "correct": float(index % 2),
         "advantage": (index % 2) - 0.5}
        for step in range(2) for group in range(2) for index in range(4)
    ]
    datasets.Dataset.from_list(rows).to_parquet("trl.parquet")
    program("convert", "--from", "trl", "trl.parquet", "out/trl.jsonl")
    found = records("out/trl.jsonl")
    assert len(found) == 16 and len({record["group"] for record in found}) == 4
    assert [record["reward"] for record in found] == [row["correct"] for row in rows]
    program("convert", "--from", "trl", "--to", "trl", "trl.parquet", "trl-back.parquet")
    assert pyarrow.parquet.read_table("trl-back.parquet").num_rows == 16


def long():
    """Row groups are read one after the other: 200,000 rows take little memory."""
    table = pyarrow.table({
        "id": [f"r{index}" for index in range(200_000)], "group": [f"g{index // 8}" for index in range(200_000)],
        "prompt": ["x" * 200] * 200_000, "response": ["y" * 200] * 200_000,
    })
    pyarrow.parquet.write_table(table, "long.parquet", row_group_size=20_000)
    program("convert", "long.parquet", "out/long.jsonl")
    digest = hashlib.sha256()
    for record in records("out/long.jsonl"):
        digest.update(record["id"].encode())
    expected = hashlib.sha256("".join(table["id"].to_pylist()).encode())
    assert digest.digest() == expected.digest()


def mixed():
    """What parquet cannot hold is refused with the column's name."""
    lines = [
        {"id": "a", "group": "g", "prompt": "text", "response": "x"},
        {"id": "b", "group": "g", "prompt": [{"role": "user", "content": "text"}], "response": "x"},
    ]
    pathlib.Path("mixed.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert "'prompt'" in program("convert", "mixed.jsonl", "mixed.parquet", fails=True)
    assert not os.path.exists("mixed.parquet")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.makedirs("out")
        for test in [verl, easyr1, trl, long, mixed]:
            test()
            print(f"parquet: {test.__name__}: {' '.join(test.__doc__.split())}")
    print("parquet: all passed")
