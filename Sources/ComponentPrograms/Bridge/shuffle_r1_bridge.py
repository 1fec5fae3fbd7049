# SPDX-License-Identifier: Apache-2.0
"""Runs a Python reward function for shuffle-r1: trajectories as JSONL in, scores as JSONL out.

    shuffle_r1_bridge.py STYLE FILE [FUNCTION [ARGUMENTS]]

STYLE says how the function is called:

    plain    score(trajectory) -> number, or {"score": number, ...parts}, or None to abstain
    easyr1   compute_score([{"response", "response_length", "ground_truth"}, ...]) -> [{"overall", ...parts}, ...],
             or with one dict each where the file says REWARD_TYPE = "sequential"; compute_score(predict_str,
             ground_truth) of earlier versions and of Shuffle-R1, and compute_score(predicts, ground_truths)
    verl     compute_score(data_source, solution_str, ground_truth, extra_info) -> number or {"score", ...parts};
             other names of the response, fewer parameters, and the batch form with plural names too
    trl      f(prompts, completions, completion_ids, **columns) -> [number, None or NaN, ...]

FUNCTION is by default compute_score (plain: score; trl: the only public reward function of the file). One that makes the
function, such as get_soft_overlong_punishment, is called with those ARGUMENTS that it takes; ARGUMENTS is a JSON object of
keyword arguments. What the function prints goes to standard error. Standard library only.
"""

import asyncio
import decimal
import fractions
import importlib.util
import inspect
import json
import math
import os
import re
import sys
import time
import traceback
import types

DEFAULT_NAMES = {"plain": "score", "easyr1": "compute_score", "verl": "compute_score", "trl": ""}
# The name of the answer in EasyR1 and verl, and in data sets for TRL.
ANSWER_COLUMNS = ("ground_truth", "solution")
# What functions call the things that they are called with.
ROLES = {
    "response": "solution_str predict_str model_output response response_str predict prediction pred completion output "
    "model_response answer_str text",
    "ground_truth": "ground_truth gt label target gold reference ground_truth_str",
    "prompt": "prompt question query prompt_str",
    "data_source": "data_source source",
    "extra_info": "extra_info extra",
}
ROLE_OF = {name: role for role, names in ROLES.items() for name in names.split()}
PLURAL_ROLE_OF = {name + "s": role for name, role in ROLE_OF.items() if name != "gt"}
FACTORY_PREFIXES = ("get_", "make_", "build_", "create_")


class Fault(Exception):
    """A mistake that the user must correct before any trajectory can be scored."""


class Missing(Exception):
    """Something that a trajectory lacks and the function asks for."""


# --- Finding the function -------------------------------------------------------------------------------------------------


def load_module(path):
    """The module of a file; its relative imports find what lies beside it, and in the packages around it."""
    if not os.path.isfile(path):
        raise Fault(f"there is no file {path}")
    folders = [os.path.dirname(os.path.abspath(path))]
    while os.path.isfile(os.path.join(folders[0], "__init__.py")) and os.path.dirname(folders[0]) != folders[0]:
        folders.insert(0, os.path.dirname(folders[0]))
    stem = os.path.splitext(os.path.basename(path))[0]
    # A file may be called like a library that it uses: verl's math_verify.py is.
    if len(folders) > 1 or stem.isidentifier() and importlib.util.find_spec(stem):
        sys.path.append(folders[0])
    else:
        sys.path.insert(0, folders[0])
    sys.path.append(os.getcwd())
    # Packages of the same shape that run no __init__: that of a trainer imports all of the trainer.
    package = "custom_reward_folder"
    for index, one in enumerate(folders):
        if index:
            package += "." + os.path.basename(one)
        holder = types.ModuleType(package)
        holder.__path__ = [one]
        sys.modules[package] = holder
    name = f"{package}.{stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = sys.modules["custom_reward"] = module
    spec.loader.exec_module(module)
    return module


