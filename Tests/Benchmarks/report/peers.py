# SPDX-License-Identifier: Apache-2.0
"""The viewers of others on the same rollouts: Inspect AI's in the same browser, verl's in its own terminal."""

import json
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
SHOWN = """async text => {
  const start = performance.now();
  while (!document.body.innerText.includes(text)) await new Promise(done => setTimeout(done, 5));
  return performance.now() - start; }"""


def peak_memory(process: subprocess.Popen) -> float:
    """The most memory that a process has had, in MiB."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


@contextmanager
def inspect_view(folder: Path):
    """Inspect AI's viewer on a folder of logs: its process and address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [Path(sys.executable).parent / "inspect", "view", "start", "--log-dir", folder, "--port", str(port)]
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def measure_inspect(browser, rollouts: Path, folder: Path) -> str:
    """Writes the log, opens it, filters it, opens a sample."""
    log = folder / "inspect" / "rollouts.eval"
    log.parent.mkdir(parents=True, exist_ok=True)
    if not log.exists():
        subprocess.run([sys.executable, HERE / "inspect_log.py", rollouts, log], check=True)
    count = sum(1 for _ in rollouts.open())
    with inspect_view(log.parent) as (process, address):
        page = browser.new_page(viewport={"width": 1300, "height": 900})
        page.set_default_timeout(600_000)
        start = time.perf_counter()
        page.goto(f"{address}/#/logs/rollouts.eval")
        page.evaluate(SHOWN, f"{count} rows")
        ready = time.perf_counter() - start
        heap = page.evaluate("performance.memory.usedJSHeapSize") / 2**20
        page.click(".cm-content")
        start = time.perf_counter()
        page.keyboard.insert_text("reward < 0.5")
        page.wait_for_function("text => /[0-9]+ (of [0-9]+ )?rows/.test(document.body.innerText) && !document.body.innerText.includes(text)", arg=f"\n{count} rows", polling=5)
        filtered = time.perf_counter() - start
        page.close()
        samples = []
        for group in (10, count // 32, count // 16 - 10):
            page = browser.new_page(viewport={"width": 1300, "height": 900})
            page.set_default_timeout(600_000)
            start = time.perf_counter()
            page.goto(f"{address}/#/logs/rollouts.eval/samples/sample/q{group}/3/messages")
            page.evaluate(SHOWN, "<think>")
            samples.append(time.perf_counter() - start)
            page.close()
        memory = peak_memory(process)
    return (
        f"inspect   all rows {ready:.2f} s, {heap:.0f} MiB in the page; a filter {filtered * 1000:.0f} ms, a sample by its address "
        f"{max(samples) * 1000:.0f} ms (the slowest of three); its server at most {memory:.0f} MiB; log {log.stat().st_size / 1e6:.0f} MB"
    )


def verl_folder(rollouts: Path, folder: Path) -> Path:
    """The rollouts as verl dumps them: a file for each step, named by its number."""
    output = folder / "verl"
    if output.exists():
        return output
    output.mkdir(parents=True)
    files: dict = {}
    with rollouts.open() as lines:
        for line in lines:
            record = json.loads(line)
            step = record["step"]
            if step not in files:
                files[step] = (output / f"{step + 1}.jsonl").open("w")
            row = {"input": record["prompt"][0]["content"][1]["text"], "output": record["response"], "gts": record["answer"], "score": record["reward"], "step": step + 1}
            files[step].write(json.dumps({**row, **record["rewards"]}, ensure_ascii=False) + "\n")
    for file in files.values():
        file.close()
    return output


def measure_verl(rollouts: Path, folder: Path) -> str:
    """Loads verl's dump into its viewer, where VERL_VIEWER names scripts/rollout_viewer.py of a checkout of verl."""
    viewer = os.environ.get("VERL_VIEWER")
    if not viewer:
        return "verl      not measured: VERL_VIEWER must name scripts/rollout_viewer.py of a checkout of verl, VERL_VIEWER_PYTHON a Python with what it imports"
    dump = verl_folder(rollouts, folder)
    size = sum(path.stat().st_size for path in dump.iterdir())
    python = os.environ.get("VERL_VIEWER_PYTHON", sys.executable)
    done = subprocess.run([python, HERE / "verl_viewer.py", viewer, dump], capture_output=True, text=True)
    if done.returncode:
        return f"verl      failed: {done.stderr.strip().splitlines()[-1]}"
    found = json.loads(done.stdout.strip().splitlines()[-1])
    return (
        f"verl      {found['rows']} rollouts, {size / 1e6:.0f} MB without tokens and images, loaded in {found['load_s']:.1f} s and {found['memory_mib']:.0f} MiB; "
        f"the next sample {found['sample_ms']:.0f} ms"
    )
