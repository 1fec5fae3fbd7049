# SPDX-License-Identifier: Apache-2.0
"""Which batches the rollouts make, and which part of them each task gets."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from .shards import Slice


class PlanError(Exception):
    """The input or the spec does not allow what was asked for."""


class Segment(NamedTuple):
    """Neighbouring lines of one group; lines that cannot be used go with those before them."""

    place: Slice
    group: str | None  # None where a whole shard cannot be used
    cut: str | None  # the value by which batches are cut, where a field is
    records: int


@dataclass(frozen=True)
class Part:
    """What one task gets: whole batches, or whole groups of the only batch."""

    name: str
    first_batch: int
    batches: int
    groups: int
    slices: list[Slice] = field(repr=False)

    @property
    def bytes(self) -> int:
        return sum(piece.end - piece.begin for piece in self.slices)


def batches(segments: list[Segment], cut, shards: list[str]) -> list[list[Segment]]:
    """Cuts the input into batches as the program does: `cut` is `source.batch` of the resolved spec."""
    if cut == "auto":
        first = next((segment for segment in segments if segment.group is not None), None)
        cut = {"by": "batch"} if first and first.cut is not None else "all"
    if cut == "all":
        return [segments]
    found: list[list[Segment]] = [[]]
    closed: set[str] = set()
    open_now: set[str] = set()  # the groups, or the value, of the batch that is open
    for segment in segments:
        if segment.group is not None:
            name = segment.group if "groups" in cut else segment.cut
            place = f"{shards[segment.place.shard]}:{segment.place.line}:1"
            if name is None:
                raise PlanError(f"{place}: a trajectory has no '{cut['by']}', by which batches are cut")
            if name not in open_now:
                if len(open_now) == cut.get("groups", 1):
                    closed |= open_now
                    open_now = set()
                    found.append([])
                if name in closed and "groups" in cut:
                    raise PlanError(
                        f"{place}: group '{name}' appears again after its batch ended; put its rollouts next to each "
                        "other, raise the number of groups, or use one batch"
                    )
                if name in closed:
                    raise PlanError(
                        f"{place}: '{cut['by']}' {name} appears again after its batch ended; sort the shards by "
                        f"'{cut['by']}', or use one batch"
                    )
                open_now.add(name)
        found[-1].append(segment)
    return found


def by_batch(cut: list[list[Segment]], parts: int) -> list[Part]:
    """Parts of whole batches, neighbours together, of about the same size."""
    numbered = list(enumerate(cut))
    packed = pack(numbered, [_size(batch) for batch in cut], parts)
    return [_part(number, pile[0][0], [batch for _, batch in pile]) for number, pile in enumerate(packed)]


def by_group(batch: list[Segment], parts: int) -> list[Part]:
    """Parts of whole groups of one batch, wherever their rollouts lie, in the order in which groups first appear."""
    groups: dict[str, list[Segment]] = {}
    unusable: list[Segment] = []
    last = None
    for segment in batch:
        last = segment.group or last
        if last is None:
            unusable.append(segment)
            continue
        groups.setdefault(last, unusable if not groups else []).append(segment)
    if not groups:
        return []
    packed = pack(list(groups.values()), [_size(group) for group in groups.values()], parts)
    return [_part(number, 0, [[segment for group in pile for segment in group]]) for number, pile in enumerate(packed)]


def follow_one_another(parts: list[Part]) -> bool:
    """Whether each part begins behind the last line of the one before."""
    return all(
        (a.slices[-1].shard, a.slices[-1].end) <= (b.slices[0].shard, b.slices[0].begin) for a, b in pairwise(parts)
    )


def pack(items: list, sizes: list[int], parts: int) -> list[list]:
    """Divides a list into at most this many consecutive parts, each item going where its middle falls."""
    total, before = sum(sizes) or 1, 0
    piles: dict[int, list] = {}
    for item, size in zip(items, sizes, strict=True):
        piles.setdefault(min(parts - 1, (2 * before + size) * parts // (2 * total)), []).append(item)
        before += size
    return list(piles.values())


def _size(segments: Iterable[Segment]) -> int:
    return sum(segment.place.end - segment.place.begin for segment in segments)


def _part(number: int, first_batch: int, cut: list[list[Segment]]) -> Part:
    slices: list[Slice] = []
    for place in sorted(segment.place for batch in cut for segment in batch):
        if slices and (slices[-1].shard, slices[-1].end) == (place.shard, place.begin):
            slices[-1] = slices[-1]._replace(end=place.end)
        else:
            slices.append(place)
    groups = sum(len({segment.group for segment in batch} - {None}) for batch in cut)
    return Part(f"part-{number:05}", first_batch, len(cut), groups, slices)
