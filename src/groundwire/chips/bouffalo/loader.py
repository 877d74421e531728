"""The vendor's RAM loader as bytes: recognised, made provable, and made harmless to line noise.

Two weaknesses are mended before the upload, in memory and only for what is sent:

* The vendor's file tells the boot ROM to skip header CRC and hash, and the boot ROM ignores the
  checksum of every frame, so a damaged upload would run. Here both are filled in and demanded.
* The loader's checksum does not cover the command byte. One flipped bit makes erase (30) of read
  (32) and erase-the-whole-chip (3C) of SHA-256 (3D), whose handler does not look at the length. In
  a guarded loader erase answers to another number, far from every other, and the commands that
  could only do harm are switched off in the loader's own command table.
"""

# Ref: PROTOCOL.md, section 7 (RAM loader)

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, replace
from typing import Final

from groundwire.chips.bouffalo.codec import (
    BOOT_HEADER_SIZE,
    SEGMENT,
    U32,
    pack_segment,
    seal_segment,
    segment_fits,
)
from groundwire.chips.bouffalo.facts import find_loader
from groundwire.chips.bouffalo.messages import Op, SegmentHeader
from groundwire.errors import NotALoader
from groundwire.framing.crc import crc32

MAGIC: Final = b"BFNP"
LOADER_DESTINATION: Final = 0x2201_0000
MAX_LOADER: Final = 0x3C000  # RAM above the loader's address
BOOT_WORD_AT: Final = 116
HASH_AT: Final = 132
CRC_AT: Final = 172
SIGN_OR_ENCRYPT: Final = 0x0F
PLACEHOLDER: Final = 0xDEADBEEF
IGNORE_CRC: Final = 1 << 16
IGNORE_HASH: Final = 1 << 17

ROW = struct.Struct("<BBHI")  # command, switched on, spare, handler
FIRST_ROWS: Final = (Op.GET_BOOT_INFO, Op.RESET)
ALWAYS_THERE: Final = frozenset({Op.PROGRAM, Op.READ, Op.SHA256, Op.WRITE_EFUSE})
TO_GUARD: Final = frozenset({Op.ERASE, Op.ERASE_ALL, Op.WRITE_EFUSE, Op.BOOT_FROM_FLASH})
MAX_ROWS: Final = 64


@dataclass(frozen=True, slots=True)
class RamImage:
    """A program for the boot ROM to run: boot header, one segment header, data."""

    header: bytes
    segment: SegmentHeader
    data: bytes
    name: str = ""
    guarded: bool = False

    @property
    def size(self) -> int:
        return len(self.header) + SEGMENT.size + len(self.data)


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row of a loader's command table: `offset` is into the data."""

    offset: int
    op: int
    on: bool
    handler: int


def parse_loader(data: bytes) -> RamImage:
    """The parts of a RAM loader file.

    Raises:
        NotALoader: the file is something else, is damaged, or is signed or encrypted.
    """
    least = BOOT_HEADER_SIZE + SEGMENT.size

    def refuse(finding: str) -> NotALoader:
        return NotALoader(size=len(data), finding=finding)

    if len(data) < least or not data.startswith(MAGIC):
        raise refuse("it does not begin with a boot header")
    header = data[:BOOT_HEADER_SIZE]
    (word, count) = struct.unpack_from("<II", header, BOOT_WORD_AT)
    if word & SIGN_OR_ENCRYPT:
        raise refuse("it is signed or encrypted")
    if count != 1:
        raise refuse(f"it has {count} segments where one is expected")
    segment = SegmentHeader(*SEGMENT.unpack_from(data, BOOT_HEADER_SIZE))
    if not segment_fits(segment):
        raise refuse("the CRC of its segment header is wrong")
    if segment.destination != LOADER_DESTINATION:
        raise refuse(f"it is made for address 0x{segment.destination:08X}")
    if segment.size != len(data) - least or not 0 < segment.size <= MAX_LOADER:
        raise refuse(f"it announces {segment.size} bytes and holds {len(data) - least}")
    known = find_loader(data)
    return RamImage(header, segment, data[least:], known.name if known else "")


def image_hash(image: RamImage) -> bytes:
    """What the boot ROM computes at CheckImage: over the segment header and its data."""
    return hashlib.sha256(pack_segment(image.segment) + image.data).digest()


