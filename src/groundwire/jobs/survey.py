"""Asking the module which sectors hold what is wanted, without moving their bytes."""

from __future__ import annotations

from groundwire.chips.family import SECTOR
from groundwire.events import Progress
from groundwire.jobs.read import BLOCK, holds
from groundwire.jobs.session import Session
from groundwire.planning.plan import BLANK_SECTOR, SectorState
from groundwire.quantities import Span


def survey(session: Session, after: bytes) -> dict[int, SectorState]:
    """The state of every sector of the flash, compared with `after`."""
    return survey_spans(session, after, (Span(0, len(after)),))


def survey_spans(session: Session, after: bytes, spans: tuple[Span, ...]) -> dict[int, SectorState]:
    """The state of the sectors of some spans, compared with the whole flash as it is to be."""
    states: dict[int, SectorState] = {}
    total = sum(span.widened(SECTOR).size for span in spans)
    done = 0
    for span in spans:
        for block in span.widened(SECTOR).units(BLOCK):
            same = holds(session, block, block.of(after))
            for sector in block.units(SECTOR):
                states[sector.start] = (
                    SectorState.SAME if same else _sector_state(session, sector, sector.of(after))
                )
            done += block.size
            session.tell(Progress("compare", done, total))
    return states


def _sector_state(session: Session, sector: Span, wanted: bytes) -> SectorState:
    if holds(session, sector, wanted):
        return SectorState.SAME
    return SectorState.BLANK if holds(session, sector, BLANK_SECTOR) else SectorState.OTHER


def differing(session: Session, data: bytes, start: int, action: str) -> tuple[int, ...]:
    """Addresses of the sectors that do not hold `data`, which begins at flash address `start`.

    Every byte is covered by a checksum of the chip; a block that fails is taken apart.
    """
    bad: list[int] = []
    whole = Span(start, len(data))
    for block in whole.units(BLOCK):
        part = data[block.start - start : block.end - start]
        if not holds(session, block, part):
            for sector in block.units(SECTOR):
                at = sector.start - start
                if not holds(session, sector, data[at : at + SECTOR]):
                    bad.append(sector.start)
        session.tell(Progress(action, block.end - start, len(data)))
    return tuple(bad)
