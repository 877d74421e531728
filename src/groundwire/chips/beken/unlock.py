"""The flash chip's write protection on boot-ROM chips, where lifting it is the host's work."""

# Ref: PROTOCOL.md, section on flash protection

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from groundwire.chips.beken.exchange import Exchange
from groundwire.chips.beken.messages import ReadStatus, StatusRegister, StatusWritten, WriteStatus
from groundwire.errors import FlashProtected, UnsupportedHere, WrongReply
from groundwire.tables.flash_chips import FlashChip, StatusWrite
from groundwire.wire import Procedure, Wait

READ_FIRST: Final = 0x05
READ_SECOND: Final = 0x35
WRITE_FIRST: Final = 0x01
WRITE_SECOND: Final = 0x31
BUSY_BIT: Final = 0x01
VOLATILE_BITS: Final = 0x0003  # write in progress, write enable latch
STATUS_WITHIN_S: Final = 0.02
STATUS_WRITE_S: Final = 0.015  # the chip does not wait for the flash; some need that long
SETTLE_TRIES: Final = 8
UNKNOWN_CHIP_MASK: Final = 0x407C  # CMP and BP0 to BP4, the widest mask of the table


@dataclass(frozen=True, slots=True)
class Protection:
    """The status registers as found, and what they were changed to (None: left alone)."""

    found: int
    written: int | None = None


def read_status(link: Exchange, flash: FlashChip | None) -> Procedure[int]:
    """Both status registers as (second << 8 | first), read when no write is in progress.

    A chip with one register, or one whose second is not in its mask, is asked for the first only.
    """
    first = BUSY_BIT
    for _ in range(SETTLE_TRIES):
        first = yield from _read_one(link, READ_FIRST)
        if not first & BUSY_BIT:
            break
        yield from link.pause(STATUS_WRITE_S)
    if flash is not None and flash.status_bytes < 2 and flash.protect_mask <= 0xFF:
        return first
    second = yield from _read_one(link, READ_SECOND)
    return second << 8 | first


def _read_one(link: Exchange, flash_command: int) -> Procedure[int]:
    def attempt() -> Procedure[int]:
        reply = yield from link.ask_once(
            ReadStatus(flash_command), StatusRegister, within_s=STATUS_WITHIN_S
        )
        if reply.flash_command != flash_command:
            raise WrongReply(
                command="ReadStatus",
                asked=f"register 0x{flash_command:02X}",
                got=f"register 0x{reply.flash_command:02X}",
            )
        return reply.value

    return (yield from link.insist("ReadStatus", attempt))


def _write(link: Exchange, how: StatusWrite, value: int) -> Procedure[None]:
    low, high = value & 0xFF, value >> 8
    commands = {
        StatusWrite.SINGLE: [WriteStatus(WRITE_FIRST, bytes([low]))],
        StatusWrite.PAIR: [WriteStatus(WRITE_FIRST, bytes([low, high]))],
        StatusWrite.SEPARATE: [
            WriteStatus(WRITE_FIRST, bytes([low])),
            WriteStatus(WRITE_SECOND, bytes([high])),
        ],
        StatusWrite.NONE: [],
    }[how]
    for command in commands:
        yield from link.ask(command, StatusWritten, within_s=STATUS_WITHIN_S)
        yield Wait(STATUS_WRITE_S)


def change_status(link: Exchange, flash: FlashChip, value: int, mask: int) -> Procedure[int]:
    """Bring the bits of `mask` to those of `value`, trying the other ways of writing if needed.

    Returns the registers as they read afterwards.
    """
    now = yield from read_status(link, flash)
    ways = [flash.status_write, StatusWrite.SEPARATE, StatusWrite.SINGLE, StatusWrite.PAIR]
    for how in dict.fromkeys(ways):
        if (now ^ value) & mask == 0:
            break
        yield from _write(link, how, value & ~VOLATILE_BITS)
        now = yield from read_status(link, flash)
    return now


def lift(link: Exchange, flash: FlashChip | None, flash_id: str) -> Procedure[Protection]:
    """Clear the protection bits, only if any is set; all other bits keep their values.

    Raises:
        FlashProtected: the bits stay set.
        UnsupportedHere: the flash is unknown and shows protection bits.
    """
    found = yield from read_status(link, flash)
    mask = flash.protect_mask if flash is not None else UNKNOWN_CHIP_MASK
    if not found & mask:
        return Protection(found)
    if flash is None or flash.status_write is StatusWrite.NONE:
        raise UnsupportedHere(
            asked="lifting the write protection",
            reason=f"flash {flash_id} is unknown and its status register reads 0x{found:04X}",
            advice="report the flash id; reading and backing up work all the same",
        )
    now = yield from change_status(link, flash, found & ~mask, mask)
    if now & mask:
        raise FlashProtected(flash_id=flash_id, status=now, mask=mask)
    return Protection(found, now)


def put_back(
    link: Exchange, flash: FlashChip | None, flash_id: str, protection: Protection
) -> Procedure[None]:
    """Restore the protection bits that `lift` cleared; nothing where it cleared none.

    Raises:
        FlashProtected: the register does not take its old value.
    """
    if protection.written is None or flash is None:
        return
    mask = flash.protect_mask
    now = yield from change_status(link, flash, protection.found, mask)
    if (now ^ protection.found) & mask:
        raise FlashProtected(flash_id=flash_id, status=now, mask=mask)
