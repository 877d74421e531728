"""The rows of roles.toml and layouts.toml: numbers, names and places of an OpenBeken device."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from groundwire.pins import Role
from groundwire.tables.load import EvidenceKind, load_rows

PACKAGE = "groundwire.openbeken"


@dataclass(frozen=True, slots=True)
class RoleFact:
    """One pin role: its number in flash, its name in templates, and what it means to us."""

    number: int
    name: str
    evidence: EvidenceKind
    source: str
    aliases: tuple[str, ...] = ()
    means: Role | None = None
    inverted: bool = False
    preferred: bool = False


@dataclass(frozen=True, slots=True)
class NumberedName:
    """A channel type or a flag."""

    number: int
    name: str
    evidence: EvidenceKind
    source: str


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a platform keeps its configuration, in which form, and where its files end."""

    platform: str
    pin_count: int
    evidence: EvidenceKind
    source: str
    chips: tuple[str, ...] = ()
    signed_char: bool = True
    config_address: int | None = None
    easyflash_address: int | None = None
    easyflash_size: int | None = None
    easyflash_unit_bits: int | None = None
    easyflash_key: str = "ObkCfg"
    files_end: int | None = None
    files_lowest: int | None = None
    mqtt_group: str = ""
    name_prefix: str = ""
    client_prefix: str = ""


@cache
def role_facts() -> tuple[RoleFact, ...]:
    """All pin roles."""
    return load_rows(PACKAGE, "roles.toml", "role", RoleFact)


@cache
def channel_types() -> dict[int, str]:
    """The names of channel types by number."""
    rows = load_rows(PACKAGE, "roles.toml", "channel_type", NumberedName)
    return {row.number: row.name for row in rows}


@cache
def flag_names() -> dict[int, str]:
    """What each generic flag does, by bit."""
    rows = load_rows(PACKAGE, "roles.toml", "flag", NumberedName)
    return {row.number: row.name for row in rows}


@cache
def placements() -> tuple[Placement, ...]:
    """All platforms."""
    return load_rows(PACKAGE, "layouts.toml", "placement", Placement)


def placement_of(chip: str) -> Placement | None:
    """The platform of a chip, by its name in any case."""
    upper = chip.upper()
    return next((row for row in placements() if upper == row.platform or upper in row.chips), None)


def role_of_number(number: int) -> RoleFact | None:
    """The role with that number, or None for one that newer firmware added."""
    return next((row for row in role_facts() if row.number == number), None)


def role_of_name(name: str) -> RoleFact | None:
    """The role with that name or older name; case does not matter."""
    lowered = name.lower()
    for row in role_facts():
        if lowered == row.name.lower() or lowered in {alias.lower() for alias in row.aliases}:
            return row
    return None


def role_for(means: Role, *, inverted: bool) -> RoleFact | None:
    """The role to write for a neutral role; without an inverted form the plain one is given."""
    rows = [row for row in role_facts() if row.preferred and row.means is means]
    exact = [row for row in rows if row.inverted == inverted]
    return next(iter(exact or rows), None)
