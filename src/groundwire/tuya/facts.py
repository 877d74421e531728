"""The rows of facts.toml: what the names in a module's settings mean."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from groundwire.pins import Colour, LedChip, MeterChip, Role
from groundwire.tables.load import EvidenceKind, load_rows

PACKAGE = "groundwire.tuya"
FILE = "facts.toml"


@dataclass(frozen=True, slots=True)
class PinFact:
    """One name whose value is a pin."""

    name: str
    role: Role
    evidence: EvidenceKind
    source: str
    level: tuple[str, ...] = ()
    acts_low: bool = False
    channel: int = 0
    colour: Colour | None = None
    needs: str = ""
    label: str = ""
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class DriverFact:
    """How a constant-current LED driver shows in the settings."""

    chip: LedChip
    dmod: tuple[int, ...]
    marks: tuple[str, ...]
    evidence: EvidenceKind
    source: str
    colour_current: tuple[str, ...] = ()
    cold_current: tuple[str, ...] = ()
    white_current: tuple[str, ...] = ()
    step_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MeterFact:
    """The meaning of `chip_type`."""

    chip: MeterChip
    chip_type: tuple[int, ...]
    evidence: EvidenceKind
    source: str
    baudrate: int | None = None


@dataclass(frozen=True, slots=True)
class PlatformFact:
    """The meaning of `em_sys_env`."""

    chip: str
    names: tuple[str, ...]
    evidence: EvidenceKind
    source: str


@dataclass(frozen=True, slots=True)
class ModuleFact:
    """The chip of modules whose name begins so."""

    begins: str
    chip: str
    evidence: EvidenceKind
    source: str


@dataclass(frozen=True, slots=True)
class PinName:
    """A pin fact made ready to be matched against names."""

    fact: PinFact
    pattern: re.Pattern[str]

    def channel_in(self, name: str) -> int | None:
        """The channel if `name` is of this form, else None."""
        match = self.pattern.fullmatch(name)
        if match is None:
            return None
        return int(match.group(1)) if self.pattern.groups else self.fact.channel

    def level_names(self, channel: int) -> tuple[str, ...]:
        """The names that may hold the active level."""
        return tuple(name.replace("{n}", str(channel)) for name in self.fact.level)


@cache
def pin_names() -> tuple[PinName, ...]:
    """All names whose value is a pin."""
    return tuple(
        PinName(fact, re.compile(re.escape(fact.name).replace(r"\{n\}", "([0-9]{1,2})")))
        for fact in load_rows(PACKAGE, FILE, "pin", PinFact)
    )


@cache
def driver_facts() -> tuple[DriverFact, ...]:
    """All LED drivers."""
    return load_rows(PACKAGE, FILE, "driver", DriverFact)


@cache
def meter_facts() -> tuple[MeterFact, ...]:
    """All meter numbers."""
    return load_rows(PACKAGE, FILE, "meter", MeterFact)


def chip_of_platform(name: str) -> str:
    """The chip that an `em_sys_env` value names, or ""."""
    lowered = name.strip().lower()
    rows = load_platforms()
    return next((row.chip for row in rows if lowered in row.names), "")


def chip_of_module(name: str) -> str:
    """The chip on a module of that name, or "": the row with the longest beginning wins."""
    upper = name.strip().upper().replace("-", "_")
    rows = [row for row in load_modules() if upper.startswith(row.begins)]
    return max(rows, key=lambda row: len(row.begins)).chip if rows else ""


@cache
def load_platforms() -> tuple[PlatformFact, ...]:
    """The rows of platform names."""
    return load_rows(PACKAGE, FILE, "platform", PlatformFact)


@cache
def load_modules() -> tuple[ModuleFact, ...]:
    """The rows of module names."""
    return load_rows(PACKAGE, FILE, "module", ModuleFact)
