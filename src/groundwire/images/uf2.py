"""UF2 as LibreTiny and ESPHome make it: one file with the parts of an installation in blocks."""

# Ref: beken-images, section 11

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag

from groundwire.errors import DamagedImage
from groundwire.images.text import field_text
from groundwire.quantities import Span

Buffer = bytes | bytearray | memoryview

BLOCK_SIZE = 512
MAGICS = (0x0A324655, 0x9E5D5157)
MAGIC = struct.pack("<2I", *MAGICS)
END_MAGIC = 0x0AB16F30
BLOCKS_MAX = 1 << 16
_HEAD = struct.Struct("<8I")
_MD5_SIZE = 24
_PATCH_DIFF32 = 0xFE
_FAL = struct.Struct("<I16s16sIII")
_FAL_MAGIC = 0x45503130
PARTITION_MAX = 16 << 20
PARTITIONS_MAX = 16
TAGS_MAX = 1 << 16
_PROBLEMS_MAX = 32


class Flag(IntFlag):
    """The flags of a block."""

    NOT_MAIN_FLASH = 0x1
    FILE_CONTAINER = 0x1000
    FAMILY_ID = 0x2000
    MD5 = 0x4000
    TAGS = 0x8000


class Tag(IntEnum):
    """The tags that LibreTiny's packages carry."""

    VERSION = 0x9FC7BC
    DEVICE = 0x650D9D
    DEVICE_ID = 0xC8A729
    OTA_FORMAT_2 = 0x6C8492
    OTA_FORMAT_1 = 0x5D57D0
    OTA_PART_LIST = 0x6EC68A
    OTA_PART_INFO = 0xC0EE0C
    BOARD = 0xCA25C8
    FIRMWARE = 0x00DE43
    BUILD_DATE = 0x822F30
    BINPATCH = 0xB948DE
    FAL_PTABLE = 0x8288ED
    LT_VERSION = 0x59563D


class Scheme(IntEnum):
    """Who writes, and into which of two slots; the value is the place of its nibble."""

    DEVICE_SINGLE = 0
    DEVICE_DUAL_1 = 1
    DEVICE_DUAL_2 = 2
    FLASHER_SINGLE = 3
    FLASHER_DUAL_1 = 4
    FLASHER_DUAL_2 = 5

    @property
    def second_slot(self) -> bool:
        """Whether data is for the second slot and has to be patched."""
        return self in {Scheme.DEVICE_DUAL_2, Scheme.FLASHER_DUAL_2}


# Source: libretiny families.json, as given in beken-images, section 11.
CHIP_BY_FAMILY: dict[int, tuple[str, str]] = {
    0xAFE81D49: ("beken", "BK7231Q"),
    0x675A40B0: ("beken", "BK7231T"),
    0x7B3EF230: ("beken", "BK7231N"),
    0x159AC324: ("beken", "BK7238"),
    0x6A82CC42: ("beken", "BK7252"),
    0xDE1270B7: ("bouffalo", "BL602"),
    0x22E0D6FC: ("", "RTL8710B"),
    0xE08F7564: ("", "RTL8720C"),
    0xA38090A8: ("", "LN882H"),
}


@dataclass(frozen=True, slots=True)
class Block:
    """One block of 512 bytes. `address` counts from the start of its partition."""

    flags: Flag
    address: int
    data: bytes
    number: int
    count: int
    family: int
    tags: tuple[tuple[int, bytes], ...]


@dataclass(frozen=True, slots=True)
class Partition:
    """One entry of the package's own partition table; flash addresses."""

    name: str
    device: str
    span: Span


@dataclass(frozen=True, slots=True)
class Part:
    """What one scheme puts into one partition; `address` is None where the file does not say."""

    name: str
    address: int | None
    data: bytes


