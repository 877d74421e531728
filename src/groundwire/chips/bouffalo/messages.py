"""The commands of the Bouffalo UART protocol as values; the replies are in replies.py.

What each means, which stage knows it and where that was learned is in PROTOCOL.md; how they become
bytes is in codec.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from groundwire.quantities import Span


class Op(IntEnum):
    """Command bytes; the boot ROM knows the low half and a few flash commands of its own."""

    GET_BOOT_INFO = 0x10
    LOAD_BOOT_HEADER = 0x11
    LOAD_PUBLIC_KEY = 0x12
    LOAD_SIGNATURE = 0x14
    LOAD_AES_IV = 0x16
    LOAD_SEGMENT_HEADER = 0x17
    LOAD_SEGMENT_DATA = 0x18
    CHECK_IMAGE = 0x19
    RUN_IMAGE = 0x1A
    CHANGE_RATE = 0x20
    RESET = 0x21
    ERASE = 0x30
    PROGRAM = 0x31
    READ = 0x32
    BOOT_FROM_FLASH = 0x33
    XIP_READ = 0x34
    READ_JEDEC_ID = 0x36
    READ_STATUS = 0x37
    WRITE_STATUS = 0x38
    PROGRAM_CHECK = 0x3A
    SET_FLASH = 0x3B
    ERASE_ALL = 0x3C
    SHA256 = 0x3D
    XIP_SHA256 = 0x3E
    PROGRAM_XZ = 0x3F
    WRITE_EFUSE = 0x40
    READ_EFUSE = 0x41
    READ_MAC = 0x42
    WRITE_MEMORY = 0x50
    READ_MEMORY = 0x51
    XIP_START = 0x60
    XIP_FINISH = 0x61
    READ_LOG = 0x71
    # not the vendor's: what a guarded RAM loader answers to, see loader.py
    PROVE_GUARD = 0x5A
    GUARDED_ERASE = 0xCC


# --- commands that both stages know ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GetBootInfo:
    """Who is there? The one command that is safe in every state."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Restart the chip, into download mode only while BOOT is held high."""


@dataclass(frozen=True, slots=True)
class Erase:
    """Erase all sectors that `first` to `last` touch, `last` included."""

    first: int
    last: int

    @classmethod
    def over(cls, span: Span) -> Erase:
        """The command for a non-empty span of whole sectors."""
        return cls(span.start, span.end - 1)


@dataclass(frozen=True, slots=True)
class GuardedErase:
    """Erase under a number that no single damaged bit can make of another command."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class ProveGuard:
    """Answered with boot info by a guarded RAM loader, and by nothing else."""


@dataclass(frozen=True, slots=True)
class Program:
    """Program bytes at any address; nothing is erased."""

    address: int
    data: bytes


@dataclass(frozen=True, slots=True)
class ReadEfuse:
    """Read the eFuse image; one flipped bit turns this into a write of eFuse."""

    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class WriteEfuse:
    """Burn eFuse bits. Known so that it can be recognised; groundwire never sends it."""

    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class WriteMemory:
    """Write words, each to its own address."""

    pairs: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class ReadMemory:
    """Read words from the processor's address space."""

    address: int
    size: int


# --- commands of the boot ROM -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LoadBootHeader:
    """Begin an upload with the boot header of a RAM image; allowed in every state."""

    header: bytes


@dataclass(frozen=True, slots=True)
class LoadPublicKey:
    """The public key of a signed image, with its CRC-32."""

    x: bytes
    y: bytes
    crc: int


@dataclass(frozen=True, slots=True)
class LoadSignature:
    """The signature of a signed image, with a CRC-32 over length and bytes."""

    signature: bytes
    crc: int


@dataclass(frozen=True, slots=True)
class LoadAesIv:
    """The initialisation vector of an encrypted image, with its CRC-32."""

    iv: bytes
    crc: int


@dataclass(frozen=True, slots=True)
class SegmentHeader:
    """Where the data that follows goes, and how much it is.

    The boot ROM ignores `free`; the vendor keeps the CRC-32 of the data there.
    """

    destination: int
    size: int
    free: int
    crc: int


