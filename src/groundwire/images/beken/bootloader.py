"""The bootloader of a Beken flash: whether it is there and whole, and which one it is."""

# Ref: beken-images, sections 3.1, 5.1 and 6

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from groundwire.framing.crc import crc32
from groundwire.images.beken import code_area, crc_blocks, partitions, rbl
from groundwire.images.beken.cipher import stream_from_words
from groundwire.images.beken.code_area import BOOTLOADER_SPAN, CodeArea
from groundwire.images.beken.partitions import FalEntry
from groundwire.tables.load import EvidenceKind, load_rows

Buffer = bytes | bytearray | memoryview

NAME = "bootloader"
_FULL_NAME = re.compile(rb"(?:BK|bk|BL)\d{4}[A-Za-z]?\+?_\d{1,2}\.\d{1,2}\.\d{1,3}")
_BARE_VERSION = re.compile(rb"_(\d{1,2}\.\d{1,2}\.\d{1,3})\0")
# Tuya loaders, and loaders of the Beken SDK. Source: beken-images, section 2.5.
_KEY_OFFSETS = (0x48, 0x1F08)
_VERSION_OFFSET = 0x108  # behind the chip marker, in loaders of the Beken SDK


@dataclass(frozen=True, slots=True)
class KnownBootloader:
    """One row of the table of fingerprints."""

    crc32: int
    size: int
    loader: str
    key: str
    chips: tuple[str, ...]
    evidence: EvidenceKind
    source: str


def known_bootloaders() -> tuple[KnownBootloader, ...]:
    """All rows of the table of fingerprints."""
    return load_rows(__package__, "bootloaders.toml", "bootloader", KnownBootloader)


@dataclass(frozen=True, slots=True, eq=False)
class Bootloader:
    """What is known of one bootloader.

    `payload` is None where it has no container. `valid` means: every packet of it holds, its
    container fits, and it has a partition table with an application in it.
    """

    code: CodeArea
    payload: rbl.PayloadCheck | None
    table: tuple[FalEntry, ...]
    fingerprint_256: int
    fingerprint_257: int
    version: str
    known: KnownBootloader | None
    key_words: tuple[int, int, int, int] | None

    @property
    def valid(self) -> bool:
        whole = not self.code.damaged and self.code.stream is not None
        proven = self.payload is not None and self.payload.ok
        return whole and proven and self.partition("app") is not None

    def partition(self, name: str) -> FalEntry | None:
        """A plausible entry of its table."""
        for entry in self.table:
            if entry.name == name and entry.is_plausible:
                return entry
        return None


def _version(plain: bytes, marker: str) -> str:
    named = _FULL_NAME.search(plain)
    if named:
        return named.group().decode("ascii")
    bare = _BARE_VERSION.match(plain, _VERSION_OFFSET)
    if not bare:
        return ""
    return f"{marker}_{bare[1].decode('ascii')}" if marker else bare[1].decode("ascii")


def _known(crc_256: int, crc_257: int) -> KnownBootloader | None:
    by_size = {256: crc_256, 257: crc_257}
    rows = [row for row in known_bootloaders() if by_size.get(row.size) == row.crc32]
    # 257 bytes tell more apart than 256.
    return max(rows, key=lambda row: row.size, default=None)


def _key_words(code: CodeArea) -> tuple[int, int, int, int] | None:
    """The key that the loader carries, proven by being the one it is enciphered with."""
    if code.stream is None or code.stream.is_off:
        return None
    plain = code.plain_head(max(_KEY_OFFSETS) + 16)
    for offset in _KEY_OFFSETS:
        raw = plain[offset : offset + 16]
        if len(raw) == 16:
            words = struct.unpack("<4I", raw)
            if stream_from_words("", words).same_stream(code.stream, code.code_size):
                return words
    return None


def examine(data: Buffer, headers: tuple[rbl.FoundHeader, ...]) -> Bootloader | None:
    """The bootloader at the start of a flash content, or None where there is none.

    `headers` are the containers found in `data`.
    """
    area = bytes(data[: BOOTLOADER_SPAN.end])
    mine = tuple(
        found
        for found in headers
        if found.interleaved and found.header.name == NAME and found.end <= BOOTLOADER_SPAN.end
    )
    code = code_area.read_code(area, 0, 0, mine)
    if code is None:
        return None
    table = partitions.parse_table(code.stored)
    if code.stream is None and not table and not mine:
        return None
    payload = None
    if code.container is not None:
        payload = rbl.check_payload(code.container.header, code.stored, code.stream, 0)
    crc_256, crc_257 = crc32(area[:256]), crc32(area[:257])
    return Bootloader(
        code=code,
        payload=payload,
        table=table,
        fingerprint_256=crc_256,
        fingerprint_257=crc_257,
        version=_version(code.plain(), code.marker),
        known=_known(crc_256, crc_257),
        key_words=_key_words(code),
    )


def looks_like_bootloader(data: Buffer) -> bool:
    """Whether a content starts with a bootloader rather than with an application.

    Both start with the same kind of vector table, and without a key both are plain. Only a
    bootloader has a partition table or a container of its own within its area.
    """
    area = bytes(data[: BOOTLOADER_SPAN.end])
    code = crc_blocks.strip(area)
    if partitions.parse_table(code) or _BARE_VERSION.match(code, _VERSION_OFFSET):
        return True
    return any(found.header.name == NAME for found in rbl.find_headers(area))
