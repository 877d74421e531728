"""The messages of the Beken UART protocol as values: commands, replies, status codes.

What each means, which chips know it and where that was learned is in PROTOCOL.md; how they become
bytes is in codec.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from groundwire.quantities import Span


class ShortCode(IntEnum):
    """Commands with an 8-bit length."""

    LINK_CHECK = 0x00
    WRITE_REG = 0x01
    READ_REG = 0x03
    REBOOT = 0x0E
    SET_BAUD = 0x0F
    CHECK_CRC = 0x10
    READ_BOOT_VERSION = 0x11
    RESET = 0x70
    STAY_ROM = 0xAA


class LongOp(IntEnum):
    """Commands with a 16-bit length; a number space of its own."""

    FLASH_WRITE = 0x06
    WRITE_4K = 0x07
    FLASH_READ = 0x08
    READ_4K = 0x09
    ERASE_ALL = 0x0A
    ERASE_4K = 0x0B
    READ_STATUS = 0x0C
    WRITE_STATUS = 0x0D
    SPI_EXCHANGE = 0x0E
    ERASE = 0x0F


class EraseSize(IntEnum):
    """The flash chip's own erase commands, as the Erase command names them."""

    SECTOR_4K = 0x20
    BLOCK_32K = 0x52
    BLOCK_64K = 0xD8


ERASE_BYTES: Final = {
    EraseSize.SECTOR_4K: 0x1000,
    EraseSize.BLOCK_32K: 0x8000,
    EraseSize.BLOCK_64K: 0x10000,
}


class Status(IntEnum):
    """Second byte of a long reply; 0 only means done as far as the chip looked."""

    OK = 0
    BUSY = 1
    SPI_TIMEOUT = 2
    FLASH_TIMEOUT = 3
    BAD_LENGTH = 4
    PAYLOAD_MISSING = 5
    ADDRESS_REFUSED = 6
    UNKNOWN_COMMAND = 7


STATUS_MEANINGS: Final = {
    Status.BUSY: "the flash is still busy",
    Status.SPI_TIMEOUT: "the flash does not answer",
    Status.FLASH_TIMEOUT: "the flash did not finish in time",
    Status.BAD_LENGTH: "the length does not fit the command",
    Status.PAYLOAD_MISSING: "part of the command did not arrive",
    Status.ADDRESS_REFUSED: "the address is protected",
    Status.UNKNOWN_COMMAND: "the chip does not know the command",
}


def status_meaning(status: int) -> str:
    """A status code in words."""
    try:
        return STATUS_MEANINGS.get(Status(status), "unknown status")
    except ValueError:
        return "unknown status"


# --- commands ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LinkCheck:
    """Is somebody there? On a loader it also arms the unprotect step of the next erase."""


@dataclass(frozen=True, slots=True)
class StayRom:
    """Counts as a LinkCheck on boot ROMs."""

    argument: int = 0x55


@dataclass(frozen=True, slots=True)
class ReadReg:
    """Read a 32-bit register."""

    address: int


@dataclass(frozen=True, slots=True)
class WriteReg:
    """Write a 32-bit register."""

    address: int
    value: int


@dataclass(frozen=True, slots=True)
class Reboot:
    """Leave download mode; nothing confirms it."""

    argument: int = 0xA5


@dataclass(frozen=True, slots=True)
class RomReset:
    """Watchdog reset of the boot ROM."""

    magic: bytes = b"SEAN"


@dataclass(frozen=True, slots=True)
class SetBaud:
    """Change the chip's speed; it switches, waits `delay`, then answers at the new speed."""

    rate: int
    delay: int = 20


@dataclass(frozen=True, slots=True)
class CheckCrc:
    """CRC-32 (not inverted at the end) from `start` to `last`, both included.

    Loaders count whole pages of 256 bytes; an end below the start keeps the chip busy for ever.
    """

    start: int
    last: int

    @classmethod
    def over(cls, span: Span) -> CheckCrc:
        """The command for a non-empty span; right on every chip for multiples of 256 bytes."""
        return cls(span.start, span.end - 1)


@dataclass(frozen=True, slots=True)
class ReadBootVersion:
    """The version text of a BK7231T loader."""


@dataclass(frozen=True, slots=True)
class FlashWrite:
    """Program up to one page."""

    address: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Write4K:
    """Program one sector; nothing is erased."""

    address: int
    data: bytes


@dataclass(frozen=True, slots=True)
class FlashRead:
    """Read up to 255 bytes (read in source only, never seen on a chip)."""

    address: int
    size: int


