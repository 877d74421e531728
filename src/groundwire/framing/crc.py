"""Checksums used by more than one protocol or format."""

from __future__ import annotations

import zlib


def crc32(data: bytes | bytearray | memoryview, start: int = 0) -> int:
    """The usual CRC-32 (zlib, PNG); `start` continues an earlier result."""
    return zlib.crc32(data, start)


def crc32_uninverted(data: bytes | bytearray | memoryview) -> int:
    """CRC-32 without the final inversion, as Beken chips report it.

    Source: beken-uart, section 11; check vectors `check_crc_*` of the frame table.
    """
    return zlib.crc32(data) ^ 0xFFFFFFFF


def fnv1a_32(data: bytes | bytearray | memoryview) -> int:
    """FNV-1a with 32 bits, the payload hash of RBL containers."""
    value = 0x811C9DC5
    for byte in bytes(data):
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value
