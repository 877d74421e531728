"""A chart of values over time as SVG: nothing but lines, a grid and labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Final

WIDTH: Final = 960
HEIGHT: Final = 420
LEFT: Final = 70
RIGHT: Final = 20
TOP: Final = 46
BOTTOM: Final = 46
MOST_POINTS: Final = 2000
GRID_LINES: Final = 6
TIME_MARKS: Final = 6
COLOURS: Final = ("#1f5fa8", "#c2410c", "#15803d", "#7e22ce", "#a16207", "#0e7490")
STYLE: Final = (
    "text{font:12px sans-serif;fill:#333}.title{font-size:15px;font-weight:bold}"
    ".grid{stroke:#ddd}.line{fill:none;stroke-width:1.5}"
)
LONGEST_NAME: Final = 40

Point = tuple[float, float | None]


@dataclass(frozen=True, slots=True)
class Line:
    """One named line; a point without a value, or a long pause, is a gap in it."""

    name: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class _Scale:
    from_s: float
    until_s: float
    low: float
    high: float

    def x(self, at_s: float) -> float:
        share = (at_s - self.from_s) / ((self.until_s - self.from_s) or 1.0)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def line_chart(lines: Sequence[Line], *, title: str, unit: str) -> str:
    """The chart; a line of very many points is thinned to its lowest and highest ones."""
    known = [(at_s, value) for line in lines for at_s, value in line.points if value is not None]
    if not known:
        known = [(0.0, 0.0)]
    step, low, high = nice_range(min(v for _, v in known), max(v for _, v in known))
    times = [at_s for at_s, _ in known]
    scale = _Scale(min(times), max(times), low, high)
    parts = [_text(LEFT, 20, title, "title")]
    parts += _grid(scale, step, unit)
    parts += _time_marks(scale)
    for index, line in enumerate(lines):
        colour = COLOURS[index % len(COLOURS)]
        parts += [
            f'<path class="line" stroke="{colour}" d="{path}"/>' for path in _paths(line, scale)
        ]
        x = LEFT + index * 160
        parts.append(
            f'<rect x="{x}" y="{TOP - 18}" width="10" height="10" fill="{colour}"/>'
            + _text(x + 14, TOP - 9, line.name[:LONGEST_NAME])
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}"><style>{STYLE}</style>'
        f'<rect width="100%" height="100%" fill="#fff"/>{"".join(parts)}</svg>\n'
    )


def nice_range(low: float, high: float) -> tuple[float, float, float]:
    """A step of 1, 2 or 5 times a power of ten, and the multiples of it around the values."""
    if high - low < 1e-9 * max(1.0, abs(high)):
        low, high = low - 0.5, high + 0.5
    rough = (high - low) / GRID_LINES
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * one for one in (1, 2, 5, 10) if power * one >= rough)
    return step, math.floor(low / step) * step, math.ceil(high / step) * step


def _grid(scale: _Scale, step: float, unit: str) -> list[str]:
    count = round((scale.high - scale.low) / step)
    digits = max(0, -math.floor(math.log10(step)))
    parts = []
    for number in range(count + 1):
        value = scale.low + number * step
        y = scale.y(value)
        parts.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            + _text(LEFT - 6, y + 4, f"{value:.{digits}f} {unit}".strip(), anchor="end")
        )
    return parts


def _time_marks(scale: _Scale) -> list[str]:
    passed_s = scale.until_s - scale.from_s
    form = "%Y-%m-%d" if passed_s > 5 * 86400 else "%d. %H:%M" if passed_s > 86400 else "%H:%M:%S"
    marks = []
    for number in range(TIME_MARKS):
        at_s = scale.from_s + passed_s * number / (TIME_MARKS - 1)
        anchor = "start" if not number else "end" if number == TIME_MARKS - 1 else "middle"
        label = datetime.fromtimestamp(at_s, UTC).astimezone().strftime(form)
        marks.append(_text(scale.x(at_s), HEIGHT - BOTTOM + 20, label, anchor=anchor))
    return marks


def _paths(line: Line, scale: _Scale) -> list[str]:
    """The pieces between gaps."""
    pauses = sorted(b[0] - a[0] for a, b in zip(line.points, line.points[1:], strict=False))
    longest_s = 10 * pauses[len(pauses) // 2] if pauses else 0.0
    pieces: list[list[tuple[float, float]]] = [[]]
    last_s: float | None = None
    for at_s, value in line.points:
        paused = last_s is not None and at_s - last_s > longest_s
        last_s = at_s
        if value is None or paused:
            pieces.append([])
        if value is not None:
            pieces[-1].append((at_s, value))
    return [_path(_thinned(piece), scale) for piece in pieces if piece]


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Of each bundle of neighbours the lowest and the highest, in order of time."""
    if len(points) <= MOST_POINTS:
        return points
    bundle = math.ceil(2 * len(points) / MOST_POINTS)
    kept: list[tuple[float, float]] = []
    for start in range(0, len(points), bundle):
        part = points[start : start + bundle]
        kept += sorted({min(part, key=lambda p: p[1]), max(part, key=lambda p: p[1])})
    return kept


def _path(points: list[tuple[float, float]], scale: _Scale) -> str:
    spots = [f"{scale.x(at_s):.1f} {scale.y(value):.1f}" for at_s, value in points]
    if len(spots) == 1:
        spots *= 2
    return "M" + "L".join(spots)


def _text(x: float, y: float, words: str, kind: str = "", *, anchor: str = "start") -> str:
    shown = escape("".join(char if char.isprintable() else "?" for char in words))
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{shown}</text>'
