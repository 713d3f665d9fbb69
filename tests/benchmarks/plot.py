"""Small plots in SVG: several panels of lines over logarithmic axes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

Line = Sequence[tuple[float, float]]
"""Points (x, y), both above zero."""

WIDTH, HEIGHT, COLUMNS = 300, 220, 3
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 30, 34
COLOURS = ("#1f6feb", "#d1661a", "#3d8b40", "#8250df")
MARGIN = 24


def panels(title: str, x_name: str, y_name: str, data: Mapping[str, Mapping[str, Line]]) -> str:
    """Draw a panel for each name in `data`, with a line for each series of it."""
    rows = math.ceil(len(data) / COLUMNS)
    width, height = COLUMNS * WIDTH, rows * HEIGHT + 2 * MARGIN
    series = list(dict.fromkeys(name for lines in data.values() for name in lines))
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="11" fill="#24292f">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for place, name in enumerate(series):
        at = LEFT + 130 * place
        out.append(f'<rect x="{at}" y="10" width="12" height="3" fill="{COLOURS[place]}"/>')
        out.append(f'<text x="{at + 18}" y="16">{escape(name)}</text>')
    out.append(f'<text x="{width - RIGHT}" y="16" text-anchor="end">{escape(y_name)} over {escape(x_name)}</text>')
    for place, (name, lines) in enumerate(data.items()):
        x, y = place % COLUMNS * WIDTH, place // COLUMNS * HEIGHT + MARGIN
        out.append(f'<g transform="translate({x} {y})">')
        out += _panel(name, {COLOURS[series.index(one)]: line for one, line in lines.items() if line})
        out.append("</g>")
    return "\n".join([*out, "</svg>", ""])


def _panel(name: str, lines: Mapping[str, Line]) -> list[str]:
    points = [point for line in lines.values() for point in line]
    across = _Axis([x for x, _ in points], LEFT, WIDTH - RIGHT)
    up = _Axis([y for _, y in points], HEIGHT - BOTTOM, TOP)
    out = [f'<text x="{LEFT}" y="{TOP - 10}" font-weight="bold">{escape(name)}</text>']
    for value in across.ticks():
        at = across.place(value)
        out.append(f'<line x1="{at}" y1="{TOP}" x2="{at}" y2="{HEIGHT - BOTTOM}" stroke="#d8dee4"/>')
        out.append(f'<text x="{at}" y="{HEIGHT - BOTTOM + 14}" text-anchor="middle">{_short(value)}</text>')
    for value in up.ticks():
        at = up.place(value)
        out.append(f'<line x1="{LEFT}" y1="{at}" x2="{WIDTH - RIGHT}" y2="{at}" stroke="#d8dee4"/>')
        out.append(f'<text x="{LEFT - 6}" y="{at + 4}" text-anchor="end">{_short(value)}</text>')
    for colour, line in lines.items():
        path = [(across.place(x), up.place(y)) for x, y in line]
        joined = " ".join(f"{x},{y}" for x, y in path)
        out.append(f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>' for x, y in path]
    return out


class _Axis:
    """Decades, laid over a length of the panel."""

    def __init__(self, values: Sequence[float], start: float, stop: float) -> None:
        self.low = math.floor(math.log10(min(values)))
        self.high = max(math.ceil(math.log10(max(values))), self.low + 1)
        self._start, self._stop = start, stop

    def place(self, value: float) -> float:
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return round(self._start + share * (self._stop - self._start), 1)

    def ticks(self) -> list[float]:
        return [10.0**power for power in range(self.low, self.high + 1)]


def _short(value: float) -> str:
    for size, letter in ((1_000_000, "M"), (1000, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"
