"""The rows of facts.toml, read once and checked strictly."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any

from groundwire.errors import InternalError


class Evidence(StrEnum):
    """How surely a fact is known."""

    MEASURED = "measured"
    DATASHEET = "datasheet"
    REPORTED = "reported"


@dataclass(frozen=True, slots=True)
class RegisterFact:
    """One register: its width, its sign and what it holds after a reset."""

    name: str
    number: int
    bits: int
    signed: bool
    reset: int
    writable: bool
    evidence: Evidence
    source: str

    @property
    def mask(self) -> int:
        return (1 << self.bits) - 1

    def to_value(self, word: int) -> int:
        """What the 24 bits on the wire mean; bits beyond the width are dropped."""
        word &= self.mask
        return word - (1 << self.bits) if self.signed and word >> (self.bits - 1) else word

    def to_word(self, value: int) -> int:
        """The 24 bits on the wire, padded with zeros at the top."""
        return value & self.mask


@dataclass(frozen=True, slots=True)
class CircuitFact:
    """The resistors around a chip, as they are found on boards."""

    name: str
    divider_low_ohm: float
    divider_high_ohm: float
    shunt_ohm: float
    evidence: Evidence
    source: str


def _row(kind: type[Any], row: dict[str, object]) -> Any:
    """One row as its dataclass; anything missing, unknown or of another type is our defect."""
    wanted = {field.name for field in fields(kind)}
    name = row.get("name")
    if set(row) != wanted:
        raise InternalError(detail=f"facts.toml: {name}: keys differ: {sorted(set(row) ^ wanted)}")
    if not row["source"]:
        raise InternalError(detail=f"facts.toml: {name}: no source")
    values = dict(row)
    try:
        values["evidence"] = Evidence(str(row["evidence"]))
    except ValueError as problem:
        raise InternalError(detail=f"facts.toml: {name}: {problem}") from problem
    return kind(**values)


@cache
def _tables() -> dict[str, list[dict[str, object]]]:
    text = resources.files(__package__).joinpath("facts.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def registers() -> dict[int, RegisterFact]:
    """All registers by number."""
    rows = [_row(RegisterFact, row) for row in _tables()["register"]]
    found = {row.number: row for row in rows}
    if len(found) != len(rows):
        raise InternalError(detail="facts.toml: a register number stands twice")
    return found


@cache
def circuits() -> dict[str, CircuitFact]:
    """All circuits by name."""
    rows = [_row(CircuitFact, row) for row in _tables()["circuit"]]
    return {row.name: row for row in rows}
