#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the largest of each difference that the tests show, from their output on standard input."""

import sys

worst, count, failed = {}, {}, False
for line in sys.stdin:
    failed |= line.startswith("✘") or "error:" in line
    if not line.startswith("difference\t"):
        if line.startswith("✘") or "error:" in line or "Test run with" in line:
            print(line, end="")
        continue
    _, what, difference, bound = line.rstrip("\n").split("\t")
    if what not in worst or float(difference) > worst[what][0]:
        worst[what] = (float(difference), float(bound))
    count[what] = count.get(what, 0) + 1
for what, (difference, bound) in sorted(worst.items()):
    print(f"  {what:75} {difference:.1e} of {bound:.0e} allowed, {count[what]} comparisons")
if failed or not worst:
    sys.exit("tests failed" if failed else "no differences were shown")
