"""Bytes to messages and back: the UART flashing protocol of Beken BK72xx.

No frame carries a checksum: a damaged command is carried out as it arrives. Layouts and marks are
in PROTOCOL.md; every message here has literal vectors in the tests that this module did not make.
"""

# Ref: PROTOCOL.md, sections 2 to 5 (frames, short commands, long commands, status codes)

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from groundwire.chips.beken.messages import (
    AllErased,
    BaudSet,
    BootVersion,
    CheckCrc,
    Command,
    Crc,
    Echo,
    Erase,
    Erase4K,
    EraseAll,
    Erased,
    FlashData,
    FlashRead,
    FlashWrite,
    LinkCheck,
    Linked,
    LongCommand,
    LongOp,
    LongRefused,
    LongReply,
    Programmed,
    Read4K,
    ReadBootVersion,
    ReadReg,
    ReadStatus,
    Reboot,
    Register,
    Reply,
    RomReset,
    SectorData,
    SectorErased,
    SetBaud,
    ShortCode,
    ShortCommand,
    ShortIncomplete,
    ShortRefused,
    ShortReply,
    SpiData,
    SpiExchange,
    StatusRegister,
    StatusWritten,
    StayRom,
    UnknownCommand,
    Write4K,
    WriteReg,
    WriteStatus,
    Written,
)
from groundwire.errors import CorruptFrame

SECTOR_SIZE: Final = 4096
COMMAND_HEAD: Final = b"\x01\xe0\xfc"
LONG_MARK: Final = b"\xff\xf4"  # in place of the short length, then the long form's code
REPLY_HEAD: Final = b"\x04\x0e"
LONG_REPLY_HEAD: Final = b"\x04\x0e\xff\x01\xe0\xfc\xf4"
MAX_SHORT_REPLY: Final = 0x40  # the longest one seen is ReadBootVersion with 0x14
MAX_LONG_REPLY: Final = SECTOR_SIZE + 6  # Read4K: opcode, status, address, data
READ4K_REPLY_SIZE: Final = len(LONG_REPLY_HEAD) + 2 + MAX_LONG_REPLY

U16 = struct.Struct("<H")
U32 = struct.Struct("<I")
REGISTER = struct.Struct("<II")  # address, value
RANGE = struct.Struct("<II")  # first address, last address (inclusive)
BAUD = struct.Struct("<IB")  # rate, delay
ERASE = struct.Struct("<BI")  # size command, address


def _u32(data: bytes) -> int:
    """The 32-bit number at the start of the bytes."""
    return int(U32.unpack_from(data)[0])


def _code_and_payload(command: ShortCommand | LongCommand) -> tuple[int, bytes]:
    match command:
        case LinkCheck():
            return ShortCode.LINK_CHECK, b""
        case StayRom(argument):
            return ShortCode.STAY_ROM, bytes([argument])
        case ReadReg(address):
            return ShortCode.READ_REG, U32.pack(address)
        case WriteReg(address, value):
            return ShortCode.WRITE_REG, REGISTER.pack(address, value)
        case Reboot(argument):
            return ShortCode.REBOOT, bytes([argument])
        case RomReset(magic):
            return ShortCode.RESET, magic
        case SetBaud(rate, delay):
            return ShortCode.SET_BAUD, BAUD.pack(rate, delay)
        case CheckCrc(start, last):
            return ShortCode.CHECK_CRC, RANGE.pack(start, last)
        case ReadBootVersion():
            return ShortCode.READ_BOOT_VERSION, b""
        case FlashWrite(address, data):
            return LongOp.FLASH_WRITE, U32.pack(address) + data
        case Write4K(address, data):
            return LongOp.WRITE_4K, U32.pack(address) + data
        case FlashRead(address, size):
            return LongOp.FLASH_READ, U32.pack(address) + bytes([size])
        case Read4K(address):
            return LongOp.READ_4K, U32.pack(address)
        case EraseAll(timeout_s):
            return LongOp.ERASE_ALL, bytes([timeout_s])
        case Erase4K(address):
            return LongOp.ERASE_4K, U32.pack(address)
        case Erase(size_command, address):
            return LongOp.ERASE, ERASE.pack(size_command, address)
        case ReadStatus(flash_command):
            return LongOp.READ_STATUS, bytes([flash_command])
        case WriteStatus(flash_command, values):
            return LongOp.WRITE_STATUS, bytes([flash_command]) + values
        case SpiExchange(out):
            return LongOp.SPI_EXCHANGE, out


