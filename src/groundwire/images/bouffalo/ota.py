"""The update file that OpenBeken on a BL602 takes over the air: a 512-byte head and a body."""

# Ref: bouffalo-isp, section 12.2

from __future__ import annotations

import hashlib
import lzma
import struct
from dataclasses import dataclass

from groundwire.errors import DamagedImage
from groundwire.images.text import field_text

Buffer = bytes | bytearray | memoryview

MAGIC = b"BL60X_OTA"
XZ_MAGIC = b"\xfd7zXZ\0"
FULL_MAGIC = b"BL60X_OTA_Ver1.0"
HEAD_SIZE = 512
UNPACKED_MAX = 4 << 20
XZ_DICTIONARY = 32_768
_MEMORY_MAX = 16 << 20
_UNKNOWN_SIZE = 0xFFFFFFFF
_HEAD = struct.Struct("<16s4sI8s16s16s32sI")


@dataclass(frozen=True, slots=True)
class OtaFile:
    """An opened update file; `unpacked` is header page and image as they go to the firmware slot.

    `size_ok` is None where the file does not say how large it unpacks.
    """

    kind: str
    hardware: str
    software: str
    body: bytes
    unpacked: bytes
    hash_ok: bool
    size_ok: bool | None


def _damaged(finding: str) -> DamagedImage:
    return DamagedImage(name="BL602 update", finding=finding)


def _unxz(body: bytes) -> bytes:
    """Unpack, bounded in size and in memory; an xz head can ask for gigabytes of dictionary."""
    unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY_MAX)
    try:
        out = unpacker.decompress(body, UNPACKED_MAX + 1)
    except (lzma.LZMAError, MemoryError) as error:
        raise _damaged(f"its body cannot be unpacked ({error})") from error
    if len(out) > UNPACKED_MAX:
        raise _damaged("its body unpacks to more than a flash holds")
    if not unpacker.eof:
        raise _damaged("its compressed body breaks off")
    return out


def parse(data: Buffer) -> OtaFile:
    """Open an update file; raises DamagedImage where it cannot be opened."""
    raw = bytes(data)
    if not raw.startswith(MAGIC):
        raise _damaged("it does not start with BL60X_OTA")
    if len(raw) < HEAD_SIZE:
        raise _damaged(f"its head is cut off after {len(raw)} bytes")
    _, kind, size, _, hardware, software, digest, unpacked_size = _HEAD.unpack_from(raw)
    body = raw[HEAD_SIZE : HEAD_SIZE + size]
    if len(body) < size:
        raise _damaged(f"its body is cut off, {size - len(body)} of {size} bytes missing")
    if kind == b"XZ  ":
        unpacked = _unxz(body)
    elif kind == b"RAW ":
        unpacked = body
    else:
        raise _damaged(f"its packing {field_text(kind)!r} is not known")
    return OtaFile(
        kind=field_text(kind).rstrip(),
        hardware=field_text(hardware).rstrip(),
        software=field_text(software).rstrip(),
        body=body,
        unpacked=unpacked,
        hash_ok=hashlib.sha256(body).digest() == digest,
        size_ok=None if unpacked_size == _UNKNOWN_SIZE else unpacked_size == len(unpacked),
    )


def unpack(data: Buffer) -> bytes:
    """Header page and image of an update file, or of a release that is only compressed.

    Raises:
        DamagedImage: it cannot be opened.
    """
    raw = bytes(data)
    return _unxz(raw) if raw.startswith(XZ_MAGIC) else parse(raw).unpacked


def build(unpacked: Buffer, hardware: str, software: str) -> bytes:
    """An update file, xz with the settings that the chip can unpack."""
    raw = bytes(unpacked)
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 9, "dict_size": XZ_DICTIONARY}]
    body = lzma.compress(raw, lzma.FORMAT_XZ, lzma.CHECK_CRC32, None, filters)
    head = _HEAD.pack(
        FULL_MAGIC,
        b"XZ  ",
        len(body),
        bytes(range(1, 9)),
        hardware.encode("ascii", "replace")[:16],
        software.encode("ascii", "replace")[:16],
        hashlib.sha256(body).digest(),
        len(raw),
    )
    return head.ljust(HEAD_SIZE, b"\xff") + body
