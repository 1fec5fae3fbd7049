# SPDX-License-Identifier: Apache-2.0
"""Frames of the policy wire protocol: a JSON header and named binary payloads. Standard library only.

Schemas/policy-wire.md describes the protocol.
"""

from __future__ import annotations

import json
import struct
import threading
from dataclasses import dataclass, field
from typing import Any, BinaryIO

PROTOCOL = 2
MAGIC = b"SR1W"
PREFIX = struct.Struct("<4sIQ")  # magic, bytes of the header, bytes of all payloads
HEADER_LIMIT = 16 << 20
BODY_LIMIT = 64 << 30
WIDTHS = {"uint8": 1, "int32": 4, "uint64": 8, "float32": 4}


class WireError(Exception):
    """A violation of the protocol."""


@dataclass
class Payload:
    """An array: little-endian, in row-major order."""

    dtype: str
    shape: tuple[int, ...]
    data: Any  # anything with the buffer protocol

    @property
    def byte_count(self) -> int:
        count = WIDTHS[self.dtype]
        for side in self.shape:
            count *= side
        return count


@dataclass
class Frame:
    """A message."""

    header: dict[str, Any]
    payloads: dict[str, Payload] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        return str(self.header.get("kind", ""))

    @property
    def id(self) -> int:
        return int(self.header.get("id", 0))

    def payload(self, name: str, dtype: str) -> Payload:
        """A payload that the kind of message requires."""
        found = self.payloads.get(name)
        if found is None:
            raise WireError(f"the message '{self.kind}' has no payload '{name}'")
        if found.dtype != dtype:
            raise WireError(f"the payload '{name}' of the message '{self.kind}' is {found.dtype}, it must be {dtype}")
        return found


def encode(frame: Frame) -> list[Any]:
    """The bytes of a frame, as buffers in order."""
    described = [
        {"name": name, "dtype": payload.dtype, "shape": list(payload.shape)} for name, payload in frame.payloads.items()
    ]
    header = dict(frame.header) | ({"payloads": described} if described else {})
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    size = 0
    for name, payload in frame.payloads.items():
        given = memoryview(payload.data).nbytes
        if given != payload.byte_count:
            raise WireError(f"the payload '{name}' has {given} bytes, its shape makes {payload.byte_count}")
        size += given
    return [PREFIX.pack(MAGIC, len(text), size) + text] + [payload.data for payload in frame.payloads.values()]


def _read(stream: BinaryIO, count: int) -> bytearray:
    """Exactly this many bytes; EOFError if the stream ends before."""
    data = bytearray(count)
    view, done = memoryview(data), 0
    while done < count:
        got = stream.readinto(view[done:])  # type: ignore[attr-defined]
        if not got:
            raise EOFError
        done += got
    return data


def read(stream: BinaryIO) -> Frame:
    """The next frame; EOFError at the end of the stream, WireError for anything other than a frame."""
    magic, header_size, body_size = PREFIX.unpack(_read(stream, PREFIX.size))
    if magic != MAGIC:
        raise WireError(f"a frame begins with {MAGIC!r}, found {bytes(magic)!r}")
    if header_size > HEADER_LIMIT or body_size > BODY_LIMIT:
        raise WireError(f"a frame of {header_size} and {body_size} bytes is larger than any message")
    try:
        header = json.loads(_read(stream, header_size))
    except ValueError as error:
        raise WireError(f"the header of a frame is not JSON: {error}") from None
    if not isinstance(header, dict) or not isinstance(header.get("kind"), str):
        raise WireError("the header of a frame is an object with a 'kind'")
    body, start = memoryview(_read(stream, body_size)), 0
    frame = Frame(header)
    for described in header.pop("payloads", []):
        payload = Payload(described["dtype"], tuple(described["shape"]), b"")
        if payload.dtype not in WIDTHS:
            raise WireError(f"the payload '{described['name']}' has the unknown type {payload.dtype}")
        end = start + payload.byte_count
        if end > body_size:
            raise WireError(f"the payload '{described['name']}' is longer than its frame")
        payload.data = body[start:end]
        frame.payloads[described["name"]] = payload
        start = end
    if start != body_size:
        raise WireError(f"a frame has {body_size - start} bytes more than its payloads")
    return frame


class Connection:
    """The two directions of a pipe or socket; whole frames may be written from several threads."""

    def __init__(self, reader: BinaryIO, writer: BinaryIO):
        self._reader = reader
        self._writer = writer
        self._lock = threading.Lock()

    def read(self) -> Frame:
        return read(self._reader)

    def write(self, frame: Frame) -> None:
        buffers = encode(frame)
        with self._lock:
            for buffer in buffers:
                self._writer.write(buffer)
            self._writer.flush()
