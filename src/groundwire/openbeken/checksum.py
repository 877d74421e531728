"""The checksum of an OpenBeken configuration, in both forms that compilers made of it."""

# Ref: obk-config, section 2; tiny_crc8.c of OpenBK7231T_App.

from __future__ import annotations

from functools import cache

POLYNOMIAL = 0x8C


def crc8(data: bytes, *, signed: bool) -> int:
    """CRC-8 over `data`; `signed` shifts as a signed `char` does, keeping the top bit.

    The source uses plain `char`, so the result depends on the platform's compiler.
    """
    by_crc, by_byte = step_tables(signed=signed)
    crc = 0
    for byte in data:
        crc = by_crc[crc] ^ by_byte[byte]
    return crc


@cache
def step_tables(*, signed: bool) -> tuple[bytes, bytes]:
    """What one byte does to the checksum.

    Both shifts are linear, so the step is the XOR of a part that depends on the old checksum and
    one that depends on the byte.
    """
    return (
        bytes(step(value, 0, signed=signed) for value in range(256)),
        bytes(step(0, value, signed=signed) for value in range(256)),
    )


def step(crc: int, byte: int, *, signed: bool) -> int:
    """One byte, bit by bit, as the firmware does it."""
    top = 0x80 if signed else 0
    for _ in range(8):
        bit = (crc ^ byte) & 1
        crc = crc >> 1 | crc & top
        byte = byte >> 1 | byte & top
        if bit:
            crc ^= POLYNOMIAL
    return crc