@dataclass(frozen=True, slots=True)
class Read4K:
    """Read 4096 bytes from any address."""

    address: int


@dataclass(frozen=True, slots=True)
class EraseAll:
    """Erase the whole flash."""

    timeout_s: int


@dataclass(frozen=True, slots=True)
class Erase4K:
    """Erase one sector, older form."""

    address: int


@dataclass(frozen=True, slots=True)
class Erase:
    """Erase by the flash chip's own size command."""

    size_command: int
    address: int


@dataclass(frozen=True, slots=True)
class ReadStatus:
    """Read a status register of the flash with the given flash command."""

    flash_command: int


@dataclass(frozen=True, slots=True)
class WriteStatus:
    """Write status registers of the flash, low byte first."""

    flash_command: int
    values: bytes


@dataclass(frozen=True, slots=True)
class SpiExchange:
    """Clock bytes out to the flash and as many in."""

    out: bytes


@dataclass(frozen=True, slots=True)
class UnknownCommand:
    """A well-framed command that this codec has no name for."""

    code: int
    payload: bytes
    is_long: bool


ShortCommand = (
    LinkCheck | StayRom | ReadReg | WriteReg | Reboot | RomReset | SetBaud | CheckCrc
    | ReadBootVersion
)  # fmt: skip
LongCommand = (
    FlashWrite | Write4K | FlashRead | Read4K | EraseAll | Erase4K | Erase | ReadStatus
    | WriteStatus | SpiExchange
)  # fmt: skip
Command = ShortCommand | LongCommand | UnknownCommand


# --- replies -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Linked:
    """Answer to LinkCheck; its code is the request's plus one."""


@dataclass(frozen=True, slots=True)
class Echo:
    """A short command answered by its own payload: StayRom, Reboot and RomReset."""

    code: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Register:
    """A register's value, read or just written."""

    code: int
    address: int
    value: int


@dataclass(frozen=True, slots=True)
class BaudSet:
    """Rate and delay echoed, at the new speed."""

    rate: int
    delay: int


@dataclass(frozen=True, slots=True)
class Crc:
    """The CRC register as it is, that is without the final inversion."""

    value: int


@dataclass(frozen=True, slots=True)
class BootVersion:
    """The loader's text, padded with zeros."""

    text: bytes


@dataclass(frozen=True, slots=True)
class ShortRefused:
    """A short command refused with a status."""

    code: int
    status: int


@dataclass(frozen=True, slots=True)
class ShortIncomplete:
    """A boot ROM gave up waiting: the length byte and what came."""

    received: bytes


@dataclass(frozen=True, slots=True)
class SectorData:
    """Answer to Read4K."""

    status: int
    address: int
    data: bytes


@dataclass(frozen=True, slots=True)
class FlashData:
    """Answer to FlashRead."""

    status: int
    address: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Programmed:
    """Answer to Write4K; a refusal may name the guard's address instead of the one asked."""

    status: int
    address: int


@dataclass(frozen=True, slots=True)
class Written:
    """Answer to FlashWrite; `count` is the low byte of the number of bytes."""

    status: int
    address: int
    count: int


@dataclass(frozen=True, slots=True)
class Erased:
    """Answer to Erase."""

    status: int
    size_command: int
    address: int


@dataclass(frozen=True, slots=True)
class SectorErased:
    """Answer to Erase4K."""

    status: int
    address: int


@dataclass(frozen=True, slots=True)
class AllErased:
    """Answer to EraseAll."""

    status: int
    timeout_s: int


@dataclass(frozen=True, slots=True)
class StatusRegister:
    """Answer to ReadStatus."""

    status: int
    flash_command: int
    value: int


@dataclass(frozen=True, slots=True)
class StatusWritten:
    """Answer to WriteStatus: everything echoed."""

    status: int
    flash_command: int
    values: bytes


@dataclass(frozen=True, slots=True)
class SpiData:
    """Answer to SpiExchange: as many bytes in as went out."""

    status: int
    data: bytes


@dataclass(frozen=True, slots=True)
class LongRefused:
    """A long command refused with nothing but a status."""

    op: int
    status: int


ShortReply = (
    Linked | Echo | Register | BaudSet | Crc | BootVersion | ShortRefused | ShortIncomplete
)  # fmt: skip
LongReply = (
    SectorData | FlashData | Programmed | Written | Erased | SectorErased | AllErased
    | StatusRegister | StatusWritten | SpiData | LongRefused
)  # fmt: skip
Reply = ShortReply | LongReply
