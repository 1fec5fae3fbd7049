# SPDX-License-Identifier: Apache-2.0
"""Makes pairs of answers of which it is known whether they are equal: the same ones for the same seed.

Each kind has a function that draws an answer and returns it twice, in two ways of writing, and a wrong one.
"""

import random
from fractions import Fraction


def fraction(value: Fraction, style: str = r"\frac") -> str:
    """A fraction in TeX, a whole number as it is."""
    if value.denominator == 1:
        return str(value.numerator)
    sign = "-" if value < 0 else ""
    return f"{sign}{style}{{{abs(value.numerator)}}}{{{value.denominator}}}"


def integers(draw):
    n = draw.randint(-5000, 5000)
    return f"{n}", draw.choice([f"{n}.0", f"{n:,}" if abs(n) > 999 else f"{n}", rf"\text{{{n}}}"]), f"{n + draw.choice([-1, 1, 10])}"


def large(draw):
    n = draw.randint(10**6, 10**9)
    return f"{n}", draw.choice([f"{n:,}", f"{n:,}".replace(",", "{,}"), f"{n:,}".replace(",", r",\!")]), f"{n + 1}"


def decimals(draw):
    value = Fraction(draw.randint(1, 4000), 8)
    return fraction(value), f"{float(value)}", f"{float(value) + 0.5}"


def fractions(draw):
    value = Fraction(draw.randint(-40, 40) or 7, draw.randint(2, 30))
    return fraction(value), draw.choice([fraction(value, r"\dfrac"), f"{value}"]), fraction(value + Fraction(1, 30))


def mixed(draw):
    whole, below = draw.randint(1, 9), draw.randint(3, 9)
    above = draw.randint(1, below - 1)
    value = whole + Fraction(above, below)
    return fraction(value), rf"{whole}\frac{{{above}}}{{{below}}}", fraction(value * 2)


def percentages(draw):
    n = draw.randint(1, 99)
    return rf"{n}\%", draw.choice([f"{n}%", rf"{n} \%"]), rf"{n + 1}\%"


def units(draw):
    n, unit = draw.randint(2, 99), draw.choice(["cm", "meters", "hours", "square units", "miles"])
    return rf"{n}\text{{ {unit}}}", f"{n}", rf"{n + 1}\text{{ {unit}}}"


def degrees(draw):
    n = draw.randint(5, 175)
    return rf"{n}^\circ", draw.choice([f"{n}", rf"{n}^{{\circ}}"]), rf"{n + 5}^\circ"


def money(draw):
    n = draw.randint(100, 9999) / 100
    return f"{n:.2f}", rf"\${n:.2f}", f"{n + 1:.2f}"


def roots(draw):
    outside, inside = draw.randint(2, 9), draw.choice([2, 3, 5, 6, 7])
    return rf"{outside}\sqrt{{{inside}}}", rf"\sqrt{{{outside * outside * inside}}}", rf"{outside}\sqrt{{{inside + 8}}}"


def surds(draw):
    n = draw.choice([2, 3, 5, 7])
    return rf"\frac{{\sqrt{{{n}}}}}{{{n}}}", rf"\frac{{1}}{{\sqrt{{{n}}}}}", rf"\frac{{\sqrt{{{n}}}}}{{{n + 1}}}"


def powers(draw):
    base, exponent = draw.randint(2, 5), draw.randint(5, 12)
    return f"{base}^{{{exponent}}}", f"{base**exponent}", f"{base ** exponent + base}"


def pies(draw):
    n, m = draw.randint(2, 40), draw.choice([2, 3, 4, 6])
    value = Fraction(n, m)
    first = rf"\frac{{{value.numerator}\pi}}{{{value.denominator}}}" if value.denominator > 1 else rf"{value}\pi"
    return first, rf"{fraction(value)} \pi", rf"\frac{{{n + 1}\pi}}{{{m}}}"


def logarithms(draw):
    n, k = draw.randint(2, 9), draw.randint(2, 5)
    return rf"{k}\ln {n}", rf"\ln({n**k})", rf"{k}\ln {n + 1}"


def polynomials(draw):
    a, b = draw.randint(1, 9), draw.randint(1, 9)
    return f"(x+{a})(x-{b})", f"x^2{a - b:+d}x-{a * b}" if a != b else f"x^2-{a * b}", f"(x+{a})(x+{b})"


