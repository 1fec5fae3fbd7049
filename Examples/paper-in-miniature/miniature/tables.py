# SPDX-License-Identifier: Apache-2.0
"""The tables of a study in Markdown."""

from .arms import ARMS
from .plan import CELLS, Task
from .statistics import summary


def figure(found: dict, form: str = ".3f", signed: bool = False) -> str:
    """A mean and half of its interval; how many seeds got there, where not all did."""
    if found["mean"] is None:
        return "–"
    sign = "+" if signed else ""
    text = f"{found['mean']:{sign}{form}}"
    if found["half_width"] is not None:
        text += f" ± {found['half_width']:{form}}"
    reached = sum(value is not None for value in found["values"])
    return text if reached == len(found["values"]) else f"{text} ({reached} of {len(found['values'])})"


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def comparison_tables(results: dict, task: Task) -> str:
    arms = results["arms"]
    seeds = sorted({seed for arm in arms.values() for seed in arm["seeds"]})
    parts = [
        f"# {results['task']}, setting {results['setting']}\n",
        f"{results['steps']} steps; seeds {', '.join(map(str, seeds))} over {results['warm_starts']} warm start(s); "
        "mean ± half of the 95 % interval over seeds (t distribution). Held-out pictures.\n",
        "## After the same number of steps\n",
        final_table(arms, task),
        "## At equal cost\n",
        f"Accuracy at T = 1 ({task.main or 'all questions'}), read from the curves: at {results['equal_tokens']:,.0f} "
        f"generated tokens and at {results['equal_seconds']:.0f} s of one core; and what it takes to come up to the "
        f"final {results['reference']['level']:.3f} of {ARMS[results['reference']['arm']].title}.\n",
        cost_table(arms),
        "## Differences, seed by seed\n",
        differences_table(results["differences"], task),
        "## Collapsing and silencing: mean of the first → of the last 10 steps\n",
        over_time_table(arms),
    ]
    return "\n".join(parts)


def final_table(arms: dict, task: Task) -> str:
    names = [name for name in task.categories] if task.main else ["", *task.categories]
    columns = [(how, name) for how in ("T = 1", "T = 0.5", "greedy") for name in names]
    head = ["arm", "seeds", "rate", *(f"{name or 'all'}, {how}" for how, name in columns)]
    rows = [
        [
            arm["title"],
            str(len(arm["seeds"])),
            f"{arm['rate']:g}",
            *(figure(arm["final"][how][name]) for how, name in columns),
        ]
        for arm in arms.values()
    ]
    return table(head, rows)


def cost_table(arms: dict) -> str:
    head = [
        "arm", "at equal tokens", "at equal time", "steps to GRPO's end", "tokens to it, k", "seconds to it",
        "s a step", "rollout + update", "selection, ms",
    ]  # fmt: skip
    rows = []
    for arm in arms.values():
        tokens = arm["tokens_to_level"]
        thousands = {
            "mean": tokens["mean"] and tokens["mean"] / 1e3,
            "half_width": tokens["half_width"] and tokens["half_width"] / 1e3,
            "values": tokens["values"],
        }
        rows.append(
            [
                arm["title"],
                figure(arm["at_equal_tokens"]),
                figure(arm["at_equal_seconds"]),
                figure(arm["steps_to_level"], ".0f"),
                figure(thousands, ".0f"),
                figure(arm["seconds_to_level"], ".0f"),
                figure(arm["seconds_a_step"], ".2f"),
                f"{arm['rollout_seconds']:.2f} + {arm['update_seconds']:.2f}",
                f"{arm['selection_seconds'] * 1e3:.2f}",
            ]
        )
    return table(head, rows)


def differences_table(found: list[dict], task: Task) -> str:
    how_sampled = ("T = 1", "T = 0.5")
    head = ["difference", *(f"{task.main or 'all'}, {how}" for how in how_sampled)]
    rows = [
        [
            f"{ARMS[pair['one']].title} − {ARMS[pair['other']].title}",
            *(figure(pair[how], signed=True) for how in how_sampled),
        ]
        for pair in found
    ]
    return table(head, rows)


def over_time_table(arms: dict) -> str:
    titles = {
        "zero-variance": "groups without variance",
        "all-wrong": "groups all wrong",
        "actor/rollout_util_rate": "`actor/rollout_util_rate`",
        "data/rollout_util_rate": "`data/rollout_util_rate`",
        "update/collapsed_share": "trained on with abs(A) < 0.1",
    }
    rows = [[arm["title"], *(change(arm["over_time"].get(name)) for name in titles)] for arm in arms.values()]
    return table(["arm", *titles.values()], rows)


def change(found: dict | None) -> str:
    return f"{found['first']:.2f} → {found['last']:.2f}" if found else "–"


def conditions_table(found: dict) -> str:
    """Accuracy at T = 1 of each cell and arm, and what the shuffle adds to pairs, seed by seed."""
    arms = [arm for arm in ARMS if any(arm in cell for cell in found.values())]
    head = [
        "condition", "seeds", *(ARMS[arm].title for arm in arms), "shuffle − pairs alone", "groups without variance",
        "all wrong at first", "distinct of those drawn",
    ]  # fmt: skip
    rows = []
    for name, cell in found.items():
        plain, drawn = cell.get("pts", {}), cell.get("shuffle-r1", {})
        both = sorted(set(plain) & set(drawn))
        added = summary(drawn[seed]["accuracy"] - plain[seed]["accuracy"] for seed in both)
        shown = drawn or plain or next(iter(cell.values()))
        rows.append(
            [
                CELLS[name].title,
                str(max(len(seeds) for seeds in cell.values())),
                *(figure(summary(run["accuracy"] for run in cell.get(arm, {}).values())) for arm in arms),
                figure(added, signed=True),
                *(
                    f"{summary(run[key] for run in shown.values())['mean']:.2f}"
                    for key in ("zero-variance", "all-wrong", "distinct")
                ),
            ]
        )
    return "# Conditions: when does the shuffle help?\n\n" + table(head, rows)
