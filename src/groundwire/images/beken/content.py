"""What a Beken file holds: bootloader and application, wherever in the file they lie."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from groundwire.images.beken import bootloader, code_area, crc_blocks, rbl
from groundwire.images.beken.bootloader import Bootloader
from groundwire.images.beken.cipher import VECTOR_SIZE, find_stream, known_streams, vector_score
from groundwire.images.beken.code_area import APP_LOGICAL, APP_START, BOOTLOADER_SPAN, CodeArea
from groundwire.images.beken.crc_blocks import PacketState
from groundwire.quantities import MIB, Span

FLASH_SIZES = (2 * MIB, 4 * MIB, 8 * MIB, 16 * MIB)
_APP_END_MAX = 0x286000  # the largest application partition of any table (4 MiB of flash)


class Arrangement(StrEnum):
    """How the file's offsets and the flash addresses relate."""

    FLASH = "from address 0"
    APP_ONLY = "from the application on"
    ROTATED = "from the application on, wrapped around"


@dataclass(frozen=True, slots=True, eq=False)
class BekenContent:
    """The code in a Beken file. Areas count in flash addresses; `file_span` translates.

    `flash` is the content from flash address 0 on; for a file with the application only, what
    lies before it is left out and `base` says at which address the file starts.
    """

    arrangement: Arrangement
    flash: bytes
    base: int
    headers: tuple[rbl.FoundHeader, ...]
    bootloader: Bootloader | None
    app: CodeArea | None

    def file_span(self, span: Span) -> Span:
        """Where a flash span lies in the file; a span that wraps is cut at the end."""
        if self.arrangement is Arrangement.FLASH:
            return span
        if self.arrangement is Arrangement.APP_ONLY:
            return Span(max(span.start - self.base, 0), span.size)
        start = (span.start - APP_START) % len(self.flash)
        return Span(start, min(span.size, len(self.flash) - start))

    @property
    def is_flash_sized(self) -> bool:
        """Whether the file is as long as a flash chip."""
        return len(self.flash) in FLASH_SIZES


def unrotated(data: bytes) -> bytes:
    """The flash content of a dump that was read from the application on and wrapped around."""
    return data[-APP_START:] + data[:-APP_START]


def _starts_with_app(data: bytes, offset: int) -> bool:
    area = data[offset : offset + BOOTLOADER_SPAN.size]
    packets = crc_blocks.check(area[: 64 * crc_blocks.PACKET_SIZE])
    # Linker output starts with the same vector table, but has no checksums between.
    if packets.count(PacketState.VALID) * 2 < max(len(packets), 1):
        return False
    head = crc_blocks.strip(area)
    return len(head) >= VECTOR_SIZE and find_stream(head, APP_LOGICAL) is not None


def _starts_with_loader_code(data: bytes) -> bool:
    """Whether the start deciphers at address 0 with a known key set, and not as an application.

    Without a cipher, and with an unknown key, both addresses do equally well.
    """
    head = crc_blocks.strip(data[: 2 * crc_blocks.PACKET_SIZE])
    if len(head) < VECTOR_SIZE:
        return False
    return any(
        vector_score(stream.apply(head, 0)) == 8
        and vector_score(stream.apply(head, APP_LOGICAL)) < 8
        for stream in known_streams()
    )


def _arrange(data: bytes) -> Arrangement | None:
    if bootloader.looks_like_bootloader(data):
        return Arrangement.FLASH
    if _starts_with_app(data, APP_START):
        return Arrangement.FLASH
    if _starts_with_loader_code(data):
        return Arrangement.FLASH
    if _starts_with_app(data, 0):
        return Arrangement.ROTATED if len(data) in FLASH_SIZES else Arrangement.APP_ONLY
    packets = crc_blocks.check(data[: BOOTLOADER_SPAN.end])
    # A loader whose vector table and partition table are both gone still has its checksums.
    if packets.count(PacketState.VALID) > packets.count(PacketState.DAMAGED):
        return Arrangement.FLASH
    return None


def _app_place(loader: Bootloader | None) -> tuple[int, int, int]:
    """Start, end and logical address of the application, by the loader's table if it has one."""
    entry = loader.partition("app") if loader is not None else None
    if entry is None or not entry.interleaved or entry.offset % crc_blocks.DATA_SIZE:
        return APP_START, _APP_END_MAX, APP_LOGICAL
    return entry.span.start, entry.span.end, entry.offset


def _shifted(headers: tuple[rbl.FoundHeader, ...], by: int) -> tuple[rbl.FoundHeader, ...]:
    return tuple(replace(found, offset=found.offset + by) for found in headers)


def read_content(data: bytes) -> BekenContent | None:
    """The code in a file, or None where it holds no Beken code in checksum packets."""
    arrangement = _arrange(data)
    if arrangement is None:
        return None
    flash = unrotated(data) if arrangement is Arrangement.ROTATED else data
    base = APP_START if arrangement is Arrangement.APP_ONLY else 0
    headers = _shifted(tuple(rbl.find_headers(flash)), base)
    loader = None if base else bootloader.examine(flash, headers)
    start, end, logical = _app_place(loader)
    mine = tuple(
        found
        for found in headers
        if found.interleaved and found.header.name != bootloader.NAME and start < found.end <= end
    )
    app = code_area.read_code(flash[start - base : end - base], start, logical, mine)
    return BekenContent(arrangement, flash, base, headers, loader, app)
