#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the largest of each difference that the tests noted in a file: lines of what, difference and bound.

usage: difference_table.py FILE
"""

import sys

worst, bounds, count = {}, {}, {}
for line in open(sys.argv[1], encoding="utf-8"):
    what, difference, bound = line.rstrip("\n").split("\t")
    worst[what] = max(worst.get(what, 0.0), float(difference))
    bounds[what] = float(bound)
    count[what] = count.get(what, 0) + 1
for what, difference in sorted(worst.items()):
    print(f"  {what:75} {difference:.1e} of {bounds[what]:.0e} allowed, {count[what]} comparisons")
if not worst:
    sys.exit("no differences were noted")
