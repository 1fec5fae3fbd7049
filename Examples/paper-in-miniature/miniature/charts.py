# SPDX-License-Identifier: Apache-2.0
"""Line charts as SVG: panels side by side, each with curves, bands and axes."""

from dataclasses import dataclass, field
from html import escape
from math import floor, log10

COLORS = {
    "grpo-8": "#9e9e9e", "grpo-16": "#424242", "dapo": "#e69f00", "gspo": "#b8860b", "pts": "#0072b2",
    "random-half": "#8fbfe0", "largest": "#56b4e9", "shuffle": "#cc79a7", "shuffle-r1": "#d4351c",
    "reweight": "#009e73",
}  # fmt: skip
WIDTH, HEIGHT, LEFT, TOP, BOTTOM, GAP = 250, 170, 46, 30, 40, 16
LEGEND_COLUMNS = 4


@dataclass
class Curve:
    """A line, with a band about it where `low` and `high` are given."""

    color: str
    xs: list
    ys: list
    low: list = field(default_factory=list)
    high: list = field(default_factory=list)
    title: str = ""


@dataclass
class Panel:
    title: str
    curves: list
    x_title: str
    top: float = 1
    bottom: float = 0


def ticks(low: float, high: float) -> list[float]:
    """About four round numbers between two."""
    if high <= low:
        return [low]
    raw = (high - low) / 4
    size = 10 ** floor(log10(raw))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= raw)
    first = -(-low // step)
    return [round((first + i) * step, 10) for i in range(int((high - first * step) / step + 1e-9) + 1)]


def label(value: float) -> str:
    if abs(value) >= 1e6:
        return f"{value / 1e6:g} M"
    return f"{value / 1e3:g} k" if abs(value) >= 1e4 else f"{value:g}"


def panel_svg(panel: Panel, x0: float, y0: float) -> list[str]:
    right = max((curve.xs[-1] for curve in panel.curves if curve.xs), default=1) or 1
    inner = WIDTH - LEFT

    def px(x: float) -> float:
        return x0 + LEFT + inner * x / right

    def py(y: float) -> float:
        share = (min(max(y, panel.bottom), panel.top) - panel.bottom) / (panel.top - panel.bottom)
        return y0 + TOP + HEIGHT * (1 - share)

    def points(xs, ys) -> str:
        return " ".join(f"{px(x):.1f},{py(y):.1f}" for x, y in zip(xs, ys))

    out = [f'<text x="{x0 + LEFT}" y="{y0 + TOP - 10}" class="title">{escape(panel.title)}</text>']
    for value in ticks(panel.bottom, panel.top):
        out.append(f'<line x1="{px(0)}" x2="{px(right):.1f}" y1="{py(value):.1f}" y2="{py(value):.1f}" class="grid"/>')
        out.append(f'<text x="{px(0) - 6}" y="{py(value) + 4:.1f}" class="y">{label(value)}</text>')
    for value in ticks(0, right):
        out.append(f'<text x="{px(value):.1f}" y="{y0 + TOP + HEIGHT + 15}" class="x">{label(value)}</text>')
    out.append(f'<text x="{px(right / 2):.1f}" y="{y0 + TOP + HEIGHT + 30}" class="x">{escape(panel.x_title)}</text>')
    for curve in panel.curves:
        if curve.low:
            around = points(curve.xs, curve.high) + " " + points(curve.xs[::-1], curve.low[::-1])
            out.append(f'<polygon points="{around}" fill="{curve.color}" fill-opacity="0.18"/>')
        line = f'<polyline points="{points(curve.xs, curve.ys)}" fill="none" stroke="{curve.color}" stroke-width="1.8">'
        out.append(f"{line}<title>{escape(curve.title)}</title></polyline>")
    return out


def svg(panels: list[Panel], columns: int, legend: dict[str, str] | None = None) -> str:
    """A drawing of panels in rows of `columns`; `legend` maps titles to colors."""
    rows = -(-len(panels) // columns)
    width = columns * (WIDTH + GAP) + GAP
    legend_rows = -(-len(legend or {}) // LEGEND_COLUMNS)
    height = rows * (TOP + HEIGHT + BOTTOM) + legend_rows * 18 + 12
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">',
        "<style>text{font:11px sans-serif;fill:#333}.title{font-weight:bold;font-size:12px}.y{text-anchor:end}"
        ".x{text-anchor:middle}.grid{stroke:#ddd;stroke-width:1}</style>",
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for number, panel in enumerate(panels):
        row, column = divmod(number, columns)
        out += panel_svg(panel, GAP / 2 + column * (WIDTH + GAP), row * (TOP + HEIGHT + BOTTOM))
    for number, (title, color) in enumerate((legend or {}).items()):
        row, column = divmod(number, LEGEND_COLUMNS)
        x, y = GAP + column * (width - 2 * GAP) / LEGEND_COLUMNS, height - 12 - (legend_rows - 1 - row) * 18
        out.append(f'<line x1="{x}" x2="{x + 18}" y1="{y - 4}" y2="{y - 4}" stroke="{color}" stroke-width="3"/>')
        out.append(f'<text x="{x + 24}" y="{y}">{escape(title)}</text>')
    return "\n".join([*out, "</svg>"]) + "\n"
