"""Bytes to messages and back: the UART protocol of BL602/BL604, boot ROM and RAM loader.

The checksum of a command covers its length and payload but not the command byte, and the boot ROM
ignores it altogether. Layouts and marks are in PROTOCOL.md; every message here has literal vectors
in the tests that this module did not make.
"""

# Ref: PROTOCOL.md, sections 2 to 5 (frames, boot ROM commands, RAM loader commands)

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from groundwire.chips.bouffalo.messages import (
    BareCommand,
    BootFromFlash,
    ChangeRate,
    CheckImage,
    Command,
    Erase,
    EraseAll,
    GetBootInfo,
    GuardedErase,
    LoadAesIv,
    LoadBootHeader,
    LoadPublicKey,
    LoadSegmentData,
    LoadSegmentHeader,
    LoadSignature,
    Op,
    Program,
    ProgramCheck,
    ProgramXz,
    ProveGuard,
    Read,
    ReadEfuse,
    ReadJedecId,
    ReadLog,
    ReadMac,
    ReadMemory,
    ReadStatus,
    Reset,
    RunImage,
    SegmentHeader,
    SetFlash,
    Sha256,
    UnknownCommand,
    WriteEfuse,
    WriteMemory,
    WriteStatus,
    XipFinish,
    XipRead,
    XipSha256,
    XipStart,
)
from groundwire.errors import CorruptFrame
from groundwire.framing.crc import crc32

BURST_BYTE: Final = b"\x55"
BURST_S: Final = 0.006
MAX_ROM_PAYLOAD: Final = 0xFFC
MAX_LOADER_PAYLOAD: Final = 0x4004
BOOT_HEADER_SIZE: Final = 176
FLASH_BLOCK_SIZE: Final = 84
XZ_STARTS: Final = 0x8000_0000

HEAD = struct.Struct("<BBH")  # command, checksum, length
U16 = struct.Struct("<H")
U32 = struct.Struct("<I")
PAIR = struct.Struct("<II")  # two numbers: first and last, address and size, old and new
TRIPLE = struct.Struct("<III")
SEGMENT = struct.Struct("<IIII")  # destination, size, free, crc
PUBLIC_KEY = struct.Struct("<32s32sI")
AES_IV = struct.Struct("<16sI")
FLASH_WORD = struct.Struct("<BBBB")  # pin, clock, io mode, delay


def burst(baudrate: int) -> bytes:
    """The run of 0x55 that opens a conversation; its length is a duration, not a count."""
    return BURST_BYTE * max(16, int(BURST_S * baudrate / 10))


def checksum(payload: bytes) -> int:
    """The sum that a command carries; 0 means unchecked to the RAM loader."""
    return (sum(U16.pack(len(payload))) + sum(payload)) & 0xFF


def seal_segment(destination: int, size: int, free: int) -> SegmentHeader:
    """A segment header with the CRC-32 that it needs."""
    head = TRIPLE.pack(destination, size, free)
    return SegmentHeader(destination, size, free, crc32(head))


def segment_fits(segment: SegmentHeader) -> bool:
    """Whether a segment header carries its own CRC-32."""
    return seal_segment(segment.destination, segment.size, segment.free) == segment


def pack_segment(segment: SegmentHeader) -> bytes:
    """The 16 bytes of a segment header."""
    return SEGMENT.pack(segment.destination, segment.size, segment.free, segment.crc)


# --- commands --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CommandFrame:
    """A command cut out of the stream, not yet understood."""

    op: int
    check: int
    payload: bytes

    @property
    def check_fits(self) -> bool:
        """Whether the RAM loader would take it: unchecked, or with the right sum."""
        return self.check in (0, checksum(self.payload))


def encode_frame(frame: CommandFrame) -> bytes:
    """The bytes of a command frame, sound or not."""
    return HEAD.pack(frame.op, frame.check, len(frame.payload)) + frame.payload


