# SPDX-License-Identifier: Apache-2.0
"""Turns files of columns into lines of JSON and back, for shuffle-r1.

    shuffle_r1_columns.py read FILE FOLDER NAME     parquet, Arrow or a datasets folder to JSON lines on standard output
    shuffle_r1_columns.py write LINES [embed]       JSON lines to parquet on standard output

Rows are read batch by batch, so that memory does not grow with the file. Images that a row holds as bytes are written to
FOLDER, under the SHA-256 of their bytes; the row then names the file, as NAME/SHA-256.png. Needs pyarrow, whose own readers
do the reading. A fault is one line on standard error, and status 2; status 3 says that there is no pyarrow.
"""

import base64
import datetime
import decimal
import hashlib
import json
import os
import re
import signal
import sys
import tempfile

# What lies in the working folder is data, not modules.
sys.path[:] = [path for path in sys.path if path]

BATCH = 512
SIGNATURES = [
    (b"\x89PNG\r\n\x1a\n", ".png"), (b"\xff\xd8\xff", ".jpg"), (b"GIF8", ".gif"), (b"BM", ".bmp"),
    (b"II*\0", ".tif"), (b"MM\0*", ".tif"),
]


class Fault(Exception):
    """What the user should know."""


def extension(data):
    """The file name extension of an image's bytes; None where they are no image."""
    for signature, name in SIGNATURES:
        if data.startswith(signature):
            return name
    return ".webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None


class Images:
    """A folder of images, each stored once."""

    def __init__(self, folder, name):
        self.folder = folder
        self.name = name
        self.known = set()

    def path(self, data, name):
        digest = hashlib.sha256(data).hexdigest()
        file = digest + name
        path = os.path.join(self.folder, file)
        if digest not in self.known:
            self.known.add(digest)
            if not (os.path.isfile(path) and os.path.getsize(path) == len(data)):
                self.write(path, data)
        return os.path.join(self.name, file)

    def write(self, path, data):
        try:
            os.makedirs(self.folder, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self.folder, prefix=".")
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except OSError as error:
            raise Fault(
                f"its images cannot be written to {self.folder} ({error.strerror}); convert it to a folder of your own: "
                "shuffle-r1 convert FILE rows.jsonl --images FOLDER")


