#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Puts ObservedMutex in the place of Synchronization's mutex in a copy of the sources: observe.py FOLDER."""
import pathlib
import re
import sys

folder = pathlib.Path(sys.argv[1])
for path in [*folder.glob("Sources/**/*.swift"), *folder.glob("Plugins/**/*.swift")]:
    text = path.read_text()
    found = re.search(r"^(public |package )?import Synchronization$", text, re.M)
    if not found:
        continue
    access = found.group(1) or ""
    lines = [f"{access}import ObservedMutex"]
    if "Atomic<" in text or "ordering:" in text:
        lines.append(f"{access}import struct Synchronization.Atomic")
    path.write_text(text.replace(found.group(0), "\n".join(lines)))

manifest = folder / "Package.swift"
text = manifest.read_text()
place = "for target in package.targets where !["
if place not in text:
    sys.exit("observe.py: Package.swift has no loop over its targets any more; mend this script")
manifest.write_text(
    text.replace(
        place,
        'package.targets.append(.target(name: "ObservedMutex", path: "Tests/Threads/ObservedMutex"))\n'
        'for target in package.targets where ![.system, .plugin].contains(target.type) && target.name != "ObservedMutex" {\n'
        '  target.dependencies.append("ObservedMutex")\n'
        "}\n\n" + place,
        1,
    )
)
