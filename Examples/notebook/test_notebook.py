#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the cells of run.ipynb in order against a run, where pandas and polars are; prints what it did.

usage: test_notebook.py RUN
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> None:
    try:
        import pandas  # noqa: F401
        import polars  # noqa: F401
    except ImportError as error:
        print(f"notebook: {error.name} is not installed; the cells were not run")
        return
    sys.path.insert(0, str(HERE))
    names: dict = {}
    cells = [cell for cell in json.loads((HERE / "run.ipynb").read_text())["cells"] if cell["cell_type"] == "code"]
    for number, cell in enumerate(cells, 1):
        exec(compile("".join(cell["source"]), f"cell {number}", "exec"), names)
        if number == 1:
            names["run"] = sys.argv[1]
    rows = [json.loads(line) for line in (Path(sys.argv[1]) / "lineage.jsonl").read_text().splitlines()]
    assert len(names["lineage"]) == len(rows)
    assert abs(names["lineage"]["reward"].mean() - sum(row["reward"] for row in rows) / len(rows)) < 1e-12
    assert names["most"]["times"].max() == max(len(row.get("draws", [])) for row in rows)
    print(f"notebook: {len(cells)} cells ran")


if __name__ == "__main__":
    main()