def load(path, name, style, arguments):
    """The function, and the module that it stands in; what a factory takes is taken out of `arguments`."""
    module = load_module(path)
    wanted = name or DEFAULT_NAMES[style]
    if not name and (not wanted or not hasattr(module, wanted)):
        wanted = only_function(module, path, style) or wanted
    function = getattr(module, wanted, None)
    if not callable(function):
        raise Fault(f"{path} has no function '{wanted}'; name another with 'function'")
    return made(function, wanted, style, arguments), module


def only_function(module, path, style):
    """The name of the only function of a file that can be meant."""
    public = {key: value for key, value in vars(module).items() if callable(value) and not key.startswith("_")}
    own = [
        key
        for key, value in public.items()
        if inspect.isfunction(value) and getattr(value, "__module__", "") == module.__name__
    ]
    if style != "trl":
        scores = [key for key in own if "compute_score" in key]
        return scores[0] if len(scores) == 1 else None
    rewards = [key for key in own if "reward" in key or "completions" in (accepts(public[key]) or ())]
    if not own:
        # `from trl.rewards import think_format_reward` is a file, too.
        own = rewards = [key for key in public if "reward" in key or key.startswith(FACTORY_PREFIXES)]
    if len(rewards or own) != 1:
        raise Fault(f"{path} has the functions {', '.join(own) or 'none'}; say which with 'function'")
    return (rewards or own)[0]


def made(function, name, style, arguments):
    """The function itself, or what a factory or a class makes."""
    names = parameters(function)
    takes_data = any(known(key, style) for key in names) or any(
        one.kind in (one.VAR_KEYWORD, one.VAR_POSITIONAL) for one in names.values()
    )
    if not inspect.isclass(function) and (takes_data or not name.startswith(FACTORY_PREFIXES)):
        return function
    given = {key: arguments.pop(key) for key in list(arguments) if key in names}
    lacking = [
        key
        for key, one in names.items()
        if one.default is one.empty and key not in given and one.kind not in (one.VAR_KEYWORD, one.VAR_POSITIONAL)
    ]
    if lacking:
        raise Fault(f"'{name}' makes the function and needs {', '.join(lacking)}; give them with 'arguments'")
    result = function(**given)
    if not callable(result):
        raise Fault(f"'{name}' was called to make the function and returned {type(result).__name__}")
    return result


def known(name, style):
    """Whether a parameter of that name takes what is judged."""
    if style == "trl":
        return name in ("prompts", "completions", "completion_ids")
    return name in ROLE_OF or name in PLURAL_ROLE_OF or name in ("reward_input", "reward_inputs", "trajectory")


