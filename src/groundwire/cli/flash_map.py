"""The picture of a flash in plain characters: what a plan does to each part of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from groundwire.chips.family import SECTOR, Region, RegionKind
from groundwire.planning.plan import WritePlan
from groundwire.quantities import Span, hex_address, size_text

COLUMNS: Final = 64
ROWS_MOST: Final = 16


class Cell(StrEnum):
    """What happens to a part of the flash; where a cell covers several, the first in order."""

    REWRITTEN = "#"
    PROGRAMMED = "+"
    ERASED = "x"
    SAME = "="
    BOOTLOADER = "b"
    RADIO = "r"
    KEPT = "."


LEGEND: Final = {
    Cell.REWRITTEN: "erased and written",
    Cell.PROGRAMMED: "written without erasing",
    Cell.ERASED: "erased",
    Cell.SAME: "holds the image already",
    Cell.BOOTLOADER: "bootloader, kept",
    Cell.RADIO: "radio calibration, kept",
    Cell.KEPT: "kept",
}
STYLES: Final = {
    Cell.REWRITTEN.value: "bold red",
    Cell.PROGRAMMED.value: "red",
    Cell.ERASED.value: "magenta",
    Cell.SAME.value: "green",
    Cell.BOOTLOADER.value: "cyan",
    Cell.RADIO.value: "bold cyan",
    Cell.KEPT.value: "dim",
}
KEPT_REGIONS: Final = {RegionKind.BOOTLOADER: Cell.BOOTLOADER, RegionKind.RF: Cell.RADIO}


def sector_cells(plan: WritePlan) -> list[Cell]:
    """What happens to each sector."""
    count = plan.flash_size // SECTOR
    cells = [Cell.KEPT] * count
    for region in plan.layout.regions:
        if region.kind in KEPT_REGIONS:
            _fill(cells, region.span, KEPT_REGIONS[region.kind])
    for span in plan.intended:
        _fill(cells, span, Cell.SAME)
    for task in plan.tasks:
        erased = Cell.REWRITTEN if task.program else Cell.ERASED
        _fill(cells, task.span, erased if task.erase else Cell.PROGRAMMED)
    return cells


def _fill(cells: list[Cell], span: Span, cell: Cell) -> None:
    for sector in span.widened(SECTOR).units(SECTOR):
        at = sector.start // SECTOR
        if at < len(cells):
            cells[at] = cell


def flash_map(plan: WritePlan) -> list[str]:
    """The map as lines, with a legend of the characters that occur in it."""
    sectors = sector_cells(plan)
    each = 1
    while len(sectors) > COLUMNS * ROWS_MOST * each:
        each *= 2
    order = list(Cell)
    cells = [min(sectors[at : at + each], key=order.index) for at in range(0, len(sectors), each)]
    lines = [
        f"flash map of {size_text(plan.flash_size)} (a character is {size_text(each * SECTOR)})"
    ]
    for at in range(0, len(cells), COLUMNS):
        row = "".join(cell.value for cell in cells[at : at + COLUMNS])
        lines.append(f"  {hex_address(at * each * SECTOR):>8} |{row}|")
    lines += [f"    {cell.value}  {LEGEND[cell]}" for cell in Cell if cell in cells]
    return lines


def region_lines(plan: WritePlan) -> list[str]:
    """Each region of the flash with what becomes of it."""
    width = max((len(region.name) for region in plan.layout.regions), default=0)
    return [
        f"  {region.span!s:<20} {region.name:<{width}}  {size_text(region.span.size):>9}  "
        f"{_fate(plan, region)}"
        for region in plan.layout.regions
    ]


def _fate(plan: WritePlan, region: Region) -> str:
    tasks = [task for task in plan.tasks if task.span.overlaps(region.span)]
    if tasks:
        return f"{len(tasks)} of {-(-region.span.size // SECTOR)} sectors change"
    if any(span.overlaps(region.span) for span in plan.intended):
        return "holds the image already"
    return "kept"
