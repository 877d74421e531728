"""Every OpenBeken configuration in a piece of flash, wherever its platform keeps it."""

# Ref: obk-config, sections 1 and 8.

from __future__ import annotations

from dataclasses import dataclass, replace

from groundwire.openbeken.config import Config, parse_config
from groundwire.openbeken.easyflash import Area, find_areas
from groundwire.openbeken.facts import Placement, placement_of, placements
from groundwire.openbeken.layout import FULL_SIZE, IDENT
from groundwire.quantities import Span, hex_address

SECTOR = 4096


@dataclass(frozen=True, slots=True)
class FoundConfig:
    """A configuration and where it was: a sector of its own, or a key of an EasyFlash area."""

    config: Config
    span: Span
    key: str = ""
    area: Span | None = None
    expected_here: bool | None = None

    @property
    def where(self) -> str:
        """The place, for people."""
        place = hex_address(self.span.start)
        return f"key {self.key!r} at {place}" if self.key else place


def find_configs(flash: bytes, chip: str = "") -> tuple[FoundConfig, ...]:
    """All configurations, the one where this chip's firmware looks for it first.

    `chip` selects the pin count; without it the texts decide.
    """
    placement = placement_of(chip) if chip else None
    count = placement.pin_count if placement else None
    found = [*in_sectors(flash, placement, count), *in_areas(find_areas(flash), count)]
    return tuple(
        sorted(found, key=lambda item: (item.expected_here is False, not item.config.checksum_ok))
    )


def in_sectors(flash: bytes, placement: Placement | None, count: int | None) -> list[FoundConfig]:
    """Configurations in sectors of their own."""
    odd = {row.config_address for row in placements() if row.config_address}
    starts = [*range(0, len(flash), SECTOR), *(at for at in odd if at % SECTOR)]
    found = []
    for start in sorted(starts):
        if flash[start : start + 3] != IDENT:
            continue
        config = parse_config(flash[start : start + FULL_SIZE], count)
        if config is None or (start % SECTOR and not config.checksum_ok):
            continue
        here = start == placement.config_address if placement else None
        if here is False and start == 0:
            here = None  # an export holds nothing but the configuration
        note = "is not where this chip's firmware looks for it: written for another platform"
        if here is False:
            config = replace(config, findings=(*config.findings, note))
        found.append(FoundConfig(config, Span(start, config.size), expected_here=here))
    return found


def in_areas(areas: tuple[Area, ...], count: int | None) -> list[FoundConfig]:
    """Configurations that are values of EasyFlash areas."""
    keys = {row.easyflash_key for row in placements()}
    found = []
    for area in areas:
        for key in sorted(keys):
            entry = area.get(key)
            config = parse_config(entry.content.reveal(), count) if entry else None
            if entry is not None and config is not None:
                found.append(FoundConfig(config, entry.value_span, key, area.span))
    return found