def parameters(function):
    try:
        return dict(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return {}


def accepts(function):
    """The names that a function takes by keyword; None for any."""
    found = parameters(function)
    if not found or any(one.kind is one.VAR_KEYWORD for one in found.values()):
        return None
    return {name for name, one in found.items() if one.kind is not one.VAR_POSITIONAL}


# --- Calling it -----------------------------------------------------------------------------------------------------------


def finished(value):
    """The result of a function that may be asynchronous."""
    return asyncio.run(value) if inspect.isawaitable(value) else value


def plain(function, module, arguments):
    return False, lambda record: answer(record["id"], finished(function(record, **arguments)), "score")


class RewardInput(dict):
    """What EasyR1 gives a function; a length in tokens that nobody knows is missed when it is asked for."""

    def __missing__(self, key):
        if key == "response_length":
            raise Missing(
                "asks for response_length, which is counted in tokens: the record holds no 'tokens', and there is no policy "
                "whose tokenizer counts them"
            )
        raise KeyError(key)

    def get(self, key, default=None):
        return self[key] if key == "response_length" or key in self else default


def ground_truth(record):
    found = record.get("ground_truth", record.get("answer"))
    if found is None and isinstance(record.get("reward_model"), dict):
        found = record["reward_model"].get("ground_truth")
    return found


def easyr1(function, module, arguments):
    required = [one for one in parameters(function).values() if one.default is one.empty and one.name not in arguments]
    if len([one for one in required if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]) > 1:
        return by_role(function, arguments, ("overall", "score"))

    def given(record):
        found = RewardInput(response=record.get("response"), ground_truth=ground_truth(record))
        if "response_length" in record:
            found["response_length"] = record["response_length"]
        return found

    if getattr(module, "REWARD_TYPE", "batch") == "sequential":
        return False, lambda record: answer(record["id"], finished(function(given(record), **arguments)), "overall")

    def together(records):
        scores = finished(function([given(record) for record in records], **arguments))
        return [answer(record["id"], score, "overall") for record, score in paired(records, scores)]

    return True, together


def verl(function, module, arguments):
    return by_role(function, arguments, ("score", "overall"))


def role_value(record, role):
    if role == "response":
        return record.get("response")
    if role == "ground_truth":
        return ground_truth(record)
    if role == "data_source":
        return record.get("data_source", "")
    if role == "prompt":
        return record.get("prompt")
    extra = record.get("extra_info")
    return dict(extra) if isinstance(extra, dict) else {}


def by_role(function, arguments, totals):
    """A function of response, ground truth, source and further facts, by whatever names, one by one or in lists."""
    found = {name: one for name, one in parameters(function).items() if name not in arguments}
    plural = any(name in PLURAL_ROLE_OF for name in found)
    of_name = PLURAL_ROLE_OF if plural else ROLE_OF
    roles = {}
    for name, one in found.items():
        role = of_name.get(name)
        if role and role not in roles.values() and one.kind not in (one.VAR_KEYWORD, one.VAR_POSITIONAL):
            roles[name] = role
    rest = [
        name
        for name, one in found.items()
        if name not in roles and one.default is one.empty and one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)
    ]
    order = ["response", "ground_truth"] if len(rest) + len(roles) <= 2 else ["data_source", "response", "ground_truth", "extra_info"]
    for name, role in zip(rest, [role for role in order if role not in roles.values()]):
        roles[name] = role
    takes_any = not found or any(one.kind is one.VAR_KEYWORD for one in found.values())

    def call(value_of):
        given = {name: value_of(role) for name, role in roles.items()}
        if takes_any:
            names = {"response": "solution_str"}
            for role in ROLES:
                if role not in roles.values() and role != "prompt":
                    given[names.get(role, role) + ("s" if plural else "")] = value_of(role)
        first = [given.pop(name) for name, one in found.items() if one.kind is one.POSITIONAL_ONLY and name in given]
        return finished(function(*first, **given, **arguments))

    if not plural:
        return False, lambda record: answer(record["id"], call(lambda role: role_value(record, role)), *totals)

    def together(records):
        scores = call(lambda role: [role_value(record, role) for record in records])
        return [answer(record["id"], score, *totals) for record, score in paired(records, scores)]

    return True, together


class TrainerState(types.SimpleNamespace):
    """What TRL passes as trainer_state, of transformers' TrainerState, as far as it is known here."""

    def __init__(self, step):
        super().__init__(
            global_step=step, epoch=None, max_steps=0, num_train_epochs=0, logging_steps=0, eval_steps=0, save_steps=0,
            num_input_tokens_seen=0, total_flos=0, log_history=[], best_metric=None, best_model_checkpoint=None,
            is_local_process_zero=True, is_world_process_zero=True, is_hyper_param_search=False, trial_name=None,
            trial_params=None, train_batch_size=None, stateful_callbacks={},
        )  # fmt: skip


class NoTokens:
    """In the place of a response's tokens that nobody knows."""

    def _missing(self, *_):
        raise Missing("asks for completion_ids: the record holds no 'tokens', and there is no policy whose tokenizer makes them")

    __len__ = __iter__ = __getitem__ = __contains__ = __bool__ = __array__ = _missing


def trl(function, module, arguments):
    names = accepts(function)
    forms = Forms(function)

    def call(records, form):
        columns = {}
        for key in dict.fromkeys(key for record in records for key in record):
            if key not in ("id", "prompt", "response", "tokens"):
                columns[key] = [record.get(key) for record in records]
        for name in ANSWER_COLUMNS:
            if "answer" in columns:
                columns.setdefault(name, columns["answer"])
        columns["prompts"] = [form.prompt(record) for record in records]
        columns["completions"] = [form.completion(record) for record in records]
        columns["completion_ids"] = [NoTokens() if record.get("tokens") is None else record["tokens"] for record in records]
        columns["trainer_state"] = TrainerState(trl.step)
        columns["log_extra"] = columns["log_metric"] = lambda *_, **__: None
        given = {key: value for key, value in columns.items() if names is None or key in names}
        scores = finished(function(**{**given, **arguments}))
        return [answer(record["id"], score, "score", nan_abstains=True) for record, score in paired(records, scores)]

    return True, lambda records: forms.call(records, call)


