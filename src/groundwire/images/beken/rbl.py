"""The RBL container: a 96-byte header that describes a payload, in a partition or before a body.

In a code partition the header lies in the last three checksum packets and the payload starts at
the beginning of the partition. In an update file or the download partition the header comes
first and the body follows, raw; `package` opens that one.
"""

# Ref: beken-images, section 3

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from groundwire.errors import DamagedImage
from groundwire.framing.crc import crc32
from groundwire.images.beken import crc_blocks
from groundwire.images.beken.cipher import KeyStream
from groundwire.images.beken.fnv import fnv1a_32_fast
from groundwire.images.text import field_text

Buffer = bytes | bytearray | memoryview

MAGIC = b"RBL\0"
_HEADER = struct.Struct("<4sBBH I16s24s24s IIIII")
HEADER_SIZE = _HEADER.size
INTERLEAVED_SIZE = crc_blocks.physical_size(HEADER_SIZE)
PAD_UNIT = 16
# The first eight bytes are never split by a checksum, so one pattern finds both forms.
_LIKELY = re.compile(rb"RBL\x00[\x00-\x02][\x00-\x03]\x00\x00")
_CANDIDATES_MAX = 4096


class Encryption(IntEnum):
    """How the package body is enciphered."""

    NONE = 0
    XOR = 1
    AES256_CBC = 2


class Compression(IntEnum):
    """How the payload is packed."""

    NONE = 0
    GZIP = 1
    QUICKLZ = 2
    FASTLZ = 3


@dataclass(frozen=True, slots=True)
class RblHeader:
    """What a container says of its payload."""

    encryption: Encryption
    compression: Compression
    packed_at: int
    name: str
    version: str
    serial: str
    package_crc: int
    payload_hash: int
    raw_size: int
    package_size: int

    @property
    def is_stored_plainly(self) -> bool:
        """Whether the body is the payload itself, neither packed nor enciphered."""
        return self.encryption is Encryption.NONE and self.compression is Compression.NONE

    @property
    def payload_size(self) -> int:
        """The payload's bytes in flash.

        One packer writes a raw size that is 32 too large, even larger than its package; then the
        package size is the right one, less its padding.
        """
        if self.is_stored_plainly and self.raw_size > self.package_size:
            return max(self.package_size - PAD_UNIT, 0)
        return self.raw_size

    def build(self) -> bytes:
        """The 96 bytes of the header, with its own checksum."""
        body = _HEADER.pack(
            MAGIC,
            self.encryption,
            self.compression,
            0,
            self.packed_at & 0xFFFFFFFF,
            self.name.encode("ascii", "replace"),
            self.version.encode("ascii", "replace"),
            self.serial.encode("ascii", "replace"),
            self.package_crc,
            self.payload_hash,
            self.raw_size,
            self.package_size,
            0,
        )[:-4]
        return body + struct.pack("<I", crc32(body))


def parse_header(raw: Buffer) -> RblHeader:
    """The header in the first 96 bytes of `raw`.

    Raises DamagedImage where it is none, is cut off, or fails its own checksum.
    """
    if len(raw) < HEADER_SIZE:
        raise DamagedImage(name="RBL", finding=f"its header is cut off after {len(raw)} bytes")
    fields = _HEADER.unpack(bytes(raw[:HEADER_SIZE]))
    if fields[0] != MAGIC:
        raise DamagedImage(name="RBL", finding="it does not start with RBL")
    if crc32(raw[: HEADER_SIZE - 4]) != fields[-1]:
        raise DamagedImage(name="RBL", finding="the header fails its own checksum")
    try:
        encryption, compression = Encryption(fields[1]), Compression(fields[2])
    except ValueError as error:
        finding = f"encryption {fields[1]} or compression {fields[2]} is not known"
        raise DamagedImage(name="RBL", finding=finding) from error
    return RblHeader(
        encryption=encryption,
        compression=compression,
        packed_at=fields[4],
        name=field_text(fields[5]),
        version=field_text(fields[6]),
        serial=field_text(fields[7]),
        package_crc=fields[8],
        payload_hash=fields[9],
        raw_size=fields[10],
        package_size=fields[11],
    )


