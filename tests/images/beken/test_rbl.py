"""RBL headers, in a partition and before a raw body, and what they say of the payload."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beken_images import application, plain_code
from groundwire.errors import DamagedImage, GroundwireError, UnsupportedHere
from groundwire.framing.crc import crc32
from groundwire.images.beken import crc_blocks, package, rbl
from groundwire.images.beken.cipher import known_stream
from groundwire.images.beken.rbl import Compression, Encryption, RblHeader

# Packed by hand from the table in beken-images, section 3; checksums by zlib.
LITERAL = bytes.fromhex(
    "52424c00" "02" "01" "0000" "80bdf25e"
    "61707000000000000000000000000000"
    "2d6f0000000000000000000000000000" "0000000000000000"
    "3030303030303030303030303030303030303030303030" "00"
    "78563412" "f0debc9a" "10270000" "80130000"
)  # fmt: skip


def test_a_header_by_vector():
    raw = LITERAL + struct.pack("<I", crc32(LITERAL))
    header = RblHeader(
        encryption=Encryption.AES256_CBC,
        compression=Compression.GZIP,
        packed_at=0x5EF2BD80,
        name="app",
        version="-o",
        serial="0" * 23,
        package_crc=0x12345678,
        payload_hash=0x9ABCDEF0,
        raw_size=10000,
        package_size=4992,
    )
    assert rbl.parse_header(raw) == header
    assert header.build() == raw


def test_text_behind_the_first_nul_is_ignored():
    raw = bytearray(LITERAL)
    raw[12:28] = b"app\0old name\0\0\0\0"
    assert rbl.parse_header(raw + struct.pack("<I", crc32(raw))).name == "app"


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (lambda raw: raw[:95], "its header is cut off after 95 bytes"),
        (lambda raw: b"RBX" + raw[3:], "it does not start with RBL"),
        (lambda raw: raw[:20] + b"x" + raw[21:], "the header fails its own checksum"),
    ],
)
def test_headers_that_are_none(change, finding):
    raw = LITERAL + struct.pack("<I", crc32(LITERAL))
    with pytest.raises(DamagedImage) as caught:
        rbl.parse_header(change(raw))
    assert caught.value.finding == finding


def test_the_header_of_a_partition_is_found_on_its_own_grid():
    partition = application()
    moved = b"\xff" * 5 + partition[-rbl.INTERLEAVED_SIZE :] + b"\xff" * 9
    (found,) = rbl.find_headers(moved)
    assert (found.offset, found.interleaved, found.header.name) == (5, True, "app")


def test_the_payload_of_a_partition_fits_its_header():
    partition = application()
    (found,) = rbl.find_headers(partition)
    stored = crc_blocks.strip(partition)
    check = rbl.check_payload(found.header, stored, known_stream("tuya"), 0x10000)
    assert (check.body_ok, check.hash_ok, check.update_copy) == (True, True, False)
    broken = b"\x01" + stored[1:]
    check = rbl.check_payload(found.header, broken, known_stream("tuya"), 0x10000)
    assert (check.body_ok, check.hash_ok, check.ok) == (False, False, False)


@pytest.mark.parametrize("over", ["stored", "plain"])
def test_after_an_update_the_header_is_a_copy_and_only_the_hash_counts(over):
    plain = plain_code(0x900)
    stream = known_stream("tuya")
    stored = stream.apply(plain, 0x10000)
    packed = package.pack(plain if over == "plain" else stored, "-o", 0)
    check = rbl.check_payload(rbl.parse_header(packed), stored, stream, 0x10000)
    assert (check.body_ok, check.hash_ok, check.update_copy) == (None, True, True)


def test_a_raw_size_that_is_32_too_large_is_tolerated():
    # As ltchiptool's packer writes it for some sizes; the hash then counts the padding in.
    stored = plain_code(0x800) + b"\xff" * 16
    padding = b"\x10" * 16
    header = RblHeader(
        encryption=Encryption.NONE,
        compression=Compression.NONE,
        packed_at=0,
        name="app",
        version="1",
        serial="",
        package_crc=crc32(stored + padding),
        payload_hash=package.fnv1a_32_fast(stored + padding),
        raw_size=len(stored) + 32,
        package_size=len(stored) + 16,
    )
    check = rbl.check_payload(header, stored + b"\xff" * 64, None, 0x10000)
    assert (check.ok, check.size) == (True, len(stored))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_header_or_a_damaged_image(data):
    with pytest.raises(DamagedImage):
        rbl.parse_header(data)


@given(st.lists(st.sampled_from([b"RBL\0", b"\0\0\0\0", b"\2\1\0\0", b"x"]), max_size=60))
def test_finding_headers_in_anything_ends(parts):
    assert list(rbl.find_headers(b"".join(parts))) == []


# --- update files ---------------------------------------------------------------------------------


def test_packing_and_unpacking_gives_the_payload_back():
    plain = plain_code(0x4000)
    opened = package.unpack(package.pack(plain, "1.2.3", 1_600_000_000))
    assert opened.ok
    assert opened.payload == plain
    assert opened.header.version == "1.2.3"


def test_a_flipped_bit_in_the_body_is_seen():
    packed = bytearray(package.pack(plain_code(0x4000), "1", 0))
    packed[-1] ^= 1
    with pytest.raises(DamagedImage) as caught:
        package.unpack(packed)
    assert caught.value.finding == "the body does not decipher with the usual key"


def test_a_compression_bomb_is_stopped_at_the_size_it_claims():
    opened = package.pack(bytes(3 << 20), "1", 0)
    header = rbl.parse_header(opened)
    lying = RblHeader(
        **{
            **{name: getattr(header, name) for name in header.__dataclass_fields__},
            "raw_size": 1000,
        }
    )
    with pytest.raises(DamagedImage) as caught:
        package.unpack(lying.build() + opened[rbl.HEADER_SIZE :])
    assert caught.value.finding == "its body unpacks to more than the 1000 bytes it claims"


def test_a_payload_larger_than_any_application_is_refused_before_unpacking():
    header = rbl.describe(b"x", "app", "1", 0)
    huge = struct.pack("<I", 0xFFFFFFF0)
    raw = header.build()[:84] + huge + header.build()[88:92]
    with pytest.raises(DamagedImage) as caught:
        package.unpack(raw + struct.pack("<I", crc32(raw)))
    assert caught.value.finding == "it claims 4294967280 bytes, more than any application has"


def test_an_unused_packing_is_unsupported_and_says_which():
    raw = bytearray(rbl.describe(b"x", "app", "1", 0).build()[:92])
    raw[5] = Compression.QUICKLZ
    with pytest.raises(UnsupportedHere) as caught:
        package.unpack(raw + struct.pack("<I", crc32(raw)) + bytes(16))
    assert caught.value.reason == "packed with QUICKLZ"


@pytest.mark.parametrize("keep", [0, 50, 95, 96, 97, 200, 1000])
def test_a_cut_update_file_is_a_damaged_image(keep):
    packed = package.pack(plain_code(0x4000), "1", 0)
    with pytest.raises(DamagedImage):
        package.unpack(packed[:keep])


@given(st.binary(max_size=100), st.integers(0, 1), st.integers(0, 2000), st.integers(0, 2000))
def test_any_body_behind_a_good_header_ends_in_a_result_or_an_error(body, packed, raw, size):
    header = RblHeader(
        encryption=Encryption.AES256_CBC if packed else Encryption.NONE,
        compression=Compression.GZIP if packed else Compression.NONE,
        packed_at=0,
        name="app",
        version="1",
        serial="",
        package_crc=0,
        payload_hash=0,
        raw_size=raw,
        package_size=size,
    )
    try:
        opened = package.unpack(header.build() + body)
    except GroundwireError:
        return
    assert len(opened.payload) <= len(body)
