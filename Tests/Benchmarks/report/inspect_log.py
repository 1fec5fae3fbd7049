# SPDX-License-Identifier: Apache-2.0
"""The benchmark's rollouts as an evaluation log of Inspect AI, written by its own library: a sample for each rollout, its image inside, as Inspect logs them.

usage: inspect_log.py ROLLOUTS OUTPUT.eval
"""

import base64
import json
import sys
from functools import cache
from pathlib import Path

from inspect_ai.log import EvalConfig, EvalDataset, EvalLog, EvalSample, EvalSpec, write_eval_log
from inspect_ai.model import ChatMessageAssistant, ChatMessageUser, ContentImage, ContentText, ModelOutput
from inspect_ai.scorer import Score


def sample(record: dict, folder: Path) -> EvalSample:
    @cache
    def image(name: str) -> str:
        return "data:image/png;base64," + base64.b64encode((folder / name).read_bytes()).decode()

    content = [
        ContentImage(image=image(part["image"])) if part["type"] == "image" else ContentText(text=part["text"])
        for part in record["prompt"][0]["content"]
    ]
    query, index = record["id"].split("/")
    return EvalSample(
        id=query,
        epoch=int(index) + 1,
        input=[ChatMessageUser(content=content)],
        target=record["answer"],
        messages=[ChatMessageUser(content=content), ChatMessageAssistant(content=record["response"])],
        output=ModelOutput.from_content("policy", record["response"]),
        scores={"reward": Score(value=record["reward"]), "accuracy": Score(value=record["rewards"]["accuracy"])},
        metadata={name: record[name] for name in ("step", "finish", "kind", "advantage")},
    )


def main() -> None:
    rollouts, output = Path(sys.argv[1]), sys.argv[2]
    with rollouts.open() as lines:
        samples = [sample(json.loads(line), rollouts.parent) for line in lines]
    spec = EvalSpec(
        created="2026-01-01T00:00:00+00:00",
        task="rollouts",
        dataset=EvalDataset(name="rollouts", samples=len({each.id for each in samples})),
        model="policy",
        config=EvalConfig(epochs=16),
    )
    write_eval_log(EvalLog(status="success", eval=spec, samples=samples), output)


main()
