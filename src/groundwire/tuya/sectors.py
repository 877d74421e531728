"""Finding and opening the enciphered sectors of a Tuya store in any piece of flash."""

# Ref: tuya-storage, sections 2 to 5.

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

import numpy as np

from groundwire.secret import Secret
from groundwire.tuya.cipher import BLOCK, MASTER_KEY, PLATFORMS, data_key, decipher

SECTOR = 4096
PAGE = 128
PAGES = SECTOR // PAGE
ERASED = b"\xff" * BLOCK

# A module's flash is at most 16 MiB; a larger file is searched at sector boundaries only.
FINE_SEARCH_LIMIT = 16 * 1024 * 1024

KEY_HEAD = struct.Struct("<II16s")
DATA_HEAD = struct.Struct("<IIHIB")
PROTECTED_HEAD = struct.Struct("<II16sII")

# Device keys that many modules share: they open a store whose key sector is gone.
# Source: tuya-storage, section 3 (17 T modules and a Q; five N modules; two N modules).
SHARED_DEVICE_KEYS: tuple[bytes, ...] = tuple(
    bytes.fromhex(key)
    for key in (
        "cb4e3ea400309dab656d8dbfe4b93f35",
        "dbe5f5de2a14416abe3efa8db643bef8",
        "db4b5774a874e687a1cb99cb338f17dd",
    )
)


class Magic(IntEnum):
    """The first word of a deciphered sector."""

    KEY = 0x13579753
    CLASSIC = 0x98761234
    TUYAOS3 = 0x135726AB


class Generation(StrEnum):
    """Which of the two SDK generations wrote the store."""

    CLASSIC = "classic"
    TUYAOS3 = "tuyaos3"


@dataclass(frozen=True, slots=True)
class KeySector:
    """The sector that holds the device key."""

    offset: int
    device_key: Secret[bytes]


@dataclass(frozen=True, slots=True)
class DataSector:
    """One deciphered sector of the key/value store."""

    offset: int
    magic: int
    sum_ok: bool
    block: int
    generation: int
    plain: bytes = field(repr=False)

    @property
    def entry_pages(self) -> tuple[int, ...]:
        """The pages that hold an index entry, from the bit map of the header."""
        size = min(self.plain[14], (PAGE - 15))
        bits = int.from_bytes(self.plain[15 : 15 + size], "little")
        return tuple(page for page in range(1, PAGES) if bits >> page & 1)

    def page(self, number: int) -> bytes:
        """The 128 bytes of one page; empty for a page that does not exist."""
        return self.plain[number * PAGE : (number + 1) * PAGE]


@dataclass(frozen=True, slots=True)
class ProtectedEntry:
    """A named value in a protected sector."""

    name: str
    content: Secret[bytes]


@dataclass(frozen=True, slots=True)
class ProtectedSector:
    """A self-keyed sector with factory credentials."""

    offset: int
    size: int
    counter: int
    key: Secret[bytes]
    entries: tuple[ProtectedEntry, ...]
    complete: bool


def byte_sum(data: bytes) -> int:
    """The plain sum of all bytes."""
    return int(np.frombuffer(data, dtype=np.uint8).sum(dtype=np.uint64))


