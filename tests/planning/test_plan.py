"""Plans: what they change, what they never touch, and that carrying them out gives what was planned."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundwire.chips.family import SECTOR, Layout, Piece, Placement, Region, RegionKind
from groundwire.chips.nor_flash import NorFlash
from groundwire.planning.plan import (
    BLANK_SECTOR,
    EraseStep,
    SectorState,
    Task,
    build_plan,
    compare_sector,
    make_task,
    place_over,
    plan_from_survey,
    plan_over,
    repair_tasks,
    schedule,
)
from groundwire.quantities import Span

SIZE = 0x40000  # four blocks
UNITS = [(0x1000,), (0x1000, 0x10000), (0x1000, 0x8000, 0x10000)]
LAYOUT = Layout(
    (
        Region("bootloader", RegionKind.BOOTLOADER, Span(0, 0x11000)),
        Region("application", RegionKind.APP, Span.between(0x11000, 0x28000)),
        Region("update area", RegionKind.DOWNLOAD, Span.between(0x28000, 0x38000)),
        Region("radio calibration", RegionKind.RF, Span(0x38000, SECTOR)),
        Region("settings", RegionKind.SETTINGS, Span.between(0x39000, SIZE)),
    )
)
ONE = bytes([0x5A]) * SECTOR
SUBSET = bytes([0x4A]) * SECTOR  # lacks only cleared bits
OTHER = bytes([0xA5]) * SECTOR
sectors = st.lists(
    st.sampled_from([BLANK_SECTOR, ONE, SUBSET, OTHER]),
    min_size=SIZE // SECTOR,
    max_size=SIZE // SECTOR,
).map(b"".join)


@st.composite
def placements(draw):
    """Pieces in order of address that do not overlap, at any byte."""
    edges = sorted(draw(st.lists(st.integers(0, SIZE), min_size=2, max_size=6, unique=True)))
    pieces = []
    for start, end in zip(edges[::2], edges[1::2], strict=False):
        unit = draw(st.sampled_from([b"\xff", b"\x5a", b"\x4a", b"\x01\xff\x80"]))
        pieces.append(Piece(start, (unit * (end - start))[: end - start], "image"))
    return Placement("test", tuple(pieces))


def carry_out(flash: NorFlash, steps: list[EraseStep], after: bytes) -> None:
    for step in steps:
        if step.span is not None:
            flash.erase(step.span.start, step.span.size)
        for address in step.program:
            flash.program(address, after[address : address + SECTOR])


@settings(max_examples=80, deadline=None)
@given(before=sectors, placement=placements(), units=st.sampled_from(UNITS))
def test_carrying_out_a_plan_gives_what_was_planned_and_spares_the_rest(before, placement, units):
    plan = plan_over(before, placement, LAYOUT)
    flash = NorFlash(before)
    carry_out(flash, schedule(plan.tasks, plan.after, units, plan.precious), plan.after)
    assert bytes(flash.data) == plan.after
    tasks = {task.address for task in plan.tasks}
    for at in flash.wear.sectors_erased:
        # beyond the plan only what is blank before and after may be erased along
        assert at in tasks or before[at : at + SECTOR] == BLANK_SECTOR
        assert at in tasks or not any(Span(at, SECTOR).overlaps(one) for one in plan.precious)
    assert all(count == 1 for count in flash.wear.erases_by_sector.values())


@settings(max_examples=50, deadline=None)
@given(before=sectors, placement=placements())
def test_a_plan_changes_nothing_outside_the_image_but_the_tail_of_its_last_sector(
    before, placement
):
    plan = plan_over(before, placement, LAYOUT)
    for at in range(0, SIZE, SECTOR):
        sector = Span(at, SECTOR)
        if not any(span.overlaps(sector) for span in plan.intended):
            assert sector.of(plan.after) == sector.of(before)
    for piece in placement.pieces:
        assert piece.span.of(plan.after) == piece.data
    changed = {
        at
        for at in range(0, SIZE, SECTOR)
        if before[at : at + SECTOR] != plan.after[at : at + SECTOR]
    }
    assert {task.address for task in plan.tasks} == changed
    covered = sorted([*plan.intended, *(keep.span for keep in plan.keeps)])
    at = 0
    for span in covered:
        assert span.start <= at
        at = max(at, span.end)
    assert at == SIZE


@settings(max_examples=50, deadline=None)
@given(before=sectors, now=sectors, placement=placements(), units=st.sampled_from(UNITS))
def test_a_plan_from_a_survey_finishes_a_job_that_broke_off(before, now, placement, units):
    """Whatever the image's sectors hold now; the others hold what they held."""
    after = place_over(before, placement, LAYOUT)
    flash = NorFlash(before)
    states = {}
    for at in range(0, SIZE, SECTOR):
        sector = Span(at, SECTOR)
        if any(piece.span.overlaps(sector) for piece in placement.pieces):
            flash.data[at : at + SECTOR] = sector.of(now)
        held = sector.of(flash.data)
        state = compare_sector(held, sector.of(after))
        states[at] = SectorState.OTHER if state is SectorState.CLEARABLE else state
    plan = plan_from_survey(after, placement, LAYOUT, states)
    carry_out(flash, schedule(plan.tasks, plan.after, units, plan.precious), plan.after)
    assert bytes(flash.data) == after


