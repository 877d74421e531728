"""The UG wrapper: what Tuya's own update takes, around an update file. Numbers are big-endian."""

# Ref: beken-images, section 4.1

from __future__ import annotations

import struct
from dataclasses import dataclass

from groundwire.errors import DamagedImage
from groundwire.images.text import field_text

Buffer = bytes | bytearray | memoryview

MAGIC = b"\x55\xaa\x55\xaa"
END_MAGIC = b"\xaa\x55\xaa\x55"
_HEADER = struct.Struct(">4s12sIII4s")
HEADER_SIZE = _HEADER.size
PAYLOAD_MAX = 0xA6000


@dataclass(frozen=True, slots=True)
class UgFile:
    """An opened wrapper. The checks are independent of each other."""

    version: str
    payload: bytes
    declared_size: int
    header_sum_ok: bool
    payload_sum_ok: bool
    size_ok: bool

    @property
    def ok(self) -> bool:
        return self.header_sum_ok and self.payload_sum_ok and self.size_ok


def parse(data: Buffer) -> UgFile:
    """Open a wrapper; raises DamagedImage where the file is none or its header is cut off."""
    if len(data) < HEADER_SIZE:
        raise DamagedImage(name="UG", finding=f"its header is cut off after {len(data)} bytes")
    head = bytes(data[:HEADER_SIZE])
    magic, version, size, payload_sum, header_sum, end = _HEADER.unpack(head)
    if magic != MAGIC or end != END_MAGIC:
        raise DamagedImage(name="UG", finding="its header has not the two magic numbers")
    payload = bytes(data[HEADER_SIZE : HEADER_SIZE + size])
    return UgFile(
        version=field_text(version),
        payload=payload,
        declared_size=size,
        header_sum_ok=sum(head[:24]) & 0xFFFFFFFF == header_sum,
        payload_sum_ok=sum(payload) & 0xFFFFFFFF == payload_sum,
        size_ok=size == len(data) - HEADER_SIZE,
    )


def build(payload: Buffer, version: str) -> bytes:
    """The wrapper around an update file."""
    raw = bytes(payload)
    name = version.encode("ascii", "replace")[:12].ljust(12, b"\0")
    head = struct.pack(">4s12sII", MAGIC, name, len(raw), sum(raw) & 0xFFFFFFFF)
    return head + struct.pack(">I4s", sum(head) & 0xFFFFFFFF, END_MAGIC) + raw