trl.step = 0


class Forms:
    """Whether a TRL function is given conversations or texts: as it says, else as the prompts are, else what it can use."""

    def __init__(self, function):
        annotation = parameters(function).get("completions")
        text = "" if annotation is None else str(annotation.annotation).replace("typing.", "")
        self.said = None
        if re.search(r"(?i)list\[\s*(list|dict)", text):
            self.said = Messages
        elif re.search(r"(?i)list\[\s*str", text) or text == "<class 'str'>":
            self.said = Texts

    def call(self, records, call):
        native = Messages if any(isinstance(record.get("prompt"), list) for record in records) else Texts
        first = self.said or native
        try:
            return call(records, first)
        except (TypeError, AttributeError, KeyError, IndexError) as error:
            if self.said:
                raise
            try:
                found = call(records, Texts if first is Messages else Messages)
            except Exception:
                raise error from None
            self.said = Texts if first is Messages else Messages
            return found


class Messages:
    """A conversation is answered by a message."""

    @staticmethod
    def prompt(record):
        prompt = record.get("prompt")
        return prompt if isinstance(prompt, list) else messages(prompt or "")

    @staticmethod
    def completion(record):
        return [{"role": "assistant", "content": record.get("response")}]


class Texts:
    """A text is answered by a text."""

    @staticmethod
    def prompt(record):
        return record.get("prompt")

    @staticmethod
    def completion(record):
        return record.get("response")


# How chat templates mark who speaks: Qwen and others of ChatML, Llama 3, Gemma, Phi.
TURNS = (
    re.compile(r"<\|im_start\|>[ \t]*(\w+)[ \t]*(?:\n|$)(.*?)(?=<\|im_end\|>|<\|im_start\|>|\Z)", re.DOTALL),
    re.compile(r"<\|start_header_id\|>\s*(\w+)\s*<\|end_header_id\|>\n*(.*?)(?=<\|eot_id\|>|<\|start_header_id\|>|\Z)", re.DOTALL),
    re.compile(r"<start_of_turn>[ \t]*(\w+)[ \t]*(?:\n|$)(.*?)(?=<end_of_turn>|<start_of_turn>|\Z)", re.DOTALL),
    re.compile(r"<\|(system|user|assistant)\|>[ \t]*\n?(.*?)(?=<\|end\|>|<\|(?:system|user|assistant)\|>|</s>|\Z)", re.DOTALL),
)
IMAGE_MARKS = re.compile(r"<\|vision_start\|>(?:<\|image_pad\|>)*<\|vision_end\|>|(?:<\|image_pad\|>)+")


def messages(text):
    """A prompt's messages: those that its chat markup separates, without an empty one that it ends with; else one of the user."""
    for pattern in TURNS:
        found = pattern.findall(text)
        if not found:
            continue
        turns = [
            {"role": {"model": "assistant"}.get(role.lower(), role.lower()), "content": IMAGE_MARKS.sub("<image>", content).strip("\n")}
            for role, content in found
        ]
        if turns[-1]["role"] == "assistant" and not turns[-1]["content"].strip() and len(turns) > 1:
            turns.pop()
        return turns
    return [{"role": "user", "content": text}]


# --- Answers --------------------------------------------------------------------------------------------------------------


