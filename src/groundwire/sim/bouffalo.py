"""Synthetic BL602 flash contents, images and a stand-in for the RAM loader: nobody's firmware.

They have the form of the real thing (headers, hashes, partition table, device tree magic), so that
everything that recognises and proves real ones works on them. No processor could run them.
"""

from __future__ import annotations

import hashlib
import random
import struct
from dataclasses import replace
from typing import Final

from groundwire.framing.crc import crc32
from groundwire.images.bouffalo.boot_header import IMAGE_GAP, for_image
from groundwire.images.bouffalo.partition_table import PartitionTable, Row

SECTOR: Final = 4096
BOOT2_IMAGE_AT: Final = 0x2000
TABLES_AT: Final = (0xE000, 0xF000)
FIRMWARE_AT: Final = 0x10000
SETTINGS_AT: Final = 0x1E9000
DEVICE_TREE_AT: Final = 0x1F8000
FLASH_SIZE: Final = 0x200000
LOADER_AT: Final = 0x2201_0000
LOADER_SIZE: Final = 0x9360
LOADER_OPS: Final = bytes.fromhex("102130313f32343a3b3c3d3e4041425051716061363738 33")
ROWS: Final = (
    (0, "FW", (0x10000, 0xD8000), (0xC8000, 0x88000)),
    (2, "mfg", (0x160000, 0), (0x32000, 0)),
    (3, "media", (0x192000, 0), (0x57000, 0)),
    (4, "PSM", (0x1E9000, 0), (0x8000, 0)),
    (5, "KEY", (0x1F1000, 0), (0x2000, 0)),
    (6, "DATA", (0x1F3000, 0), (0x5000, 0)),
    (7, "factory", (0x1F8000, 0), (0x8000, 0)),
)


def _noise(size: int, seed: int) -> bytes:
    return random.Random(seed).randbytes(size)  # noqa: S311 - the same every time, no secret


def application(size: int, text: bytes, seed: int = 1) -> bytes:
    """A raw application as a release file holds it: start-up code, noise and a version text."""
    code = bytearray(bytes.fromhex("a14273b00230") + _noise(size - 6, seed))
    code[0x400 : 0x400 + len(text) + 2] = b"\0" + text + b"\0"
    return bytes(code)


def firmware_image(version: str = "1.18.300", size: int = 0x90000) -> bytes:
    """A release file for serial flashing: a raw application without a header."""
    return application(size, f"OpenBL602 {version} Aug  2 2026 19:38:04".encode(), seed=7)


def with_header(image: bytes, image_at: int = IMAGE_GAP) -> bytes:
    """Header page and image, as both lie in flash."""
    header, padded = for_image(image)
    header = replace(header, image_start=image_at)
    return header.build().ljust(image_at, b"\xff") + padded


def partition_table() -> bytes:
    """The table of the vendor's older 2 MiB layout."""
    rows = tuple(Row(kind, 0, 0, name, address, size, 0, 0) for kind, name, address, size in ROWS)
    return PartitionTable(age=0, rows=rows, head_ok=True, rows_ok=True).build()


def stock_flash(seed: int = 3) -> bytes:
    """The whole flash of a module as its vendor would ship it, with settings that mean nothing."""
    flash = bytearray(b"\xff" * FLASH_SIZE)

    def put(at: int, data: bytes) -> None:
        flash[at : at + len(data)] = data

    put(0, with_header(application(0x8000, b"boot2", seed), BOOT2_IMAGE_AT))
    for at in TABLES_AT:
        put(at, partition_table())
    put(FIRMWARE_AT, with_header(application(0xA0000, b"demo vendor firmware 1.0.0", seed + 1)))
    for at in range(SETTINGS_AT, SETTINGS_AT + 0x4000, SECTOR):
        put(at, _noise(1024, seed + at))
    put(DEVICE_TREE_AT, b"\xd0\x0d\xfe\xed" + _noise(0x1500, seed + 2))
    return bytes(flash)


def stand_in_loader() -> bytes:
    """A file that an emulated boot ROM runs as if it were the vendor's RAM loader.

    It has the form of one, command table included, and noise for code.
    """
    data = bytearray(_noise(LOADER_SIZE, seed=11))
    table = b"".join(
        struct.pack("<BBHI", op, 1, 0, LOADER_AT + 0x100 + 4 * at)
        for at, op in enumerate(LOADER_OPS)
    )
    data[0x7000 : 0x7000 + len(table) + 8] = table + b"\xee" * 8
    start = struct.pack("<III", LOADER_AT, len(data), 0)
    header, _ = for_image(b"")
    header = replace(
        header,
        boot_word=0x300,
        image_size=1,
        image_start=LOADER_AT,
        image_hash=hashlib.sha256(start + struct.pack("<I", crc32(start)) + data).digest(),
    )
    return header.build() + start + struct.pack("<I", crc32(start)) + bytes(data)