@dataclass(frozen=True, slots=True)
class Uf2File:
    """An opened package."""

    blocks: tuple[Block, ...] = field(repr=False)
    family: int
    tags: dict[int, bytes]
    partitions: tuple[Partition, ...]
    problems: tuple[tuple[Span, str], ...]

    def text(self, tag: Tag) -> str:
        """The text value of a package-wide tag, or ""."""
        return field_text(self.tags.get(tag, b""))

    @property
    def schemes(self) -> tuple[Scheme, ...]:
        """The schemes that the package says it serves."""
        listed = self.tags.get(Tag.OTA_PART_LIST, b"")
        return tuple(scheme for scheme in Scheme if _nibble(listed, scheme))

    def extract(self, scheme: Scheme) -> tuple[Part, ...]:
        """What this scheme writes, partition by partition, in the order of the file.

        Raises DamagedImage where a block leads outside its partition or a patch outside its data.
        """
        return _extract(self, scheme)


def _damaged(finding: str) -> DamagedImage:
    return DamagedImage(name="UF2", finding=finding)


def _nibble(raw: bytes, scheme: Scheme) -> int:
    """The nibble of one scheme; the high half of a byte comes first."""
    at, low = divmod(scheme, 2)
    if at >= len(raw):
        return 0
    return raw[at] & 15 if low else raw[at] >> 4


