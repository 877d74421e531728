"""Checksum packets: literal checksums, three states, and the code's extent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwire.images.beken import crc_blocks
from groundwire.images.beken.crc_blocks import PACKET_SIZE, PacketState
from groundwire.quantities import Span


@pytest.mark.parametrize(
    ("data", "checksum"),
    [
        (bytes(32), "8029"),
        (b"\xff" * 32, "000c"),
        (bytes(range(32)), "259d"),
    ],
)
def test_checksum_of_a_packet_by_vector(data, checksum):
    assert crc_blocks.add(data).hex() == data.hex() + checksum


@pytest.mark.parametrize(
    ("logical", "physical"),
    [(0, 0), (31, 31), (32, 34), (0x10000, 0x11000), (0x110000, 0x121000), (0x108700, 0x118F70)],
)
def test_addresses_with_and_without_checksums(logical, physical):
    assert crc_blocks.physical_address(logical) == physical
    assert crc_blocks.logical_address(physical) == logical


def test_an_erased_packet_is_neither_valid_nor_damaged():
    data = crc_blocks.add(bytes(32)) + b"\xff" * 34 + b"\x01" + crc_blocks.add(bytes(32))[1:]
    check = crc_blocks.check(data, 0x11000)
    assert check.states.tolist() == [PacketState.VALID, PacketState.ERASED, PacketState.DAMAGED]
    assert check.runs(PacketState.DAMAGED) == (Span(0x11000 + 68, 34),)


def test_a_packet_of_ff_data_with_its_checksum_is_valid():
    assert crc_blocks.check(crc_blocks.add(b"\xff" * 32)).states.tolist() == [PacketState.VALID]


def test_one_lone_valid_packet_far_behind_does_not_lengthen_the_code():
    lone = bytes(340) + crc_blocks.add(b"lone".ljust(32, b"\0")) + bytes(340)
    data = crc_blocks.add(bytes(range(32)) * 4) + lone
    assert crc_blocks.check(data).used() == (0, 4)


@given(st.binary(max_size=400))
def test_adding_and_stripping_gives_the_data_back(data):
    packets = crc_blocks.add(data)
    assert crc_blocks.strip(packets) == data + b"\xff" * (-len(data) % 32)
    assert crc_blocks.check(packets).valid_from_start() == len(packets) // PACKET_SIZE


@given(st.binary(max_size=700), st.integers(0, 1 << 20))
def test_any_bytes_have_a_state_for_every_whole_packet(data, start):
    check = crc_blocks.check(data, start)
    assert len(check) == len(data) // PACKET_SIZE
    spans = [span for state in PacketState for span in check.runs(state)]
    assert sum(span.size for span in spans) == len(check) * PACKET_SIZE


@given(st.binary(min_size=32, max_size=32), st.integers(0, 271))
def test_one_flipped_bit_is_always_seen(data, bit):
    packet = bytearray(crc_blocks.add(data))
    packet[bit // 8] ^= 1 << bit % 8
    assert crc_blocks.check(packet).count(PacketState.VALID) == 0