def first_blocks(flash: bytes, phase: int, step: int) -> tuple[range, bytes]:
    """The offsets phase, phase+step, … and the first 16 bytes at each, joined."""
    count = max(0, (len(flash) - phase - BLOCK) // step + 1)
    offsets = range(phase, phase + count * step, step)
    if not count:
        return offsets, b""
    view = np.frombuffer(flash, dtype=np.uint8)
    if step == BLOCK:
        return offsets, view[phase : phase + count * BLOCK].tobytes()
    rows = np.lib.stride_tricks.as_strided(
        view[phase:], shape=(count, BLOCK), strides=(step, 1), writeable=False
    )
    return offsets, rows.tobytes()


def matching_offsets(
    flash: bytes, key: bytes, magics: set[int], phase: int, step: int
) -> list[int]:
    """Where the first word deciphers to one of `magics`."""
    offsets, heads = first_blocks(flash, phase, step)
    if not heads:
        return []
    words = np.frombuffer(decipher(heads, key), dtype="<u4")[::4]
    hits = np.flatnonzero(np.isin(words, np.array(sorted(magics), dtype=np.uint32)))
    return [offsets[int(hit)] for hit in hits]


def master_offsets(flash: bytes) -> list[int]:
    """Where something opens with the master key.

    Sector boundaries first, then every 16 bytes, and every byte only where the size of the file
    says that bytes are missing or too many.
    """
    found = matching_offsets(flash, MASTER_KEY, {Magic.KEY}, 0, SECTOR)
    if found or len(flash) > FINE_SEARCH_LIMIT:
        return found
    for phase in range(BLOCK if len(flash) % BLOCK else 1):
        found = matching_offsets(flash, MASTER_KEY, {Magic.KEY}, phase, BLOCK)
        if found:
            break
    return found


def key_sector_at(flash: bytes, offset: int) -> KeySector | None:
    """The key sector at `offset`, if the sum over its key is right."""
    head = decipher(flash[offset : offset + 2 * BLOCK], MASTER_KEY)
    if len(head) < KEY_HEAD.size:
        return None
    magic, total, key = KEY_HEAD.unpack_from(head)
    if magic != Magic.KEY or total != sum(key):
        return None
    return KeySector(offset, Secret(key))


def data_sector_at(flash: bytes, offset: int, key: bytes) -> DataSector | None:
    """The data sector at `offset`, or None if it is cut short or has no known magic."""
    cipher_text = flash[offset : offset + SECTOR]
    if len(cipher_text) < SECTOR:
        return None
    plain = decipher(cipher_text, key)
    magic, total, block, generation, _ = DATA_HEAD.unpack_from(plain)
    if magic not in set(Magic):
        return None
    return DataSector(offset, magic, total == byte_sum(plain[8:]), block, generation, plain)


def data_sectors(
    flash: bytes, device_key: bytes, prefix: str, phase: int
) -> tuple[DataSector, ...]:
    """Every data sector that opens with this key, in address order."""
    key = data_key(prefix, device_key)
    offsets = matching_offsets(flash, key, set(Magic), phase, SECTOR)
    found = (data_sector_at(flash, offset, key) for offset in offsets)
    return tuple(sector for sector in found if sector is not None)


def best_prefix(flash: bytes, device_key: bytes, phase: int) -> tuple[str, tuple[DataSector, ...]]:
    """The platform prefix under which most sectors have a right sum, and those sectors."""
    best: tuple[str, tuple[DataSector, ...]] = (PLATFORMS[0].prefix, ())
    best_score = (0, 0)
    for platform in PLATFORMS:
        sectors = data_sectors(flash, device_key, platform.prefix, phase)
        score = (sum(sector.sum_ok for sector in sectors), len(sectors))
        if score > best_score:
            best, best_score = (platform.prefix, sectors), score
    return best


def protected_plain(flash: bytes, offset: int) -> tuple[bytes, bytes] | None:
    """The outer layer of a protected sector and its key; None if it is none or damaged."""
    outer = decipher(flash[offset : offset + SECTOR], MASTER_KEY)
    if len(outer) < SECTOR:
        return None
    magic, total, key, _, _ = PROTECTED_HEAD.unpack_from(outer)
    if magic != Magic.KEY or total != byte_sum(outer[8:]):
        return None
    return outer, key


def protected_sector_at(flash: bytes, offset: int) -> ProtectedSector | None:
    """The protected sector at `offset`, its second layer opened as well."""
    opened = protected_plain(flash, offset)
    if opened is None:
        return None
    outer, key = opened
    _, _, _, size, counter = PROTECTED_HEAD.unpack_from(outer)
    inner = decipher(outer[32:], data_key(PLATFORMS[0].prefix, key))
    entries, complete = protected_entries(inner, min(size, len(inner)))
    return ProtectedSector(
        offset, size, counter, Secret(key), entries, complete and size <= len(inner)
    )


def protected_entries(inner: bytes, size: int) -> tuple[tuple[ProtectedEntry, ...], bool]:
    """The entries in the first `size` bytes, and whether they fill them exactly."""
    entries: list[ProtectedEntry] = []
    at = 0
    while at + 36 <= size:
        length = int.from_bytes(inner[at : at + 4], "little")
        if length > size - at - 36:
            return tuple(entries), False
        name = inner[at + 4 : at + 36].split(b"\0", 1)[0].decode("latin-1")
        entries.append(ProtectedEntry(name, Secret(inner[at + 36 : at + 36 + length])))
        at += 36 + length
    return tuple(entries), at == size