def encode_command(command: Command) -> bytes:
    """The bytes that the host sends for one command."""
    if isinstance(command, UnknownCommand):
        code, payload, is_long = command.code, command.payload, command.is_long
    else:
        code, payload = _code_and_payload(command)
        is_long = isinstance(command, LongCommand)
    body = bytes([code]) + payload
    if is_long:
        return COMMAND_HEAD + LONG_MARK + U16.pack(len(body)) + body
    return COMMAND_HEAD + bytes([len(body)]) + body


_SHORT_COMMANDS: Final[dict[int, tuple[int, Callable[[bytes], Command]]]] = {
    ShortCode.LINK_CHECK: (0, lambda _p: LinkCheck()),
    ShortCode.STAY_ROM: (1, lambda p: StayRom(p[0])),
    ShortCode.READ_REG: (4, lambda p: ReadReg(*U32.unpack(p))),
    ShortCode.WRITE_REG: (8, lambda p: WriteReg(*REGISTER.unpack(p))),
    ShortCode.REBOOT: (1, lambda p: Reboot(p[0])),
    ShortCode.RESET: (4, RomReset),
    ShortCode.SET_BAUD: (5, lambda p: SetBaud(*BAUD.unpack(p))),
    ShortCode.CHECK_CRC: (8, lambda p: CheckCrc(*RANGE.unpack(p))),
    ShortCode.READ_BOOT_VERSION: (0, lambda _p: ReadBootVersion()),
}
# payload size, or None where it varies (then the second number is the least)
_LONG_COMMANDS: Final[dict[int, tuple[int | None, int, Callable[[bytes], Command]]]] = {
    LongOp.FLASH_WRITE: (None, 4, lambda p: FlashWrite(_u32(p), p[4:])),
    LongOp.WRITE_4K: (None, 4, lambda p: Write4K(_u32(p), p[4:])),
    LongOp.FLASH_READ: (5, 5, lambda p: FlashRead(_u32(p), p[4])),
    LongOp.READ_4K: (4, 4, lambda p: Read4K(*U32.unpack(p))),
    LongOp.ERASE_ALL: (1, 1, lambda p: EraseAll(p[0])),
    LongOp.ERASE_4K: (4, 4, lambda p: Erase4K(*U32.unpack(p))),
    LongOp.ERASE: (5, 5, lambda p: Erase(*ERASE.unpack(p))),
    LongOp.READ_STATUS: (1, 1, lambda p: ReadStatus(p[0])),
    LongOp.WRITE_STATUS: (None, 2, lambda p: WriteStatus(p[0], p[1:])),
    LongOp.SPI_EXCHANGE: (None, 1, SpiExchange),
}


def decode_command(code: int, payload: bytes, *, is_long: bool) -> Command:
    """The command in a frame that the chip's parser has cut out; lengths must fit exactly.

    Raises:
        CorruptFrame: the payload is not of the size that this command has.
    """
    if is_long:
        long_row = _LONG_COMMANDS.get(code)
        if long_row is None:
            return UnknownCommand(code, payload, is_long=True)
        exact, least, build = long_row
        fits = len(payload) == exact if exact is not None else len(payload) >= least
    else:
        short_row = _SHORT_COMMANDS.get(code)
        if short_row is None:
            return UnknownCommand(code, payload, is_long=False)
        exact, build = short_row
        fits = len(payload) == exact
    if not fits:
        raise CorruptFrame(reason=f"{len(payload)} bytes of payload", frame=bytes([code]) + payload)
    return build(payload)


# --- replies --------------------------------------------------------------------------------

_LINKED_CODE: Final = ShortCode.LINK_CHECK + 1
_INCOMPLETE_CODE: Final = 0x05  # its length field is one more than what follows


