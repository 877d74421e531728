"""The partition table of a BL602 flash, of which there are two copies."""

# Ref: bouffalo-isp, sections 10 and 11; beken-images, section 12.2

from __future__ import annotations

import struct
from dataclasses import dataclass

from groundwire.errors import DamagedImage
from groundwire.framing.crc import crc32
from groundwire.images.text import field_text
from groundwire.quantities import Span

Buffer = bytes | bytearray | memoryview

MAGIC = b"BFPT"
ADDRESSES = (0xE000, 0xF000)
ROWS_MAX = 16
FLASH_MAX = 1 << 24
_HEAD = struct.Struct("<4sHHII")
_ROW = struct.Struct("<BBB9s6I")


@dataclass(frozen=True, slots=True)
class Row:
    """One partition; a second slot of size 0 does not exist. Rows are looked up by name."""

    kind: int
    device: int
    active: int
    name: str
    address: tuple[int, int]
    size: tuple[int, int]
    length: int
    age: int

    def slot(self, index: int) -> Span | None:
        """The flash range of slot 0 or 1, or None where the slot does not exist."""
        return Span(self.address[index], self.size[index]) if self.size[index] else None

    @property
    def active_slot(self) -> Span | None:
        """The range in use."""
        return self.slot(self.active) if self.active in {0, 1} else None

    @property
    def is_plausible(self) -> bool:
        """Whether its slots lie in a flash that these chips can have."""
        ends = [start + size for start, size in zip(self.address, self.size, strict=True)]
        return self.active in {0, 1} and max(ends) <= FLASH_MAX


@dataclass(frozen=True, slots=True)
class PartitionTable:
    """A table; valid when both checksums hold."""

    age: int
    rows: tuple[Row, ...]
    head_ok: bool
    rows_ok: bool

    @property
    def ok(self) -> bool:
        return self.head_ok and self.rows_ok

    def row(self, name: str) -> Row | None:
        """The first row of that name, upper or lower case."""
        for row in self.rows:
            if row.name.lower() == name.lower():
                return row
        return None

    def build(self) -> bytes:
        """The bytes of one copy."""
        head = struct.pack("<4sHHI", MAGIC, 0, len(self.rows), self.age)
        rows = b"".join(
            _ROW.pack(
                row.kind,
                row.device,
                row.active,
                row.name.encode("ascii", "replace")[:8],
                *row.address,
                *row.size,
                row.length,
                row.age,
            )
            for row in self.rows
        )
        return head + struct.pack("<I", crc32(head)) + rows + struct.pack("<I", crc32(rows))


def parse(raw: Buffer) -> PartitionTable:
    """The table at the start of `raw`; raises DamagedImage where it is none or cut off."""
    data = bytes(raw[: _HEAD.size + ROWS_MAX * _ROW.size + 4])
    if len(data) < _HEAD.size or not data.startswith(MAGIC):
        raise DamagedImage(name="partition table", finding="it does not start with BFPT")
    _, _, count, age, head_crc = _HEAD.unpack_from(data)
    if count > ROWS_MAX:
        raise DamagedImage(name="partition table", finding=f"it claims {count} partitions")
    end = _HEAD.size + count * _ROW.size
    if len(data) < end + 4:
        raise DamagedImage(name="partition table", finding="it is cut off")
    rows = []
    for at in range(_HEAD.size, end, _ROW.size):
        kind, device, active, name, first, second, size_0, size_1, length, row_age = (
            _ROW.unpack_from(data, at)
        )
        text = field_text(name)
        rows.append(
            Row(kind, device, active, text, (first, second), (size_0, size_1), length, row_age)
        )
    return PartitionTable(
        age=age,
        rows=tuple(rows),
        head_ok=crc32(data[: _HEAD.size - 4]) == head_crc,
        rows_ok=crc32(data[_HEAD.size : end]) == int.from_bytes(data[end : end + 4], "little"),
    )


def find(flash: Buffer) -> tuple[tuple[int, PartitionTable], ...]:
    """The copies that can be read, with their addresses, whether valid or not."""
    found = []
    for address in ADDRESSES:
        try:
            found.append((address, parse(flash[address : address + 4096])))
        except DamagedImage:
            continue
    return tuple(found)


def in_force(flash: Buffer) -> PartitionTable | None:
    """The valid copy with the higher age, the one that boot2 takes."""
    valid = [table for _, table in find(flash) if table.ok]
    return max(valid, key=lambda table: table.age, default=None)
