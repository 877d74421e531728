"""A plan is the whole flash as it is to be, and the sectors that must change to get there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from groundwire.chips.family import SECTOR, Layout, Placement, RegionKind
from groundwire.quantities import Span, merge_spans

BLANK_SECTOR = b"\xff" * SECTOR


class SectorState(StrEnum):
    """What is known of a sector on the module, compared with what it shall hold."""

    SAME = "same"
    BLANK = "blank"
    CLEARABLE = "clearable"  # only bits from 1 to 0 are missing: no erase needed
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Task:
    """One sector that must change."""

    address: int
    erase: bool
    program: bool
    why: str

    @property
    def span(self) -> Span:
        return Span(self.address, SECTOR)


@dataclass(frozen=True, slots=True)
class EraseStep:
    """One erase command, and the sectors to program after it."""

    span: Span | None
    program: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Keep:
    """A span that stays as it is, and why."""

    span: Span
    why: str


@dataclass(frozen=True)
class WritePlan:
    """`after` is the whole flash at the end; `tasks` are the sectors that get it there.

    `intended` are the spans that the image covers; everything else must stay as it is.
    """

    kind: str
    after: bytes
    tasks: tuple[Task, ...]
    intended: tuple[Span, ...]
    keeps: tuple[Keep, ...]
    layout: Layout

    @property
    def flash_size(self) -> int:
        return len(self.after)

    def wanted(self, span: Span) -> bytes:
        """What a span shall hold at the end."""
        return span.of(self.after)

    @property
    def precious(self) -> tuple[Span, ...]:
        """Spans that are only ever erased for their own sake: bootloader and calibration."""
        kinds = (RegionKind.BOOTLOADER, RegionKind.RF)
        return tuple(region.span for kind in kinds for region in self.layout.of_kind(kind))

    @property
    def erased(self) -> tuple[Span, ...]:
        """Spans whose sectors must be erased."""
        return merge_spans([task.span for task in self.tasks if task.erase])

    @property
    def programmed(self) -> tuple[Span, ...]:
        """Spans that must be programmed."""
        return merge_spans([task.span for task in self.tasks if task.program])

    @property
    def changed(self) -> tuple[Span, ...]:
        """Spans that change in any way."""
        return merge_spans([task.span for task in self.tasks])


def place_over(before: bytes, placement: Placement, layout: Layout) -> bytes:
    """The whole flash after an image was laid over what is there.

    Where a piece ends inside a sector, the rest of that sector is left erased if it belongs to
    the same region: it is the tail of an older, longer piece of the same kind.
    """
    after = bytearray(before)
    for piece in placement.pieces:
        end = piece.span.end
        after[piece.address : end] = piece.data
        tail_end = -(-end // SECTOR) * SECTOR
        for region in layout.regions:
            if region.span.start < end < region.span.end:
                tail_end = min(tail_end, region.span.end)
                after[end:tail_end] = b"\xff" * (tail_end - end)
    return bytes(after)


def compare_sector(before: bytes, after: bytes) -> SectorState:
    """What has to happen to a sector to get from one content to the other."""
    if before == after:
        return SectorState.SAME
    if before == BLANK_SECTOR:
        return SectorState.BLANK
    old = int.from_bytes(before, "little")
    new = int.from_bytes(after, "little")
    return SectorState.CLEARABLE if new & ~old == 0 else SectorState.OTHER


def make_task(address: int, state: SectorState, after: bytes, why: str) -> Task | None:
    """The task for a sector in this state, or None where nothing is to be done."""
    if state is SectorState.SAME:
        return None
    blank_after = after == BLANK_SECTOR
    if state is SectorState.BLANK:
        return None if blank_after else Task(address, erase=False, program=True, why=why)
    return Task(address, erase=state is SectorState.OTHER, program=not blank_after, why=why)


def build_plan(
    after: bytes,
    placement: Placement,
    layout: Layout,
    state_of: Callable[[Span], SectorState],
) -> WritePlan:
    """The plan that brings a module to `after`; `state_of` tells what a sector holds now."""
    tasks: list[Task] = []
    for piece in placement.pieces:
        for sector in piece.span.widened(SECTOR).units(SECTOR):
            task = make_task(sector.start, state_of(sector), sector.of(after), piece.why)
            if task is not None and (not tasks or tasks[-1].address != task.address):
                tasks.append(task)
    intended = merge_spans([piece.span.widened(SECTOR) for piece in placement.pieces])
    keeps = [Keep(span, why) for span, why in placement.left_out]
    keeps += [
        Keep(gap, "the image does not cover it")
        for gap in _gaps(intended, len(after))
        if not any(keep.span.contains(gap) for keep in keeps)
    ]
    keeps.sort(key=lambda keep: keep.span)
    return WritePlan(placement.kind, after, tuple(tasks), intended, tuple(_merged(keeps)), layout)


def plan_over(before: bytes, placement: Placement, layout: Layout) -> WritePlan:
    """The plan for a module whose whole content is known."""
    after = place_over(before, placement, layout)

    def state_of(sector: Span) -> SectorState:
        return compare_sector(sector.of(before), sector.of(after))

    return build_plan(after, placement, layout, state_of)


def plan_from_survey(
    after: bytes, placement: Placement, layout: Layout, survey: Mapping[int, SectorState]
) -> WritePlan:
    """The plan for a module of which only the state of each sector is known."""
    return build_plan(after, placement, layout, lambda sector: survey[sector.start])


def repair_tasks(plan: WritePlan, addresses: Iterable[int]) -> tuple[Task, ...]:
    """Tasks that bring the named sectors to what the plan wants, whatever they hold."""
    tasks = []
    for address in sorted(addresses):
        wanted = plan.wanted(Span(address, SECTOR))
        inside = any(span.contains(Span(address, SECTOR)) for span in plan.intended)
        why = "written again" if inside else "repaired from the backup"
        tasks.append(Task(address, erase=True, program=wanted != BLANK_SECTOR, why=why))
    return tuple(tasks)


def schedule(
    tasks: Iterable[Task],
    after: bytes,
    units: tuple[int, ...],
    precious: tuple[Span, ...] = (),
) -> list[EraseStep]:
    """Erase commands and the sectors to program after each.

    A larger unit is used where every sector in it either must be erased or is to end up blank,
    and where it saves at least half of the single erases: one 64 KiB erase takes about as long
    as eight of 4 KiB. A blank sector of a `precious` span is not erased along with others: an
    erase that is cut short leaves noise in it.
    """
    todo = {task.address: task for task in tasks}
    steps: list[EraseStep] = []
    while todo:
        address = min(todo)
        span = _erase_span(address, todo, units, lambda sector: _may_go(sector, after, precious))
        whole = span or Span(address, SECTOR)
        covered = sorted(at for at in todo if whole.start <= at < whole.end)
        steps.append(EraseStep(span, tuple(at for at in covered if todo[at].program)))
        for at in covered:
            del todo[at]
    return steps


def _may_go(sector: Span, after: bytes, precious: tuple[Span, ...]) -> bool:
    """Whether a sector without a task may be erased along with its neighbours."""
    return sector.of(after) == BLANK_SECTOR and not any(sector.overlaps(span) for span in precious)


def _erase_span(
    address: int,
    todo: Mapping[int, Task],
    units: tuple[int, ...],
    may_go: Callable[[Span], bool],
) -> Span | None:
    """The erase for a sector and its neighbours; `todo` holds only what is not done yet."""
    for unit in sorted(units, reverse=True):
        span = Span(address // unit * unit, unit)
        sectors = list(span.units(SECTOR))
        erases = [sector for sector in sectors if _is_erase(todo, sector.start)]
        if len(erases) * 2 < len(sectors):
            continue
        if all(sector.start in todo or may_go(sector) for sector in sectors):
            return span
    return Span(address, SECTOR) if todo[address].erase else None


def _is_erase(todo: Mapping[int, Task], address: int) -> bool:
    return address in todo and todo[address].erase


def _gaps(spans: tuple[Span, ...], size: int) -> list[Span]:
    gaps: list[Span] = []
    at = 0
    for span in spans:
        if span.start > at:
            gaps.append(Span.between(at, span.start))
        at = max(at, span.end)
    if at < size:
        gaps.append(Span.between(at, size))
    return gaps


def _merged(keeps: list[Keep]) -> list[Keep]:
    out: list[Keep] = []
    for keep in keeps:
        if out and out[-1].why == keep.why and out[-1].span.end >= keep.span.start:
            start = out[-1].span.start
            out[-1] = Keep(Span.between(start, max(out[-1].span.end, keep.span.end)), keep.why)
        else:
            out.append(keep)
    return out
