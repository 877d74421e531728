"""The pads of modules: which GPIO is where, and what ESPHome calls the board."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from groundwire.tables.load import EvidenceKind, load_rows

GPIO_LABEL = re.compile(r"P(?P<port>[AB]?)(?P<number>[0-9]{1,2})")


class Shape(StrEnum):
    """How the numbered pads go round the module."""

    EDGE = "edge"
    ESP12 = "esp12"
    THREE_SIDES = "three-sides"
    ROWS = "rows"


@dataclass(frozen=True, slots=True)
class ModuleRow:
    """One row of modules.toml."""

    name: str
    chip: str
    esphome: str
    shape: Shape
    pins: tuple[str, ...]
    evidence: EvidenceKind
    source: str
    points: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pad:
    """One contact: its number or name on the module and what it leads to."""

    number: str
    label: str

    @property
    def gpio(self) -> int | None:
        """The GPIO number, or None for supply and control contacts.

        Port B of LN882H follows port A: PB00 is 16, as OpenBeken counts.
        """
        match = GPIO_LABEL.fullmatch(self.label)
        if match is None:
            return None
        return int(match["number"]) + (16 if match["port"] == "B" else 0)


@dataclass(frozen=True, slots=True)
class Module:
    """A module and its contacts."""

    name: str
    chip: str
    esphome: str
    shape: Shape
    pads: tuple[Pad, ...]
    points: tuple[Pad, ...]
    source: str

    @property
    def gpios(self) -> frozenset[int]:
        """All GPIOs that can be reached, test pads included."""
        found = (pad.gpio for pad in (*self.pads, *self.points))
        return frozenset(gpio for gpio in found if gpio is not None)


@cache
def all_modules() -> tuple[Module, ...]:
    """Every known module."""
    rows = load_rows("groundwire.tables", "modules.toml", "module", ModuleRow)
    return tuple(
        Module(
            row.name, row.chip, row.esphome, row.shape, pads(row.pins), pads(row.points),
            row.source,
        )
        for row in rows
    )  # fmt: skip


def pads(texts: tuple[str, ...]) -> tuple[Pad, ...]:
    """Contacts from texts of the form `number label`."""
    return tuple(Pad(*text.split(" ", 1)) for text in texts)


def module_named(name: str) -> Module | None:
    """The module of that name; case and `-` or `_` make no difference."""
    wanted = name.upper().replace("-", "_")
    return next(
        (module for module in all_modules() if module.name.replace("-", "_") == wanted), None
    )
