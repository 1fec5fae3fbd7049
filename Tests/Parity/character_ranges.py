#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes Sources/ModelInput/Tokenizer/CharacterRanges.swift from what the `tokenizers` package takes for what.

Run it with a Python that has `tokenizers`, and again when that package moves to a newer Unicode.
"""

import unicodedata
from pathlib import Path

import tokenizers
from tokenizers import Regex, normalizers, pre_tokenizers

SCALARS = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]
TARGET = Path(__file__).resolve().parents[2] / "Sources/ModelInput/Tokenizer/CharacterRanges.swift"


def matching(pattern: str) -> list[int]:
    """The scalars that a regular expression matches."""
    split = pre_tokenizers.Split(Regex(pattern), behavior="removed")
    found = []
    for start in range(0, len(SCALARS), 1024):
        block = SCALARS[start : start + 1024]
        kept = set("".join(piece for piece, _ in split.pre_tokenize_str("".join(map(chr, block)))))
        found += [code for code in block if chr(code) not in kept]
    return found


def composing() -> list[int]:
    """The scalars that NFC changes, moves, or joins with one before them."""
    composed, decomposed = normalizers.NFC(), normalizers.NFD()
    found = set(range(0x1161, 0x1176)) | set(range(0x11A8, 0x11C3))
    found |= {0x345} | {code for code in SCALARS if composed.normalize_str(chr(code)) != chr(code)}
    for code in SCALARS:
        if decomposed.normalize_str("\u0345" + chr(code))[0] != "\u0345":
            found.add(code)
        parts = unicodedata.decomposition(chr(code)).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            first, second = (int(part, 16) for part in parts)
            if composed.normalize_str(chr(first) + chr(second)) == chr(code):
                found.add(second)
    return sorted(found)


def decomposing() -> list[int]:
    """The scalars, other than Hangul syllables, that have a canonical decomposition."""
    decomposed = normalizers.NFD()
    syllables = range(0xAC00, 0xD7A4)
    return [code for code in SCALARS if code not in syllables and decomposed.normalize_str(chr(code)) != chr(code)]


def digits() -> list[int]:
    """The scalars that the Digits step divides text at; its Unicode is newer than that of expressions."""
    step = pre_tokenizers.Digits(individual_digits=True)
    return [code for code in SCALARS if len(step.pre_tokenize_str(f"a{chr(code)}a")) == 3]


def ranges(codes: list[int]) -> list[tuple[int, int]]:
    """Runs of neighbours."""
    runs: list[list[int]] = []
    for code in codes:
        if runs and runs[-1][1] == code - 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    return [(first, last) for first, last in runs]


def array(name: str, comment: str, codes: list[int]) -> str:
    """A Swift array of first and last scalars."""
    lines, line = [], "   "
    for first, last in ranges(codes):
        item = f" 0x{first:X}, 0x{last:X},"
        if len(line) + len(item) > 120:
            lines.append(line)
            line = "   "
        line += item
    lines.append(line)
    body = "\n".join(lines)
    return f"  /// {comment}\n  static let {name}: [UInt32] = [\n{body}\n  ]\n"


PARTS = [
    array("letters", r"What `\p{L}` matches.", matching(r"\p{L}")),
    array("numbers", r"What `\p{N}` matches.", matching(r"\p{N}")),
    array("digits", r"What the step `Digits` takes for a number.", digits()),
    array("spaces", r"What `\s` matches.", matching(r"\s")),
    array("composing", "What NFC changes, moves, or joins with a scalar before it.", composing()),
    array("decomposing", "What has a canonical decomposition, but for Hangul syllables.", decomposing()),
]
TARGET.write_text(
    f"""// SPDX-License-Identifier: Apache-2.0
// Written by Tests/Parity/character_ranges.py from tokenizers {tokenizers.__version__}; do not edit.

/// Scalars by kind, each run as its first and last one.
///
/// A table of our own, since the kinds must be those that the vocabulary was made with on every system.
enum CharacterRanges {{
"""
    + "\n".join(PARTS)
    + "}\n"
)
