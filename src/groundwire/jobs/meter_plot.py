"""Charts of what was recorded, as files."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Final

from groundwire.errors import InputUnreadable, UnsupportedHere
from groundwire.exports.line_chart import Line, line_chart
from groundwire.jobs.meter_store import MeterStore

HOUR_S: Final = 3600.0
PNG_SCALE: Final = 2
# The name for people, the column of the store, the unit.
QUANTITIES: Final = {
    "power": ("active_power_w", "W"),
    "voltage": ("voltage_v", "V"),
    "current": ("current_a", "A"),
    "power-factor": ("power_factor", ""),
    "frequency": ("frequency_hz", "Hz"),
    "energy": ("imported_kwh", "kWh"),
    "energy-returned": ("exported_kwh", "kWh"),
}


def recorded_lines(path: Path, quantity: str, last_h: float | None = None) -> list[Line]:
    """One quantity of each chip in a file of the recorder; doubted values are gaps.

    Raises:
        InputUnreadable: the file is something else, or holds no reading yet.
    """
    column, _unit = QUANTITIES[quantity]
    with closing(MeterStore(path, must_exist=True)) as store:
        span = store.span()
        if span is None:
            raise InputUnreadable(path=str(path), reason="no reading in it yet")
        from_s = span[1] - last_h * HOUR_S if last_h is not None else span[0]
        found = store.series(column, from_s, span[1] + 1)
    return [Line(one.chip, one.points) for one in found]


def chart_bytes(lines: list[Line], *, title: str, quantity: str, ending: str) -> bytes:
    """The chart as `.svg`, which needs nothing else, or as `.png`, drawn from it by cairosvg.

    Raises:
        UnsupportedHere: another kind of picture, or the extra `png` is not installed.
    """
    if ending not in (".svg", ".png"):
        raise UnsupportedHere(
            asked=f"drawing {ending or 'a file without an ending'}",
            reason="charts are written as SVG or PNG",
            advice="name a file that ends in .svg or .png",
        )
    draw: Callable[[str], bytes] = _rasteriser() if ending == ".png" else str.encode
    return draw(line_chart(lines, title=title, unit=QUANTITIES[quantity][1]))


def _rasteriser() -> Callable[[str], bytes]:
    try:
        cairosvg = import_module("cairosvg")
    except (ImportError, OSError) as error:  # OSError: the package without the system's cairo
        raise UnsupportedHere(
            asked="drawing .png",
            reason="cairosvg or the system's cairo is not installed",
            advice="pip install 'groundwire[png]', or name a file that ends in .svg",
        ) from error

    def draw(svg: str) -> bytes:
        return bytes(cairosvg.svg2png(bytestring=svg.encode(), scale=PNG_SCALE))

    return draw
