# SPDX-License-Identifier: Apache-2.0
"""Runs a Python reward function for shuffle-r1: trajectories as JSONL in, scores as JSONL out.

    shuffle_r1_bridge.py STYLE FILE [FUNCTION [ARGUMENTS]]

STYLE says how the function is called:

    plain    score(trajectory) -> number, or {"score": number, ...parts}, or None to abstain
    easyr1   compute_score([{"response", "response_length", "ground_truth"}, ...]) -> [{"overall", ...parts}, ...],
             or with one dict each where the file says REWARD_TYPE = "sequential"
    verl     compute_score(data_source, solution_str, ground_truth, extra_info) -> number or {"score", ...parts}
    trl      f(prompts, completions, **columns) -> [number or None, ...]

FUNCTION is by default compute_score (plain: score; trl: the only public function of the file). ARGUMENTS is a JSON
object of keyword arguments. What the function prints goes to standard error. Standard library only.
"""

import asyncio
import importlib.util
import inspect
import json
import os
import sys
import time
import traceback

DEFAULT_NAMES = {"plain": "score", "easyr1": "compute_score", "verl": "compute_score", "trl": ""}
# The name of the answer in EasyR1 and verl, and in data sets for TRL.
ANSWER_COLUMNS = ("ground_truth", "solution")


class Fault(Exception):
    """A mistake that the user must correct before any trajectory can be scored."""