def make_provable(image: RamImage) -> RamImage:
    """The same program with CRC and hash in its header, and the duty to check them."""
    header = bytearray(image.header)
    (word,) = U32.unpack_from(header, BOOT_WORD_AT)
    U32.pack_into(header, BOOT_WORD_AT, word & ~(IGNORE_CRC | IGNORE_HASH))
    header[HASH_AT : HASH_AT + 32] = image_hash(image)
    U32.pack_into(header, CRC_AT, crc32(header[:CRC_AT]))
    return replace(image, header=bytes(header))


def make_trusting(image: RamImage) -> RamImage:
    """The same program with a hash that the boot ROM is told to ignore.

    For a line so bad that it never arrives whole at once: what arrived is then read back and mended
    before it runs.
    """
    header = bytearray(image.header)
    (word,) = U32.unpack_from(header, BOOT_WORD_AT)
    U32.pack_into(header, BOOT_WORD_AT, word | IGNORE_HASH)
    header[HASH_AT : HASH_AT + 32] = U32.pack(PLACEHOLDER) + bytes(28)
    U32.pack_into(header, CRC_AT, crc32(header[:CRC_AT]))
    return replace(image, header=bytes(header))


def command_table(data: bytes, segment: SegmentHeader) -> tuple[TableRow, ...]:
    """The loader's own list of commands, or nothing where there is not exactly one."""
    found: list[tuple[TableRow, ...]] = []
    start = bytes([FIRST_ROWS[0], 1, 0, 0])
    at = data.find(start)
    while at >= 0:
        rows = _rows_at(data, segment, at)
        ops = [row.op for row in rows]
        if (
            at % 4 == 0
            and tuple(ops[: len(FIRST_ROWS)]) == FIRST_ROWS
            and set(ops) >= ALWAYS_THERE
            and len(set(ops)) == len(ops)
        ):
            found.append(rows)
        at = data.find(start, at + 1)
    return found[0] if len(found) == 1 else ()


def _rows_at(data: bytes, segment: SegmentHeader, at: int) -> tuple[TableRow, ...]:
    rows: list[TableRow] = []
    while at + ROW.size <= len(data) and len(rows) < MAX_ROWS:
        op, on, spare, handler = ROW.unpack_from(data, at)
        inside = 0 <= handler - segment.destination < segment.size
        if on > 1 or spare or not inside:
            break
        rows.append(TableRow(at, op, bool(on), handler))
        at += ROW.size
    return tuple(rows)


def guard(image: RamImage) -> RamImage:
    """The same loader with erase under a far number and harmful commands switched off.

    Comes back unchanged, and not `guarded`, where the command table is not found.
    """
    rows = {row.op: row for row in command_table(image.data, image.segment)}
    if not rows.keys() >= TO_GUARD:
        return image
    data = bytearray(image.data)
    ROW.pack_into(data, rows[Op.ERASE].offset, Op.GUARDED_ERASE, 1, 0, rows[Op.ERASE].handler)
    info = rows[Op.GET_BOOT_INFO].handler
    ROW.pack_into(data, rows[Op.ERASE_ALL].offset, Op.PROVE_GUARD, 1, 0, info)
    for op in (Op.WRITE_EFUSE, Op.BOOT_FROM_FLASH):
        ROW.pack_into(data, rows[op].offset, op, 0, 0, rows[op].handler)
    old = image.segment
    # the vendor keeps the CRC-32 of the data in the free word; the boot ROM does not look at it
    segment = seal_segment(old.destination, old.size, crc32(data) if old.free else 0)
    return replace(image, data=bytes(data), segment=segment, guarded=True)


def ready_to_send(data: bytes) -> RamImage:
    """A loader file made ready: parsed, guarded where that is possible, and provable.

    Raises:
        NotALoader: the file is something else.
    """
    return make_provable(guard(parse_loader(data)))


def plain_to_send(data: bytes) -> RamImage:
    """A loader file with its program as the vendor made it; only its header demands the checks.

    Raises:
        NotALoader: the file is something else.
    """
    return make_provable(parse_loader(data))


def name_loader(data: bytes) -> str:
    """Which RAM loader a file is: a known release, or one that is only sound in form.

    Raises:
        NotALoader: the file is something else.
    """
    image = parse_loader(data)
    known = find_loader(data)
    if known is not None and not known.recent:
        raise NotALoader(size=len(data), finding=f"{known.name} does not know newer flash chips")
    digest = hashlib.sha256(data).hexdigest()[:16]
    return image.name or f"unknown loader, SHA-256 {digest}..."
