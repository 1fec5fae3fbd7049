#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks Plugins/Tools/Trackers/track.py with a real client, offline: every value of a run must arrive once, unchanged.

usage: check_client.py wandb|swanlab|mlflow      with the Python that has the client

Follows a run, which is killed and resumed; the tracker too is stopped on the way and started again. Then reads what the
client has written, with the client's own code, and compares with metrics.jsonl and timings.jsonl.
"""

import json
import os
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from interrupted_run import ROOT, InterruptedRun

COPIES = 12  # of 24 groups, each a step
Values = dict  # (name, step) -> [value, …]


def wandb_values(scratch: Path) -> tuple:
    """The history in the .wandb files, which are records in LevelDB's log format."""
    from wandb.proto.wandb_internal_pb2 import Record

    values, configs, ids = Values(), [], set()
    for path in sorted(scratch.glob("wandb/offline-run-*/run-*.wandb")):
        data, position, record = path.read_bytes(), 7, b""
        while position + 7 <= len(data):
            room = 32768 - position % 32768
            if room < 7:
                position += room
                continue
            _, length, kind = struct.unpack("<IHB", data[position : position + 7])
            record += data[position + 7 : position + 7 + length]
            position += 7 + length
            if kind not in (1, 4):  # whole, or the last part
                continue
            message, record = Record.FromString(record), b""
            if message.HasField("run"):
                ids.add(message.run.run_id)
                configs.append({item.key: json.loads(item.value_json) for item in message.run.config.update})
            if message.HasField("history"):
                items = {"/".join(item.nested_key): json.loads(item.value_json) for item in message.history.item}
                for name, value in items.items():
                    if not name.startswith("_"):
                        values.setdefault((name, items["_step"]), []).append(value)
    assert len(ids) == 1, f"several remote runs: {ids}"
    return values, configs


def swanlab_values(scratch: Path) -> tuple:
    import yaml
    from swanlab.proto.swanlab.record.v1.record_pb2 import Record
    from swanlab.sdk.internal.core_python.store import DataStoreReader

    values, configs = Values(), []
    for path in sorted(scratch.glob("swanlog/run-*/run-*.swanlab")):
        reader = DataStoreReader()
        reader.open(path)
        for data in reader:
            record = Record.FromString(data)
            if record.HasField("scalar"):
                scalar = record.scalar
                values.setdefault((scalar.key, scalar.step), []).append(scalar.value.number)
        config = yaml.safe_load((path.parent / "files/config.yaml").read_text())
        configs.append({name: entry["value"] for name, entry in config.items()})
    return values, configs


def mlflow_values(scratch: Path) -> tuple:
    import mlflow

    client = mlflow.MlflowClient("sqlite:///mlflow.db")
    [experiment] = [found for found in client.search_experiments() if found.name == "check"]
    [run] = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED" and run.info.run_name == "run", run.info
    assert run.data.params["stages.2.use"] == "pairwise-sample", run.data.params
    values = Values()
    for name in run.data.metrics:
        for metric in client.get_metric_history(run.info.run_id, name):
            values.setdefault((name, metric.step), []).append(metric.value)
    tables = [file.path for file in client.list_artifacts(run.info.run_id, "rollouts")]
    assert tables == [f"rollouts/step-{step:06}.json" for step in range(COPIES * 24)], tables
    table = mlflow.artifacts.load_dict(f"{run.info.artifact_uri}/{tables[-1]}")
    records = map(json.loads, (scratch / "run/selected.jsonl").read_text().splitlines())
    last = next(record for record in records if record["step"] == COPIES * 24 - 1)
    assert [row[0] for row in table["data"]] == [last["id"]], table
    return values, [mlflow.artifacts.load_dict(f"{run.info.artifact_uri}/resolved.json")]


def follow(client: str, folder: Path) -> subprocess.Popen:
    words = [sys.executable, str(ROOT / "Plugins/Tools/Trackers/track.py"), str(folder), "--to", client, "--follow"]
    words += ["--offline", "--project", "check", "--every", "0.05", "--rollouts", "1" if client == "mlflow" else "0"]
    return subprocess.Popen(words, stdout=subprocess.DEVNULL, start_new_session=True)


def wait_until_sent(client: str, run: InterruptedRun, step: int, tracker: subprocess.Popen) -> None:
    memory = run.folder / f".tracker-{client}.json"
    while not memory.exists() or json.loads(memory.read_text())["last_step"] < step:
        assert tracker.poll() is None, "the tracker has ended"
        time.sleep(0.01)


def main(client: str) -> None:
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        os.chdir(scratch)  # the clients write where they are started
        run = InterruptedRun(scratch, COPIES)
        tracker = follow(client, run.folder)  # before there is a run
        killed = run.start_and_kill(40)
        wait_until_sent(client, run, 10, tracker)
        os.killpg(tracker.pid, signal.SIGINT)  # as a terminal does: to the client's own processes too
        assert tracker.wait() == 0
        run.resume()
        tracker = follow(client, run.folder)
        assert tracker.wait() == 0
        lines = run.lines()
        expected = Values()
        for step, line in enumerate(lines):
            for name, value in line.items():
                if isinstance(value, dict):
                    if client == "wandb":
                        edges = value["edges"]
                        bins = [2 * edges[0] - edges[1], *edges, 2 * edges[-1] - edges[-2]]
                        histogram = {"values": value["counts"], "bins": bins, "_type": "histogram"}
                        expected |= {(f"{name}/{part}", step): [found] for part, found in histogram.items()}
                elif value is not None:
                    expected[name, step] = [value]
        values, configs = {"wandb": wandb_values, "swanlab": swanlab_values, "mlflow": mlflow_values}[client](scratch)
        wrong = [key for key in expected | values if values.get(key) != expected.get(key)]
        for key in wrong[:5]:
            print(f"  {key}: expected {expected.get(key)}, found {values.get(key)}")
        assert not wrong, f"{len(wrong)} of {len(expected)} values differ"
        resolved = json.loads((run.folder / "resolved.json").read_text())
        assert configs and all(config["stages"] == resolved["stages"] for config in configs), configs
        print(f"{client}: {len(expected)} values of {len(lines)} steps, killed after {killed}, arrived once and unchanged")


if __name__ == "__main__":
    main(sys.argv[1])
