"""The keys of a Tuya settings store, and AES as the store uses it."""

# Ref: tuya-storage, sections 3 and 4.1 (layout and test vectors).

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK = 16
MASTER_KEY = b"qwertyuiopasdfgh"
COMMON_KEY = b"HHRRQbyemofrtytf"

NO_PREFIX = ""
TWICE = "twice"


@dataclass(frozen=True, slots=True)
class Platform:
    """One way to make the data key: the vendor's prefix, or one of two forms without it."""

    prefix: str
    parts: str


PLATFORMS: tuple[Platform, ...] = (
    Platform("8710", "Beken N, T and Q, and most others"),
    Platform("8721", "RTL8720D"),
    Platform("8711", "RTL8711AM"),
    Platform("RDA5", "RDA5981"),
    Platform(NO_PREFIX, "some others"),
    Platform(TWICE, "some others"),
)


def data_key(prefix: str, device_key: bytes) -> bytes:
    """The key of the data sectors, from the prefix of the platform and the device key."""
    if prefix == NO_PREFIX:
        head = bytes(BLOCK)
    elif prefix == TWICE:
        head = COMMON_KEY
    else:
        head = (prefix.encode("ascii") * BLOCK)[:BLOCK] if len(prefix) == 4 else bytes(BLOCK)
    return bytes((a + b + c) & 0xFF for a, b, c in zip(head, COMMON_KEY, device_key, strict=True))


def decipher(data: bytes, key: bytes) -> bytes:
    """AES-128, ECB, no padding; whatever is left after the last whole block is dropped."""
    whole = len(data) // BLOCK * BLOCK
    context = Cipher(algorithms.AES(key), modes.ECB()).decryptor()
    return context.update(data[:whole]) + context.finalize()


def encipher(data: bytes, key: bytes) -> bytes:
    """The way back; `data` must be whole blocks."""
    context = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return context.update(data) + context.finalize()