def load(path, name, style):
    """The function, and the module that contains it."""
    if not os.path.isfile(path):
        raise Fault(f"there is no file {path}")
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    spec = importlib.util.spec_from_file_location("custom_reward", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["custom_reward"] = module
    spec.loader.exec_module(module)
    wanted = name or DEFAULT_NAMES[style]
    if not wanted:
        own = [
            key
            for key, value in vars(module).items()
            if inspect.isfunction(value) and value.__module__ == module.__name__ and not key.startswith("_")
        ]
        rewards = [key for key in own if "reward" in key or "completions" in inspect.signature(getattr(module, key)).parameters]
        if len(rewards or own) != 1:
            raise Fault(f"{path} has the functions {', '.join(own) or 'none'}; say which with 'function'")
        wanted = (rewards or own)[0]
    function = getattr(module, wanted, None)
    if not callable(function):
        raise Fault(f"{path} has no function '{wanted}'; name another with 'function'")
    return function, module


def accepts(function):
    """The names of the keyword arguments that a function takes; None for any."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return None
    return {parameter.name for parameter in parameters if parameter.kind is not parameter.VAR_POSITIONAL}


def finished(value):
    """The result of a function that may be asynchronous."""
    return asyncio.run(value) if inspect.isawaitable(value) else value


def plain_number(value):
    """A plain Python number, from one of NumPy or a tensor of one element."""
    return value.item() if hasattr(value, "item") else value


def answer(identifier, value, total):
    """An answer from a number, None, or a dict whose entry `total` is the score and whose other numbers are parts."""
    if not isinstance(value, dict):
        return {"id": identifier, "score": plain_number(value)}
    if total not in value:
        return {"id": identifier, "error": f"the function's dict lacks '{total}': {sorted(map(str, value))}"}
    others = {str(key): plain_number(part) for key, part in value.items() if key != total}
    parts = {key: part for key, part in others.items() if isinstance(part, (int, float))}
    return {"id": identifier, "score": plain_number(value[total]), "parts": parts}


def plain(function, module, arguments):
    return False, lambda record: answer(record["id"], finished(function(record, **arguments)), "score")


def easyr1(function, module, arguments):
    def given(record):
        response = record.get("response")
        return {
            "response": response,
            "response_length": record.get("response_length", len(response or "")),
            "ground_truth": record.get("ground_truth", record.get("answer")),
        }

    if getattr(module, "REWARD_TYPE", "batch") == "sequential":
        return False, lambda record: answer(record["id"], finished(function(given(record), **arguments)), "overall")

    def together(records):
        scores = finished(function([given(record) for record in records], **arguments))
        return [answer(record["id"], score, "overall") for record, score in paired(records, scores)]

    return True, together


def verl(function, module, arguments):
    names = accepts(function)

    def one(record):
        given = {
            "data_source": record.get("data_source", ""),
            "solution_str": record.get("response"),
            "ground_truth": record.get("ground_truth", record.get("answer")),
            "extra_info": record.get("extra_info"),
        }
        given = {key: value for key, value in given.items() if names is None or key in names}
        return answer(record["id"], finished(function(**given, **arguments)), "score")

    return False, one


def trl(function, module, arguments):
    names = accepts(function)

    def together(records):
        columns = {}
        for key in dict.fromkeys(key for record in records for key in record):
            if key not in ("id", "prompt", "response", "batch_left", "tokens"):
                columns[key] = [record.get(key) for record in records]
        for name in ANSWER_COLUMNS:
            if "answer" in columns:
                columns.setdefault(name, columns["answer"])
        columns["prompts"] = [record.get("prompt") for record in records]
        columns["completions"] = [
            # As in TRL: a conversation is answered by a message, a text by a text.
            [{"role": "assistant", "content": record.get("response")}]
            if isinstance(record.get("prompt"), list)
            else record.get("response")
            for record in records
        ]
        columns["completion_ids"] = [record.get("tokens") for record in records]
        given = {key: value for key, value in columns.items() if names is None or key in names}
        scores = finished(function(**{**given, **arguments}))
        return [answer(record["id"], score, "score") for record, score in paired(records, scores)]

    return True, together


def paired(records, scores):
    """Records with their scores; if a function returns a different number of scores, it has failed on all."""
    scores = list(scores) if scores is not None else []
    if len(scores) != len(records):
        raise ValueError(f"the function returned {len(scores)} scores for {len(records)} trajectories")
    return zip(records, scores)


def reason():
    """The current exception in one line; the whole traceback goes to standard error."""
    traceback.print_exc()
    kind, value, _ = sys.exc_info()
    return f"raised {kind.__name__}: {value}"[:500]


def judge(records, isTogether, function):
    """Answers for a batch; if a function that takes a whole batch raises, it is called again for each record alone."""
    if isTogether:
        try:
            return function(records)
        except Exception:
            why = reason()
            if len(records) == 1:
                return [{"id": records[0]["id"], "error": why}]
            return [one for record in records for one in judge([record], True, function)]
    answers = []
    for record in records:
        try:
            answers.append(function(record))
        except Exception:
            answers.append({"id": record["id"], "error": reason()})
    return answers


def serve(isTogether, function, lines, write):
    write(json.dumps({"ready": True, "together": isTogether}) + "\n")
    batch, answers, written = [], [], 0.0
    for line in lines:
        record = json.loads(line)
        left = record.pop("batch_left", 0)
        batch.append(record)
        if left == 0 or not isTogether:
            answers += judge(batch, isTogether, function)
            batch = []
        # Quick answers are sent together; a slow one does not hold others back for long.
        now = time.monotonic()
        if answers and (left == 0 or now - written > 0.01):
            write("".join(json.dumps(one) + "\n" for one in answers))
            answers, written = [], now


def main(words):
    style, path, name, arguments = (words + ["", ""])[:4]
    # Only answers go to standard output; prints, also of libraries and their children, go to standard error.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    os.dup2(2, 1)

    def write(text):
        answers.write(text)
        answers.flush()

    try:
        styles = {"plain": plain, "easyr1": easyr1, "verl": verl, "trl": trl}
        if style not in styles:
            raise Fault(f"there is no style '{style}'; the styles are {', '.join(styles)}")
        function, module = load(path, name, style)
        isTogether, call = styles[style](function, module, json.loads(arguments or "{}"))
    except Fault as fault:
        print(fault, file=sys.stderr)
        return 2
    serve(isTogether, call, open(0, encoding="utf-8", newline="\n"), write)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
