# SPDX-License-Identifier: Apache-2.0
"""Means over seeds with their 95 % intervals, and curves read between their points."""

from math import sqrt

# 97.5 % quantiles of Student's t distribution for 1 to 30 degrees of freedom; the normal distribution's beyond.
QUANTILES = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip


def mean(values) -> float:
    values = list(values)
    return sum(values) / len(values)


def half_width(values) -> float | None:
    """Half of the mean's 95 % interval by the t distribution, standard deviation with n − 1; nothing for one value."""
    values = list(values)
    freedom = len(values) - 1
    if freedom < 1:
        return None
    middle = mean(values)
    deviation = sqrt(sum((value - middle) ** 2 for value in values) / freedom)
    return (QUANTILES[freedom - 1] if freedom <= len(QUANTILES) else 1.96) * deviation / sqrt(freedom + 1)


def summary(values) -> dict:
    """What tables and results.json say of one figure over seeds; values of None (not reached) are only counted."""
    values = list(values)
    known = [value for value in values if value is not None]
    if not known:
        return {"mean": None, "half_width": None, "values": values}
    return {"mean": mean(known), "half_width": half_width(known), "values": values}


def smoothed(values: list, width: int = 3) -> list:
    """The moving mean over `width` values; over fewer towards both ends, as many to the left as to the right."""
    reaches = (min(width // 2, place, len(values) - 1 - place) for place in range(len(values)))
    return [mean(values[place - reach : place + reach + 1]) for place, reach in enumerate(reaches)]


def at(xs: list, ys: list, x: float) -> float | None:
    """The value of a curve at x, in a straight line between points; nothing outside of them."""
    for left, right, low, high in zip(xs, xs[1:], ys, ys[1:]):
        if left <= x <= right:
            return low if right == left else low + (high - low) * (x - left) / (right - left)
    return None


def first_reaching(xs: list, ys: list, level: float) -> float | None:
    """The first x at which a curve has come up to a level; nothing if it never does."""
    if ys and ys[0] >= level:
        return xs[0]
    for left, right, low, high in zip(xs, xs[1:], ys, ys[1:]):
        if low < level <= high:
            return left + (right - left) * (level - low) / (high - low)
    return None
