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
    states: dict[int, SectorState] = {}
    for block in Span(0, len(after)).units(BLOCK):
        same = holds(session, block, block.of(after))
        for sector in block.units(SECTOR):
            wanted = sector.of(after)
            if same or holds(session, sector, wanted):
                states[sector.start] = SectorState.SAME
            elif holds(session, sector, BLANK_SECTOR):
                states[sector.start] = SectorState.BLANK
            else:
                states[sector.start] = SectorState.OTHER
        session.tell(Progress("compare", block.end, len(after)))
    return states


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
