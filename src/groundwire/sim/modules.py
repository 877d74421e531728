"""Synthetic flash contents and images for emulated modules: nobody's firmware, nobody's keys.

They have the form of the real thing (cipher, checksum packets, containers, partition table,
calibration), so that everything that recognises and proves real ones works on them. No processor
could run them.
"""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass, replace
from typing import Final

from groundwire.framing.crc import crc32
from groundwire.images.beken.build import (
    SDK_APP,
    SDK_BOOTLOADER,
    TUYA_APP,
    TUYA_BOOTLOADER,
    code_partition,
)
from groundwire.images.beken.cipher import known_stream
from groundwire.sim import bouffalo

VECTORS: Final = struct.pack("<8I", 0xEA00000E, *[0xE59FF014] * 7)
MAC: Final = bytes.fromhex("02005e100001")  # locally administered, nobody's
BOOTLOADER_SIZE: Final = 0x11000
PACKED_AT: Final = 1_600_000_000
SECTOR: Final = 4096
MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the parts of one chip's flash look."""

    key: str
    marker: bytes
    loader_text: bytes
    download: tuple[int, int]
    radio: int
    size: int = 2 * MIB

    @property
    def is_tuya(self) -> bool:
        """Whether Tuya's packer layout is used, as on N, M and T."""
        return self.download[1] == 0xA6000


RECIPES: Final = {
    "BK7231N": Recipe("tuya", b"BK7231", b"BK7231N_1.0.1", (0x12A000, 0xA6000), 0x1D0000),
    "BK7231M": Recipe("zero", b"BK7231", b"BK7231N_1.0.1", (0x12A000, 0xA6000), 0x1D0000),
    "BK7231T": Recipe("tuya", b"", b"BK7231S_1.0.5", (0x132000, 0xA6000), 0x1E0000),
    "BK7231U": Recipe("zero", b"", b"BK7231u_1.0.15", (0x132000, 0xAE000), 0x1E0000),
    "BK7238": Recipe("zero", b"BK7238", b"BK7238_1.0.15", (0x132000, 0xAE000), 0x1E0000),
    "BK7252": Recipe("zero", b"", b"BK7251_1.0.15", (0x132000, 0xAE000), 0x1E0000, 4 * MIB),
    "BK7252N": Recipe("zero", b"BK7238", b"BK7252N_1.0.15", (0x132000, 0xAE000), 0x1E0000),
}


def plain_code(size: int, marker: bytes, text: bytes, seed: int) -> bytes:
    """Code that looks like ARM code: vectors, a marker, text, words with the condition 'always'."""
    noise = random.Random(seed)  # noqa: S311 - the same module every time, no secret
    # real programs repeat their words; key recovery counts on it
    pool = [0xE0000000 | noise.getrandbits(28) for _ in range(500)]
    words = noise.choices(pool, k=size // 4)
    code = bytearray(struct.pack(f"<{len(words)}I", *words))
    code[:32] = VECTORS
    if marker:
        code[0x100:0x108] = marker.ljust(8, b"\0")
    if text:
        code[0x200 : 0x200 + len(text) + 2] = b"\0" + text + b"\0"
    return bytes(code)


def _partition_table(recipe: Recipe) -> bytes:
    rows = (
        (b"bootloader", b"beken_onchip_crc", 0, 0x10000),
        (b"app", b"beken_onchip_crc", 0x10000, 0x108700 if recipe.is_tuya else 0x110000),
        (b"download", b"beken_onchip", *recipe.download),
    )
    table = b""
    for row in rows:
        raw = struct.pack("<4s24s24sII", b"01PE", *row)
        table += raw + struct.pack("<I", 0 if recipe.is_tuya else crc32(raw))
    return table


def bootloader(chip: str) -> bytes:
    """The first 0x11000 bytes of a flash: a loader with its container and partition table."""
    recipe = RECIPES[chip]
    stream = known_stream(recipe.key)
    # the boot ROM reads its marker from flash as it lies there: enciphered here, it ends up plain
    marker = stream.apply(recipe.marker.ljust(8, b"\0"), 0x100) if recipe.marker else b""
    code = plain_code(0x8000, marker, recipe.loader_text, seed=2)
    # the table is plain text in flash: enciphered here, the packer's cipher makes it plain
    code += stream.apply(_partition_table(recipe), len(code))
    code += b"\xff" * (-len(code) % 32)
    form = replace(TUYA_BOOTLOADER if recipe.is_tuya else SDK_BOOTLOADER, packed_at=PACKED_AT)
    return code_partition(code, stream, form).ljust(BOOTLOADER_SIZE, b"\xff")


def application(chip: str, text: bytes, size: int = 0xC8000, seed: int = 1) -> bytes:
    """An application partition as it lies in flash (a UA image), container included."""
    recipe = RECIPES[chip]
    form = replace(TUYA_APP if recipe.is_tuya else SDK_APP, packed_at=PACKED_AT)
    code = plain_code(size, recipe.marker, text, seed)
    return code_partition(code, known_stream(recipe.key), form)


def radio_sector(mac: bytes = MAC) -> bytes:
    """A calibration sector with two groups, the first of which holds the MAC."""
    items = struct.pack("<II4s", 0x11111101, 4, b"demo") + struct.pack("<II", 0x11111102, 6) + mac
    first = struct.pack("<II", 0x11111100, len(items) + 6) + items + b"\x5a" * 6
    body = first + struct.pack("<IIIII", 0x22222200, 12, 0x22222201, 4, 7)
    return (b"TLV\0" + struct.pack("<I", len(body)) + body).ljust(SECTOR, b"\xff")


def firmware_image(chip: str, version: str = "1.18.300") -> bytes:
    """A release image for a chip: for Beken a QIO (bootloader and application)."""
    if chip.startswith("BL"):
        return bouffalo.firmware_image(version)
    text = f"Open{chip} {version} Aug  2 2026 19:38:04".encode()
    return bootloader(chip) + application(chip, text, seed=7)


def stock_flash(chip: str, mac: bytes = MAC) -> bytes:
    """The whole flash of a module as its vendor would ship it, with settings that mean nothing."""
    if chip.startswith("BL"):
        return bouffalo.stock_flash()
    recipe = RECIPES[chip]
    text = b"demo vendor firmware 1.0.0"
    flash = bytearray(bootloader(chip) + application(chip, text, size=0xE8000, seed=3))
    flash = flash.ljust(recipe.size, b"\xff")
    flash[recipe.radio : recipe.radio + SECTOR] = radio_sector(mac)
    noise = random.Random(mac)  # noqa: S311 - the same module every time, no secret
    for at in range(0x1EE000, 0x1F4000, SECTOR):
        flash[at : at + 1024] = noise.randbytes(1024)
    return bytes(flash)
