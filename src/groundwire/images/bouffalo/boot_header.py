"""The 176-byte boot header in front of every BL602 image."""

# Ref: bouffalo-isp, section 9; beken-images, section 12.1

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from enum import IntFlag

from groundwire.errors import DamagedImage
from groundwire.framing.crc import crc32

Buffer = bytes | bytearray | memoryview

MAGIC = b"BFNP"
FLASH_MAGIC = b"FCFG"
CLOCK_MAGIC = b"PCFG"
HEADER_SIZE = 176
PLACEHOLDER = 0xDEADBEEF
IMAGE_MAX = 4 << 20
IMAGE_GAP = 0x1000  # boot2 takes the firmware this far behind its header, whatever the header says
_LAYOUT = struct.Struct("<4sI4s84sI4s8sI4I32s8sI")

# The vendor's generic flash block, which means "let the chip find out", and its clock block for a
# 40 MHz crystal. Source: bouffalo-isp, artefact flash_header_vendor.
GENERIC_FLASH = bytes.fromhex(
    "110001016699ff039f009f0004ff0001c72052d8060232000b010b013b01bb006b01eb02eb02025000010001"
    "010002010201ab01053500000101000038ffffff77030240770302f02c01b004b0040500e8801400"
)
CLOCK_40_MHZ = bytes.fromhex("0404000103010000")
FIRMWARE_BOOT_WORD = 0x3300


class BootWord(IntFlag):
    """The bits of the boot configuration that decide what is checked."""

    NO_SEGMENTS = 1 << 8
    CACHE = 1 << 9
    NOT_BY_ROM = 1 << 10
    LOCK_AES = 1 << 11
    IGNORE_CRC = 1 << 16
    IGNORE_HASH = 1 << 17
    HALT_CPU = 1 << 18


@dataclass(frozen=True, slots=True)
class BootHeader:
    """A boot header. The checks are None where the header carries a placeholder on purpose."""

    revision: int
    flash: bytes
    clock: bytes
    boot_word: int
    image_size: int
    entry: int
    image_start: int
    image_hash: bytes
    spare: bytes
    flash_ok: bool | None
    clock_ok: bool | None
    header_ok: bool | None

    @property
    def has_hash(self) -> bool:
        """Whether the hash is meant to be compared, and is no placeholder."""
        marker = self.image_hash[:4] == PLACEHOLDER.to_bytes(4, "little")
        return not (self.boot_word & BootWord.IGNORE_HASH and marker)

    def hash_fits(self, image: Buffer) -> bool | None:
        """Whether the image's SHA-256 is the header's; None where there is none to compare."""
        if not self.has_hash:
            return None
        stored = bytes(image[: self.image_size])
        return len(stored) == self.image_size and hashlib.sha256(stored).digest() == self.image_hash

    def build(self) -> bytes:
        """The 176 bytes, all three checksums made anew."""
        flash_magic, clock_magic = FLASH_MAGIC, CLOCK_MAGIC
        head = _LAYOUT.pack(
            MAGIC,
            self.revision,
            flash_magic,
            self.flash,
            crc32(self.flash),
            clock_magic,
            self.clock,
            crc32(self.clock),
            self.boot_word,
            self.image_size,
            self.entry,
            self.image_start,
            self.image_hash,
            self.spare,
            0,
        )[:-4]
        return head + struct.pack("<I", crc32(head))


def _block_ok(magic: bytes, expected: bytes, body: bytes, stored: int) -> bool | None:
    if magic == bytes(4):
        return None
    return magic == expected and crc32(body) == stored


def parse(raw: Buffer) -> BootHeader:
    """The header at the start of `raw`; raises DamagedImage where it is none or cut off."""
    data = bytes(raw[:HEADER_SIZE])
    if not data.startswith(MAGIC):
        raise DamagedImage(name="boot header", finding="it does not start with BFNP")
    if len(data) < HEADER_SIZE:
        raise DamagedImage(name="boot header", finding=f"it is cut off after {len(data)} bytes")
    fields = _LAYOUT.unpack(data)
    _, revision, flash_magic, flash, flash_crc, clock_magic, clock, clock_crc, *rest = fields
    boot_word, image_size, entry, image_start, *tail = rest
    image_hash, spare, header_crc = tail
    ignored = header_crc == PLACEHOLDER and boot_word & BootWord.IGNORE_CRC
    return BootHeader(
        revision=revision,
        flash=flash,
        clock=clock,
        boot_word=boot_word,
        image_size=image_size,
        entry=entry,
        image_start=image_start,
        image_hash=image_hash,
        spare=spare,
        flash_ok=_block_ok(flash_magic, FLASH_MAGIC, flash, flash_crc),
        clock_ok=_block_ok(clock_magic, CLOCK_MAGIC, clock, clock_crc),
        header_ok=None if ignored else crc32(data[:-4]) == header_crc,
    )


def image_start_of(flash: Buffer) -> int:
    """Where boot2's image starts by its own header, true for boot2; 0x2000 where it cannot be."""
    raw = bytes(flash[128:132])
    start = int.from_bytes(raw, "little")
    return start if HEADER_SIZE <= start <= 0x10000 else 0x2000


def for_image(image: Buffer, flash: bytes = GENERIC_FLASH) -> tuple[BootHeader, bytes]:
    """The header for a raw application and the image it describes, filled up to 16 bytes."""
    padded = bytes(image) + bytes(-len(image) % 16)
    header = BootHeader(
        revision=1,
        flash=flash,
        clock=CLOCK_40_MHZ,
        boot_word=FIRMWARE_BOOT_WORD,
        image_size=len(padded),
        entry=0,
        image_start=IMAGE_GAP,
        image_hash=hashlib.sha256(padded).digest(),
        spare=bytes(8),
        flash_ok=True,
        clock_ok=True,
        header_ok=True,
    )
    return header, padded
