"""What inspect says of whole, odd and broken files."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beken_images import fal_table
from corpus import dump, dump_names
from groundwire.errors import DamagedImage, UnknownImage
from groundwire.images.health import Verdict
from groundwire.images.kinds import ImageKind, Weight
from groundwire.jobs.inspect import MOST_CONFIGS, inspect_bytes, require_usable
from groundwire.openbeken.config import config_sector, fresh_config
from groundwire.openbeken.facts import placement_of
from groundwire.pins import NoPins, Role
from groundwire.quantities import Span
from groundwire.sim.modules import firmware_image
from stock_dump import PINS, STORE_AT, stock_dump
from store_builder import Block, store

DUMP = stock_dump()
SECTOR = 4096


def config_at(chip: str) -> tuple[int, bytes]:
    place = placement_of(chip)
    assert place is not None
    return config_sector(fresh_config(place, bytes.fromhex("02005e100001")), place)


def test_a_stock_dump_is_told_wholly():
    seen = inspect_bytes(DUMP)
    assert seen.recognition.kind is ImageKind.DUMP
    assert (seen.chip, seen.recognition.key_class) == ("BK7231N", "tuya")
    assert seen.health.verdict is Verdict.SOUND
    assert seen.usable
    assert seen.macs == ("02:00:5E:10:00:01",)
    assert [name for name, _ in seen.partitions] == ["bootloader", "app", "download"]
    assert (seen.wiring.module, seen.wiring.chip) == ("CB2S", "BK7231N")
    assert [pin.pin for pin in seen.wiring.with_role(Role.RELAY)] == [26]
    assert seen.device.versions == {"application": "1.2.3"}
    names = {check.name: (check.good, check.total) for check in seen.health.checks}
    assert names["sectors of the vendor's settings store"] == (2, 2)
    assert names["values of the vendor's settings store"] == (4, 4)
    require_usable(seen, "dump")


def test_a_damaged_packet_is_named_by_its_block():
    data = bytearray(DUMP)
    data[0x30000] ^= 1
    seen = inspect_bytes(bytes(data))
    assert seen.health.verdict is Verdict.DAMAGED
    (span,) = seen.health.damaged_spans
    assert span.contains(Span(0x30000, 1))
    assert span.size == 34
    with pytest.raises(DamagedImage, match="0x3000") as failed:
        require_usable(seen, "dump")
    assert failed.value.exit_code == 6


def test_an_interrupted_write_of_the_store_is_a_note_and_its_values_are_salvaged():
    older = Block(0, {"user_param_key": PINS.encode() + b"\0"}, 4)
    newer = Block(0, {"user_param_key": b"{module:CBU,}\0"}, 5)
    built = bytearray(store(older, newer))
    built[2 * SECTOR + 2048] ^= 1  # somewhere in the newer block
    data = bytearray(DUMP)
    data[STORE_AT : STORE_AT + len(built)] = built
    seen = inspect_bytes(bytes(data))
    assert seen.wiring.module == "CB2S"
    assert seen.health.verdict is Verdict.SOUND
    notes = [one for one in seen.health.findings if one.weight is Weight.NOTE]
    assert any("interrupted" in one.text and one.span.start == STORE_AT + 2 * SECTOR
               for one in notes)  # fmt: skip


def test_a_value_that_cannot_be_read_is_damage_at_its_sector():
    built = bytearray(store(Block(0, {"user_param_key": PINS.encode() + b"\0"}, 4)))
    built[SECTOR + 256] ^= 1  # the value itself
    data = bytearray(DUMP)
    data[STORE_AT : STORE_AT + 3 * SECTOR] = b"\xff" * (3 * SECTOR)
    data[STORE_AT : STORE_AT + len(built)] = built
    seen = inspect_bytes(bytes(data))
    assert seen.health.damaged_spans == (Span(STORE_AT + SECTOR, SECTOR),)
    assert seen.wiring.reason is NoPins.NOT_UNDERSTOOD


def test_a_rotated_dump_is_told_like_the_straight_one():
    rotated = DUMP[0x11000:] + DUMP[:0x11000]
    seen = inspect_bytes(rotated)
    assert seen.recognition.kind is ImageKind.ROTATED_DUMP
    assert seen.wiring.pins == inspect_bytes(DUMP).wiring.pins
    assert seen.usable


def test_the_pins_of_the_firmware_that_runs_come_first():
    address, sector = config_at("BK7231N")
    freed = bytearray(DUMP)
    image = firmware_image("BK7231N")
    freed[0x11000 : len(image)] = image[0x11000:]
    freed[address : address + SECTOR] = sector
    seen = inspect_bytes(bytes(freed))
    assert seen.configs[0].span.start == address
    # the OpenBeken configuration names no pins, the vendor's settings still do
    assert seen.wiring.source == "settings store"
    assert [wiring.source for wiring in seen.wirings][1] == "OpenBeken configuration"


def test_a_configuration_with_a_wrong_checksum_is_damage():
    address, sector = config_at("BK7231N")
    data = bytearray(DUMP)
    data[address : address + SECTOR] = sector
    assert inspect_bytes(bytes(data)).usable
    data[address + 0x100] ^= 1
    assert inspect_bytes(bytes(data)).health.damaged_spans[0].start == address


def test_settings_alone_are_usable_though_no_flash_image():
    _address, sector = config_at("BK7231N")
    seen = inspect_bytes(sector)
    assert seen.recognition.kind is ImageKind.OBK_CONFIG
    assert seen.health.verdict is Verdict.NO_IMAGE
    assert seen.usable
    damaged = sector[:0x100] + b"\1" + sector[0x101:]
    assert not inspect_bytes(damaged).usable


@pytest.mark.parametrize(
    ("pins", "more", "reason"),
    [
        ("", {"baud_cfg": b'{"baud":115200}\0'}, NoPins.SERIAL_MCU),
        ("", {}, NoPins.IN_CODE),
        ("{broken", {}, NoPins.NOT_UNDERSTOOD),
    ],
)
def test_without_pins_the_reason_is_named(pins, more, reason):
    extra = {**more, **({"gw_di": b"{}\0"} if reason is NoPins.IN_CODE else {})}
    assert inspect_bytes(stock_dump(pins=pins, more=extra)).wiring.reason is reason


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"\xff" * (2 << 20), NoPins.ERASED), (b"", NoPins.NO_SETTINGS), (b"x", NoPins.NO_SETTINGS)],
)
def test_blank_files(data, reason):
    seen = inspect_bytes(data)
    assert seen.health.verdict is Verdict.NO_IMAGE
    assert not seen.usable
    assert seen.wiring.reason is reason
    with pytest.raises(UnknownImage):
        require_usable(seen, "blank")


BOUNDARIES = (0, 1, 31, 32, 34, 0x100, 0x10F9A, 0x11000, 0x11022, 0x129F0A, 0x12A000, 0x1D0000,
              0x1D0024, 0x1EE000, 0x1EF000, 0x1EF080, 0x1FFFFF)  # fmt: skip


@pytest.mark.parametrize("size", BOUNDARIES)
def test_a_file_cut_at_any_boundary_is_told_and_not_sound_for_long(size):
    seen = inspect_bytes(DUMP[:size])
    assert seen.size == size
    if seen.recognition.kind in {ImageKind.DUMP, ImageKind.QIO} and size < 0x100000:
        assert not seen.usable


@settings(max_examples=25, deadline=2000)
@given(st.lists(st.tuples(st.integers(0, len(DUMP) - 1), st.binary(max_size=64)), max_size=8))
def test_any_damage_gives_an_inspection(patches):
    data = bytearray(DUMP)
    for start, patch in patches:
        data[start : start + len(patch)] = patch
    seen = inspect_bytes(bytes(data[: len(DUMP)]))
    assert seen.wirings


@settings(max_examples=40, deadline=2000)
@given(st.binary(max_size=20_000))
def test_any_bytes_give_an_inspection(data):
    seen = inspect_bytes(data)
    assert (seen.size, bool(seen.wirings)) == (len(data), True)


@pytest.mark.parametrize(
    "unit",
    [
        b"CFG" + bytes(4093),
        bytes(8) + b"littlefs" + bytes(4080),
        b"TLV\0" + b"\xff" * 4092,
        fal_table(1, (2, 3), checksums=False).ljust(4096, b"\0"),
        store(Block(0, {"a": b"b"}))[:4096],
        b"BFNP" + bytes(4092),
        b"UF2\n" + bytes(508),
        b"RBL\0" + b"\xff" * 4092,
    ],
)
def test_a_file_full_of_one_magic_costs_bounded_time(unit):
    data = unit * ((2 << 20) // len(unit))
    start = time.process_time()
    seen = inspect_bytes(data)
    assert time.process_time() - start < 10
    assert len(seen.configs) <= MOST_CONFIGS


@pytest.mark.corpus
@pytest.mark.slow
@pytest.mark.parametrize("name", dump_names())
def test_every_real_file_is_usable_and_tells_its_pins_or_why_not(name):
    seen = inspect_bytes(dump(name))
    assert seen.usable
    assert not seen.wiring.empty or seen.wiring.reason is not None
