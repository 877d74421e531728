"""Lifting the flash's write protection for a job, and putting it back as it was."""

# Ref: PROTOCOL.md, section 5 (37 and 38)

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from groundwire.chips.bouffalo.access import read_register, write_registers
from groundwire.chips.bouffalo.exchange import Exchange
from groundwire.errors import FlashProtected
from groundwire.tables.flash_chips import StatusWrite, find_flash_chip
from groundwire.wire import Procedure

READ_FIRST: Final = 0x05
READ_SECOND: Final = 0x35
WRITE_BOTH: Final = 0x01
WRITE_SECOND: Final = 0x31
DEFAULT_MASK: Final = 0x407C  # block protection and its complement, as on Winbond's W25Q family


@dataclass(frozen=True, slots=True)
class Protection:
    """Both status registers as they were found, and which bits protect."""

    value: int
    mask: int
    style: StatusWrite


def _read(link: Exchange) -> Procedure[int]:
    first = yield from read_register(link, READ_FIRST)
    second = yield from read_register(link, READ_SECOND)
    return first | second << 8


def _write(link: Exchange, value: int, style: StatusWrite) -> Procedure[None]:
    if style is StatusWrite.PAIR:
        yield from write_registers(link, WRITE_BOTH, value, 2)
        return
    yield from write_registers(link, WRITE_BOTH, value & 0xFF, 1)
    if style is StatusWrite.SEPARATE:
        yield from write_registers(link, WRITE_SECOND, value >> 8, 1)


def lift(link: Exchange, flash_id: str) -> Procedure[Protection | None]:
    """Clear the protection bits, only if any is set; what was found, if it was changed.

    Raises:
        FlashProtected: they stay set.
    """
    row = find_flash_chip(flash_id)
    mask = row.protect_mask if row else DEFAULT_MASK
    style = row.status_write if row else StatusWrite.PAIR
    value = yield from _read(link)
    if not value & mask or style is StatusWrite.NONE:
        return None
    yield from _write(link, value & ~mask & 0xFFFC, style)
    now = yield from _read(link)
    if now & mask:
        raise FlashProtected(flash_id=flash_id, status=now, mask=mask)
    return Protection(value, mask, style)


def put_back(link: Exchange, protection: Protection) -> Procedure[None]:
    """Write the registers as they were found."""
    yield from _write(link, protection.value & 0xFFFC, protection.style)
