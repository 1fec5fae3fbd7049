# SPDX-License-Identifier: Apache-2.0
"""Folders that are written once, as a whole: a complete folder is left alone, and a partial one is never visible."""

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Callable

STAMP = "complete.json"


def digest(*files: str | Path) -> str:
    """The SHA-256 of files, one after the other."""
    return hashlib.sha256(b"".join(Path(file).read_bytes() for file in files)).hexdigest()


def stamp(folder: Path, origin: str) -> str:
    """What a complete folder is recognised by: where it comes from, the sizes of its files, and the number of its images."""
    sizes = {path.name: path.stat().st_size for path in sorted(folder.glob("*.jsonl"))}
    images = {path.name: len(os.listdir(path)) for path in sorted((folder / "images").iterdir())}
    return json.dumps({"origin": origin, "files": sizes, "images": images}) + "\n"


def is_complete(folder: Path, origin: str) -> bool:
    try:
        return (folder / STAMP).read_text() == stamp(folder, origin)
    except OSError:
        return False


def make(folder: Path, origin: str, write: Callable[[Path, Path], None]) -> None:
    """Has a folder written, unless it is complete: `write(target, scratch)` beside it, then it takes its name."""
    folder = folder.resolve()
    if is_complete(folder, origin):
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
        target = Path(scratch) / "made"
        target.mkdir()
        write(target, Path(scratch))
        (target / STAMP).write_text(stamp(target, origin))
        try:
            if folder.exists():
                folder.rename(Path(scratch) / "old")
            target.rename(folder)
        except OSError:
            # Another process may have been faster.
            if not is_complete(folder, origin):
                raise


def write_records(path: Path, records: list[dict]) -> None:
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        for record in records:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
