"""The families that are built in, and those that other packages bring."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Final

from groundwire.chips.family import ChipFamily

BUILT_IN: Final = ("groundwire.chips.beken", "groundwire.chips.bouffalo")
ENTRY_POINT_GROUP: Final = "groundwire.chip_families"


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A family that could not be loaded, and why."""

    name: str
    because: str


@cache
def load_families() -> tuple[tuple[ChipFamily, ...], tuple[Unavailable, ...]]:
    """All families that load, and those that do not; a broken one never stops the others."""
    loaded: list[ChipFamily] = [import_module(name).FAMILY for name in BUILT_IN]
    broken: list[Unavailable] = []
    for entry in entry_points(group=ENTRY_POINT_GROUP):
        try:
            family = entry.load()
        except Exception as error:  # noqa: BLE001 - foreign code may fail in any way
            broken.append(Unavailable(entry.name, f"{type(error).__name__}: {error}"))
            continue
        if isinstance(family, ChipFamily):
            loaded.append(family)
        else:
            broken.append(Unavailable(entry.name, "it offers no ChipFamily"))
    return tuple(loaded), tuple(broken)


def families() -> tuple[ChipFamily, ...]:
    """All families that can be used."""
    return load_families()[0]


def family_of(chip: str) -> ChipFamily | None:
    """The family that a chip name belongs to, whatever its case."""
    wanted = chip.upper()
    for family in families():
        if wanted in (part.upper() for part in family.parts):
            return family
    return None