@settings(max_examples=50, deadline=None)
@given(before=sectors, placement=placements(), bad=st.sets(st.integers(0, SIZE // SECTOR - 1)))
def test_repair_tasks_bring_any_sector_back(before, placement, bad):
    plan = plan_over(before, placement, LAYOUT)
    flash = NorFlash(plan.after)
    for index in bad:
        flash.data[index * SECTOR : (index + 1) * SECTOR] = b"\x13" * SECTOR
    tasks = repair_tasks(plan, [index * SECTOR for index in bad])
    carry_out(flash, schedule(tasks, plan.after, (0x1000, 0x10000), plan.precious), plan.after)
    assert bytes(flash.data) == plan.after
    for task in tasks:
        inside = any(span.contains(task.span) for span in plan.intended)
        assert task.why == ("written again" if inside else "repaired from the backup")


def test_a_sector_that_needs_no_erase_is_not_erased_after_it_was_programmed():
    """The first sector of a block lacks only programming, all others must be erased first."""
    after = ONE * 16
    tasks = [Task(0, erase=False, program=True, why="")]
    tasks += [Task(at, erase=True, program=True, why="") for at in range(SECTOR, 0x10000, SECTOR)]
    steps = schedule(tasks, after, (0x1000, 0x10000))
    assert steps == [EraseStep(Span(0, 0x10000), tuple(range(0, 0x10000, SECTOR)))]


def test_a_blank_sector_of_the_bootloader_is_not_erased_along_with_its_block():
    """An erase that is cut short leaves noise: the last sector of a bootloader is often blank."""
    before = bytearray(ONE * (SIZE // SECTOR))
    before[0x10000:0x11000] = BLANK_SECTOR
    image = Placement("test", (Piece(0x11000, OTHER * 15, "application"),))
    plan = plan_over(bytes(before), image, LAYOUT)
    steps = schedule(plan.tasks, plan.after, (0x1000, 0x8000, 0x10000), plan.precious)
    erased = [step.span for step in steps if step.span is not None]
    assert min(span.start for span in erased) == 0x11000
    assert Span(0x18000, 0x8000) in erased


def test_a_large_erase_is_used_only_where_it_saves_half_of_the_single_ones():
    after = bytearray(BLANK_SECTOR * 32)
    few = [Task(at, erase=True, program=False, why="") for at in range(0, 7 * SECTOR, SECTOR)]
    assert all(step.span.size == SECTOR for step in schedule(few, bytes(after), (0x1000, 0x10000)))
    many = [Task(at, erase=True, program=False, why="") for at in range(0, 8 * SECTOR, SECTOR)]
    assert [step.span for step in schedule(many, bytes(after), (0x1000, 0x10000))] == [
        Span(0, 0x10000)
    ]
    after[0xF000:0x10000] = ONE  # a neighbour that must stay
    assert all(step.span.size == SECTOR for step in schedule(many, bytes(after), (0x1000, 0x10000)))


def test_no_erase_reaches_past_the_end_of_the_flash():
    size = 0x18000
    tasks = [Task(at, erase=True, program=False, why="") for at in range(0, size, SECTOR)]
    steps = schedule(tasks, b"\xff" * size, (0x1000, 0x10000))
    assert max(step.span.end for step in steps) == size


@pytest.mark.parametrize(
    ("before", "after", "state", "erase", "program"),
    [
        (ONE, ONE, SectorState.SAME, None, None),
        (BLANK_SECTOR, BLANK_SECTOR, SectorState.SAME, None, None),
        (BLANK_SECTOR, ONE, SectorState.BLANK, False, True),
        (ONE, SUBSET, SectorState.CLEARABLE, False, True),
        (SUBSET, ONE, SectorState.OTHER, True, True),
        (ONE, OTHER, SectorState.OTHER, True, True),
        (ONE, BLANK_SECTOR, SectorState.OTHER, True, False),
    ],
)
def test_what_a_sector_needs(before, after, state, erase, program):
    assert compare_sector(before, after) is state
    task = make_task(0, state, after, "because")
    if erase is None:
        assert task is None
    else:
        assert task == Task(0, erase=erase, program=program, why="because")


def test_the_tail_of_the_last_sector_is_left_erased_inside_its_region_only():
    before = ONE * (SIZE // SECTOR)
    image = Placement("test", (Piece(0x27000, b"\0" * 100, "application"),))
    after = place_over(before, image, LAYOUT)
    assert after[0x27000:0x28000] == b"\0" * 100 + b"\xff" * (SECTOR - 100)
    assert after[0x28000:] == before[0x28000:]


def test_two_pieces_in_one_sector_make_one_task():
    before = ONE * (SIZE // SECTOR)
    pieces = (Piece(0x12000, b"\0" * 10, "first"), Piece(0x12800, b"\0" * 10, "second"))
    plan = build_plan(
        place_over(before, Placement("test", pieces), LAYOUT),
        Placement("test", pieces),
        LAYOUT,
        lambda _sector: SectorState.OTHER,
    )
    assert [task.address for task in plan.tasks] == [0x12000]
    assert plan.erased == plan.programmed == plan.changed == (Span(0x12000, SECTOR),)
