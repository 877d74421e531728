"""BL0942 over UART: requests, answers and the packet, for both ends of the line.

# Ref: BL0942 data sheet V1.10 (English), UART mode and register list.
# Ref: BL0942 application note V1.04 (Chinese).

Every sum is the bitwise complement of the low byte of: the command byte with the address in it,
the register number (of a single register only), and all data bytes. A packet's sum starts with
0x58 + address, leaves the 0xAA of the request out and includes the header 0x55.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag

from groundwire.errors import BadArgument, CorruptFrame
from groundwire.meter.bl0942.facts import RegisterFact, registers

READ_COMMAND = 0x58
WRITE_COMMAND = 0xA8
PACKET_SELECTOR = 0xAA
PACKET_HEADER = 0x55
PACKET_SIZE = 23
REQUEST_SIZE = 2
REGISTER_REPLY_SIZE = 4
WRITE_SIZE = 6
ADDRESSES = range(4)
COUNTER_RANGE = 1 << 24
UNLOCK_KEY = 0x55
LOCK_KEY = 0x00
SOFT_RESET_KEY = 0x5A5A5A

BAUDRATES = (4800, 9600, 19200, 38400)

# The three-byte little-endian fields are each read as a 16-bit and an 8-bit part.
_PACKET = struct.Struct("<BHBHBHBHBHBHBHBB")


class Register(IntEnum):
    """The registers by their numbers; widths and signs are rows of facts.toml."""

    I_WAVE = 0x01
    V_WAVE = 0x02
    I_RMS = 0x03
    V_RMS = 0x04
    I_FAST_RMS = 0x05
    WATT = 0x06
    CF_CNT = 0x07
    FREQ = 0x08
    STATUS = 0x09
    I_RMSOS = 0x12
    WA_CREEP = 0x14
    I_FAST_RMS_TH = 0x15
    I_FAST_RMS_CYC = 0x16
    FREQ_CYC = 0x17
    OT_FUNX = 0x18
    MODE = 0x19
    GAIN_CR = 0x1A
    SOFT_RESET = 0x1C
    USR_WRPROT = 0x1D

    @property
    def fact(self) -> RegisterFact:
        return registers()[self.value]


class Mode(IntFlag):
    """The bits of MODE; bits 1 and 0 are reserved and stay set."""

    RESERVED = 0x003
    COUNT_ENERGY = 1 << 2
    UPDATE_800_MS = 1 << 3
    FAST_RMS_HIGH_PASS = 1 << 4
    MAINS_60_HZ = 1 << 5
    CLEAR_ON_READ = 1 << 6
    COUNT_ABSOLUTE = 1 << 7
    RATE_LOW_BIT = 1 << 8
    RATE_HIGH_BIT = 1 << 9


MODE_AFTER_RESET = Mode.RESERVED | Mode.COUNT_ENERGY | Mode.COUNT_ABSOLUTE
# What we write: signed counting, so that export counts down, and 800 ms, which no reset restores.
MODE_SIGNED = Mode.RESERVED | Mode.COUNT_ENERGY | Mode.UPDATE_800_MS


def baudrate_of(mode: int, *, strap_fast: bool) -> int:
    """The speed that MODE and the SCLK_BPS strap select together."""
    rate = mode >> 8 & 3
    if rate < 2:
        return 9600 if strap_fast else 4800
    return 19200 if rate == 2 else 38400


class Status(IntFlag):
    """The bits of STATUS that have a meaning; bit 5 is seen in captures and means nothing known."""

    LAST_PULSE_NEGATIVE = 1 << 0
    NO_LOAD = 1 << 1
    CURRENT_BELOW_THRESHOLD = 1 << 8
    VOLTAGE_BELOW_THRESHOLD = 1 << 9


STATUS_KNOWN = (
    Status.LAST_PULSE_NEGATIVE
    | Status.NO_LOAD
    | Status.CURRENT_BELOW_THRESHOLD
    | Status.VOLTAGE_BELOW_THRESHOLD
)


def checksum(*parts: int | bytes) -> int:
    """Complement of the low byte of the sum of single bytes and of all bytes of strings."""
    total = sum(part if isinstance(part, int) else sum(part) for part in parts)
    return ~total & 0xFF


def _word_bytes(word: int) -> bytes:
    return (word & 0xFFFFFF).to_bytes(3, "little")


def _check_address(address: int) -> None:
    if address not in ADDRESSES:
        raise BadArgument(name="address", value=str(address), expected="0, 1, 2 or 3")


# --- what the host says ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReadPacket:
    """Ask for all readings at once."""

    address: int = 0


@dataclass(frozen=True, slots=True)
class ReadRegister:
    """Ask for one register; `number` may be one that no data sheet names."""

    address: int
    number: int


@dataclass(frozen=True, slots=True)
class WriteRegister:
    """Set one register; `word` is the 24 bits as they go over the wire."""

    address: int
    number: int
    word: int


Request = ReadPacket | ReadRegister | WriteRegister


def write_of(address: int, register: Register, value: int) -> WriteRegister:
    """The request that sets a register to a value; raises where the value does not fit."""
    fact = register.fact
    low, high = (-(fact.mask + 1) // 2, fact.mask // 2) if fact.signed else (0, fact.mask)
    if not (fact.writable and low <= value <= high):
        expected = f"in {low}..{high}" if fact.writable else "a value: the register is read-only"
        raise BadArgument(name=register.name, value=str(value), expected=expected)
    return WriteRegister(address, register.value, fact.to_word(value))


def encode_request(request: Request) -> bytes:
    """The bytes of a request."""
    _check_address(request.address)
    match request:
        case ReadPacket():
            return bytes((READ_COMMAND + request.address, PACKET_SELECTOR))
        case ReadRegister():
            return bytes((READ_COMMAND + request.address, request.number & 0xFF))
        case WriteRegister():
            head = bytes((WRITE_COMMAND + request.address, request.number & 0xFF))
            body = head + _word_bytes(request.word)
            return body + bytes((checksum(body),))


def request_size(first_byte: int) -> int | None:
    """How many bytes a request takes that starts so, or None where no request does."""
    if first_byte - READ_COMMAND in ADDRESSES:
        return REQUEST_SIZE
    if first_byte - WRITE_COMMAND in ADDRESSES:
        return WRITE_SIZE
    return None


def decode_request(data: bytes) -> Request:
    """A request from its bytes; raises `CorruptFrame` where size, command or sum is wrong."""
    size = request_size(data[0]) if data else None
    if size is None:
        raise CorruptFrame(reason="no request starts with that byte", frame=bytes(data[:1]))
    if len(data) != size:
        raise CorruptFrame(reason=f"a request of {len(data)} bytes, not {size}", frame=bytes(data))
    if size == REQUEST_SIZE:
        address = data[0] - READ_COMMAND
        if data[1] == PACKET_SELECTOR:
            return ReadPacket(address)
        return ReadRegister(address, data[1])
    if checksum(data[:-1]) != data[-1]:
        raise CorruptFrame(reason="the sum of a write is wrong", frame=bytes(data))
    word = int.from_bytes(data[2:5], "little")
    return WriteRegister(data[0] - WRITE_COMMAND, data[1], word)


def reply_size(request: Request) -> int:
    """How many bytes the chip answers."""
    match request:
        case ReadPacket():
            return PACKET_SIZE
        case ReadRegister():
            return REGISTER_REPLY_SIZE
        case WriteRegister():
            return 0


# --- what the chip says ------------------------------------------------------------------------


def encode_register_reply(address: int, number: int, word: int) -> bytes:
    """Three data bytes, low first, and the sum over the request's bytes and them."""
    data = _word_bytes(word)
    return data + bytes((checksum(READ_COMMAND + address, number, data),))


