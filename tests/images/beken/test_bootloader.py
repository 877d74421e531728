"""Bootloaders: presence, validity, version, fingerprint, and the table of known ones."""

from __future__ import annotations

import struct

import pytest

from beken_images import bootloader
from groundwire.framing.crc import crc32
from groundwire.images.beken import crc_blocks, rbl
from groundwire.images.beken.bootloader import examine, known_bootloaders, looks_like_bootloader
from groundwire.images.beken.cipher import known_stream, stream_from_words

ZERO = known_stream("zero")


def examined(data):
    return examine(data, tuple(rbl.find_headers(data)))


@pytest.mark.parametrize(
    ("chip", "stream", "version", "marker"),
    [
        ("BK7231N", None, "BK7231N_1.0.1", "BK7231"),
        ("BK7231T", None, "BK7231S_1.0.5", ""),
        ("BK7238", ZERO, "", "BK7238"),
    ],
)
def test_a_whole_bootloader(chip, stream, version, marker):
    data = bootloader(chip, stream)
    found = examined(data)
    assert found.valid
    assert (found.version, found.code.marker) == (version, marker)
    assert found.fingerprint_256 == crc32(data[:256])
    assert found.fingerprint_257 == crc32(data[:257])
    assert found.partition("app").offset == 0x10000


def test_the_version_behind_the_marker_of_an_sdk_loader():
    data = bytearray(bootloader("BK7238", ZERO))
    # Logical 0x108, packet 8: the checksum of that packet is then wrong, the text still readable.
    data[0x110 + 8 : 0x110 + 16] = b"_1.0.15\0"
    assert examined(bytes(data)).version == "BK7238_1.0.15"


@pytest.mark.parametrize("at", [0x40, 0x4000, 0x10FA0])
def test_damage_makes_it_invalid(at):
    data = bytearray(bootloader())
    data[at] ^= 0x10
    assert not examined(bytes(data)).valid


@pytest.mark.parametrize("data", [b"", b"\xff" * 0x11000, bytes(0x11000), b"\x12\x34" * 0x8800])
def test_what_is_no_bootloader(data):
    assert examined(data) is None
    assert not looks_like_bootloader(data)


@pytest.mark.parametrize(("at", "found"), [(0x48, True), (0x1F08, True), (0x100, False)])
def test_the_key_that_a_loader_carries_is_believed_where_it_is_the_one_in_use(at, found):
    words = (0x01234567, 0x89ABCDEF, 0x0F1E2D3C, 0x31415920)
    stream = stream_from_words("x", words)
    data = bytearray(bootloader("BK7231T", stream))
    copy = stream.apply(struct.pack("<4I", *words), at)
    for index, byte in enumerate(copy):
        data[crc_blocks.physical_address(at + index)] = byte
    assert examined(bytes(data)).key_words == (words if found else None)


def test_the_table_is_whole_and_has_no_row_twice():
    rows = known_bootloaders()
    assert len({(row.crc32, row.size) for row in rows}) == len(rows)
    assert {row.size for row in rows} == {256, 257}
    assert all(row.source and row.chips for row in rows)
    assert {row.key for row in rows} <= {"", "tuya", "zero", "uascent"}