_BARE: Final[dict[type[BareCommand], Op]] = {
    GetBootInfo: Op.GET_BOOT_INFO,
    Reset: Op.RESET,
    CheckImage: Op.CHECK_IMAGE,
    RunImage: Op.RUN_IMAGE,
    BootFromFlash: Op.BOOT_FROM_FLASH,
    ReadJedecId: Op.READ_JEDEC_ID,
    ProgramCheck: Op.PROGRAM_CHECK,
    EraseAll: Op.ERASE_ALL,
    ReadMac: Op.READ_MAC,
    XipStart: Op.XIP_START,
    XipFinish: Op.XIP_FINISH,
    ReadLog: Op.READ_LOG,
    ProveGuard: Op.PROVE_GUARD,
}


def _op_and_payload(command: Command) -> tuple[int, bytes]:
    match command:
        case Erase(first, last):
            return Op.ERASE, PAIR.pack(first, last)
        case GuardedErase(first, last):
            return Op.GUARDED_ERASE, PAIR.pack(first, last)
        case Program(address, data):
            return Op.PROGRAM, U32.pack(address) + data
        case ReadEfuse(offset, size):
            return Op.READ_EFUSE, PAIR.pack(offset, size)
        case WriteEfuse(offset, data):
            return Op.WRITE_EFUSE, U32.pack(offset) + data
        case WriteMemory(pairs):
            return Op.WRITE_MEMORY, b"".join(PAIR.pack(*pair) for pair in pairs)
        case ReadMemory(address, size):
            return Op.READ_MEMORY, PAIR.pack(address, size)
        case LoadBootHeader(header):
            return Op.LOAD_BOOT_HEADER, header
        case LoadPublicKey(x, y, crc):
            return Op.LOAD_PUBLIC_KEY, PUBLIC_KEY.pack(x, y, crc)
        case LoadSignature(signature, crc):
            return Op.LOAD_SIGNATURE, U32.pack(len(signature)) + signature + U32.pack(crc)
        case LoadAesIv(iv, crc):
            return Op.LOAD_AES_IV, AES_IV.pack(iv, crc)
        case LoadSegmentHeader(segment):
            return Op.LOAD_SEGMENT_HEADER, pack_segment(segment)
        case LoadSegmentData(data):
            return Op.LOAD_SEGMENT_DATA, data
        case ChangeRate(old, new):
            return Op.CHANGE_RATE, PAIR.pack(old, new)
        case Read(address, size):
            return Op.READ, PAIR.pack(address, size)
        case XipRead(address, size):
            return Op.XIP_READ, PAIR.pack(address, size)
        case ReadStatus(flash_command, size):
            return Op.READ_STATUS, PAIR.pack(flash_command, size)
        case WriteStatus(flash_command, size, value):
            return Op.WRITE_STATUS, TRIPLE.pack(flash_command, size, value)
        case SetFlash(pin, clock, io_mode, delay, block):
            return Op.SET_FLASH, FLASH_WORD.pack(pin, clock, io_mode, delay) + block
        case Sha256(address, size):
            return Op.SHA256, PAIR.pack(address, size)
        case XipSha256(address, size):
            return Op.XIP_SHA256, PAIR.pack(address, size)
        case ProgramXz(address, data, starts):
            return Op.PROGRAM_XZ, U32.pack(address | XZ_STARTS * starts) + data
        case UnknownCommand(op, payload):
            return op, payload
        case bare:
            return _BARE[type(bare)], b""


def op_of(command: Command) -> int:
    """The command byte of a command."""
    return _op_and_payload(command)[0]


def encode_command(command: Command) -> bytes:
    """The bytes that the host sends for one command, with its checksum."""
    op, payload = _op_and_payload(command)
    # a frame without payload sums to 0, which says "unchecked"; there is nothing to check in it
    return encode_frame(CommandFrame(op, checksum(payload), payload))


def _u32(data: bytes) -> int:
    """The 32-bit number at the start of the bytes."""
    return int(U32.unpack_from(data)[0])


def _xz(payload: bytes) -> Command:
    word = _u32(payload)
    return ProgramXz(word & ~XZ_STARTS, payload[4:], starts=bool(word & XZ_STARTS))


def _signature(payload: bytes) -> Command | None:
    size = len(payload) - 8
    if _u32(payload) != size:
        return None
    return LoadSignature(payload[4:-4], _u32(payload[-4:]))


