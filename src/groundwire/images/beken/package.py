"""Update files: an RBL header before a raw body, opened and built.

The payload is the plain application for logical address 0x10000; the bootloader enciphers it and
adds the checksums while it installs it.
"""

# Ref: beken-images, section 3.2

from __future__ import annotations

import zlib
from dataclasses import dataclass

from groundwire.errors import DamagedImage, UnsupportedHere
from groundwire.framing.crc import crc32
from groundwire.images.beken.fnv import fnv1a_32_fast
from groundwire.images.beken.rbl import (
    HEADER_SIZE,
    Compression,
    Encryption,
    RblHeader,
    parse_header,
)

Buffer = bytes | bytearray | memoryview

PAYLOAD_MAX = 4 << 20  # the largest application partition is 2.6 MiB
PAD_MAX = 16
# Source: beken-images, section 3.2: the same in every published build.
DEFAULT_KEY = b"0123456789ABCDEF0123456789ABCDEF"
DEFAULT_IV = b"0123456789ABCDEF"
_GZIP = 31


@dataclass(frozen=True, slots=True)
class Package:
    """An opened update file. The three checks are independent; all of them count."""

    header: RblHeader
    payload: bytes
    body_ok: bool
    size_ok: bool
    hash_ok: bool

    @property
    def ok(self) -> bool:
        return self.body_ok and self.size_ok and self.hash_ok


def _damaged(finding: str) -> DamagedImage:
    return DamagedImage(name="RBL", finding=finding)


def _decrypt(body: bytes) -> bytes:
    # Late: this import costs 20 ms, and most files never need it.
    from cryptography.hazmat.primitives.ciphers import (  # noqa: PLC0415
        Cipher,
        algorithms,
        modes,
    )

    if len(body) % 16 or not body:
        raise _damaged(f"an enciphered body of {len(body)} bytes is not whole blocks")
    decryptor = Cipher(algorithms.AES(DEFAULT_KEY), modes.CBC(DEFAULT_IV)).decryptor()
    plain = decryptor.update(body) + decryptor.finalize()
    pad = plain[-1]
    if not 0 < pad <= 16 or plain[-pad:] != bytes([pad]) * pad:
        raise _damaged("the body does not decipher with the usual key")
    return plain[:-pad]


def _gunzip(body: bytes, size: int) -> bytes:
    unpacker = zlib.decompressobj(_GZIP)
    try:
        # One byte more than claimed is enough to see that it is more; a bomb ends here.
        payload = unpacker.decompress(body, size + 1)
    except zlib.error as error:
        raise _damaged(f"its compressed body cannot be unpacked ({error})") from error
    if len(payload) > size:
        raise _damaged(f"its body unpacks to more than the {size} bytes it claims")
    if not unpacker.eof:
        raise _damaged("its compressed body breaks off")
    return payload


def unpack(data: Buffer) -> Package:
    """Open an update file: header, body, deciphered and unpacked.

    Raises DamagedImage where it cannot be opened, and UnsupportedHere for packings nobody uses.
    A wrong checksum of an otherwise readable file is reported in the result, not raised.
    """
    header = parse_header(data)
    if header.raw_size > PAYLOAD_MAX:
        raise _damaged(f"it claims {header.raw_size} bytes, more than any application has")
    body = bytes(data[HEADER_SIZE : HEADER_SIZE + header.package_size])
    if len(body) < header.package_size:
        missing = header.package_size - len(body)
        raise _damaged(f"its body is cut off, {missing} of {header.package_size} bytes missing")
    body_ok = crc32(body) == header.package_crc
    plain = body
    if header.encryption is Encryption.AES256_CBC:
        plain = _decrypt(body)
    elif header.encryption is not Encryption.NONE:
        raise UnsupportedHere(asked="opening this container", reason="its encryption is unknown")
    if header.compression is Compression.GZIP:
        plain = _gunzip(plain, header.raw_size)
    elif header.compression is not Compression.NONE:
        name = header.compression.name
        raise UnsupportedHere(asked="opening this container", reason=f"packed with {name}")
    elif header.raw_size < len(plain) <= header.raw_size + PAD_MAX:
        plain = plain[: header.raw_size]
    return Package(
        header=header,
        payload=plain,
        body_ok=body_ok,
        size_ok=len(plain) == header.raw_size,
        hash_ok=fnv1a_32_fast(plain) == header.payload_hash,
    )


def pack(payload: Buffer, version: str, packed_at: int) -> bytes:
    """The update file for a plain application: gzip, then AES with the usual key."""
    from cryptography.hazmat.primitives.ciphers import (  # noqa: PLC0415
        Cipher,
        algorithms,
        modes,
    )

    raw = bytes(payload)
    packer = zlib.compressobj(9, zlib.DEFLATED, _GZIP)
    body = packer.compress(raw) + packer.flush()
    pad = 16 - len(body) % 16
    encryptor = Cipher(algorithms.AES(DEFAULT_KEY), modes.CBC(DEFAULT_IV)).encryptor()
    body = encryptor.update(body + bytes([pad]) * pad) + encryptor.finalize()
    header = RblHeader(
        encryption=Encryption.AES256_CBC,
        compression=Compression.GZIP,
        packed_at=packed_at,
        name="app",
        version=version,
        serial="0" * 23,
        package_crc=crc32(body),
        payload_hash=fnv1a_32_fast(raw),
        raw_size=len(raw),
        package_size=len(body),
    )
    return header.build() + body
