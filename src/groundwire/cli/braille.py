"""A line plot of braille characters: two points across and four down in each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

BLANK: Final = 0x2800
DOTS: Final = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
SMALLEST_RANGE: Final = 1.0


@dataclass(frozen=True, slots=True)
class BraillePlot:
    """The rows from the top, and the values that top and bottom stand for."""

    rows: tuple[str, ...]
    lowest: float
    highest: float


def braille_plot(values: Sequence[float | None], width: int, height: int) -> BraillePlot:
    """The last values that fit, the newest last; None is a gap. No rows without values."""
    shown = list(values)[-2 * width :]
    known = [value for value in shown if value is not None]
    if not known:
        return BraillePlot((), 0.0, 0.0)
    lowest, highest = min(known), max(known)
    if highest - lowest < SMALLEST_RANGE:
        middle = (highest + lowest) / 2
        lowest, highest = middle - SMALLEST_RANGE / 2, middle + SMALLEST_RANGE / 2
    cells = [[BLANK] * width for _ in range(height)]
    levels = height * 4 - 1
    previous: int | None = None
    for column, value in enumerate(shown):
        if value is None:
            previous = None
            continue
        level = round((highest - value) / (highest - lowest) * levels)
        start = level if previous is None else previous
        for dot in range(min(start, level), max(start, level) + 1):
            cells[dot // 4][column // 2] |= DOTS[column % 2][dot % 4]
        previous = level
    return BraillePlot(tuple("".join(map(chr, row)) for row in cells), lowest, highest)
