"""EasyFlash (version 4): the key/value area in which some platforms keep their configuration."""

# Ref: obk-config, section 6.

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from groundwire.quantities import Span
from groundwire.secret import Secret

SECTOR = 4096
AREA_MAGIC = b"EF40"
ENTRY_MAGIC = b"KV40"
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
        form = form_at(flash, start)
        if form is None:
            start += SECTOR
            continue
        end = start + SECTOR
        while end + SECTOR <= len(flash) and form_at(flash, end) == form:
            end += SECTOR
        areas.append(Area(Span.between(start, end), form, read_entries(flash, start, end, form)))
        start = end
    return tuple(areas)


def form_at(flash: bytes, sector: int) -> Form | None:
    """The form of the EasyFlash sector there, or None."""
    for form in FORMS:
        at = sector + form.area_magic_at
        if flash[at : at + 4] == AREA_MAGIC:
            return form
    return None


def read_entries(flash: bytes, start: int, end: int, form: Form) -> tuple[Entry, ...]:
    """All records between two addresses, in address order."""
    entries: list[Entry] = []
    for sector in range(start, end, SECTOR):
        at = sector + form.sector_header
        while len(entries) < ENTRY_LIMIT:
            magic = flash.find(ENTRY_MAGIC, at + form.entry_magic_at, sector + SECTOR)
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