def _short_reply_body(reply: ShortReply) -> bytes:
    match reply:
        case Linked():
            return bytes([_LINKED_CODE, 0])
        case Echo(code, payload):
            return bytes([code]) + payload
        case Register(code, address, value):
            return bytes([code]) + REGISTER.pack(address, value)
        case BaudSet(rate, delay):
            return bytes([ShortCode.SET_BAUD]) + BAUD.pack(rate, delay)
        case Crc(value):
            return bytes([ShortCode.CHECK_CRC]) + U32.pack(value)
        case BootVersion(text):
            return bytes([ShortCode.READ_BOOT_VERSION]) + text
        case ShortRefused(code, status):
            return bytes([code, status])
        case ShortIncomplete(received):
            return bytes([_INCOMPLETE_CODE]) + received


def _long_reply_body(reply: LongReply) -> bytes:
    match reply:
        case SectorData(status, address, data):
            return bytes([LongOp.READ_4K, status]) + U32.pack(address) + data
        case FlashData(status, address, data):
            return bytes([LongOp.FLASH_READ, status]) + U32.pack(address) + data
        case Programmed(status, address):
            return bytes([LongOp.WRITE_4K, status]) + U32.pack(address)
        case Written(status, address, count):
            return bytes([LongOp.FLASH_WRITE, status]) + U32.pack(address) + bytes([count])
        case Erased(status, size_command, address):
            return bytes([LongOp.ERASE, status]) + ERASE.pack(size_command, address)
        case SectorErased(status, address):
            return bytes([LongOp.ERASE_4K, status]) + U32.pack(address)
        case AllErased(status, timeout_s):
            return bytes([LongOp.ERASE_ALL, status, timeout_s])
        case StatusRegister(status, flash_command, value):
            return bytes([LongOp.READ_STATUS, status, flash_command, value])
        case StatusWritten(status, flash_command, values):
            return bytes([LongOp.WRITE_STATUS, status, flash_command]) + values
        case SpiData(status, data):
            return bytes([LongOp.SPI_EXCHANGE, status]) + data
        case LongRefused(op, status):
            return bytes([op, status])


def encode_reply(reply: Reply) -> bytes:
    """The bytes that the chip sends for one reply."""
    if isinstance(reply, ShortReply):
        body = COMMAND_HEAD + _short_reply_body(reply)
        surplus = 1 if isinstance(reply, ShortIncomplete) else 0
        return REPLY_HEAD + bytes([(len(body) + surplus) & 0xFF]) + body
    body = _long_reply_body(reply)
    return LONG_REPLY_HEAD + U16.pack(len(body)) + body


@dataclass(frozen=True, slots=True)
class ReplyFrame:
    """A reply cut out of the stream, not yet understood; `status` is None in the short form."""

    code: int
    status: int | None
    payload: bytes


def _decode_short(frame: ReplyFrame) -> Reply | None:
    code, payload = frame.code, frame.payload
    match code, len(payload):
        case 0x01, 1 if payload == b"\0":
            return Linked()
        case ((ShortCode.WRITE_REG | ShortCode.READ_REG), 8):
            return Register(code, *REGISTER.unpack(payload))
        case ShortCode.SET_BAUD, 5:
            return BaudSet(*BAUD.unpack(payload))
        case ShortCode.CHECK_CRC, 4:
            return Crc(*U32.unpack(payload))
        case ShortCode.READ_BOOT_VERSION, size if size > 1:
            return BootVersion(payload)
        case ((ShortCode.STAY_ROM | ShortCode.REBOOT), 1):
            return Echo(code, payload)
        case ShortCode.RESET, 4:
            return Echo(code, payload)
        case 0x05, size if size >= 1:
            return ShortIncomplete(payload)
        case _, 1:
            return ShortRefused(code, payload[0])
        case _:
            return None