def decode_register_reply(data: bytes, request: ReadRegister) -> int:
    """The value that answers this request; a signed register may be negative."""
    if len(data) != REGISTER_REPLY_SIZE:
        raise CorruptFrame(reason=f"a register of {len(data)} bytes, not 4", frame=bytes(data))
    wanted = checksum(READ_COMMAND + request.address, request.number, data[:3])
    if wanted != data[3]:
        raise CorruptFrame(
            reason=f"register {request.number:02X}: sum {data[3]:02X}, wanted {wanted:02X}",
            frame=bytes(data),
        )
    word = int.from_bytes(data[:3], "little")
    fact = registers().get(request.number)
    return word if fact is None else fact.to_value(word)


@dataclass(frozen=True, slots=True)
class Packet:
    """All readings of one moment, as the registers hold them.

    `status` is the whole three-byte field: mask it with `STATUS_KNOWN` before comparing.
    `freq` too is three bytes on the wire, and a true one never needs the third.
    """

    i_rms: int
    v_rms: int
    i_fast_rms: int
    watt: int
    cf_cnt: int
    freq: int
    status: int

    @property
    def flags(self) -> Status:
        return Status(self.status & STATUS_KNOWN)


def encode_packet(packet: Packet, address: int = 0) -> bytes:
    """The 23 bytes that a chip of this address sends."""
    words = (
        packet.i_rms,
        packet.v_rms,
        packet.i_fast_rms,
        packet.watt,
        packet.cf_cnt,
        packet.freq,
        packet.status,
    )
    body = bytes((PACKET_HEADER,)) + b"".join(map(_word_bytes, words))
    return body + bytes((checksum(READ_COMMAND + address, body),))


