#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Grades the same pairs with Math-Verify, mathruler and math-answer on one core, and prints what each took."""

import argparse
import json
import logging
import os
import platform
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

from pairs import KINDS, pairs

HERE = Path(__file__).resolve().parent
PROBE = HERE.parents[2] / ".build/release/math-answer-probe"


def with_math_verify(drawn):
    """Verdicts and seconds of Math-Verify, which wants formulas between dollar signs."""
    from math_verify import parse, verify

    logging.disable(logging.CRITICAL)
    start = time.perf_counter()
    verdicts = [bool(verify(parse(f"${gold}$"), parse(f"${given}$"))) for _, gold, given, _ in drawn]
    return verdicts, time.perf_counter() - start


def with_mathruler(drawn):
    """Verdicts and seconds of mathruler."""
    from mathruler.grader import grade_answer

    start = time.perf_counter()
    verdicts = [bool(grade_answer(given, gold)) for _, gold, given, _ in drawn]
    return verdicts, time.perf_counter() - start


def with_ours(drawn, *, texts: bool):
    """Verdicts and seconds of math-answer, of the answers or of the texts that Math-Verify gets."""
    mark = "$" if texts else ""
    lines = "".join(json.dumps([f"{mark}{given}{mark}", f"{mark}{gold}{mark}"]) + "\n" for _, gold, given, _ in drawn)
    command = [str(PROBE), "--seconds", *(["--texts"] if texts else [])]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=True)
    return [word == "equal" for word in done.stdout.split()], float(done.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=1450, help="how many pairs (default 1450)")
    parser.add_argument("--seed", type=int, default=1, help="which pairs (default 1)")
    parser.add_argument("--show", action="store_true", help="print every pair that a program gets wrong")
    arguments = parser.parse_args()

    core = sorted(os.sched_getaffinity(0))[-1] if hasattr(os, "sched_setaffinity") else None
    if core is not None:
        os.sched_setaffinity(0, {core})
    drawn = pairs(arguments.pairs, arguments.seed)
    truth = [is_equal for *_, is_equal in drawn]
    print(
        f"{len(drawn)} pairs of {len(KINDS)} kinds, {sum(truth)} of them equal; one core; Python"
        f" {platform.python_version()}, Math-Verify {version('math-verify')}, mathruler {version('mathruler')}"
    )

    programs = {
        "Math-Verify": with_math_verify(drawn),
        "mathruler": with_mathruler(drawn),
        "math-answer": with_ours(drawn, texts=False),
        "math-answer, texts": with_ours(drawn, texts=True),
    }
    print(f"{'':20} {'pairs/s':>10} {'right':>8} {'wrongly equal':>14} {'wrongly different':>18}")
    for name, (verdicts, seconds) in programs.items():
        right = sum(found == is_equal for found, is_equal in zip(verdicts, truth))
        too_kind = sum(found and not is_equal for found, is_equal in zip(verdicts, truth))
        print(
            f"{name:20} {len(drawn) / seconds:10.0f} {right / len(drawn):8.1%} {too_kind:14}"
            f" {len(drawn) - right - too_kind:18}"
        )
        if arguments.show:
            for (kind, gold, given, is_equal), found in zip(drawn, verdicts):
                if found != is_equal:
                    print(f"    {kind}: {gold} | {given} is {'equal' if is_equal else 'different'}")

    ours, texts = programs["math-answer"], programs["math-answer, texts"]
    for name, mine in (("Math-Verify", texts), ("mathruler", ours)):
        verdicts, seconds = programs[name]
        agreed = sum(a == b for a, b in zip(verdicts, mine[0]))
        print(f"against {name}: {seconds / mine[1]:.0f} times as fast, {agreed / len(drawn):.1%} of the verdicts the same")
    return 0 if ours[0] == truth and texts[0] == truth else 1


if __name__ == "__main__":
    sys.exit(main())
