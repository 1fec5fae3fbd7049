# SPDX-License-Identifier: Apache-2.0
"""Shards: JSONL files, plain or compressed, that together hold the rollouts in the order of their names."""

import gzip
import os
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from .program import ProgramFailed

SUFFIXES = (".jsonl", ".jsonl.gz", ".jsonl.zst")
BLOCK = 1 << 20
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Slice(NamedTuple):
    """Whole lines of a shard, by the bytes of its text, decompressed."""

    shard: int
    begin: int
    end: int
    line: int  # the number of the first, from 1


def find(inputs: list[str]) -> list[str]:
    """The shards of folders, by name, and files as they are named."""
    found = []
    for path in inputs:
        if os.path.isdir(path):
            visible = sorted(name for name in os.listdir(path) if name[0] not in "._")
            names = [name for name in visible if name.endswith(SUFFIXES) and os.path.isfile(os.path.join(path, name))]
            if not names:
                raise FileNotFoundError(f"{path} holds no shards, files whose names end in {', '.join(SUFFIXES)}")
            if others := [name for name in visible if name not in set(names)]:
                print(
                    f"note: {', '.join(others[:3])}{', …' if len(others) > 3 else ''} in {path} "
                    f"{'is no shard' if len(others) == 1 else 'are no shards'} and left out; the name of a shard ends "
                    f"in {', '.join(SUFFIXES)}",
                    file=sys.stderr,
                )
            found += [os.path.join(path, name) for name in names]
        elif os.path.isfile(path):
            found.append(path)
        elif os.path.exists(path):
            raise FileNotFoundError(f"{path} is no file; shards are read more than once, and from the middle")
        else:
            raise FileNotFoundError(f"{path} is not there; name a folder of shards, or shards")
    return found


@contextmanager
def open_text(path: str) -> Iterator[BinaryIO]:
    """A shard's text, decompressed; an empty file has none, whatever its name is."""
    if path.endswith(".zst") and os.path.getsize(path):
        # Python has no zstd of its own before 3.14.
        try:
            child = subprocess.Popen(["zstd", "-dcq", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        except OSError as error:
            raise ProgramFailed(
                f"{path} wants the program zstd, which {os.uname().nodename} cannot start: install it there, or "
                "compress with gzip"
            ) from error
        try:
            yield child.stdout
            if child.stdout.read(1) == b"" and child.wait() != 0:
                raise OSError(f"{path}: {child.stderr.read().decode('utf-8', 'replace').strip()}")
        finally:
            child.kill()
            child.communicate()
    else:
        with gzip.open(path) if path.endswith(".gz") else Path(path).open("rb") as file:
            try:
                yield file
            except (EOFError, zlib.error) as error:
                raise OSError(f"{path} cannot be decompressed: {error}; get the whole file") from error


def blocks(path: str, slices: list[Slice]) -> Iterator[tuple[Slice, bytes]]:
    """The text of ascending slices of one shard, in blocks of whole lines, each with its slice."""
    with open_text(path) as file:
        position = 0
        for piece in slices:
            if file.seekable():
                file.seek(piece.begin)
            else:
                while position < piece.begin:
                    position += len(file.read(min(BLOCK, piece.begin - position)) or _ended(path))
            position = piece.begin
            while position < piece.end:
                block = file.read(min(BLOCK, piece.end - position)) or _ended(path)
                if position + len(block) < piece.end:
                    block += file.readline()
                position += len(block)
                if position == len(block):
                    block = block.removeprefix(BYTE_ORDER_MARK)
                # The last line of a file may go without an end; before the next one it needs it.
                yield piece, block if block.endswith(b"\n") else block + b"\n"


def offsets(path: str, lines: list[int]) -> tuple[list[int], int]:
    """Where ascending lines begin in a shard's text, and where the text ends."""
    found: list[int] = []
    line, position = 1, 0
    with open_text(path) as file:
        while block := file.read(BLOCK):
            start = 0
            while len(found) < len(lines):
                while line < lines[len(found)]:
                    start = block.find(b"\n", start) + 1
                    if start == 0:
                        break
                    line += 1
                if line < lines[len(found)]:
                    break
                found.append(position + start)
            position += len(block)
    return found, position


def _ended(path: str) -> bytes:
    raise OSError(f"{path} became shorter while it was being read; start again when it is no longer being written")
