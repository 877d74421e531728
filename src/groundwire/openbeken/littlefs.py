"""The files that OpenBeken keeps in flash: a LittleFS reader that never trusts its image.

The C library asserts on images that lie, which would end the process, so reading is done here;
building a file system from our own files is left to the library.
"""

# Ref: littlefs SPEC.md, on-disk version 2.0 and 2.1; obk-config, section 7.

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from enum import IntEnum

from groundwire.quantities import Span

SECTOR = 4096
MAGIC = b"littlefs"
MAGIC_AT = 8
PAIR = struct.Struct("<II")
SUPERBLOCK = struct.Struct("<IIIIII")
NO_BLOCK = 0xFFFFFFFF
DELETED_SIZE = 0x3FF
TRY_LIMIT = 64
FILE_LIMIT = 2048
PAIR_LIMIT = 1024
DEPTH_LIMIT = 32
TOTAL_LIMIT = 16 * 1024 * 1024
BLOCK_SIZES = (512, 1024, 2048, 4096, 8192, 16384, 32768, 65536)


class TagType(IntEnum):
    """The types of metadata tags that a reader needs."""

    REGULAR = 0x001
    DIRECTORY = 0x002
    SUPERBLOCK = 0x0FF
    DIRECTORY_PAIR = 0x200
    INLINE = 0x201
    CTZ = 0x202
    CREATE = 0x401
    DELETE = 0x4FF
    HARD_TAIL = 0x601


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file. `path` is as stored, from the root; `content` is None where it cannot be read."""

    path: str
    size: int
    content: bytes | None


@dataclass(frozen=True, slots=True)
class FileSystem:
    """One LittleFS in a piece of flash."""

    span: Span
    block_size: int
    block_count: int
    disk_version: tuple[int, int]
    name_max: int
    files: tuple[StoredFile, ...]
    findings: tuple[str, ...]

    def get(self, path: str) -> bytes | None:
        """The content of a file by its path, with or without the leading slash."""
        wanted = path.strip("/")
        found = (file.content for file in self.files if file.path.strip("/") == wanted)
        return next(found, None)


@dataclass(slots=True)
class Node:
    """A directory entry while its metadata is replayed."""

    name: bytes = b""
    kind: int = 0
    struct_type: int = 0
    data: bytes = b""


@dataclass(slots=True)
class Directory:
    """What one metadata pair says."""

    revision: int
    nodes: list[Node]
    tail: tuple[int, int] | None
    hard_tail: bool


@dataclass(slots=True)
class Reader:
    """Reading one image: where it starts, how large its blocks are, and what went wrong."""

    flash: bytes
    span: Span
    block_size: int
    files: list[StoredFile] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    seen: set[tuple[int, int]] = field(default_factory=set)
    total: int = 0

    def block(self, number: int) -> bytes:
        """A block, or nothing if it is outside the image."""
        start = self.span.start + number * self.block_size
        inside = start + self.block_size <= self.span.end
        return self.flash[start : start + self.block_size] if inside else b""


def find_file_systems(flash: bytes) -> tuple[FileSystem, ...]:
    """Every LittleFS that begins at a sector boundary."""
    found: list[FileSystem] = []
    start = tries = 0
    while start + SECTOR <= len(flash) and tries < TRY_LIMIT:
        magic_at = start + MAGIC_AT
        system = None
        if flash[magic_at : magic_at + len(MAGIC)] == MAGIC:
            tries += 1
            system = read_file_system(flash, start)
        if system is None:
            start += SECTOR
            continue
        found.append(system)
        start += max(system.span.size // SECTOR, 2) * SECTOR
    return tuple(found)


def read_file_system(flash: bytes, start: int) -> FileSystem | None:
    """The file system whose first superblock is at `start`; None if none is there.

    Where the first of the two superblocks is lost, `start` may be the second; then the file
    system begins one block earlier.
    """
    tried = (system_at(flash, base, block_size) for block_size, base in candidates(flash, start))
    readable = [system for system in tried if system is not None]
    return min(readable, key=lambda system: len(system.findings), default=None)


def system_at(flash: bytes, base: int, block_size: int) -> FileSystem | None:
    """The file system that begins at `base` and has blocks of that size, or None."""
    room = min(len(flash) - base, TOTAL_LIMIT)
    reader = Reader(flash, Span(base, room), block_size)
    root = read_pair(reader, (0, 1))
    superblock = superblock_of(root) if root is not None else None
    if superblock is None or superblock[1] != block_size:
        return None
    version, _, block_count, name_max = superblock[:4]
    size = min(block_count * block_size, room)
    reader.span = Span(base, size)
    if size < block_count * block_size:
        reader.findings.append(f"{block_count} blocks declared, the file ends before them")
    read_tree(reader)
    return FileSystem(
        span=Span(base, size),
        block_size=block_size,
        block_count=block_count,
        disk_version=(version >> 16, version & 0xFFFF),
        name_max=name_max,
        files=tuple(reader.files),
        findings=tuple(reader.findings),
    )


def candidates(flash: bytes, start: int) -> list[tuple[int, int]]:
    """Block sizes and starting places to try, the usual ones first."""
    sizes = (SECTOR, *(size for size in BLOCK_SIZES if size != SECTOR))
    places = [(size, start) for size in sizes]
    if start >= SECTOR and flash[start - SECTOR + MAGIC_AT :][: len(MAGIC)] != MAGIC:
        places.append((SECTOR, start - SECTOR))
    return places


def superblock_of(root: Directory) -> tuple[int, ...] | None:
    """The numbers of the superblock entry, made plausible; None if there is none."""
    for node in root.nodes[:1]:
        if node.kind == TagType.SUPERBLOCK and len(node.data) >= SUPERBLOCK.size:
            version, block_size, count, name_max, file_max, attribute_max = SUPERBLOCK.unpack_from(
                node.data
            )
            if version >> 16 == 2 and block_size in BLOCK_SIZES and 2 <= count <= 1 << 24:
                return version, block_size, count, name_max, file_max, attribute_max
    return None


# --- metadata pairs ------------------------------------------------------------------------------


def read_pair(reader: Reader, pair: tuple[int, int]) -> Directory | None:
    """The newer of the two copies whose checksums hold."""
    copies = [copy for number in pair if (copy := read_copy(reader.block(number))) is not None]
    if len(copies) == 2 and (copies[1].revision - copies[0].revision) & 0x80000000:
        return copies[0]
    return copies[-1] if copies else None


def checksum(data: bytes, start: int = 0xFFFFFFFF) -> int:
    """CRC-32 without the final inversion, as LittleFS continues it."""
    return zlib.crc32(data, start ^ 0xFFFFFFFF) ^ 0xFFFFFFFF


def read_copy(block: bytes) -> Directory | None:
    """One block of a pair, up to its last whole commit."""
    if len(block) < 16:
        return None
    crc = checksum(block[:4])
    previous, at = 0xFFFFFFFF, 4
    pending = Directory(int.from_bytes(block[:4], "little"), [], None, hard_tail=False)
    committed: Directory | None = None
    while at + 4 <= len(block):
        raw = block[at : at + 4]
        tag = int.from_bytes(raw, "big") ^ previous
        size = 0 if tag & DELETED_SIZE == DELETED_SIZE else tag & DELETED_SIZE
        if tag & 0x80000000 or at + 4 + size > len(block):
            break
        crc = checksum(raw, crc)
        data = block[at + 4 : at + 4 + size]
        previous = tag
        if (tag >> 20) & 0x780 == 0x500:
            if len(data) < 4 or crc != int.from_bytes(data[:4], "little"):
                break
            previous ^= ((tag >> 20) & 1) << 31
            crc = 0xFFFFFFFF
            committed = copy_of(pending)
        else:
            crc = checksum(data, crc)
            apply_tag(pending, tag, data)
        at += 4 + size
    return committed


def copy_of(directory: Directory) -> Directory:
    """A copy that later commits do not change."""
    nodes = [Node(node.name, node.kind, node.struct_type, node.data) for node in directory.nodes]
    return Directory(directory.revision, nodes, directory.tail, directory.hard_tail)


def apply_tag(directory: Directory, tag: int, data: bytes) -> None:
    """Replay one tag."""
    kind, number = (tag >> 20) & 0x7FF, (tag >> 10) & 0x3FF
    removed = tag & DELETED_SIZE == DELETED_SIZE
    nodes = directory.nodes
    group = kind & 0x700
    if kind == TagType.CREATE:
        nodes.insert(min(number, len(nodes)), Node())
    elif kind == TagType.DELETE:
        if number < len(nodes):
            del nodes[number]
    elif group == 0x000 and not removed:
        while len(nodes) <= number:
            nodes.append(Node())
        nodes[number].name, nodes[number].kind = data, kind
    elif group == 0x200 and number < len(nodes):
        nodes[number].struct_type, nodes[number].data = (0, b"") if removed else (kind, data)
    elif group == 0x600 and len(data) >= PAIR.size:
        first, second = PAIR.unpack_from(data)
        directory.tail, directory.hard_tail = (first, second), kind == TagType.HARD_TAIL


# --- files ---------------------------------------------------------------------------------------


def read_tree(reader: Reader) -> None:
    """Collect all files, breadth first, each directory pair once."""
    waiting: list[tuple[str, tuple[int, int], int]] = [("", (0, 1), 0)]
    while waiting:
        path, pair, depth = waiting.pop(0)
        if len(reader.seen) >= PAIR_LIMIT:
            reader.findings.append(f"more than {PAIR_LIMIT} directories; the rest is left out")
            return
        if pair in reader.seen or depth > DEPTH_LIMIT:
            reader.findings.append(f"directory {path or '/'!r} leads back to itself or too deep")
            continue
        reader.seen.add(pair)
        directory = read_pair(reader, pair)
        if directory is None:
            reader.findings.append(f"directory {path or '/'!r} cannot be read")
            continue
        for node in directory.nodes:
            if len(reader.files) >= FILE_LIMIT:
                reader.findings.append(f"more than {FILE_LIMIT} files; the rest is left out")
                return
            name = f"{path}/{node.name.decode('utf-8', 'backslashreplace')}"
            if node.kind == TagType.REGULAR:
                reader.files.append(read_file(reader, name, node))
            elif (
                node.kind == TagType.DIRECTORY
                and len(node.data) >= PAIR.size
                and len(waiting) < PAIR_LIMIT
            ):
                first, second = PAIR.unpack_from(node.data)
                waiting.append((name, (first, second), depth + 1))
        if directory.hard_tail and directory.tail is not None:
            waiting.append((path, directory.tail, depth))


def read_file(reader: Reader, path: str, node: Node) -> StoredFile:
    """One file, inline or as a chain of blocks."""
    if node.struct_type == TagType.INLINE:
        return StoredFile(path, len(node.data), node.data)
    if node.struct_type != TagType.CTZ or len(node.data) < PAIR.size:
        reader.findings.append(f"{path!r} has no content")
        return StoredFile(path, 0, None)
    head, size = PAIR.unpack_from(node.data)
    content = read_chain(reader, head, size)
    if content is None:
        reader.findings.append(f"{path!r}: {size} bytes declared, their blocks cannot be read")
    return StoredFile(path, size, content)


def read_chain(reader: Reader, head: int, size: int) -> bytes | None:
    """The bytes of a skip list: from its last block back to its first, then cut to size."""
    if size > reader.span.size or reader.total + size > TOTAL_LIMIT:
        return None
    reader.total += size
    last, room = 0, reader.block_size
    while room < size:
        last += 1
        room += reader.block_size - pointer_bytes(last)
    pieces = []
    number = head
    for index in range(last, -1, -1):
        block = reader.block(number)
        if not block:
            return None
        pieces.append(block[pointer_bytes(index) :])
        number = int.from_bytes(block[:4], "little")
    return b"".join(reversed(pieces))[:size]


def pointer_bytes(index: int) -> int:
    """How many bytes of pointers stand at the start of the block of that index."""
    return 4 * ((index & -index).bit_length()) if index else 0
