"""The partition table inside a Beken bootloader (FAL), and what an address in it means."""

# Ref: beken-images, section 5.1

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import StrEnum

from groundwire.framing.crc import crc32
from groundwire.images.beken.crc_blocks import physical_address, physical_size
from groundwire.images.text import field_text
from groundwire.quantities import Span

Buffer = bytes | bytearray | memoryview

MAGIC = b"01PE"
_ENTRY = struct.Struct("<4s24s24sIII")
ENTRY_SIZE = _ENTRY.size
ENTRIES_MAX = 16
FLASH_MAX = 1 << 24
INTERLEAVED_DEVICE = "beken_onchip_crc"
RAW_DEVICE = "beken_onchip"


class EntryCheck(StrEnum):
    """What an entry's checksum field says."""

    OK = "ok"
    ABSENT = "zero"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class FalEntry:
    """One partition. `offset` and `size` are as in the table: logical for interleaved code."""

    table_offset: int
    name: str
    device: str
    offset: int
    size: int
    check: EntryCheck

    @property
    def interleaved(self) -> bool:
        """Whether the partition holds checksum packets and is addressed logically."""
        return self.device == INTERLEAVED_DEVICE

    @property
    def span(self) -> Span:
        """The partition in flash, physical."""
        if self.interleaved:
            return Span(physical_address(self.offset), physical_size(self.size))
        return Span(self.offset, self.size)

    @property
    def is_plausible(self) -> bool:
        """Whether it lies in a flash as large as these chips have, its checksum not wrong."""
        known = self.device in {INTERLEAVED_DEVICE, RAW_DEVICE}
        inside = self.size > 0 and self.offset + self.size <= FLASH_MAX
        return known and inside and self.check is not EntryCheck.WRONG


def _entry(raw: bytes, at: int) -> FalEntry:
    _, name, device, offset, size, stored = _ENTRY.unpack(raw)
    if stored == crc32(raw[:-4]):
        check = EntryCheck.OK
    else:
        check = EntryCheck.WRONG if stored else EntryCheck.ABSENT
    return FalEntry(at, field_text(name), field_text(device), offset, size, check)


def parse_table(code: Buffer) -> tuple[FalEntry, ...]:
    """The partition table in a bootloader, checksums removed; empty where there is none.

    The table is plain text even in an enciphered loader. Entries whose device is unknown are not
    entries: the magic also occurs in the loader's own code.
    """
    data = bytes(code)
    at = data.find(MAGIC)
    entries: list[FalEntry] = []
    while at >= 0 and len(entries) < ENTRIES_MAX:
        raw = data[at : at + ENTRY_SIZE]
        if len(raw) < ENTRY_SIZE:
            break
        entry = _entry(raw, at)
        if entry.device in {INTERLEAVED_DEVICE, RAW_DEVICE} and entry.name:
            entries.append(entry)
            at = data.find(MAGIC, at + ENTRY_SIZE)
        else:
            at = data.find(MAGIC, at + 1)
    return tuple(entries)
