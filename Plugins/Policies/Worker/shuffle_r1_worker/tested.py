# SPDX-License-Identifier: Apache-2.0
"""The families that `Tests/Worker` compares with transformers itself; others run as well, and say so."""

from __future__ import annotations

TESTED = frozenset(
    {
        "gemma2", "gemma3", "glm4v", "gpt_neox", "granite", "idefics3", "internvl", "lfm2", "llama", "llava", "llava_onevision",
        "mistral", "mistral3", "olmo2", "phi3", "qwen2", "qwen2_5_vl", "qwen2_vl", "qwen3", "qwen3_5", "qwen3_5_text", "qwen3_vl",
        "smolvlm",
    })
"""Values of `model_type`."""


def note(model_type: str, shares_prompts: bool) -> str:
    """What the user should know of a family; nothing for a tested one. `shares_prompts` is what the check at start-up found."""
    if model_type in TESTED:
        return ""
    ways = "as a whole, after a kept prompt and token by token" if shares_prompts else "as a whole and token by token"
    return (
        f"the family '{model_type}' is not among those that the worker is tested with; at start-up its log-probabilities, "
        f"computed {ways}, agreed")