def is_packet(data: bytes | bytearray | memoryview, address: int = 0) -> bool:
    """Whether these are 23 bytes with the header and the right sum for this address."""
    return (
        len(data) == PACKET_SIZE
        and data[0] == PACKET_HEADER
        and (sum(data) + READ_COMMAND + address) & 0xFF == 0xFF
    )


def decode_packet(data: bytes, address: int = 0) -> Packet:
    """The readings in 23 bytes; raises `CorruptFrame` where size, header or sum is wrong."""
    if not is_packet(data, address):
        raise CorruptFrame(reason=_packet_fault(data, address), frame=bytes(data))
    _, i, i_top, v, v_top, f, f_top, w, w_top, c, c_top, q, q_top, s, s_top, _sum = _PACKET.unpack(
        data
    )
    watt = w | w_top << 16
    return Packet(
        i_rms=i | i_top << 16,
        v_rms=v | v_top << 16,
        i_fast_rms=f | f_top << 16,
        watt=watt - COUNTER_RANGE if w_top & 0x80 else watt,
        cf_cnt=c | c_top << 16,
        freq=q | q_top << 16,
        status=s | s_top << 16,
    )


def _packet_fault(data: bytes, address: int) -> str:
    if len(data) != PACKET_SIZE:
        return f"a packet of {len(data)} bytes, not {PACKET_SIZE}"
    if data[0] != PACKET_HEADER:
        return f"a packet that starts with {data[0]:02X}, not 55"
    wanted = checksum(READ_COMMAND + address, data[:-1])
    for other in ADDRESSES:
        if other != address and is_packet(data, other):
            return (
                f"sum {data[-1]:02X}, wanted {wanted:02X}: right for a chip with address {other}, "
                f"not for {address}"
            )
    return f"sum {data[-1]:02X}, wanted {wanted:02X}"


def find_packet(data: bytes | bytearray, address: int = 0) -> int | None:
    """Where the first packet with a right sum starts, moving on byte by byte; None if nowhere.

    A header whose sum is wrong costs one byte and not a packet: the byte may be noise, or part of
    an answer that broke off, and the true header may stand anywhere behind it.
    """
    at = data.find(PACKET_HEADER)
    while 0 <= at <= len(data) - PACKET_SIZE:
        if is_packet(data[at : at + PACKET_SIZE], address):
            return at
        at = data.find(PACKET_HEADER, at + 1)
    return None


class PacketBuffer:
    """Takes bytes in any chunking and hands out packets; counts what belongs to none."""

    LIMIT = 64 * 1024

    def __init__(self, address: int = 0) -> None:
        _check_address(address)
        self.address = address
        self.discarded = 0
        self._data = bytearray()

    def feed(self, data: bytes) -> None:
        """Add what arrived; beyond the limit the oldest bytes are dropped and counted."""
        self._data += data
        if (excess := len(self._data) - self.LIMIT) > 0:
            self._drop(excess)

    def next_packet(self) -> Packet | None:
        """The next packet, or None until more bytes arrive."""
        at = find_packet(self._data, self.address)
        if at is None:
            self._drop(self._hopeless())
            return None
        packet = decode_packet(bytes(self._data[at : at + PACKET_SIZE]), self.address)
        self.discarded += at
        del self._data[: at + PACKET_SIZE]
        return packet

    @property
    def waiting(self) -> int:
        """Bytes that may be the start of a packet."""
        return len(self._data)

    def _hopeless(self) -> int:
        """How many bytes at the front can never begin a packet."""
        tail = max(0, len(self._data) - PACKET_SIZE + 1)
        header = self._data.find(PACKET_HEADER, tail)
        return len(self._data) if header < 0 else header

    def _drop(self, count: int) -> None:
        self.discarded += count
        del self._data[:count]