def _decode_long(frame: ReplyFrame, status: int) -> Reply | None:
    op, payload = frame.code, frame.payload
    match op, len(payload):
        case _, 0:
            return LongRefused(op, status)
        case LongOp.READ_4K, size if size >= 4:
            # a refusal carries no data, or one count byte
            data = payload[4:] if size == 4 + SECTOR_SIZE else b""
            return SectorData(status, _u32(payload), data)
        case LongOp.FLASH_READ, size if size >= 4:
            return FlashData(status, _u32(payload), payload[4:])
        case LongOp.WRITE_4K, 4:
            return Programmed(status, *U32.unpack(payload))
        case LongOp.FLASH_WRITE, 5:
            return Written(status, _u32(payload), payload[4])
        case LongOp.ERASE, 5:
            return Erased(status, *ERASE.unpack(payload))
        case LongOp.ERASE_4K, 4:
            return SectorErased(status, *U32.unpack(payload))
        case LongOp.ERASE_ALL, 1:
            return AllErased(status, payload[0])
        case LongOp.READ_STATUS, 2:
            return StatusRegister(status, payload[0], payload[1])
        case LongOp.WRITE_STATUS, size if size >= 2:
            return StatusWritten(status, payload[0], payload[1:])
        case LongOp.SPI_EXCHANGE, size if size >= 1:
            return SpiData(status, payload)
        case _:
            return None


def decode_reply(frame: ReplyFrame) -> Reply:
    """The reply in a frame.

    Raises:
        CorruptFrame: no reply of this protocol looks like that.
    """
    reply = _decode_short(frame) if frame.status is None else _decode_long(frame, frame.status)
    if reply is None:
        raise CorruptFrame(
            reason=f"code 0x{frame.code:02X} with {len(frame.payload)} bytes", frame=frame.payload
        )
    return reply


class ReplyBuffer:
    """Cuts reply frames out of bytes in any chunking; skips noise and counts it.

    A declared size beyond the protocol's largest is noise, never something to wait for.
    """

    def __init__(self) -> None:
        self._bytes = bytearray()
        self.discarded = 0

    def feed(self, data: bytes) -> None:
        """Take what arrived."""
        self._bytes += data

    @property
    def waiting(self) -> int:
        """How many bytes are held that have not become a frame."""
        return len(self._bytes)

    def next_frame(self) -> ReplyFrame | None:
        """The next whole frame, or None until more bytes arrive."""
        held = self._bytes
        while True:
            at = held.find(REPLY_HEAD)
            if at < 0:
                keep = 1 if held.endswith(REPLY_HEAD[:1]) else 0
                self._skip(len(held) - keep)
                return None
            self._skip(at)
            if len(held) < 3:
                return None
            frame, size = self._long_frame() if held[2] == 0xFF else self._short_frame()
            if frame is not None:
                del held[:size]
                return frame
            if size:  # it can still become one
                return None
            self._skip(1)

    def _skip(self, count: int) -> None:
        self.discarded += count
        del self._bytes[:count]

    def _short_frame(self) -> tuple[ReplyFrame | None, int]:
        """The frame and its size; no frame and a size means wait, no size means noise."""
        held = self._bytes
        length = held[2]
        head = bytes(held[3:6])
        if not 4 <= length <= MAX_SHORT_REPLY or not COMMAND_HEAD.startswith(head):
            return None, 0
        size = 3 + length
        if length >= 6 and len(held) > 6 and held[6] == _INCOMPLETE_CODE:
            size -= 1  # the boot ROM counts one byte that it never sends
        if len(held) < size:
            return None, size
        return ReplyFrame(held[6], None, bytes(held[7:size])), size

    def _long_frame(self) -> tuple[ReplyFrame | None, int]:
        held = self._bytes
        prefix = len(LONG_REPLY_HEAD)
        if not LONG_REPLY_HEAD.startswith(bytes(held[:prefix])):
            return None, 0
        if len(held) < prefix + 2:
            return None, prefix + 2
        (length,) = U16.unpack_from(held, prefix)
        if not 2 <= length <= MAX_LONG_REPLY:
            return None, 0
        size = prefix + 2 + length
        if len(held) < size:
            return None, size
        return ReplyFrame(held[prefix + 2], held[prefix + 3], bytes(held[prefix + 4 : size])), size
