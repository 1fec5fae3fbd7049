# SPDX-License-Identifier: Apache-2.0
"""Writes what a study found: table.md, results.json and the plots."""

import json
import os
from pathlib import Path

from .arms import ARMS
from .charts import COLORS, Curve, Panel, svg
from .jobs import write
from .plan import CELLS, TASKS, Task
from .results import Finished, finished
from .statistics import at, first_reaching, half_width, mean, smoothed, summary
from .study import Study
from .tables import comparison_tables, conditions_table

# Differences that answer a question each, taken seed by seed: both have the same start model and the same prompts.
PAIRS = (
    ("pts", "grpo-16"),
    ("pts", "random-half"),
    ("shuffle-r1", "grpo-16"),
    ("shuffle-r1", "pts"),
    ("shuffle-r1", "reweight"),
    ("shuffle", "grpo-16"),
    ("dapo", "grpo-8"),
)
# Figures that are shown over time, by the name of their series.
OVER_TIME = {
    "zero-variance": "groups without variance",
    "all-wrong": "groups all wrong",
    "actor/rollout_util_rate": "utilisation, trained on",
    "data/rollout_util_rate": "utilisation, generated",
    "update/collapsed_share": "|A| < 0.1, trained on",
}


def reference(runs: dict) -> str:
    return next((arm for arm in ("grpo-16", "grpo-8") if arm in runs), next(iter(runs)))


def compare(study: Study, task: Task, runs: dict[str, list[Finished]]) -> dict:
    """Everything that the tables say, as plain data."""
    every = [run for found in runs.values() for run in found]
    tokens, seconds = min(run.tokens[-1] for run in every), min(run.seconds[-1] for run in every)
    level = mean(run.accuracy[-1] for run in runs[reference(runs)])
    arms = {}
    for arm, found in runs.items():
        curves = [(run, smoothed(run.accuracy)) for run in found]
        arms[arm] = {
            "title": ARMS[arm].title,
            "seeds": [run.seed for run in found],
            "rate": study.rates(task)[arm],
            "final": {
                how: {name: summary(run.final(how, name) for run in found) for name in ("", *task.categories)}
                for how in study.final(task)
            },
            "at_equal_tokens": summary(at(run.tokens, ys, tokens) for run, ys in curves),
            "at_equal_seconds": summary(at(run.seconds, ys, seconds) for run, ys in curves),
            "steps_to_level": summary(first_reaching(run.steps, ys, level) for run, ys in curves),
            "tokens_to_level": summary(first_reaching(run.tokens, ys, level) for run, ys in curves),
            "seconds_to_level": summary(first_reaching(run.seconds, ys, level) for run, ys in curves),
            "tokens": summary(run.tokens[-1] for run in found),
            "seconds_a_step": summary(run.seconds[-1] / run.steps[-1] for run in found),
            "rollout_seconds": mean(run.seconds_of(("rollout",)) for run in found),
            "update_seconds": mean(run.seconds_of(("update",)) for run in found),
            "selection_seconds": mean(run.seconds_of(("pairwise-sample", "shuffle")) for run in found),
            "over_time": {
                name: {"first": mean(mean(ys[:10]) for ys in values), "last": mean(mean(ys[-10:]) for ys in values)}
                for name in OVER_TIME
                if (values := [run.series(name) for run in found if run.knows(name)])
            },
        }
    return {
        "task": task.name,
        "setting": study.setting_name,
        "steps": study.setting.steps,
        "warm_starts": min(study.setting.warm_starts, study.setting.seeds),
        "cores": os.cpu_count(),
        "equal_tokens": tokens,
        "equal_seconds": seconds,
        "reference": {"arm": reference(runs), "level": level},
        "arms": arms,
        "differences": differences(task, runs),
    }


def differences(task: Task, runs: dict) -> list[dict]:
    found = []
    for one, other in PAIRS:
        if one not in runs or other not in runs:
            continue
        others = {run.seed: run for run in runs[other]}
        pairs = [(run, others[run.seed]) for run in runs[one] if run.seed in others]
        if pairs:
            ends = {
                how: summary(run.final(how, task.main) - base.final(how, task.main) for run, base in pairs)
                for how in ("T = 1", "T = 0.5")
            }
            found.append({"one": one, "other": other, **ends})
    return found