def _memory(payload: bytes) -> Command:
    return WriteMemory(tuple((a, w) for a, w in PAIR.iter_unpack(payload)))


def _segment_header(payload: bytes) -> Command:
    return LoadSegmentHeader(SegmentHeader(*SEGMENT.unpack(payload)))


def _set_flash(payload: bytes) -> Command:
    pin, clock, io_mode, delay = FLASH_WORD.unpack_from(payload)
    return SetFlash(pin, clock, io_mode, delay, payload[FLASH_WORD.size :])


def _bare_command(cls: type[BareCommand]) -> Callable[[bytes], Command]:
    return lambda _payload: cls()


# payload sizes from least to most (None: as much as a frame takes), step, and how to build
_Row = tuple[int, int | None, int, Callable[[bytes], Command | None]]
_COMMANDS: Final[dict[int, _Row]] = {
    Op.ERASE: (8, 8, 1, lambda p: Erase(*PAIR.unpack(p))),
    Op.GUARDED_ERASE: (8, 8, 1, lambda p: GuardedErase(*PAIR.unpack(p))),
    Op.PROGRAM: (5, None, 1, lambda p: Program(_u32(p), p[4:])),
    Op.READ_EFUSE: (8, 8, 1, lambda p: ReadEfuse(*PAIR.unpack(p))),
    Op.WRITE_EFUSE: (4, None, 1, lambda p: WriteEfuse(_u32(p), p[4:])),
    Op.WRITE_MEMORY: (8, None, 8, _memory),
    Op.READ_MEMORY: (8, 8, 1, lambda p: ReadMemory(*PAIR.unpack(p))),
    Op.LOAD_BOOT_HEADER: (BOOT_HEADER_SIZE, BOOT_HEADER_SIZE, 1, LoadBootHeader),
    Op.LOAD_PUBLIC_KEY: (68, 68, 1, lambda p: LoadPublicKey(*PUBLIC_KEY.unpack(p))),
    Op.LOAD_SIGNATURE: (8, 264, 1, _signature),
    Op.LOAD_AES_IV: (20, 20, 1, lambda p: LoadAesIv(*AES_IV.unpack(p))),
    Op.LOAD_SEGMENT_HEADER: (16, 16, 1, _segment_header),
    Op.LOAD_SEGMENT_DATA: (1, None, 1, LoadSegmentData),
    Op.CHANGE_RATE: (8, 8, 1, lambda p: ChangeRate(*PAIR.unpack(p))),
    Op.READ: (8, 8, 1, lambda p: Read(*PAIR.unpack(p))),
    Op.XIP_READ: (8, 8, 1, lambda p: XipRead(*PAIR.unpack(p))),
    Op.READ_STATUS: (8, 8, 1, lambda p: ReadStatus(*PAIR.unpack(p))),
    Op.WRITE_STATUS: (12, 12, 1, lambda p: WriteStatus(*TRIPLE.unpack(p))),
    Op.SET_FLASH: (4, 4 + FLASH_BLOCK_SIZE, FLASH_BLOCK_SIZE, _set_flash),
    Op.SHA256: (8, 8, 1, lambda p: Sha256(*PAIR.unpack(p))),
    Op.XIP_SHA256: (8, 8, 1, lambda p: XipSha256(*PAIR.unpack(p))),
    Op.PROGRAM_XZ: (4, None, 1, _xz),
}
_COMMANDS.update({op: (0, 0, 1, _bare_command(cls)) for cls, op in _BARE.items()})


def decode_command(frame: CommandFrame) -> Command:
    """The command in a frame; payload sizes must fit exactly.

    Raises:
        CorruptFrame: the payload is not of a size that this command has.
    """
    row = _COMMANDS.get(frame.op)
    if row is None:
        return UnknownCommand(frame.op, frame.payload)
    least, most, step, build = row
    size = len(frame.payload)
    fits = least <= size <= (MAX_LOADER_PAYLOAD if most is None else most)
    command = build(frame.payload) if fits and (size - least) % step == 0 else None
    if command is None:
        raise CorruptFrame(reason=f"{size} bytes of payload", frame=encode_frame(frame)[:16])
    return command