@dataclass(frozen=True, slots=True)
class FoundHeader:
    """A header with a good checksum, and where it lies.

    `interleaved` headers end a code partition; the others stand before a raw body.
    """

    offset: int
    header: RblHeader
    interleaved: bool

    @property
    def end(self) -> int:
        return self.offset + (INTERLEAVED_SIZE if self.interleaved else HEADER_SIZE)


def _interleaved_header(data: Buffer, offset: int) -> RblHeader | None:
    packets = data[offset : offset + INTERLEAVED_SIZE]
    plain = crc_blocks.strip(packets)
    # The header's own CRC-32 first: it is the cheap test and nearly always decides.
    if len(plain) < HEADER_SIZE or crc32(plain[:-4]) != int.from_bytes(plain[-4:], "little"):
        return None
    if crc_blocks.check(packets).valid_from_start() != 3:
        return None
    return _parsed_or_none(plain)


def _parsed_or_none(raw: Buffer) -> RblHeader | None:
    try:
        return parse_header(raw)
    except DamagedImage:
        return None


def find_headers(data: Buffer) -> Iterator[FoundHeader]:
    """All containers in `data` whose header is whole, in order of offset.

    The header of a partition has its own grid of packets, so every offset is looked at.
    """
    for count, match in enumerate(_LIKELY.finditer(data)):
        if count >= _CANDIDATES_MAX:
            return
        offset = match.start()
        header = _parsed_or_none(data[offset : offset + HEADER_SIZE])
        if header is not None:
            yield FoundHeader(offset, header, interleaved=False)
            continue
        header = _interleaved_header(data, offset)
        if header is not None:
            yield FoundHeader(offset, header, interleaved=True)


# --- checking the payload of a partition ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PayloadCheck:
    """How the payload of a partition compares with its header.

    `body_ok` is None where the header cannot say: after an update it is a copy of the update
    file's header, whose checksum is over the packed body.
    """

    body_ok: bool | None
    hash_ok: bool
    size: int
    update_copy: bool

    @property
    def ok(self) -> bool:
        return self.hash_ok and self.body_ok is not False


def check_body(header: RblHeader, stored: Buffer) -> bool | None:
    """Whether the body's CRC-32 fits; quick. None where the header cannot say.

    The padding that the packer counted in is not in flash: each of its bytes is its own number.
    """
    size = header.payload_size
    pad = header.package_size - size
    if not header.is_stored_plainly or not 0 < pad <= PAD_UNIT:
        return None
    payload = memoryview(bytes(stored))[:size]
    if len(payload) < size:
        return False
    return crc32(bytes([pad]) * pad, crc32(payload)) == header.package_crc


def check_payload(
    header: RblHeader, stored: Buffer, stream: KeyStream | None, address: int
) -> PayloadCheck:
    """Compare a partition's payload with the header at its end.

    `stored` are the partition's bytes without checksums, as they are in flash; `address` is their
    logical address, at which `stream` deciphers them.
    """
    size = header.payload_size
    payload = bytes(stored[:size])
    body_ok = check_body(header, stored)
    if header.is_stored_plainly and header.raw_size > header.package_size:
        payload += bytes([PAD_UNIT]) * PAD_UNIT
    hash_ok = len(payload) >= size and _hash_fits(header, payload, stream, address)
    return PayloadCheck(body_ok, hash_ok, size, update_copy=not header.is_stored_plainly)


def _hash_fits(header: RblHeader, payload: bytes, stream: KeyStream | None, address: int) -> bool:
    if fnv1a_32_fast(payload) == header.payload_hash:
        return True
    if stream is None or stream.is_off:
        return False
    return fnv1a_32_fast(stream.apply(payload, address)) == header.payload_hash


# --- building -------------------------------------------------------------------------------------


def describe(
    stored: Buffer, name: str, version: str, packed_at: int, serial: str = "0" * 23
) -> RblHeader:
    """The header for a payload as it is stored in flash, enciphered or not."""
    payload = bytes(stored)
    pad = PAD_UNIT - len(payload) % PAD_UNIT
    return RblHeader(
        encryption=Encryption.NONE,
        compression=Compression.NONE,
        packed_at=packed_at,
        name=name,
        version=version,
        serial=serial,
        package_crc=crc32(payload + bytes([pad]) * pad),
        payload_hash=fnv1a_32_fast(payload),
        raw_size=len(payload),
        package_size=len(payload) + pad,
    )