def _tags(raw: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(raw) and raw[at]:
        size = raw[at]
        if size < 4 or at + size > len(raw):
            raise _damaged(f"a tag of {size} bytes leaves its block")
        yield int.from_bytes(raw[at + 1 : at + 4], "little"), raw[at + 4 : at + size]
        at += -(-size // 4) * 4


def parse_block(raw: Buffer) -> Block:
    """One block; raises DamagedImage where it is none."""
    if len(raw) != BLOCK_SIZE:
        raise _damaged(f"a block of {len(raw)} bytes is cut off")
    data = bytes(raw)
    first, second, flags, address, size, number, count, family = _HEAD.unpack_from(data)
    if (first, second) != MAGICS or int.from_bytes(data[508:], "little") != END_MAGIC:
        raise _damaged("a block has not the three magic numbers")
    area = data[32:508]
    if flags & Flag.MD5:
        area = area[:-_MD5_SIZE]
    if size > len(area):
        raise _damaged(f"block {number} claims {size} bytes of data")
    tags = tuple(_tags(area[size:])) if flags & Flag.TAGS else ()
    return Block(Flag(flags), address, area[:size], number, count, family, tags)


def _partitions(raw: bytes) -> tuple[Partition, ...]:
    found = []
    for at in range(0, len(raw) - _FAL.size + 1, _FAL.size):
        magic, name, device, offset, size, _ = _FAL.unpack_from(raw, at)
        if magic == _FAL_MAGIC and offset + size <= PARTITION_MAX:
            found.append(Partition(field_text(name), field_text(device), Span(offset, size)))
    return tuple(found)


def _check_count(blocks: list[Block], size: int, problems: list[tuple[Span, str]]) -> None:
    whole = Span(0, size)
    if size % BLOCK_SIZE:
        tail = size % BLOCK_SIZE
        problems.append((Span(size - tail, tail), "the file ends within a block: it is cut off"))
    declared = blocks[0].count if blocks else 0
    if blocks and declared != len(blocks):
        text = f"the file says it has {declared} blocks, {len(blocks)} are there"
        problems.append((whole, text))


def parse(data: Buffer) -> Uf2File:
    """Open a package. Damaged blocks are left out and named in `problems`.

    Raises DamagedImage where not even the first block can be read, or where there are more
    blocks than any flash holds.
    """
    raw = bytes(data)
    if len(raw) > BLOCKS_MAX * BLOCK_SIZE:
        raise _damaged(f"{len(raw) // BLOCK_SIZE} blocks are more than any flash takes")
    blocks: list[Block] = []
    problems: list[tuple[Span, str]] = []
    tag_count = 0
    for at in range(0, len(raw) - BLOCK_SIZE + 1, BLOCK_SIZE):
        try:
            block = parse_block(raw[at : at + BLOCK_SIZE])
        except DamagedImage as error:
            problems.append((Span(at, BLOCK_SIZE), error.finding))
            continue
        if block.number != at // BLOCK_SIZE:
            text = f"block {block.number} stands where block {at // BLOCK_SIZE} should be"
            problems.append((Span(at, BLOCK_SIZE), text))
        blocks.append(block)
        tag_count += len(block.tags)
        if tag_count > TAGS_MAX:
            raise _damaged(f"more than {TAGS_MAX} tags are no package")
    if not blocks:
        raise _damaged("no block of it can be read")
    if len(problems) > _PROBLEMS_MAX:
        text = f"{len(problems) - _PROBLEMS_MAX} more blocks are damaged"
        problems[_PROBLEMS_MAX:] = [(Span(0, len(raw)), text)]
    _check_count(blocks, len(raw), problems)
    package_wide = blocks[0].tags if blocks[0].flags & Flag.NOT_MAIN_FLASH else ()
    tags = dict(package_wide)
    return Uf2File(
        blocks=tuple(blocks),
        family=blocks[0].family if blocks[0].flags & Flag.FAMILY_ID else 0,
        tags=tags,
        partitions=_partitions(tags.get(Tag.FAL_PTABLE, b"")),
        problems=tuple(problems),
    )


# --- extracting -----------------------------------------------------------------------------------


def _partition_name(info: bytes, scheme: Scheme) -> str:
    """The partition that a part-info tag names for one scheme, or ""."""
    index = _nibble(info[:3], scheme)
    names = info[3:].split(b"\0")
    return field_text(names[index - 1]) if 0 < index <= len(names) else ""


def _patched(data: bytes, patch: bytes) -> bytes:
    """The data of the second slot, from the data of the first and its patches."""
    out = bytearray(data)
    at = 0
    while at + 2 <= len(patch) and patch[at] == _PATCH_DIFF32:
        size = patch[at + 1]
        body = patch[at + 2 : at + 2 + size]
        if len(body) < size or size < 4:
            raise _damaged("a binary patch is cut off")
        difference = int.from_bytes(body[:4], "little")
        for offset in body[4:]:
            if offset + 4 > len(out):
                raise _damaged(f"a binary patch leaves its block at {offset}")
            value = int.from_bytes(out[offset : offset + 4], "little") + difference
            out[offset : offset + 4] = (value & 0xFFFFFFFF).to_bytes(4, "little")
        at += 2 + size
    return bytes(out)


def _limit(package: Uf2File, name: str) -> int:
    sizes = [part.span.size for part in package.partitions if part.name == name]
    return sizes[0] if sizes else PARTITION_MAX


def _extract(package: Uf2File, scheme: Scheme) -> tuple[Part, ...]:
    images: dict[str, bytearray] = {}
    name = ""
    for block in package.blocks:
        tags = dict(block.tags)
        if Tag.OTA_PART_INFO in tags:
            name = _partition_name(tags[Tag.OTA_PART_INFO], scheme)
        if not name or not block.data or block.flags & Flag.NOT_MAIN_FLASH:
            continue
        data = block.data
        if scheme.second_slot and Tag.BINPATCH in tags:
            data = _patched(data, tags[Tag.BINPATCH])
        end = block.address + len(data)
        if end > _limit(package, name):
            raise _damaged(f"block {block.number} leaves the partition {name!r}")
        image = images.setdefault(name, bytearray())
        others = sum(len(other) for other in images.values()) - len(image)
        if len(images) > PARTITIONS_MAX or others + end > 2 * PARTITION_MAX:
            raise _damaged("its partitions are more than any flash holds")
        image.extend(b"\xff" * (end - len(image)))
        image[block.address : end] = data
    addresses = {part.name: part.span.start for part in package.partitions}
    return tuple(Part(name, addresses.get(name), bytes(image)) for name, image in images.items())