def number(value):
    """A finite number of Python's own, from a bool, a Decimal, a Fraction, a number of NumPy's or a tensor of one element.

    Raises ValueError with the reason where it is none.
    """
    if isinstance(value, (bool, int, float)):
        found = value
    elif isinstance(value, (decimal.Decimal, fractions.Fraction)):
        found = float(value)
    elif hasattr(value, "item") and not isinstance(value, (str, bytes)):
        found = value.item()
    else:
        raise ValueError(f"is {kind(value)}, it must be a number")
    if not isinstance(found, (bool, int, float)):
        raise ValueError(f"is {kind(found)}, it must be a number")
    try:
        if not math.isfinite(found):
            raise ValueError(f"is {found}, which is not finite")
    except OverflowError:
        raise ValueError("is too large a number") from None
    return found


def kind(value):
    return f"{type(value).__name__} {shortened(repr(value), 60)}"


def answer(identifier, value, *totals, nan_abstains=False):
    """An answer from a number, None, or a dict one of whose entries `totals` is the score; its other numbers are parts."""
    parts = {}
    if isinstance(value, dict):
        total = next((name for name in totals if name in value), None)
        if total is None:
            return {"id": identifier, "error": f"the function's dict lacks '{totals[0]}': {sorted(map(str, value))}"}
        for key, part in value.items():
            # Texts beside the numbers are for people; an absent part is none.
            if key == total or part is None or isinstance(part, (str, bytes)):
                continue
            try:
                parts[str(key)] = number(part)
            except Exception as error:
                print(f"the part '{key}' of '{identifier}' {error}; it is left out", file=sys.stderr)
        value = value[total]
    if value is None:
        return {"id": identifier, "score": None}
    try:
        score = number(value)
    except Exception as error:
        if nan_abstains and "is nan" in str(error):
            return {"id": identifier, "abstain": "its score is NaN, as of a function that does not apply"}
        return {"id": identifier, "error": f"its score {error}"}
    return {"id": identifier, "score": score, "parts": parts} if parts else {"id": identifier, "score": score}


def paired(records, scores):
    """Records with their scores; if a function returns a different number of scores, it has failed on all."""
    scores = list(scores) if scores is not None else []
    if len(scores) != len(records):
        raise ValueError(f"the function returned {len(scores)} scores for {len(records)} trajectories")
    return zip(records, scores)


def shortened(text, most):
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"


def reason(path):
    """The exception of now, as one line with its place in the user's file; the whole traceback goes to standard error."""
    traceback.print_exc()
    _, value, trace = sys.exc_info()
    if isinstance(value, Missing):
        return str(value)
    place = ""
    for frame in reversed(traceback.extract_tb(trace)):
        if os.path.abspath(frame.filename) == os.path.abspath(path):
            place = f" ({os.path.basename(path)}:{frame.lineno})"
            break
    return f"raised {type(value).__name__}: {shortened(str(value), 400)}{place}"


def judge(records, is_together, function, path):
    """Answers for a batch; a function that takes it whole and raises is asked again for each alone."""
    if is_together:
        try:
            return function(records)
        except (Exception, SystemExit):
            why = reason(path)
            if len(records) == 1:
                return [{"id": records[0]["id"], "error": why}]
            return [one for record in records for one in judge([record], True, function, path)]
    answers = []
    for record in records:
        try:
            answers.append(function(record))
        except (Exception, SystemExit):
            answers.append({"id": record["id"], "error": reason(path)})
    return answers


def serve(is_together, function, path, lines, write):
    write(json.dumps({"ready": True, "together": is_together}) + "\n")
    batch, answers, written = [], [], 0.0
    for line in lines:
        record = json.loads(line)
        left = record.pop("batch_left", 0)
        trl.step = record.pop("trainer_step", trl.step)
        batch.append(record)
        if left == 0 or not is_together:
            answers += judge(batch, is_together, function, path)
            batch = []
        # Quick answers are sent together; a slow one does not hold others back for long.
        now = time.monotonic()
        if answers and (left == 0 or now - written > 0.01):
            write("".join(json.dumps(one, allow_nan=False) + "\n" for one in answers))
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
        given = json.loads(arguments or "{}")
        function, module = load(path, name, style, given)
        is_together, call = styles[style](function, module, given)
    except Fault as fault:
        print(fault, file=sys.stderr)
        return 2
    serve(is_together, call, path, open(0, encoding="utf-8", newline="\n"), write)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
