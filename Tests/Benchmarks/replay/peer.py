#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The replay as plain Python would do it, with orjson and NumPy: the program that ours is measured against.

Reads every record, gives it its GRPO advantage, keeps the outermost pairs of each group, redraws the
pairs in rounds, and writes each survivor in full. The whole file is one batch, of step 0. Draws come
from the same counter-based generator as ours, so that survivors, pairs and draws are equal.
"""

import argparse
import gc
import json
import os
import resource
import sys
import time

import numpy as np
import orjson


def fnv1a64(text: str) -> int:
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def grpo(rewards: np.ndarray, starts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """(r - mean) / (std + 1e-6) in each group, std with n - 1; exactly 0 where all rewards are equal.

    `rewards` lies group by group; group g begins at `starts[g]` and has `sizes[g]` members.
    """
    centred = rewards - np.repeat(np.add.reduceat(rewards, starts) / sizes, sizes)
    deviation = np.sqrt(np.add.reduceat(centred**2, starts) / np.maximum(sizes - 1, 1))
    equal = np.minimum.reduceat(rewards, starts) == np.maximum.reduceat(rewards, starts)
    return np.where(np.repeat(equal, sizes), 0.0, centred / (np.repeat(deviation, sizes) + 1e-6))


def outermost_pairs(advantages, starts, sizes, keep: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(better, worse, rank) of every kept pair, as positions in `advantages`; groups in order, then rank."""
    order = np.lexsort((-advantages, np.repeat(np.arange(len(sizes)), sizes)))  # stable: ties keep input order
    kept = np.floor(keep * (sizes // 2) + 1e-9).astype(int)
    rank = np.arange(kept.sum()) - np.repeat(np.cumsum(kept) - kept, kept)
    first, last = np.repeat(starts, kept), np.repeat(starts + sizes - 1, kept)
    return order[first + rank], order[last - rank], rank


def shuffled(weights: np.ndarray, rounds: int, seed: int, step: int = 0) -> np.ndarray:
    """The redrawn batch: pair numbers, `rounds` weighted draws without replacement behind each other."""
    count = len(weights)
    if not weights.any():
        return np.arange(count)
    drawn = []
    for number in range(rounds):
        stream = np.random.Philox(key=[seed, fnv1a64("shuffle")], counter=[0, step, number, 0])
        raw = stream.random_raw(count)
        uniform = ((raw >> np.uint64(11)).astype(float) + 0.5) * 2.0**-53
        weighted = weights > 0
        key = np.full(count, np.inf)
        key[weighted] = -np.log(uniform[weighted]) / weights[weighted]
        order = np.lexsort((np.where(weighted, 0, raw), key))  # pairs of weight 0 last, in the order of raw
        drawn.append(order[: count // rounds + (number < count % rounds)])
    return np.concatenate(drawn)


def select(records: list[dict], keep: float, rounds: int, seed: int) -> list[dict]:
    """The survivors in file order, with `advantage`, `pair` and `draws` added."""
    groups: dict[str, list[int]] = {}
    for position, record in enumerate(records):
        groups.setdefault(record["group"], []).append(position)
    sizes = np.array([len(members) for members in groups.values()])
    starts = np.cumsum(sizes) - sizes
    place = np.array([position for members in groups.values() for position in members])  # grouped -> in the file

    advantages = grpo(np.array([records[position]["reward"] for position in place], float), starts, sizes)
    better, worse, rank = outermost_pairs(advantages, starts, sizes, keep)
    weights = np.abs(advantages[better]) + np.abs(advantages[worse])
    draws: list[list[int]] = [[] for _ in rank]
    for position, pair in enumerate(shuffled(weights, rounds, seed).tolist()):
        draws[pair] += (2 * position, 2 * position + 1)

    place, advantages, weights, rank = place.tolist(), advantages.tolist(), weights.tolist(), rank.tolist()
    survivors = []
    for pair, members in enumerate(zip(better.tolist(), worse.tolist())):
        if not draws[pair]:
            continue
        for side, own, other in (("high", *members), ("low", *members[::-1])):
            record, partner = records[place[own]], records[place[other]]["id"]
            record["advantage"] = advantages[own]
            record["pair"] = {"rank": rank[pair], "side": side, "weight": weights[pair], "partner": partner}
            record["draws"] = draws[pair][side == "low" :: 2]
            survivors.append(place[own])
    return [records[position] for position in sorted(survivors)]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("input")
    options.add_argument("output")
    options.add_argument("--keep", type=float, default=0.5)
    options.add_argument("--rounds", type=int, default=8)
    options.add_argument("--seed", type=int, default=1)
    options = options.parse_args()

    gc.disable()  # parsed records hold no cycles; looking for them takes a good part of the time
    clock = [time.perf_counter()]
    records, read = [], 0
    with open(options.input, "rb") as lines:
        for line in lines:
            records.append(orjson.loads(line))
            read += len(line)
    clock.append(time.perf_counter())

    survivors = select(records, options.keep, options.rounds, options.seed)
    clock.append(time.perf_counter())

    with open(options.output, "wb", buffering=1 << 20) as out:
        for record in survivors:
            out.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
    clock.append(time.perf_counter())

    phases = dict(zip(("read_and_parse", "select", "write"), np.diff(clock).round(3).tolist()))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    report = {
        "read": len(records), "written": len(survivors), "seconds": phases,
        "mb_per_second": round(read / (clock[-1] - clock[0]) / 1e6, 1), "peak_rss_mb": round(peak / 1e6, 1),
    }
    print(json.dumps(report), flush=True)
    os._exit(0)  # without taking millions of objects apart first


if __name__ == "__main__":
    main()