def mean_curve(arm: str, found: list[Finished], xs: str, band: bool) -> Curve:
    """The mean over seeds, point by point, with the 95 % interval of that mean."""
    columns = list(zip(*(smoothed(run.accuracy) for run in found)))
    middle = [mean(column) for column in columns]
    where = [mean(column) for column in zip(*(getattr(run, xs) for run in found))]
    widths = [half_width(column) for column in columns]
    curve = Curve(COLORS[arm], where, middle, title=ARMS[arm].title)
    if band and widths[0] is not None:
        curve.low = [y - width for y, width in zip(middle, widths)]
        curve.high = [y + width for y, width in zip(middle, widths)]
    return curve


def learning_plot(task: Task, runs: dict) -> str:
    """One panel for each arm, with the reference in grey behind it."""
    base = reference(runs)
    panels = []
    for arm, found in runs.items():
        behind = [] if arm == base else [mean_curve(base, runs[base], "steps", False)]
        curves = [*behind, mean_curve(arm, found, "steps", True)]
        panels.append(Panel(ARMS[arm].title, curves, "steps"))
    return svg(panels, 5 if len(panels) > 6 else 3)


def cost_plot(runs: dict) -> str:
    legend = {ARMS[arm].title: COLORS[arm] for arm in runs}
    panels = [
        Panel(f"accuracy by {title}", [mean_curve(arm, found, xs, False) for arm, found in runs.items()], title)
        for xs, title in (("steps", "steps"), ("tokens", "generated tokens"), ("seconds", "seconds of one core"))
    ]
    return svg(panels, 3, legend)


def utilisation_plot(runs: dict) -> str:
    legend = {ARMS[arm].title: COLORS[arm] for arm in runs}
    panels = []
    for name, title in OVER_TIME.items():
        curves = []
        for arm, found in runs.items():
            if not all(run.knows(name) for run in found):
                continue
            ys = smoothed([mean(column) for column in zip(*(run.series(name) for run in found))], 9)
            curves.append(Curve(COLORS[arm], list(range(1, len(ys) + 1)), ys, title=ARMS[arm].title))
        panels.append(Panel(title, curves, "steps"))
    return svg(panels, 3, legend)


def write_report(study: Study, task: Task, folder: Path) -> None:
    """Writes the tables and plots of a comparison, from as many runs as are finished."""
    runs = finished(study, task)
    if not runs:
        print(f"{task.name}: no finished runs to report")
        return
    folder.mkdir(parents=True, exist_ok=True)
    study.record_rates(task, folder)
    results = compare(study, task, runs)
    table = comparison_tables(results, task)
    write(folder / "results.json", json.dumps(results, indent=1) + "\n")
    write(folder / "table.md", table)
    write(folder / "learning.svg", learning_plot(task, runs))
    write(folder / "cost.svg", cost_plot(runs))
    write(folder / "utilisation.svg", utilisation_plot(runs))
    print(f"\n{table}\nwrote {folder}")


def distinct_share(line: dict) -> float:
    """Different trajectories, of those trained on."""
    return line["data/trained_distinct"] / line["data/trained_trajectories"]


def write_conditions(study: Study, cells: list[str], folder: Path) -> None:
    """Writes the table of the conditions study, from as many runs as are finished."""
    found = {}
    for name in cells:
        task = TASKS[CELLS[name].task]
        for arm in study.condition_arms():
            for seed in range(1, study.setting.condition_seeds + 1):
                where = study.condition_folder(name, arm, seed)
                if (where / "result.json").exists():
                    run = Finished(where, arm, seed, task.metric)
                    figures = {
                        "accuracy": run.accuracy[-1],
                        "zero-variance": mean(run.series("zero-variance")),
                        "all-wrong": mean(run.series("all-wrong")[:5]),
                        "distinct": mean(distinct_share(line) for line in run.metrics),
                    }
                    found.setdefault(name, {}).setdefault(arm, {})[seed] = figures
    if not found:
        return
    folder.mkdir(parents=True, exist_ok=True)
    table = conditions_table(found)
    write(folder / "results.json", json.dumps(found, indent=1) + "\n")
    write(folder / "table.md", table)
    print(f"\n{table}\nwrote {folder}")