def rationals(draw):
    a, b = draw.randint(1, 9), draw.randint(2, 9)
    return rf"\frac{{x^2-{a * a}}}{{{b}x-{a * b}}}", rf"\frac{{x+{a}}}{{{b}}}", rf"\frac{{x-{a}}}{{{b}}}"


def two_variables(draw):
    a, b = draw.randint(2, 9), draw.randint(2, 9)
    return f"{a}x+{b}y", f"{b}y+{a}x", f"{a}y+{b + a}x"


def trigonometry(draw):
    n = draw.randint(2, 6)
    return rf"\sin({2 * n}x)", rf"2\sin({n}x)\cos({n}x)", rf"2\sin({n}x)"


def sets(draw):
    values = draw.sample(range(-20, 20), draw.randint(2, 5))
    first, second = (r"\{" + ", ".join(map(str, order)) + r"\}" for order in (values, sorted(values)))
    return first, second, r"\{" + ", ".join(map(str, [values[0] + 50, *values[1:]])) + r"\}"


def tuples(draw):
    values = [Fraction(draw.randint(-9, 9), draw.choice([1, 2, 4])) for _ in range(draw.randint(2, 3))]
    first = "(" + ", ".join(map(fraction, values)) + ")"
    second = r"\left(" + ",".join(f"{float(value)}" for value in values) + r"\right)"
    return first, second, "(" + ", ".join(map(fraction, [values[0] + 1, *values[1:]])) + ")"


def intervals(draw):
    low, high = draw.randint(-9, 0), draw.randint(1, 9)
    return f"[{low},{high})", rf"\left[{low}, {high}\right)", f"({low},{high})"


def unions(draw):
    a, b = draw.randint(-9, 0), draw.randint(1, 9)
    return (
        rf"(-\infty,{a})\cup({b},\infty)",
        rf"({b},\infty)\cup(-\infty,{a})",
        rf"(-\infty,{a}]\cup({b},\infty)",
    )


def inequalities(draw):
    n = draw.randint(-9, 9)
    return rf"x \leq {n}", rf"{n} \geq x", rf"x < {n}"


def assignments(draw):
    n = draw.randint(-99, 99)
    return f"{n}", f"x = {n}", f"x = {n + 1}"


def equations(draw):
    a, b, c = (draw.randint(1, 9) for _ in range(3))
    return f"{a}x+{b}y={c}", f"{2 * a}x+{2 * b}y={2 * c}", f"{a}x-{b}y={c}"


def plus_minus(draw):
    a, b = draw.randint(1, 9), draw.choice([2, 3, 5])
    return rf"{a} \pm \sqrt{{{b}}}", rf"\{{{a}+\sqrt{{{b}}}, {a}-\sqrt{{{b}}}\}}", rf"{a + 1} \pm \sqrt{{{b}}}"


def matrices(draw):
    values = [draw.randint(-9, 9) for _ in range(4)]

    def matrix(kind, a, b, c, d):
        return rf"\begin{{{kind}}}{a} & {b} \\ {c} & {d}\end{{{kind}}}"

    return matrix("pmatrix", *values), matrix("bmatrix", *values), matrix("pmatrix", values[0] + 1, *values[1:])


def complexes(draw):
    a, b = draw.randint(1, 9), draw.randint(2, 9)
    return f"{a}+{b}i", f"{b}i+{a}", f"{a}-{b}i"


def letters(draw):
    letter = draw.choice("ABCDE")
    return letter, draw.choice([letter, rf"\text{{{letter}}}", f"({letter})"]), "ABCDE".replace(letter, "")[0]


KINDS = [
    integers, large, decimals, fractions, mixed, percentages, units, degrees, money, roots, surds, powers, pies,
    logarithms, polynomials, rationals, two_variables, trigonometry, sets, tuples, intervals, unions, inequalities,
    assignments, equations, plus_minus, matrices, complexes, letters,
]  # fmt: skip


def pairs(count: int, seed: int) -> list[tuple[str, str, str, bool]]:
    """Kind, expected answer, given answer, and whether they are equal; half of them are."""
    draw = random.Random(seed)
    result = []
    for index in range(count):
        kind = KINDS[index % len(KINDS)]
        expected, same, other = kind(draw)
        is_equal = draw.random() < 0.5
        result.append((kind.__name__, expected, same if is_equal else other, is_equal))
    return result
