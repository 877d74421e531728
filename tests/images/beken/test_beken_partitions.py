"""The partition table in a bootloader."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from beken_images import fal_table
from groundwire.images.beken import partitions
from groundwire.images.beken.partitions import EntryCheck
from groundwire.quantities import Span


def test_a_tuya_table_without_checksums():
    table = partitions.parse_table(
        b"code" + fal_table(0x108700, (0x12A000, 0xA6000), checksums=False)
    )
    assert [entry.name for entry in table] == ["bootloader", "app", "download"]
    assert [entry.span for entry in table] == [
        Span(0, 0x11000),
        Span.between(0x11000, 0x129F70),
        Span(0x12A000, 0xA6000),
    ]
    assert {entry.check for entry in table} == {EntryCheck.ABSENT}


def test_an_sdk_table_with_checksums():
    table = partitions.parse_table(fal_table(0x110000, (0x132000, 0xAE000), checksums=True))
    assert {entry.check for entry in table} == {EntryCheck.OK}
    assert all(entry.is_plausible for entry in table)


def test_a_wrong_checksum_makes_an_entry_implausible():
    raw = bytearray(fal_table(0x110000, (0x132000, 0xAE000), checksums=True))
    raw[64 + 56] ^= 1
    table = partitions.parse_table(raw)
    assert [entry.is_plausible for entry in table] == [True, False, True]


def test_an_entry_that_leaves_every_flash_is_implausible():
    raw = struct.pack("<4s24s24sIII", b"01PE", b"app", b"beken_onchip", 0xFFFFF000, 0x2000, 0)
    (entry,) = partitions.parse_table(raw)
    assert not entry.is_plausible


def test_the_magic_in_code_is_no_entry():
    assert partitions.parse_table(b"01PE" + bytes(60)) == ()


@given(st.lists(st.sampled_from([b"01PE", b"app\0", b"beken_onchip\0", b"\xff" * 9]), max_size=300))
def test_anything_gives_at_most_the_bounded_number_of_entries(parts):
    assert len(partitions.parse_table(b"".join(parts))) <= partitions.ENTRIES_MAX
