"""The picture of a flash, character by character."""

from __future__ import annotations

from groundwire.chips.family import SECTOR, Layout, Piece, Placement, Region, RegionKind
from groundwire.cli.colours import coloured
from groundwire.cli.flash_map import COLUMNS, ROWS_MOST, flash_map, region_lines
from groundwire.cli.render import plan_lines, spans_text, table
from groundwire.planning.plan import WritePlan, plan_over
from groundwire.quantities import KIB, MIB, Span

BLANK = b"\xff" * SECTOR
LAYOUT = Layout(
    (
        Region("bootloader", RegionKind.BOOTLOADER, Span(0, SECTOR)),
        Region("application", RegionKind.APP, Span(SECTOR, 5 * SECTOR)),
        Region("radio calibration", RegionKind.RF, Span(6 * SECTOR, SECTOR)),
    )
)


def made_plan() -> WritePlan:
    """One sector of each kind."""
    before = b"\0" * SECTOR + b"\1" * SECTOR + BLANK + b"\1" * SECTOR * 5
    image = b"\2" * SECTOR + b"\2" * SECTOR + BLANK + b"\1" * SECTOR
    placement = Placement("test", (Piece(SECTOR, image, "application"),))
    return plan_over(before, placement, LAYOUT)


def test_each_kind_of_sector_has_its_character() -> None:
    lines = flash_map(made_plan())
    assert lines[0] == "flash map of 32 KiB (a character is 4 KiB)"
    assert lines[1] == "   0x00000 |b#+x=.r.|"
    assert lines[2:] == [
        "    #  erased and written",
        "    +  written without erasing",
        "    x  erased",
        "    =  holds the image already",
        "    b  bootloader, kept",
        "    r  radio calibration, kept",
        "    .  kept",
    ]


def test_the_map_is_plain_ascii() -> None:
    assert all(line.isascii() for line in plan_lines(made_plan()))


def test_a_large_flash_fits_the_screen() -> None:
    before = bytes(16 * MIB)
    placement = Placement("test", (Piece(8 * MIB + 12 * KIB, b"\1", "one byte"),))
    plan = plan_over(before, placement, Layout(()))
    lines = flash_map(plan)
    assert "(a character is 16 KiB)" in lines[0]
    rows = [line for line in lines if "|" in line]
    assert len(rows) <= ROWS_MOST
    assert all(len(row) < COLUMNS + 16 for row in rows)
    assert sum(row.count("#") for row in rows) == 1  # the one that changes is never hidden


def test_regions_say_what_becomes_of_them() -> None:
    lines = region_lines(made_plan())
    assert lines[0].endswith("kept")
    assert lines[1].endswith("3 of 5 sectors change")
    assert lines[2].endswith("kept")


def test_colour_adds_nothing_but_colour() -> None:
    for line in [*plan_lines(made_plan()), "warning: x", "module"]:
        text = coloured(line)
        assert text.plain == line
    row = coloured("   0x00000 |b##.|")
    assert [(span.start, span.end) for span in row.spans] == [(12, 13), (13, 15), (15, 16)]


def test_a_plan_says_why() -> None:
    text = "\n".join(plan_lines(made_plan()))
    assert "covers  0x01000..0x05000" in text
    assert "erases  0x01000..0x02000, 0x03000..0x04000 (8 KiB)" in text
    assert "keeps 0x00000..0x01000: the image does not cover it" in text
    assert "3 sectors: application" in text


def test_many_spans_are_counted() -> None:
    assert spans_text(()) == "nothing"
    assert spans_text([Span(at * 16, 1) for at in range(9)]).endswith("and 3 more")


def test_tables_leave_empty_rows_out() -> None:
    assert table([("a", "1"), ("bcd", ""), ("ef", "2")]) == ["  a   1", "  ef  2"]
