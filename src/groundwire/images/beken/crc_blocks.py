"""The checksum interleave of code in Beken flash: packets of 32 bytes and a 16-bit checksum.

The checksum covers the bytes as stored, enciphered or not, and is stored high byte first. An
erased packet is 34 times 0xFF; that does not satisfy the checksum, so a packet has three states.
"""

# Ref: beken-images, section 1 (checksum CRC-16/CMS: 0x8005, start 0xFFFF, no reflection)

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from groundwire.quantities import Span

if TYPE_CHECKING:
    from numpy.typing import NDArray

DATA_SIZE = 32
PACKET_SIZE = 34
_POLYNOMIAL = 0x8005
_START = 0xFFFF

Buffer = bytes | bytearray | memoryview


class PacketState(IntEnum):
    """What one packet of 34 bytes is."""

    DAMAGED = 0
    VALID = 1
    ERASED = 2


def _make_table() -> NDArray[np.uint16]:
    table = np.zeros(256, dtype=np.uint16)
    for index in range(256):
        value = index << 8
        for _ in range(8):
            value = (value << 1) ^ (_POLYNOMIAL if value & 0x8000 else 0)
        table[index] = value & 0xFFFF
    return table


_TABLE = _make_table()


def physical_address(logical: int) -> int:
    """Where the byte that the processor sees at `logical` lies in flash."""
    return logical // DATA_SIZE * PACKET_SIZE + logical % DATA_SIZE


def logical_address(physical: int) -> int:
    """What the processor sees at a physical address; the checksum bytes count as the next data."""
    return physical // PACKET_SIZE * DATA_SIZE + min(physical % PACKET_SIZE, DATA_SIZE)


def physical_size(logical_size: int) -> int:
    """The flash taken by `logical_size` bytes of code, in whole packets."""
    return -(-logical_size // DATA_SIZE) * PACKET_SIZE


def checksums(rows: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """The checksum of each row of an (n, 32) array."""
    columns = np.ascontiguousarray(rows.T)
    crc = np.full(rows.shape[0], _START, dtype=np.uint16)
    for column in columns:
        crc = _TABLE[(crc >> 8) ^ column] ^ (crc << 8)
    return crc


def _packets(data: Buffer) -> NDArray[np.uint8]:
    count = len(data) // PACKET_SIZE
    flat = np.frombuffer(data, dtype=np.uint8, count=count * PACKET_SIZE)
    return flat.reshape(count, PACKET_SIZE)


@dataclass(frozen=True, slots=True, eq=False)
class PacketCheck:
    """The state of every whole packet of a range that starts at the address `start`."""

    start: int
    states: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.states)

    def packet_span(self, first: int, count: int = 1) -> Span:
        """The addresses of `count` packets, the first by its index."""
        return Span(self.start + first * PACKET_SIZE, count * PACKET_SIZE)

    def count(self, state: PacketState) -> int:
        """How many packets are in one state."""
        return int(np.count_nonzero(self.states == state))

    def valid_from_start(self) -> int:
        """How many packets are valid before the first that is not."""
        other = np.flatnonzero(self.states != PacketState.VALID)
        return int(other[0]) if len(other) else len(self.states)

    def used(self) -> tuple[int, int] | None:
        """First and one past the last packet of the code, or None where there is none.

        Raw data behind the code passes for a valid packet once in 65,536; two valid neighbours
        are required so that one such accident does not make the code look longer than it is.
        """
        valid = self.states == PacketState.VALID
        paired = valid.copy()
        if len(valid) > 1:
            neighbours = valid[1:] & valid[:-1]
            paired[:] = False
            paired[:-1] |= neighbours
            paired[1:] |= neighbours
        found = np.flatnonzero(paired)
        return (int(found[0]), int(found[-1]) + 1) if len(found) else None

    def runs(self, state: PacketState, first: int = 0, end: int | None = None) -> tuple[Span, ...]:
        """The addresses of all packets in one state, neighbours joined."""
        flags = np.zeros(len(self.states) + 2, dtype=np.int8)
        stop = len(self.states) if end is None else min(end, len(self.states))
        if first < stop:
            flags[first + 1 : stop + 1] = self.states[first:stop] == state
        edges = np.flatnonzero(np.diff(flags))
        pairs = zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
        return tuple(self.packet_span(begin, stop - begin) for begin, stop in pairs)


def check(data: Buffer, start: int = 0) -> PacketCheck:
    """The state of every whole packet of `data`, which lies at the address `start`."""
    packets = _packets(data)
    if not len(packets):
        return PacketCheck(start, np.zeros(0, dtype=np.uint8))
    stored = packets[:, DATA_SIZE].astype(np.uint16) << 8 | packets[:, DATA_SIZE + 1]
    valid = checksums(packets[:, :DATA_SIZE]) == stored
    states = np.where(valid, PacketState.VALID, PacketState.DAMAGED).astype(np.uint8)
    # Only packets whose checksum bytes are 0xFFFF can be erased: look at few rows, not at all.
    maybe = np.flatnonzero((stored == 0xFFFF) & ~valid)
    erased = maybe[(packets[maybe] == 0xFF).all(axis=1)]
    states[erased] = PacketState.ERASED
    return PacketCheck(start, states)


def strip(data: Buffer) -> bytes:
    """The data bytes of all whole packets, checksums left out and not looked at."""
    return _packets(data)[:, :DATA_SIZE].tobytes()


def add(data: Buffer) -> bytes:
    """Packets with checksums around `data`; a last part of a packet is filled with 0xFF."""
    short = -len(data) % DATA_SIZE
    rows = np.frombuffer(bytes(data) + b"\xff" * short, dtype=np.uint8).reshape(-1, DATA_SIZE)
    out = np.empty((len(rows), PACKET_SIZE), dtype=np.uint8)
    out[:, :DATA_SIZE] = rows
    crc = checksums(rows)
    out[:, DATA_SIZE] = crc >> 8
    out[:, DATA_SIZE + 1] = crc & 0xFF
    return out.tobytes()