@dataclass(frozen=True, slots=True)
class LoadSegmentHeader:
    """The header of the next segment."""

    segment: SegmentHeader


@dataclass(frozen=True, slots=True)
class LoadSegmentData:
    """The next bytes of the segment."""

    data: bytes


@dataclass(frozen=True, slots=True)
class CheckImage:
    """Is the upload complete and whole?"""


@dataclass(frozen=True, slots=True)
class RunImage:
    """Leave the boot ROM for the uploaded image."""


@dataclass(frozen=True, slots=True)
class ChangeRate:
    """Multiply the chip's rate by new / old; answered at the new rate.

    One flipped bit turns this into an erase of `old` to `new`, so groundwire never sends it.
    """

    old: int
    new: int


# --- commands of the RAM loader ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Read:
    """Read flash; the loader quietly cuts the size to its largest frame."""

    address: int
    size: int


@dataclass(frozen=True, slots=True)
class BootFromFlash:
    """Start the firmware without a reset."""


@dataclass(frozen=True, slots=True)
class XipRead:
    """Read flash through the cache, between XipStart and XipFinish."""

    address: int
    size: int


@dataclass(frozen=True, slots=True)
class ReadJedecId:
    """Which flash is it?"""


@dataclass(frozen=True, slots=True)
class ReadStatus:
    """Read a status register of the flash with the given flash command."""

    flash_command: int
    size: int


@dataclass(frozen=True, slots=True)
class WriteStatus:
    """Write a status register of the flash with the given flash command."""

    flash_command: int
    size: int
    value: int


@dataclass(frozen=True, slots=True)
class ProgramCheck:
    """Has everything since the last erase been programmed?"""


@dataclass(frozen=True, slots=True)
class SetFlash:
    """Flash pins, clock and mode; with 84 more bytes the flash block of a boot header."""

    pin: int
    clock: int
    io_mode: int
    delay: int
    block: bytes = b""


@dataclass(frozen=True, slots=True)
class EraseAll:
    """Erase the whole flash."""


@dataclass(frozen=True, slots=True)
class Sha256:
    """SHA-256 over a range of the flash, computed by the chip."""

    address: int
    size: int


@dataclass(frozen=True, slots=True)
class XipSha256:
    """The same through the cache, between XipStart and XipFinish."""

    address: int
    size: int


@dataclass(frozen=True, slots=True)
class ProgramXz:
    """A part of an xz stream that the loader unpacks into flash; `starts` opens the stream."""

    address: int
    data: bytes
    starts: bool


@dataclass(frozen=True, slots=True)
class ReadMac:
    """The MAC address as the loader reads it from eFuse."""


@dataclass(frozen=True, slots=True)
class XipStart:
    """Map the flash into the processor's address space."""


@dataclass(frozen=True, slots=True)
class XipFinish:
    """End what XipStart began."""


@dataclass(frozen=True, slots=True)
class ReadLog:
    """The loader's own log text."""


@dataclass(frozen=True, slots=True)
class UnknownCommand:
    """A well-framed command that this codec has no name for."""

    op: int
    payload: bytes


BareCommand = (
    GetBootInfo | Reset | CheckImage | RunImage | BootFromFlash | ReadJedecId | ProgramCheck
    | EraseAll | ReadMac | XipStart | XipFinish | ReadLog | ProveGuard
)  # fmt: skip
FullCommand = (
    Erase | GuardedErase | Program | ReadEfuse | WriteEfuse | WriteMemory | ReadMemory
    | LoadBootHeader | LoadPublicKey | LoadSignature | LoadAesIv | LoadSegmentHeader
    | LoadSegmentData | ChangeRate
    | Read | XipRead | ReadStatus | WriteStatus | SetFlash | Sha256 | XipSha256 | ProgramXz
    | UnknownCommand
)  # fmt: skip
Command = BareCommand | FullCommand
