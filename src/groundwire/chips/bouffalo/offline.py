"""What a dump tells of the module it came from, without a port."""

from __future__ import annotations

from groundwire.chips.bouffalo.identify import (
    FAMILY,
    Findings,
    describe_head,
    finish,
    warn_of_radio,
)
from groundwire.chips.bouffalo.layout import BOOT2, factory_span, health_of
from groundwire.chips.family import SECTOR, Identity
from groundwire.images.kinds import ImageKind
from groundwire.images.recognise import recognise
from groundwire.quantities import size_text

SMALLEST_DUMP = 0x80000


def identify_dump(data: bytes) -> Identity | None:
    """The module that a whole-flash dump came from, or None where it is no such dump.

    The MAC is in eFuse and not in the flash, so a dump does not tell it.
    """
    if len(data) % SECTOR or len(data) < SMALLEST_DUMP:
        return None
    seen = recognise(data)
    if seen.family != FAMILY or seen.kind is not ImageKind.BL602_WHOLE:
        return None
    found = Findings(size=len(data), size_source=f"the dump holds {size_text(len(data))}")
    found.evidence += seen.evidence
    found.warnings += [str(problem) for problem in seen.problems]
    describe_head(data[: BOOT2.size], found)
    factory = factory_span(found.regions)
    if factory is not None:
        found.rf = health_of(data[factory.start : factory.start + SECTOR])
        warn_of_radio(found)
    return finish(found)
