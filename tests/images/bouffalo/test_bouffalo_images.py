"""BL602 boot header, partition table, update file, and what a whole flash is made of."""

from __future__ import annotations

import contextlib
import hashlib
import lzma
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwire.errors import DamagedImage
from groundwire.images.bouffalo import boot_header, ota, partition_table
from groundwire.images.bouffalo.partition_table import PartitionTable, Row
from groundwire.images.recognise import ImageKind, recognise
from groundwire.quantities import Span

# From bouffalo-isp, artefact flash_header_16: the vendor's recipe for the image 00 01 .. 0F.
HEADER_16 = bytes.fromhex(
    "42464e500100000046434647110001016699ff039f009f0004ff0001c72052d8060232000b010b013b01bb006b01"
    "eb02eb02025000010001010002010201ab01053500000101000038ffffff77030240770302f02c01b004b0040500"
    "e88014009e622657504346470404000103010000e919303b00330000100000000000000000100000be45cb2605bf"
    "36bebde684841a28f0fd43c69850a3dce5fedba69928ee3a89910000000000000000e3bd60e4"
)
# From bouffalo-isp, artefact partition_table_2m: the vendor's table for 2 MiB.
TABLE_2M = bytes.fromhex(
    "424650540000070000000000269adf120000004657000000000000000000010000800e0000800d00008008000000"
    "0000000000000200006d66670000000000000000170000000000002003000000000000000000000000000300006d"
    "656469610000000000201a00000000000070040000000000000000000000000004000050534d0000000000000090"
    "1e0000000000008000000000000000000000000000000500004b455900000000000000101f000000000000200000"
    "00000000000000000000000006000044415441000000000000301f00000000000050000000000000000000000000"
    "0000070000666163746f7279000000801f000000000000700000000000000000000000000000de2b0cce"
)


def test_the_header_for_an_image_by_vector():
    header, padded = boot_header.for_image(bytes(range(16)))
    assert header.build() == HEADER_16
    assert padded == bytes(range(16))


def test_a_header_is_read_and_its_checks_hold():
    header = boot_header.parse(HEADER_16)
    assert (header.flash_ok, header.clock_ok, header.header_ok) == (True, True, True)
    assert (header.image_size, header.image_start) == (16, 0x1000)
    assert header.hash_fits(bytes(range(16))) is True
    assert header.hash_fits(bytes(16)) is False
    assert header.build() == HEADER_16


def test_the_placeholders_of_unsigned_builds_are_no_damage():
    raw = bytearray(HEADER_16)
    raw[116:120] = struct.pack("<I", 0x33300)
    raw[132:136] = raw[172:176] = struct.pack("<I", 0xDEADBEEF)
    header = boot_header.parse(raw)
    assert header.header_ok is None
    assert header.hash_fits(b"") is None


@pytest.mark.parametrize(("at", "which"), [(20, "flash_ok"), (105, "clock_ok"), (120, "header_ok")])
def test_each_checksum_of_a_header_is_looked_at(at, which):
    raw = bytearray(HEADER_16)
    raw[at] ^= 1
    assert getattr(boot_header.parse(raw), which) is False


def test_the_partition_table_by_vector():
    table = partition_table.parse(TABLE_2M)
    assert table.ok
    assert [row.name for row in table.rows] == [
        "FW",
        "mfg",
        "media",
        "PSM",
        "KEY",
        "DATA",
        "factory",
    ]
    firmware = table.row("fw")
    assert firmware is not None
    assert firmware.active_slot == Span(0x10000, 0xD8000)
    assert firmware.slot(1) == Span(0xE8000, 0x88000)
    assert table.build() == TABLE_2M


def test_the_valid_copy_with_the_higher_age_is_in_force():
    def copy(age):
        row = Row(0, 0, 0, "FW", (0x10000, 0), (0x1000 * (age + 1), 0), 0, 0)
        return PartitionTable(age, (row,), head_ok=True, rows_ok=True).build().ljust(4096, b"\xff")

    def size_in_force(first, second):
        table = partition_table.in_force(bytes(0xE000) + first + second)
        return table and table.rows[0].size[0]

    assert size_in_force(copy(1), copy(2)) == 0x3000
    assert size_in_force(copy(2), copy(1)) == 0x3000
    assert size_in_force(copy(1), b"BFPT".ljust(4096, b"x")) == 0x2000
    assert size_in_force(bytes(4096), bytes(4096)) is None


def app_file(image=bytes(range(256)) * 8):
    header, padded = boot_header.for_image(image)
    return header.build().ljust(0x1000, b"\xff") + padded


