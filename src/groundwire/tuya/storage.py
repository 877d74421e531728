"""The key/value store of a Tuya module: both SDK generations, whole or half written."""

# Ref: tuya-storage, sections 2 to 5 and 8.

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import StrEnum

from groundwire.quantities import hex_address
from groundwire.secret import Secret
from groundwire.tuya.sectors import (
    PAGE,
    PAGES,
    SECTOR,
    SHARED_DEVICE_KEYS,
    DataSector,
    Generation,
    KeySector,
    Magic,
    ProtectedSector,
    best_prefix,
    byte_sum,
    key_sector_at,
    master_offsets,
    protected_sector_at,
)

ENTRY_HEAD = struct.Struct("<IIHBHIB")
PART = struct.Struct("<HBB")

# How many older copies of one block are tried for a value; a store has one or two.
OLDER_COPIES = 8


class ValueState(StrEnum):
    """How a value was put together."""

    CURRENT = "current"
    OLDER = "older"  # only with an older copy of some block; the value may be out of date
    DAMAGED = "damaged"  # its parts are missing or its sum is wrong; no content


@dataclass(frozen=True, slots=True)
class Part:
    """Pages of one block that hold a piece of a value; both ends inclusive, as stored."""

    block: int
    first_page: int
    last_page: int

    @property
    def size(self) -> int:
        return max(0, self.last_page - self.first_page + 1) * PAGE


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One index page: the name of a value and where its bytes are."""

    sector: DataSector
    page: int
    name: str
    total: int
    length: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class StoredValue:
    """A value of the store. `content` is empty where the state is DAMAGED."""

    name: str
    content: Secret[bytes]
    state: ValueState
    block: int
    page: int
    generation: int
    length: int
    problem: str = ""

    def text(self) -> str:
        """The value as text up to its NUL; bytes that are no UTF-8 show as replacement signs."""
        return self.content.reveal().split(b"\0", 1)[0].decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class TuyaStore:
    """Everything found of a Tuya store in one piece of flash.

    `older_values` holds names that only an older copy of a block still has: deleted by the
    device, or lost in an interrupted write.
    """

    key_sector: KeySector | None
    device_key: Secret[bytes]
    prefix: str
    generation: Generation | None
    sectors: tuple[DataSector, ...]
    values: tuple[StoredValue, ...]
    older_values: tuple[StoredValue, ...]
    protected: tuple[ProtectedSector, ...]
    findings: tuple[str, ...]

    def get(self, name: str) -> StoredValue | None:
        """The usable value of that name, current ones first."""
        for value in (*self.values, *self.older_values):
            if value.name == name and value.state is not ValueState.DAMAGED:
                return value
        return None

    @property
    def configured(self) -> bool:
        """Whether at least one value can be read."""
        return any(value.state is not ValueState.DAMAGED for value in self.values)


def find_store(flash: bytes) -> TuyaStore | None:
    """The Tuya store in `flash`, found by content; None if there is no trace of one.

    Never raises on what the bytes are: what cannot be read becomes a finding.
    """
    offsets = master_offsets(flash)
    keys = [key for offset in offsets if (key := key_sector_at(flash, offset)) is not None]
    protected = tuple(
        sector for offset in offsets if (sector := protected_sector_at(flash, offset)) is not None
    )
    chosen = choose_key(flash, keys)
    if chosen is None and not protected:
        return None
    if chosen is None:
        return TuyaStore(
            None, Secret(b""), "", None, (), (), (), protected,
            ("only protected sectors are left: the store and its key sector are gone",),
        )  # fmt: skip
    key_sector, device_key, prefix, sectors = chosen
    values, older, value_findings = read_values(sectors)
    findings = sector_findings(keys, key_sector, sectors) + value_findings
    return TuyaStore(
        key_sector=key_sector,
        device_key=Secret(device_key),
        prefix=prefix,
        generation=style_of(sectors),
        sectors=sectors,
        values=values,
        older_values=older,
        protected=protected,
        findings=findings,
    )


Chosen = tuple[KeySector | None, bytes, str, tuple[DataSector, ...]]


def choose_key(flash: bytes, keys: list[KeySector]) -> Chosen | None:
    """The key that opens most sectors; shared keys are tried where no key sector is left."""
    best: Chosen | None = None
    for key in keys[:OLDER_COPIES]:
        device_key = key.device_key.reveal()
        prefix, sectors = best_prefix(flash, device_key, key.offset % SECTOR)
        if best is None or len(sectors) > len(best[3]):
            best = (key, device_key, prefix, sectors)
    if best is not None:
        return best
    for device_key in SHARED_DEVICE_KEYS:
        prefix, sectors = best_prefix(flash, device_key, 0)
        # One chance hit of a magic is possible; a right sum over 4 KiB is not.
        if any(sector.sum_ok for sector in sectors):
            return None, device_key, prefix, sectors
    return None


def style_of(sectors: tuple[DataSector, ...]) -> Generation | None:
    """Which SDK generation wrote most of the sectors."""
    new = sum(sector.magic == Magic.TUYAOS3 for sector in sectors)
    if not sectors:
        return None
    return Generation.TUYAOS3 if 2 * new > len(sectors) else Generation.CLASSIC


def sector_findings(
    keys: list[KeySector], used: KeySector | None, sectors: tuple[DataSector, ...]
) -> tuple[str, ...]:
    """What is wrong with the store as a whole, in words."""
    findings = []
    if used is None:
        findings.append(
            "the key sector is gone; the store opens with a key that many modules share"
        )
    if len(keys) > 1:
        findings.append(f"{len(keys)} key sectors; the one that opens most sectors is used")
    if not sectors:
        findings.append("a key sector, but no data sector that opens with it: the store is erased")
    findings += [
        f"sector {hex_address(sector.offset)} has a wrong sum: its write was interrupted, and an "
        f"older copy of block {sector.block} is used where there is one"
        for sector in sectors
        if not sector.sum_ok
    ]
    return tuple(findings)


# --- values --------------------------------------------------------------------------------------

Blocks = dict[int, list[DataSector]]


def copies_by_block(sectors: tuple[DataSector, ...]) -> Blocks:
    """All copies of each block, the current one first: right sum before generation."""
    blocks: Blocks = {}
    for sector in sectors:
        blocks.setdefault(sector.block, []).append(sector)
    for copies in blocks.values():
        copies.sort(key=lambda sector: (sector.sum_ok, sector.generation), reverse=True)
    return blocks


def index_entries(sector: DataSector) -> list[IndexEntry]:
    """The well-formed index pages of a sector."""
    found = (index_entry(sector, page) for page in sector.entry_pages)
    return [entry for entry in found if entry is not None]


def index_entry(sector: DataSector, page: int) -> IndexEntry | None:
    """The index entry on a page, or None if the page names another place or overflows."""
    data = sector.page(page)
    total, length, block, number, part_count, _, name_size = ENTRY_HEAD.unpack_from(data)
    parts_at = ENTRY_HEAD.size + name_size
    if block != sector.block or number != page or parts_at + part_count * PART.size > PAGE:
        return None
    name = data[ENTRY_HEAD.size : parts_at].split(b"\0", 1)[0].decode("utf-8", "backslashreplace")
    parts = tuple(
        Part(*PART.unpack_from(data, parts_at + index * PART.size)) for index in range(part_count)
    )
    if length > sum(part.size for part in parts):
        return None
    return IndexEntry(sector, page, name, total, length, parts)


def join_parts(entry: IndexEntry, lookup: dict[int, DataSector]) -> bytes | None:
    """The bytes of a value whose sum is right, or None."""
    pieces = []
    for part in entry.parts:
        sector = lookup.get(part.block)
        if sector is None or not part.size or part.last_page >= PAGES:
            return None
        pieces.append(sector.plain[part.first_page * PAGE : (part.last_page + 1) * PAGE])
    data = b"".join(pieces)[: entry.length]
    return data if len(data) == entry.length and byte_sum(data) == entry.total else None


def value_of(entry: IndexEntry, data: bytes, state: ValueState, problem: str = "") -> StoredValue:
    """A `StoredValue` from an entry and its bytes."""
    return StoredValue(
        name=entry.name,
        content=Secret(data),
        state=state,
        block=entry.sector.block,
        page=entry.page,
        generation=entry.sector.generation,
        length=entry.length,
        problem=problem,
    )


def read_entry(entry: IndexEntry, blocks: Blocks) -> StoredValue:
    """A value from the current blocks, else with one block replaced by an older copy."""
    current = {block: copies[0] for block, copies in blocks.items()}
    current[entry.sector.block] = entry.sector
    data = join_parts(entry, current)
    if data is not None:
        return value_of(entry, data, ValueState.CURRENT)
    for block in {part.block for part in entry.parts}:
        for older in blocks.get(block, [])[1 : 1 + OLDER_COPIES]:
            data = join_parts(entry, {**current, block: older})
            if data is not None:
                note = f"uses generation {older.generation} of block {block}"
                return value_of(entry, data, ValueState.OLDER, note)
    missing = sorted({part.block for part in entry.parts} - set(blocks))
    problem = (
        f"parts lie in block {', '.join(map(str, missing))}, which is not in the file"
        if missing
        else "its sum is wrong"
    )
    return value_of(entry, b"", ValueState.DAMAGED, problem)


def read_values(
    sectors: tuple[DataSector, ...],
) -> tuple[tuple[StoredValue, ...], tuple[StoredValue, ...], tuple[str, ...]]:
    """Current values, values of older copies only, and what could not be read."""
    blocks = copies_by_block(sectors)
    current: dict[str, StoredValue] = {}
    for block in sorted(blocks):
        for entry in index_entries(blocks[block][0]):
            value = read_entry(entry, blocks)
            if value_is_better(value, current.get(value.name)):
                current[value.name] = value
    older: dict[str, StoredValue] = {}
    for copies in blocks.values():
        for sector in copies[1 : 1 + OLDER_COPIES]:
            collect_older(sector, blocks, current, older)
    findings = []
    for name, value in current.items():
        if value.state is not ValueState.CURRENT:
            replacement = older.pop(name, None)
            if value.state is ValueState.DAMAGED and replacement is not None:
                current[name] = replacement
            findings.append(f"{name!r} {current[name].state}: {value.problem}")
    return tuple(current.values()), tuple(older.values()), tuple(findings)


def value_is_better(value: StoredValue, than: StoredValue | None) -> bool:
    """Whether `value` should win over another of the same name."""
    if than is None:
        return True
    readable, other = (item.state is not ValueState.DAMAGED for item in (value, than))
    return (readable, value.generation) > (other, than.generation)


def collect_older(
    sector: DataSector,
    blocks: Blocks,
    current: dict[str, StoredValue],
    older: dict[str, StoredValue],
) -> None:
    """Add to `older` what this older copy of a block holds and the current blocks do not."""
    for entry in index_entries(sector):
        known = current.get(entry.name)
        if known is not None and known.state is not ValueState.DAMAGED:
            continue
        value = read_entry(entry, blocks)
        if value.state is ValueState.DAMAGED:
            continue
        value = value_of(
            entry, value.content.reveal(), ValueState.OLDER, "only in an older copy of its block"
        )
        if value_is_better(value, older.get(entry.name)):
            older[entry.name] = value
