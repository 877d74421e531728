"""The replies of the Bouffalo UART protocol as values, and their bytes.

Whether `OK` carries a length and data depends on the command, so decoding needs its command byte.
"""

# Ref: PROTOCOL.md, sections 2 to 5 (frames, boot ROM commands, RAM loader commands)

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import astuple, dataclass
from enum import Enum
from typing import Final

from groundwire.chips.bouffalo.codec import (
    MAX_LOADER_PAYLOAD,
    SEGMENT,
    U16,
    pack_segment,
)
from groundwire.chips.bouffalo.messages import Op, SegmentHeader
from groundwire.errors import CorruptFrame
from groundwire.framing.crc import crc32

BOOT_INFO = struct.Struct("<IBBBBI6sBB")
LONG_BOOT_INFO = struct.Struct("<I20s")
JEDEC = struct.Struct("<3sB")
MAC = struct.Struct("<6sI")


def mac_text(wire: bytes) -> str:
    """A MAC address for people; on the wire and in eFuse the last byte comes first."""
    return wire[::-1].hex(":").upper()


def zero_bits(data: bytes) -> int:
    """How many bits are clear; eFuse keeps this number beside the MAC as its check."""
    return len(data) * 8 - sum(byte.bit_count() for byte in data)


@dataclass(frozen=True, slots=True)
class Done:
    """`OK` without data."""


@dataclass(frozen=True, slots=True)
class Busy:
    """`PD`: the loader is still at it, more will come."""


@dataclass(frozen=True, slots=True)
class Failed:
    """`FL` with an error number."""

    number: int


@dataclass(frozen=True, slots=True)
class BootInfo:
    """Who answers, and what its eFuse says; 20 bytes on BL602/BL604.

    `mac` is in wire order, its last byte first; `mac_zero_bits` is eFuse's own check of it.
    """

    version: int
    sign: int
    encrypt: int
    debug: int
    trim: int
    sw_usage: int
    mac: bytes
    mac_zero_bits: int
    spare: int = 0

    @property
    def mac_fits(self) -> bool:
        """Whether the check beside the MAC is right: these really are eFuse bytes of a BL602."""
        return any(self.mac) and zero_bits(self.mac) == self.mac_zero_bits


@dataclass(frozen=True, slots=True)
class LongBootInfo:
    """The 24-byte form of BL702 and BL616; what it holds beyond the version differs."""

    version: int
    rest: bytes


@dataclass(frozen=True, slots=True)
class SegmentTaken:
    """A segment header as the boot ROM understood it, decrypted."""

    segment: SegmentHeader


@dataclass(frozen=True, slots=True)
class Data:
    """Bytes that were asked for: flash, memory, eFuse, a status register or log text."""

    data: bytes


@dataclass(frozen=True, slots=True)
class JedecId:
    """The flash chip's id in wire order, and a flag that is 0x80 where the loader knows it."""

    id: bytes
    flag: int


@dataclass(frozen=True, slots=True)
class Digest:
    """A SHA-256 computed by the chip."""

    digest: bytes


@dataclass(frozen=True, slots=True)
class Mac:
    """The MAC in wire order, and its CRC-32."""

    mac: bytes
    crc: int

    @property
    def crc_fits(self) -> bool:
        """Whether the MAC arrived whole."""
        return crc32(self.mac) == self.crc


Reply = (
    Done | Busy | Failed | BootInfo | LongBootInfo | SegmentTaken | Data | JedecId | Digest | Mac
)


# --- bytes ---------------------------------------------------------------------------------


class Kind(Enum):
    """The two letters that a reply begins with."""

    OK = b"OK"
    FAILED = b"FL"
    BUSY = b"PD"


# whether `OK` carries data is a property of the command, not of the frame
WITH_DATA: Final = frozenset({
    Op.GET_BOOT_INFO, Op.LOAD_SEGMENT_HEADER, Op.READ, Op.XIP_READ, Op.READ_JEDEC_ID,
    Op.READ_STATUS, Op.SHA256, Op.XIP_SHA256, Op.READ_EFUSE, Op.READ_MAC, Op.READ_MEMORY,
    Op.READ_LOG, Op.PROVE_GUARD,
})  # fmt: skip


def _reply_data(reply: Reply) -> bytes | None:
    """What follows `OK` and the length, or None where nothing does."""
    data: bytes | None = None
    match reply:
        case BootInfo():
            data = BOOT_INFO.pack(*astuple(reply))
        case LongBootInfo(version, rest):
            data = LONG_BOOT_INFO.pack(version, rest)
        case SegmentTaken(segment):
            data = pack_segment(segment)
        case Data(data) | Digest(data):
            pass
        case JedecId(id_bytes, flag):
            data = JEDEC.pack(id_bytes, flag)
        case Mac(mac, crc):
            data = MAC.pack(mac, crc)
        case Done() | Busy() | Failed():
            pass
    return data


def encode_reply(reply: Reply) -> bytes:
    """The bytes that the chip sends for one reply."""
    match reply:
        case Busy():
            return Kind.BUSY.value
        case Failed(number):
            return Kind.FAILED.value + U16.pack(number)
        case _:
            data = _reply_data(reply)
            return Kind.OK.value + (b"" if data is None else U16.pack(len(data)) + data)


