"""The radio calibration sector: MAC address, crystal trim and power tables of one single module."""

# Ref: beken-images, section 9

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import StrEnum

from groundwire.errors import DamagedImage
from groundwire.quantities import Span

Buffer = bytes | bytearray | memoryview

MAGIC = b"TLV\0"
SECTOR = 4096
_PAIR = struct.Struct("<II")
GROUP_TAGS = (0x11111100, 0x22222200, 0x33333300, 0x44444400)
MAC_TAG = 0x11111102
MAC_SIZE = 6
# Where the sector lies, by firmware layout; larger flash may use the later ones.
KNOWN_ADDRESSES = (0x1D0000, 0x1E0000, 0x1E3000, 0xEF000, 0x3E0000, 0x3FE000, 0x709000, 0x7FE000)


class RfState(StrEnum):
    """What a calibration sector holds."""

    PRESENT = "present"
    ERASED = "erased"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class RfGroup:
    """One group of items: its tag, its stored size, and the tags of its items in order."""

    tag: int
    size: int
    items: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RfBlock:
    """A calibration sector that could be read."""

    groups: tuple[RfGroup, ...]
    size: int
    mac: bytes
    mac_offset: int

    @property
    def mac_text(self) -> str:
        """The address as people write it, or "" where the sector holds none."""
        return ":".join(f"{byte:02X}" for byte in self.mac)


@dataclass(frozen=True, slots=True)
class RfSector:
    """What was found at one place; `problem` says what is wrong with a damaged sector."""

    span: Span
    state: RfState
    block: RfBlock | None = None
    problem: str = ""


def _damaged(finding: str) -> DamagedImage:
    return DamagedImage(name="radio calibration", finding=finding)


def _items(group: bytes, tag: int, base: int) -> tuple[tuple[int, ...], tuple[int, int] | None]:
    """The item tags of a group and, if it holds the MAC, its offset and size in the sector."""
    tags: list[int] = []
    mac = None
    at = 0
    while at + _PAIR.size <= len(group):
        item, size = _PAIR.unpack_from(group, at)
        # What follows the last item of a group is filled with 0x5A and is no item.
        if not tag < item <= tag + 0xFF:
            break
        if at + _PAIR.size + size > len(group):
            raise _damaged(f"item 0x{item:08X} of {size} bytes leaves its group")
        tags.append(item)
        if item == MAC_TAG:
            mac = base + at + _PAIR.size, size
        at += _PAIR.size + size
    return tuple(tags), mac


def parse(sector: Buffer) -> RfBlock:
    """The content of a calibration sector.

    Raises DamagedImage where it is none, or where a size leads out of it.
    """
    raw = bytes(sector[:SECTOR])
    if raw[:4] != MAGIC or len(raw) < 8:
        raise _damaged("it does not start with TLV")
    total = int.from_bytes(raw[4:8], "little")
    if total > len(raw) - 8:
        raise _damaged(f"it claims {total} bytes, the sector has room for {len(raw) - 8}")
    groups: list[RfGroup] = []
    mac = None
    at, end = 8, 8 + total
    while at + _PAIR.size <= end:
        tag, size = _PAIR.unpack_from(raw, at)
        if tag not in GROUP_TAGS:
            raise _damaged(f"0x{tag:08X} at offset {at} is no group of calibration values")
        body = at + _PAIR.size
        if body + size > end:
            raise _damaged(f"group 0x{tag:08X} of {size} bytes leaves the block")
        items, found = _items(raw[body : body + size], tag, body)
        groups.append(RfGroup(tag, size, items))
        mac = mac or found
        at = body + size
    if mac is None or mac[1] != MAC_SIZE:
        return RfBlock(tuple(groups), total, b"", 0)
    return RfBlock(tuple(groups), total, raw[mac[0] : mac[0] + MAC_SIZE], mac[0])


def look_at(data: Buffer, address: int) -> RfSector | None:
    """What lies at one address of a flash content, or None where the data ends before it.

    A MAC address of zeros or 0xFF, or with the group bit set, is no address of a module.
    """
    raw = bytes(data[address : address + SECTOR])
    if len(raw) < SECTOR:
        return None
    span = Span(address, SECTOR)
    if raw.count(0xFF) == SECTOR:
        return RfSector(span, RfState.ERASED)
    try:
        block = parse(raw)
    except DamagedImage as error:
        return RfSector(span, RfState.DAMAGED, None, error.finding)
    if not block.mac:
        return RfSector(span, RfState.DAMAGED, block, "it holds no MAC address")
    if block.mac in {bytes(6), b"\xff" * 6} or block.mac[0] & 1:
        return RfSector(span, RfState.DAMAGED, block, "its MAC address is not one of a module")
    return RfSector(span, RfState.PRESENT, block)


def find(data: Buffer) -> tuple[RfSector, ...]:
    """Every sector of a flash content that starts as calibration data does."""
    raw = bytes(data)
    starts = (at for at in range(0, len(raw), SECTOR) if raw.startswith(MAGIC, at))
    looked = (look_at(raw, at) for at in starts)
    return tuple(sector for sector in looked if sector is not None)
