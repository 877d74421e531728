"""The flash chips that modules are known to carry."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from groundwire.tables.load import EvidenceKind, load_rows


class StatusWrite(StrEnum):
    """How a flash chip's status registers are written."""

    SINGLE = "single"
    PAIR = "pair"
    SEPARATE = "separate"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class FlashChip:
    """One row of flash_chips.toml; `size` in bytes, `protect_mask` over both registers."""

    jedec_id: str
    part: str
    maker: str
    size: int
    status_bytes: int
    protect_mask: int
    status_write: StatusWrite
    evidence: EvidenceKind
    source: str
    note: str = ""


def flash_chips() -> tuple[FlashChip, ...]:
    """All known flash chips, in order of their ids."""
    return load_rows("groundwire.tables", "flash_chips.toml", "chip", FlashChip)


def find_flash_chip(jedec_id: str) -> FlashChip | None:
    """The chip with this id (six hex digits, wire order), if it is known."""
    return next((chip for chip in flash_chips() if chip.jedec_id == jedec_id), None)