@dataclass(frozen=True, slots=True)
class ReplyFrame:
    """A reply cut out of the stream, not yet understood; `data` is None without a length."""

    kind: Kind
    data: bytes | None = None


def _segment_taken(data: bytes) -> Reply:
    return SegmentTaken(SegmentHeader(*SEGMENT.unpack(data)))


# by command and size of the data; no size where any will do
_DATA_REPLIES: Final[dict[tuple[int, int | None], Callable[[bytes], Reply]]] = {
    (Op.GET_BOOT_INFO, BOOT_INFO.size): lambda d: BootInfo(*BOOT_INFO.unpack(d)),
    (Op.PROVE_GUARD, BOOT_INFO.size): lambda d: BootInfo(*BOOT_INFO.unpack(d)),
    (Op.GET_BOOT_INFO, LONG_BOOT_INFO.size): lambda d: LongBootInfo(*LONG_BOOT_INFO.unpack(d)),
    (Op.LOAD_SEGMENT_HEADER, SEGMENT.size): _segment_taken,
    (Op.READ_JEDEC_ID, JEDEC.size): lambda d: JedecId(*JEDEC.unpack(d)),
    (Op.SHA256, 32): Digest,
    (Op.XIP_SHA256, 32): Digest,
    (Op.READ_MAC, MAC.size): lambda d: Mac(*MAC.unpack(d)),
    (Op.READ, None): Data,
    (Op.XIP_READ, None): Data,
    (Op.READ_STATUS, None): Data,
    (Op.READ_EFUSE, None): Data,
    (Op.READ_MEMORY, None): Data,
    (Op.READ_LOG, None): Data,
}


def _decode_data(op: int, data: bytes) -> Reply | None:
    build = _DATA_REPLIES.get((op, len(data))) or _DATA_REPLIES.get((op, None))
    return build(data) if build else None


def decode_reply(op: int, frame: ReplyFrame) -> Reply:
    """The reply in a frame to the command `op`.

    Raises:
        CorruptFrame: no reply to that command looks like that.
    """
    data = frame.data
    if frame.kind is Kind.BUSY and data is None:
        return Busy()
    if frame.kind is Kind.FAILED and data is not None and len(data) == U16.size:
        return Failed(int(U16.unpack(data)[0]))
    reply: Reply | None = None
    if frame.kind is Kind.OK and data is not None:
        reply = _decode_data(op, data)
    elif frame.kind is Kind.OK and op not in WITH_DATA:
        reply = Done()
    if reply is None:
        size = "no" if data is None else str(len(data))
        raise CorruptFrame(
            reason=f"{frame.kind.name} with {size} bytes of data to command 0x{op:02X}",
            frame=(data or b"")[:16],
        )
    return reply


class ReplyBuffer:
    """Cuts the replies to one command out of bytes in any chunking; counts the noise it skips.

    A declared size beyond the protocol's largest is noise, never something to wait for. That also
    swallows a doubled `OK` before a length, which the vendor's own host provides for.
    """

    def __init__(self, op: int) -> None:
        self._op = op
        self._bytes = bytearray()
        self.discarded = 0

    def feed(self, data: bytes) -> None:
        """Take what arrived."""
        self._bytes += data

    @property
    def waiting(self) -> int:
        """How many bytes are held that have not become a frame."""
        return len(self._bytes)

    @property
    def wanted(self) -> int:
        """How many more bytes the frame at the start is known to need; 1 where that is open."""
        held = self._bytes
        if held[:2] == Kind.OK.value and self._op in WITH_DATA and len(held) >= 4:
            return max(1, 4 + int(U16.unpack_from(held, 2)[0]) - len(held))
        return 1

    def next_frame(self) -> ReplyFrame | None:
        """The next whole frame, or None until more bytes arrive."""
        held = self._bytes
        while len(held) >= 2:
            frame, size = self._frame_at_start()
            if frame is not None:
                del held[:size]
                return frame
            if size:  # it can still become one
                return None
            self.discarded += 1
            del held[:1]
        return None

    def _frame_at_start(self) -> tuple[ReplyFrame | None, int]:
        """The frame and its size; no frame and a size means wait, no size means noise."""
        held = self._bytes
        head = bytes(held[:2])
        if head == Kind.BUSY.value:
            return ReplyFrame(Kind.BUSY), 2
        if head == Kind.FAILED.value:
            return (ReplyFrame(Kind.FAILED, bytes(held[2:4])) if len(held) >= 4 else None), 4
        if head == Kind.OK.value:
            return self._ok_at_start()
        return None, 0

    def _ok_at_start(self) -> tuple[ReplyFrame | None, int]:
        held = self._bytes
        if self._op not in WITH_DATA:
            return ReplyFrame(Kind.OK), 2
        if len(held) < 4:
            return None, 4
        size = 4 + int(U16.unpack_from(held, 2)[0])
        if size - 4 > MAX_LOADER_PAYLOAD:
            return None, 0
        return (ReplyFrame(Kind.OK, bytes(held[4:size])) if len(held) >= size else None), size
