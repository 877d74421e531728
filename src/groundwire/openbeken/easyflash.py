"""EasyFlash (version 4) and its successor FlashDB: key/value areas.

Some platforms of OpenBeken keep their configuration in EasyFlash; ESPHome on LibreTiny keeps its
preferences, Wi-Fi password included, in FlashDB, whose records have the same form.
"""

# Ref: obk-config, section 6; fdb_kvdb.c of FlashDB for its two magic words.

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from groundwire.quantities import Span
from groundwire.secret import Secret

SECTOR = 4096
EASYFLASH, FLASHDB = "EasyFlash", "FlashDB"
AREA_MAGICS = {b"EF40": EASYFLASH, b"EF41": EASYFLASH, b"FDB0": FLASHDB}
ENTRY_MAGICS = {EASYFLASH: b"KV40", FLASHDB: b"KV00"}
ENTRY_LIMIT = 10_000
LIVE_STEPS = (2, 3)  # written; or being deleted, which a restart undoes
DELETED_STEP = 4


@dataclass(frozen=True, slots=True)
class Form:
    """Sizes that follow from the write unit of the flash."""

    unit_bits: int
    area_magic_at: int
    sector_header: int
    entry_magic_at: int


FORMS = (
    Form(unit_bits=1, area_magic_at=4, sector_header=0x10, entry_magic_at=4),
    Form(unit_bits=8, area_magic_at=8, sector_header=0x14, entry_magic_at=8),
    Form(unit_bits=32, area_magic_at=0x18, sector_header=0x24, entry_magic_at=0x18),
)
ENTRY_HEAD = struct.Struct("<4sIIB3xI")


@dataclass(frozen=True, slots=True)
class Entry:
    """One record; `live` is false for one that was replaced or removed."""

    offset: int
    name: str
    content: Secret[bytes]
    live: bool
    checksum_ok: bool
    value_at: int

    @property
    def value_span(self) -> Span:
        """Where the value is in the file."""
        return Span(self.value_at, len(self.content.reveal()))


@dataclass(frozen=True, slots=True)
class Area:
    """A run of EasyFlash sectors."""

    span: Span
    form: Form
    kind: str
    entries: tuple[Entry, ...]

    def get(self, name: str) -> Entry | None:
        """The newest live entry of that name whose checksum is right."""
        for entry in reversed(self.entries):
            if entry.name == name and entry.live and entry.checksum_ok:
                return entry
        return None


def find_areas(flash: bytes) -> tuple[Area, ...]:
    """Every EasyFlash area at a sector boundary, with all its records, old ones included."""
    areas: list[Area] = []
    start = 0
    while start + SECTOR <= len(flash):
        found = form_at(flash, start)
        if found is None:
            start += SECTOR
            continue
        end = start + SECTOR
        while end + SECTOR <= len(flash) and form_at(flash, end) == found:
            end += SECTOR
        span = Span.between(start, end)
        areas.append(Area(span, *found, read_entries(flash, span, *found)))
        start = end
    return tuple(areas)


def form_at(flash: bytes, sector: int) -> tuple[Form, str] | None:
    """The form and the kind of the area whose sector is there, or None."""
    for form in FORMS:
        at = sector + form.area_magic_at
        kind = AREA_MAGICS.get(flash[at : at + 4])
        if kind is not None:
            return form, kind
    return None


def read_entries(flash: bytes, span: Span, form: Form, kind: str) -> tuple[Entry, ...]:
    """All records of an area, in address order."""
    entries: list[Entry] = []
    entry_magic = ENTRY_MAGICS[kind]
    for sector in range(span.start, span.end, SECTOR):
        at = sector + form.sector_header
        while len(entries) < ENTRY_LIMIT:
            magic = flash.find(entry_magic, at + form.entry_magic_at, sector + SECTOR)
            if magic < 0:
                break
            entry, size = read_entry(flash, magic - form.entry_magic_at, sector + SECTOR, form)
            if entry is not None:
                entries.append(entry)
            at = magic - form.entry_magic_at + max(size, 1)
    return tuple(entries)


def read_entry(flash: bytes, at: int, limit: int, form: Form) -> tuple[Entry | None, int]:
    """The record at `at` and its size; (None, 1) if its lengths make no sense."""
    head_at = at + form.entry_magic_at
    if head_at + ENTRY_HEAD.size > limit:
        return None, 1
    _, size, checksum, name_size, value_size = ENTRY_HEAD.unpack_from(flash, head_at)
    name_at = head_at + ENTRY_HEAD.size
    align = max(form.unit_bits // 8, 1)
    value_at = name_at + -(-name_size // align) * align
    end = value_at + -(-value_size // align) * align
    if end > limit or end - at > size or at + size > limit:
        return None, 1
    covered = flash[head_at + 12 : end]
    entry = Entry(
        offset=at,
        name=flash[name_at : name_at + name_size].decode("latin-1"),
        content=Secret(flash[value_at : value_at + value_size]),
        live=write_step(flash[at:head_at], form.unit_bits) in LIVE_STEPS,
        checksum_ok=zlib.crc32(covered) == checksum,
        value_at=value_at,
    )
    return entry, size


def write_step(status: bytes, unit_bits: int) -> int:
    """How far the record got: 0 unused, 1 being written, 2 live, 3 being deleted, 4 deleted."""
    if unit_bits == 1:
        clear = next((bit for bit in range(8) if status[0] << bit & 0x80), 8)
        return min(clear, DELETED_STEP)
    unit = unit_bits // 8
    steps = 0
    while steps < DELETED_STEP and not any(status[steps * unit : (steps + 1) * unit]):
        steps += 1
    return steps


def seal_entry(flash: bytearray, entry: Entry, form: Form, content: bytes) -> None:
    """Put a value of the same length into a record and renew its checksum."""
    flash[entry.value_at : entry.value_at + len(content)] = content
    head_at = entry.offset + form.entry_magic_at
    align = max(form.unit_bits // 8, 1)
    end = entry.value_at + -(-len(content) // align) * align
    checksum = zlib.crc32(flash[head_at + 12 : end])
    flash[head_at + 8 : head_at + 12] = checksum.to_bytes(4, "little")
