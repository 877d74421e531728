"""Small synthetic Beken images for tests: no byte of them comes from anybody's firmware."""

from __future__ import annotations

import random
import struct
from dataclasses import replace

from groundwire.framing.crc import crc32
from groundwire.images.beken.build import (
    SDK_APP,
    SDK_BOOTLOADER,
    TUYA_APP,
    TUYA_BOOTLOADER,
    code_partition,
)
from groundwire.images.beken.cipher import KeyStream, known_stream

VECTORS = struct.pack("<8I", 0xEA00000E, *[0xE59FF014] * 7)
MAC = bytes.fromhex("02005e100001")  # a locally administered address, nobody's


def plain_code(size: int, marker: bytes = b"", text: bytes = b"", seed: int = 1) -> bytes:
    """Code that looks like ARM code: vectors, a marker, text, words with the condition 'always'."""
    noise = random.Random(seed)
    # Real programs repeat their words; key recovery counts on it.
    pool = [0xE0000000 | noise.getrandbits(28) for _ in range(500)]
    words = noise.choices(pool, k=size // 4)
    code = bytearray(struct.pack(f"<{len(words)}I", *words))
    code[:32] = VECTORS
    if marker:
        code[0x100:0x108] = marker.ljust(8, b"\0")
    if text:
        code[0x200 : 0x200 + len(text) + 2] = b"\0" + text + b"\0"
    return bytes(code)


def fal_table(app_size: int, download: tuple[int, int], *, checksums: bool) -> bytes:
    rows = (
        (b"bootloader", b"beken_onchip_crc", 0, 0x10000),
        (b"app", b"beken_onchip_crc", 0x10000, app_size),
        (b"download", b"beken_onchip", *download),
    )
    table = b""
    for row in rows:
        raw = struct.pack("<4s24s24sII", b"01PE", *row)
        table += raw + struct.pack("<I", crc32(raw) if checksums else 0)
    return table


def bootloader(chip: str = "BK7231N", stream: KeyStream | None = None) -> bytes:
    """The first 0x11000 bytes of a flash: a loader with container and partition table."""
    stream = stream or known_stream("tuya")
    tuya = chip in {"BK7231N", "BK7231T", "BK7231M"}
    marker = {"BK7231N": b"BK7231", "BK7231M": b"BK7231", "BK7238": b"BK7238"}.get(chip, b"")
    version = {"BK7231N": b"BK7231N_1.0.1", "BK7231T": b"BK7231S_1.0.5"}.get(chip, b"")
    start = 0x12A000 if marker == b"BK7231" else 0x132000
    table = fal_table(
        0x108700 if tuya else 0x110000,
        (start, 0xA6000 if tuya else 0xAE000),
        checksums=not tuya,
    )
    code = plain_code(0x8000, marker, version, seed=2)
    recipe = replace(TUYA_BOOTLOADER if tuya else SDK_BOOTLOADER, packed_at=1_600_000_000)
    # The table is plain text in flash: encipher it here, so that enciphering makes it plain.
    code += stream.apply(table, len(code))
    code += b"\xff" * (-len(code) % 32)
    part = code_partition(code, stream, recipe)
    return part.ljust(0x11000, b"\xff")


def application(
    chip: str = "BK7231N",
    stream: KeyStream | None = None,
    size: int = 0x9000,
    text: bytes = b"",
) -> bytes:
    """An application partition (UA), container included."""
    stream = stream or known_stream("tuya")
    marker = {"BK7231N": b"BK7231", "BK7231M": b"BK7231", "BK7238": b"BK7238"}.get(chip, b"")
    text = text or f"Open{chip} 1.18.300 Aug  2 2026 19:38:04".encode()
    tuya = chip in {"BK7231N", "BK7231T", "BK7231M"}
    recipe = replace(TUYA_APP if tuya else SDK_APP, packed_at=1_600_000_000)
    return code_partition(plain_code(size, marker, text), stream, recipe)


def rf_sector(mac: bytes = MAC) -> bytes:
    """A calibration sector as N modules have it, with two groups."""
    items = struct.pack("<II4s", 0x11111101, 4, b"test") + struct.pack("<II", 0x11111102, 6) + mac
    first = struct.pack("<II", 0x11111100, len(items) + 6) + items + b"\x5a" * 6
    second = struct.pack("<IIIII", 0x22222200, 12, 0x22222201, 4, 7)
    body = first + second
    return (b"TLV\0" + struct.pack("<I", len(body)) + body).ljust(4096, b"\xff")


def qio(chip: str = "BK7231N", stream: KeyStream | None = None) -> bytes:
    return bootloader(chip, stream) + application(chip, stream)


def flash_dump(
    chip: str = "BK7231N", stream: KeyStream | None = None, size: int = 0x200000
) -> bytes:
    """A whole flash: QIO, erased rest, calibration at the place of the chip."""
    flash = bytearray(qio(chip, stream).ljust(size, b"\xff"))
    at = 0x1D0000 if chip in {"BK7231N", "BK7231M"} else 0x1E0000
    flash[at : at + 4096] = rf_sector()
    return bytes(flash)