def plain(value, images):
    """A value as JSON has it."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, dict):
        data = value.get("bytes")
        if isinstance(data, (bytes, bytearray)) and set(value) <= {"bytes", "path"}:
            return picture(bytes(data), value.get("path"), images)
        # A column of objects fills what an object lacks with nulls; a message without content has one of its own.
        return {str(key): plain(item, images) for key, item in value.items() if item is not None or key == "content"}
    if isinstance(value, (list, tuple)):
        return [plain(item, images) for item in value]
    if isinstance(value, (bytes, bytearray)):
        return picture(bytes(value), None, images)
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    return str(value)


def picture(data, path, images):
    """Bytes as the path of a file if they are an image, as base64 if they are none."""
    name = extension(data)
    if name:
        return {"path": images.path(data, name)}
    return {"bytes": base64.b64encode(data).decode(), **({"path": path} if path else {})}


def files_of(path):
    """The files of a path: itself, or those of a folder that holds one split of a data set."""
    if not os.path.isdir(path):
        return [path]
    if os.path.isfile(os.path.join(path, "dataset_dict.json")):
        splits = sorted(name for name in os.listdir(path) if os.path.isdir(os.path.join(path, name)))
        raise Fault(f"it holds several splits; name one of them: {', '.join(os.path.join(path, name) for name in splits)}")
    state = os.path.join(path, "state.json")
    if os.path.isfile(state):
        with open(state, encoding="utf-8") as file:
            listed = json.load(file).get("_data_files") or []
        return [os.path.join(path, os.path.basename(entry["filename"])) for entry in listed]
    for folder in (path, os.path.join(path, "data")):
        if not os.path.isdir(folder):
            continue
        names = sorted(name for name in os.listdir(folder) if name.endswith((".parquet", ".arrow")))
        splits = sorted({re.sub(r"-\d{5}-of-\d{5}.*|\.parquet$|\.arrow$", "", name) for name in names})
        if len(splits) > 1:
            raise Fault(
                f"it holds several splits ({', '.join(splits)}); name the files of one, such as "
                + os.path.join(folder, splits[0] + "*"))
        if names:
            return [os.path.join(folder, name) for name in names]
    raise Fault("it is a folder without .parquet or .arrow files; name the files to read")


def batches(path):
    """The record batches of a file, in order."""
    import pyarrow.ipc
    import pyarrow.parquet

    with open(path, "rb") as file:
        magic = file.read(8)
    if magic.startswith(b"PAR1"):
        with pyarrow.parquet.ParquetFile(path) as file:
            yield from file.iter_batches(batch_size=BATCH)
    elif magic.startswith(b"ARROW1"):
        with pyarrow.memory_map(path) as source, pyarrow.ipc.open_file(source) as reader:
            for index in range(reader.num_record_batches):
                yield reader.get_batch(index)
    else:
        with pyarrow.memory_map(path) as source, pyarrow.ipc.open_stream(source) as reader:
            yield from reader


def read(path, folder, name):
    """Writes the rows of a file or folder as lines."""
    out = sys.stdout.buffer
    for file in files_of(path):
        for batch in batches(file):
            for start in range(0, batch.num_rows, BATCH):
                images = Images(folder, name)
                rows = batch.slice(start, BATCH).to_pylist(maps_as_pydicts="strict")
                lines = [
                    json.dumps({key: plain(value, images) for key, value in row.items()}, ensure_ascii=False)
                    for row in rows
                ]
                out.write("".join(line + "\n" for line in lines).encode("utf-8", "surrogatepass"))
    out.flush()


def chunks(path):
    """The rows of a file of lines, some thousands at a time."""
    rows = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.strip():
                rows.append(json.loads(line))
            if len(rows) == 4096:
                yield rows
                rows = []
    if rows:
        yield rows


def write(lines, embeds):
    """Writes lines as parquet; its columns are those of all lines together."""
    import pyarrow
    import pyarrow.parquet

    def table(rows, schema=None):
        if embeds:
            rows = [embedded(row) for row in rows]
        keys = list(dict.fromkeys(key for row in rows for key in row))
        columns = {}
        for key in [field.name for field in schema] if schema else keys:
            try:
                columns[key] = pyarrow.array(
                    [row.get(key) for row in rows], type=schema.field(key).type if schema else None)
            except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError, pyarrow.ArrowNotImplementedError) as error:
                raise mixed(key, error)
        return pyarrow.table(columns, schema=schema) if schema else pyarrow.table(columns)

    schema = None
    for rows in chunks(lines):
        found = table(rows).schema
        try:
            schema = found if schema is None else pyarrow.unify_schemas([schema, found], promote_options="permissive")
        except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError) as error:
            raise mixed(None, error)
    if schema is None:
        raise Fault("there are no rows to write")
    sink = pyarrow.PythonFile(sys.stdout.buffer, mode="w")
    with pyarrow.parquet.ParquetWriter(sink, schema) as writer:
        for rows in chunks(lines):
            writer.write_table(table(rows, schema))


def mixed(key, error):
    """A column of several types, which parquet cannot hold."""
    column = f"the column '{key}'" if key else "a column"
    return Fault(
        f"{column} holds values of several types, which parquet cannot ({' '.join(str(error).split())}); write JSONL, or "
        "convert to a format whose columns have one type")


def embedded(row):
    """A row whose images are bytes, as data sets on the Hugging Face hub have them."""
    for key in ("images", "image"):
        value = row.get(key)
        if isinstance(value, list):
            row = {**row, key: [stored(item) for item in value]}
        elif value is not None:
            row = {**row, key: stored(value)}
    return row


def stored(item):
    path = item if isinstance(item, str) else (item or {}).get("path") or (item or {}).get("image")
    if not isinstance(path, str):
        return item
    if path.startswith("data:"):
        return {"bytes": base64.b64decode(path.split(",", 1)[1]), "path": None}
    try:
        with open(path, "rb") as file:
            return {"bytes": file.read(), "path": os.path.basename(path)}
    except OSError as error:
        raise Fault(f"the image {path} cannot be read ({error.strerror})")


def main(arguments):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        return 3
    try:
        if arguments[0] == "read":
            read(*arguments[1:])
        else:
            write(arguments[1], embeds="embed" in arguments[2:])
    except Fault as fault:
        print(fault, file=sys.stderr)
        return 2
    except (pyarrow.ArrowException, OSError, ValueError, KeyError) as error:
        print(" ".join(str(error).split())[:500] or type(error).__name__, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