def whole_flash():
    flash = bytearray(b"\xff" * 0x20000)
    boot2 = bytes(range(64))
    header, _ = boot_header.for_image(boot2)
    raw = bytearray(header.build())
    raw[128:132] = struct.pack("<I", 0x2000)
    raw[172:176] = struct.pack("<I", boot_header.crc32(raw[:172]))
    flash[: len(raw)] = raw
    flash[0x2000 : 0x2000 + len(boot2)] = boot2
    for address in partition_table.ADDRESSES:
        flash[address : address + len(TABLE_2M)] = TABLE_2M
    app = app_file()
    flash[0x10000 : 0x10000 + len(app)] = app
    return flash


def test_a_whole_flash_is_recognised():
    found = recognise(bytes(whole_flash()))
    assert found.kind is ImageKind.BL602_WHOLE
    assert (found.family, found.chips) == ("bouffalo", ("BL602",))
    assert found.bootloader == Span(0, 0x2040)
    assert found.app == Span.between(0x10000, 0x11800)
    assert found.bootloader_valid
    assert found.app_valid
    assert found.problems == ()


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (0x2001, "0x02000..0x02040: second bootloader: SHA-256 does not fit"),
        (0xE020, "0x0E000..0x0E010: checksum of this copy of the partition table wrong"),
        (0x10070, "0x10000..0x100B0: application: checksum of the clock block wrong"),
        (0x11005, "0x11000..0x11800: application: SHA-256 does not fit"),
    ],
)
def test_damage_in_a_whole_flash_is_named(at, text):
    flash = whole_flash()
    flash[at] ^= 1
    assert text in [str(problem) for problem in recognise(bytes(flash)).problems]


def test_an_application_with_header_is_told_from_a_whole_flash():
    found = recognise(app_file())
    assert found.kind is ImageKind.BL602_APP
    assert found.app == Span(0, 0x1800)
    assert found.app_valid


def test_a_cut_application_says_how_much_is_missing():
    problems = [str(problem) for problem in recognise(app_file()[:-1]).problems]
    assert problems == ["0x01000..0x017FF: application is cut off: 2047 of 2048 bytes are there"]


def test_an_update_file_is_built_and_opened():
    raw = ota.build(app_file(), "1.0", "1.18.57")
    opened = ota.parse(raw)
    assert (opened.hash_ok, opened.size_ok, opened.software) == (True, True, "1.18.57")
    assert opened.unpacked == app_file()
    found = recognise(raw)
    assert found.kind is ImageKind.BL602_OTA
    assert found.app_valid


def test_the_head_of_an_update_file_by_vector():
    raw = ota.build(app_file(), "1.0", "1.18.57")
    body = raw[512:]
    head = b"BL60X_OTA_Ver1.0XZ  " + struct.pack("<I", len(body)) + bytes(range(1, 9))
    head += b"1.0".ljust(16, b"\0") + b"1.18.57".ljust(16, b"\0")
    head += hashlib.sha256(body).digest() + struct.pack("<I", 0x1800)
    assert raw[:512] == head.ljust(512, b"\xff")


def with_body(body, size=0xFFFFFFFF):
    head = b"BL60X_OTA_Ver1.0XZ  " + struct.pack("<I", len(body)) + bytes(range(1, 9)) + bytes(32)
    head += hashlib.sha256(body).digest() + struct.pack("<I", size)
    return head.ljust(512, b"\xff") + body


def test_a_compression_bomb_in_an_update_is_stopped():
    bomb = lzma.compress(bytes(40 << 20), preset=0)
    with pytest.raises(DamagedImage) as caught:
        ota.parse(with_body(bomb))
    assert caught.value.finding == "its body unpacks to more than a flash holds"


def test_an_update_that_asks_for_a_huge_dictionary_is_refused():
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 24 << 20}]
    greedy = lzma.compress(b"x", lzma.FORMAT_XZ, lzma.CHECK_CRC32, None, filters)
    with pytest.raises(DamagedImage):
        ota.parse(with_body(greedy))


@pytest.mark.parametrize("keep", [0, 9, 100, 511, 512, 600])
def test_a_cut_update_is_a_damaged_image(keep):
    with pytest.raises(DamagedImage):
        ota.parse(ota.build(app_file(), "1", "1")[:keep])


@given(st.sampled_from([boot_header, partition_table, ota]), st.binary(max_size=700))
def test_any_bytes_behind_the_magic_are_read_or_damaged(module, data):
    with contextlib.suppress(DamagedImage):
        module.parse(module.MAGIC + data)


@given(st.integers(0, 0x11FFF), st.binary(min_size=1, max_size=30))
def test_a_whole_flash_with_any_bytes_overwritten_is_still_recognised(at, new):
    flash = whole_flash()
    flash[at : at + len(new)] = new
    found = recognise(bytes(flash))
    assert found.app is None or found.app.end <= len(flash)
