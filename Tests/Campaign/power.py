# SPDX-License-Identifier: Apache-2.0
"""What a power cut leaves of a folder, made from the record that `faults.c` writes.

A file holds what was in it when it was last waited for (`fsync`), a folder the names that it had when it was: POSIX
promises no more. File systems keep more than that, and not always the same, so that there are several ways to cut.
"""

import random
import struct
from pathlib import Path

HEAD = struct.Struct("<5Q")


class File:
    def __init__(self, data=b""):
        self.data, self.kept = bytearray(data), None


class Link:
    def __init__(self, target):
        self.target = target


class Folder:
    def __init__(self):
        self.names, self.kept = {}, {}


def read(path: Path) -> list:
    """The calls of a record: name, path, other path, offset, bytes."""
    data, position, calls = path.read_bytes(), 0, []
    while position < len(data):
        sizes = HEAD.unpack_from(data, position)
        position += HEAD.size
        parts = []
        for size in (sizes[0], sizes[1], sizes[2], sizes[4]):
            parts.append(data[position : position + size])
            position += size
        calls.append((parts[0].decode(), parts[1].decode(), parts[2].decode(), sizes[3], parts[3]))
    return calls


def existing(path: Path):
    """A folder on the disk, all of which is kept."""
    if path.is_symlink():
        return Link(str(path.readlink()))
    if path.is_file():
        file = File(path.read_bytes())
        file.kept = bytes(file.data)
        return file
    folder = Folder()
    if path.exists():
        folder.names = {each.name: existing(each) for each in path.iterdir()}
    folder.kept = dict(folder.names)
    return folder


class Disk:
    """The folder `root`, call by call."""

    def __init__(self, root: Path, was: Folder):
        self.root, self.top = root, was

    def _parts(self, path: str) -> list:
        return [part for part in Path(path).relative_to(self.root).parts]

    def _find(self, path: str):
        node = self.top
        for part in self._parts(path):
            node = node.names.get(part) if isinstance(node, Folder) else None
        return node

    def _parent(self, path: str):
        parts = self._parts(path)
        node = self.top
        for part in parts[:-1]:
            node = node.names[part]
        return node, parts[-1]

    def do(self, call, path, other, offset, data) -> None:
        if path.endswith(" (deleted)"):
            return
        if call == "create":
            parent, name = self._parent(path)
            parent.names[name] = File()
        elif call == "truncate":
            self._find(path).data = bytearray()
        elif call == "write":
            file = self._find(path)
            if len(file.data) < offset:
                file.data.extend(bytes(offset - len(file.data)))
            file.data[offset : offset + len(data)] = data
        elif call == "resize":
            file = self._find(path)
            file.data = file.data[:offset] + bytes(max(0, offset - len(file.data)))
        elif call == "fsync":
            node = self._find(path)
            if isinstance(node, Folder):
                node.kept = dict(node.names)
            elif isinstance(node, File):
                node.kept = bytes(node.data)
        elif call == "mkdir":
            parent, name = self._parent(path)
            parent.names[name] = Folder()
        elif call == "symlink":
            parent, name = self._parent(path)
            parent.names[name] = Link(other)
        elif call == "unlink":
            parent, name = self._parent(path)
            parent.names.pop(name, None)
        elif call in ("rename", "link", "exchange"):
            (parent, name), (target, new) = self._parent(path), self._parent(other)
            node, was = parent.names[name], target.names.get(new)
            if call == "rename":
                del parent.names[name]
            target.names[new] = node
            if call == "exchange":
                parent.names[name] = was
        else:
            raise ValueError(call)

    def cut(self, folder: Path, how: str, random_: random.Random) -> None:
        """Writes what is left into an empty folder.

        strict   what was waited for, and nothing else
        names    every name is there, and of bytes what was waited for
        mixed    of every folder and file either this or that, of a file perhaps a part of what was written since
        """
        self._write(self.top, folder, how, random_)

    def _write(self, node, path: Path, how: str, random_: random.Random) -> None:
        if isinstance(node, Link):
            path.symlink_to(node.target)
        elif isinstance(node, File):
            kept = node.kept or b""
            data = bytes(node.data)
            if how == "mixed" and data != kept:
                # Of bytes that were added, any part; of others, all or none.
                least = len(kept) if data.startswith(kept) else len(data)
                kept = random_.choice([kept, data, data[: random_.randint(least, len(data))]])
            path.write_bytes(kept)
        else:
            path.mkdir(exist_ok=True)
            keeps = how == "strict" or (how == "mixed" and random_.random() < 0.5)
            for name, child in (node.kept if keeps else node.names).items():
                self._write(child, path / name, how, random_)
