"""Safety rules: what no plan may do, whoever asks."""

import pytest

from groundwire.chips.family import Layout, Piece, Placement, Region, RegionKind
from groundwire.errors import RefusedBySafety, SpanOutside, SpanUnaligned
from groundwire.planning.plan import plan_over
from groundwire.planning.rules import Allowances, check_erase, check_plan, check_spans
from groundwire.quantities import Span

SIZE = 0x40000
REGIONS = (
    Region("bootloader", RegionKind.BOOTLOADER, Span(0, 0x11000)),
    Region("application", RegionKind.APP, Span.between(0x11000, 0x30000)),
    Region("radio calibration", RegionKind.RF, Span(0x30000, 0x1000)),
    Region("settings", RegionKind.SETTINGS, Span.between(0x31000, SIZE)),
)
ROM = Layout(REGIONS)
LOADER = Layout(REGIONS, serves_protocol=Span(0, 0x11000))


@pytest.mark.parametrize("span", [Span(0x10000, 0x1001), Span(0, 1), Span(0, SIZE)])
def test_the_bootloader_is_kept_unless_asked_for(span):
    with pytest.raises(RefusedBySafety, match=r"touches the bootloader at 0x00000\.\.0x11000"):
        check_spans((span,), ROM, Allowances(radio=True))
    check_spans((span,), ROM, Allowances(bootloader=True, radio=True))


def test_a_loader_that_serves_the_protocol_needs_an_allowance_of_its_own():
    span = (Span(0x2000, 0x1000),)
    with pytest.raises(RefusedBySafety, match="answers on the serial line"):
        check_spans(span, LOADER, Allowances(bootloader=True, radio=True))
    check_spans(span, LOADER, Allowances(bootloader=True, serving_loader=True))


@pytest.mark.parametrize("span", [Span(0x2F000, 0x2000), Span(0x30FFF, 1), Span(0x30000, 0x1000)])
def test_calibration_is_never_written_but_by_a_restore(span):
    with pytest.raises(RefusedBySafety, match="only ever restored from its own backup"):
        check_spans((span,), ROM, Allowances(bootloader=True, serving_loader=True))
    check_spans((span,), ROM, Allowances(radio=True))


def test_neighbours_of_protected_regions_may_be_changed():
    check_spans((Span(0x11000, 0x1F000), Span(0x31000, 0xF000)), LOADER, Allowances())


def test_a_plan_is_judged_by_what_it_changes_not_by_what_the_image_covers():
    before = bytes(SIZE)
    same = Placement("test", (Piece(0x30000, bytes(0x1000), "the same calibration"),))
    check_plan(plan_over(before, same, ROM), Allowances())
    other = Placement("test", (Piece(0x30000, b"\1" * 0x1000, "another one"),))
    with pytest.raises(RefusedBySafety):
        check_plan(plan_over(before, other, ROM), Allowances())


def test_an_erase_past_the_end_is_told_before_anything_else():
    with pytest.raises(SpanOutside):
        check_erase(Span(SIZE - 0x1000, 0x2001), ROM, SIZE, 0x1000)
    with pytest.raises(SpanOutside):
        check_erase(Span(1 << 60, 1 << 60), ROM, SIZE, 0x1000)


@pytest.mark.parametrize("span", [Span(0x31001, 0x1000), Span(0x31000, 0x800)])
def test_an_erase_is_made_of_whole_sectors(span):
    with pytest.raises(SpanUnaligned):
        check_erase(span, ROM, SIZE, 0x1000)


def test_an_erase_of_settings_is_allowed_and_one_of_calibration_is_not():
    check_erase(Span(0x31000, 0x2000), ROM, SIZE, 0x1000)
    for span in (Span(0x30000, 0x1000), Span(0, 0x1000), Span(0, SIZE)):
        with pytest.raises(RefusedBySafety):
            check_erase(span, ROM, SIZE, 0x1000)
