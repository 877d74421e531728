"""The radio calibration sector."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beken_images import MAC, rf_sector
from groundwire.errors import DamagedImage
from groundwire.images.beken import rf
from groundwire.images.beken.rf import RfState


def test_a_sector_with_two_groups():
    block = rf.parse(rf_sector())
    assert block.mac == MAC
    assert block.mac_text == "02:00:5E:10:00:01"
    assert [(group.tag, group.items) for group in block.groups] == [
        (0x11111100, (0x11111101, 0x11111102)),
        (0x22222200, (0x22222201,)),
    ]


def test_erased_present_and_missing_sectors():
    flash = rf_sector() + b"\xff" * 4096
    present = rf.look_at(flash, 0)
    erased = rf.look_at(flash, 4096)
    assert present is not None
    assert present.state is RfState.PRESENT
    assert erased is not None
    assert erased.state is RfState.ERASED
    assert rf.look_at(flash, 8192) is None


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ((0, b"XLV"), "it does not start with TLV"),
        ((4, b"\xff\xff\0\0"), "it claims 65535 bytes, the sector has room for 4088"),
        ((8, b"\x01"), "0x11111101 at offset 8 is no group of calibration values"),
        ((12, b"\xff\x0f"), "group 0x11111100 of 4095 bytes leaves the block"),
        ((20, b"\xff"), "item 0x11111101 of 255 bytes leaves its group"),
        ((28, b"\x09"), "it holds no MAC address"),
        ((36, bytes(6)), "its MAC address is not one of a module"),
        ((36, b"\x01"), "its MAC address is not one of a module"),
    ],
)
def test_damage_is_named(change, problem):
    sector = bytearray(rf_sector())
    at, new = change
    sector[at : at + len(new)] = new
    found = rf.look_at(bytes(sector), 0)
    assert found is not None
    assert found.state is RfState.DAMAGED
    assert found.problem == problem


def test_only_sector_starts_are_found():
    flash = b"\xff" * 4096 + rf_sector() + b"TLV\0".rjust(4096)
    assert [found.span.start for found in rf.find(flash)] == [4096]


@given(st.binary(max_size=300), st.integers(0, 400))
def test_any_bytes_behind_the_magic_are_a_block_or_damaged(data, total):
    try:
        block = rf.parse(b"TLV\0" + struct.pack("<I", total) + data)
    except DamagedImage:
        return
    assert len(block.mac) in {0, 6}
