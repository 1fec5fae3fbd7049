# SPDX-License-Identifier: Apache-2.0
"""The output folder of a job: whose it is, what lies in it, and what of that is no longer wanted."""

import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from .plan import PlanError
from .tasks import Job, read_json

LEFTOVER = re.compile(r"\.[\w-]+\.[0-9a-f]{32}")
PARTIAL = re.compile(r"manifest\.json\.[0-9a-f]{32}")


def fingerprint(job: Job, resolved: dict, partitions: int | None) -> dict:
    """By what a job that was interrupted is known."""
    resolved = {**resolved, "source": {key: value for key, value in resolved["source"].items() if key != "rollouts"}}
    files = [[path, os.path.getsize(path), os.stat(path).st_mtime_ns] for path in job.shards]
    digest = hashlib.sha256(json.dumps(files).encode()).hexdigest()
    return {"pipeline": resolved, "partitions": partitions, "shards": len(files), "shards_sha256": digest}


@contextmanager
def claimed(output: str, wanted: dict) -> Iterator[None]:
    """Makes the output folder, or goes on in that of the same job, and keeps every other job out of it.

    The lock is the system's, on `job.json`: it goes with the process that holds it, however that ends.
    """
    if os.path.exists(output) and not os.path.isdir(output):
        raise PlanError(f"{output} is a file; name a folder for the output")
    os.makedirs(output, exist_ok=True)
    path = os.path.join(output, "job.json")
    if not os.path.exists(path) and any(name[0] != "." for name in os.listdir(output)):
        raise PlanError(f"{output} is not empty and holds no job; name another folder")
    with open(path, "a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise PlanError(
                f"another job is writing into {output}; wait until it has ended, or name another folder"
            ) from error
        except OSError as error:
            if error.errno not in (errno.ENOTSUP, errno.ENOSYS, errno.ENOLCK, errno.EINVAL):
                raise
            print(f"note: there are no locks where {output} lies; let no other job write into it", file=sys.stderr)
        file.seek(0)
        text = file.read()
        if text != (ours := json.dumps(wanted, indent=2, ensure_ascii=False) + "\n"):
            if any(name == ".work" or name[0] != "." for name in os.listdir(output) if name != "job.json"):
                raise PlanError(f"{output} holds another job, {difference(text, wanted)}; name another folder")
            file.truncate(0)  # nothing has come of that job, or this one is new
            file.write(ours)
            file.flush()
            os.fsync(file.fileno())
        yield


def difference(text: str, wanted: dict) -> str:
    """In what the job of a folder differs from the one that is wanted."""
    held = json.loads(text)
    if held["partitions"] != wanted["partitions"]:
        was = "no --partitions" if held["partitions"] is None else f"--partitions {held['partitions']}"
        return f"which had {was}"
    if held["pipeline"] != wanted["pipeline"]:
        names = sorted(held["pipeline"].keys() | wanted["pipeline"].keys())
        other = [name for name in names if held["pipeline"].get(name) != wanted["pipeline"].get(name)]
        return f"which had another {', '.join(repr(name) for name in other)} in its pipeline"
    return f"of {held['shards']} other shards, or of these before they were changed"


def complete(output: str) -> dict | None:
    """The manifest of a job that is complete; where parts are missing again, it goes."""
    path = os.path.join(output, "manifest.json")
    if not os.path.exists(path):
        return None
    manifest = read_json(path)
    if all(os.path.isdir(os.path.join(output, part["name"])) for part in manifest["parts"]):
        return manifest
    os.remove(path)
    return None


def sweep(output: str) -> None:
    """Removes what tasks that were killed had begun.

    It loses its name first, by which a task that lives on elsewhere would publish what is left of it.
    """
    for folder in (os.path.join(output, name) for name in ("", ".work", ".work/groups")):
        for name in os.listdir(folder) if os.path.isdir(folder) else []:
            path, away = os.path.join(folder, name), os.path.join(folder, f".swept.{uuid.uuid4().hex}")
            if LEFTOVER.fullmatch(name):
                try:
                    os.rename(path, away)
                except FileNotFoundError:
                    continue  # published, or swept up by its own task
                shutil.rmtree(away, ignore_errors=True)
            elif PARTIAL.fullmatch(name):
                os.remove(path)
