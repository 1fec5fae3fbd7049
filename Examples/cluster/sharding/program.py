# SPDX-License-Identifier: Apache-2.0
"""Runs `shuffle-r1` as a child process, and says what it said when it fails."""

import ctypes
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable

LIBRARY = ctypes.CDLL(None) if sys.platform == "linux" else None
PR_SET_PDEATHSIG = 1
RUNNING: set[subprocess.Popen] = set()


class ProgramFailed(Exception):
    """The program refused its input or its spec: it would do so again on any other machine."""


class ProgramDied(OSError):
    """The program was ended from outside, for want of memory perhaps: another attempt may well succeed."""


def run(command: list[str], doing: str, feed: Iterable[bytes] = (), folder: str | None = None) -> bytes:
    """Runs a command to its end, `feed` on its standard input, and returns its standard output.

    A feed that raises ends the program, which would otherwise take half of its input for the whole.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        try:
            child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=errors, cwd=folder,
                                     preexec_fn=end_with_parent)  # fmt: skip
        except OSError as error:
            raise ProgramFailed(f"{doing}: cannot start {command[0]} on this machine: {error}") from error
        RUNNING.add(child)
        try:
            for block in feed:
                child.stdin.write(block)
        except BrokenPipeError:
            pass  # It has ended; why, its status says.
        except BaseException:
            child.kill()
            raise
        finally:
            try:
                child.stdin.close()
            except BrokenPipeError:
                pass
            status = child.wait()
            RUNNING.discard(child)
        output.seek(0)
        errors.seek(0)
        if status == 0:
            return output.read()
        said = errors.read().decode("utf-8", "replace").strip() or "it said nothing"
        if status < 0:
            hint = "; where that was for want of memory, make more parts, or run fewer at a time" if status == -9 else ""
            raise ProgramDied(f"{doing}: the program was ended by signal {-status}{hint}; before that: {said}")
        raise ProgramFailed(f"{doing}: the program ended with status {status}:\n{said}")


def end_all() -> None:
    """Ends what runs on other threads, which then say that it was ended."""
    for child in list(RUNNING):
        child.kill()


def end_with_parent() -> None:
    """Ends this process, on Linux, if a lost executor takes the task with it: its output would not be read."""
    if LIBRARY:
        LIBRARY.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
