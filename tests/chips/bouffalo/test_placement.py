"""Where images go on a BL602, from synthetic files and from real dumps."""

import lzma
from dataclasses import replace

import pytest

import corpus
from groundwire.chips.bouffalo.layout import layout_for
from groundwire.chips.bouffalo.offline import identify_dump
from groundwire.chips.bouffalo.placement import place
from groundwire.chips.family import BootloaderPolicy, RegionKind, RfHealth
from groundwire.errors import (
    DamagedImage,
    ImageTooLarge,
    RefusedBySafety,
    UnknownImage,
    WrongFamily,
)
from groundwire.images.bouffalo import boot_header, ota, partition_table
from groundwire.quantities import Span
from groundwire.sim import bouffalo as made
from groundwire.sim.modules import firmware_image as beken_image

KEEP, REPLACE = BootloaderPolicy.KEEP, BootloaderPolicy.REPLACE
STOCK = made.stock_flash()
IDENTITY = identify_dump(STOCK)
LAYOUT = layout_for(IDENTITY)
RAW = made.firmware_image()


def laid(data, policy=KEEP, identity=IDENTITY):
    placed = place(data, "file", identity, layout_for(identity), policy)
    flash = bytearray(STOCK)
    for piece in placed.pieces:
        flash[piece.address : piece.span.end] = piece.data
    return placed, bytes(flash)


def test_a_dump_is_identified():
    assert (IDENTITY.chip, IDENTITY.flash_size, IDENTITY.rf) == (
        "BL602",
        0x200000,
        RfHealth.PRESENT,
    )
    assert IDENTITY.bootloader == "boot2, 32,768 bytes"
    assert [region.name for region in LAYOUT.regions] == [
        "boot2 and partition tables", "firmware", "update area", "mfg", "media", "PSM", "KEY",
        "DATA", "device tree and radio calibration",
    ]  # fmt: skip
    assert identify_dump(beken_image("BK7231N")) is None
    assert identify_dump(b"") is None


def test_a_raw_application_gets_a_header_and_goes_behind_it():
    placed, flash = laid(RAW)
    (piece,) = placed.pieces
    assert piece.address == 0x10000
    header = boot_header.parse(flash[0x10000:])
    assert header.header_ok
    assert header.flash_ok
    assert header.clock_ok
    assert header.clock == bytes.fromhex("0404000103010000")
    assert header.image_start == 0x1000
    assert header.hash_fits(flash[0x11000:])
    assert flash[0x11000 : 0x11000 + len(RAW)] == RAW
    assert flash[:0x10000] == STOCK[:0x10000]
    assert flash[0xD8000:] == STOCK[0xD8000:]
    assert placed.left_out[0] == (
        Span(0, 0x10000),
        "the module keeps its own boot2 and partition table",
    )


def test_application_with_header_update_and_whole_flash_end_in_the_same_place():
    with_header = made.with_header(RAW)
    whole = bytearray(STOCK)
    whole[0x10000 : 0x10000 + len(with_header)] = with_header
    _, wanted = laid(RAW)
    for data in (with_header, ota.build(with_header, "v1", "v2"), bytes(whole)):
        placed, flash = laid(data)
        assert flash[:0xA0000] == wanted[:0xA0000]
        assert all(piece.address >= 0x10000 for piece in placed.pieces)


@pytest.mark.parametrize(
    "data", [RAW, made.with_header(RAW), ota.build(made.with_header(RAW), "a", "b")]
)
def test_nothing_but_a_whole_flash_replaces_boot2(data):
    with pytest.raises(RefusedBySafety, match="without boot2") as caught:
        laid(data, REPLACE)
    assert "would destroy it" in caught.value.means


def test_a_whole_flash_replaces_boot2_and_keeps_settings_and_device_tree():
    other = made.stock_flash(seed=9)
    placed, flash = laid(other, REPLACE)
    assert [piece.address for piece in placed.pieces] == [0, 0x10000]
    assert flash[:0x10000] == other[:0x10000]
    for region in LAYOUT.regions:
        if region.kind in (RegionKind.RF, RegionKind.SETTINGS):
            assert region.span.of(flash) == region.span.of(STOCK)


def test_a_table_that_moves_the_settings_is_refused():
    other = bytearray(STOCK)
    moved = made.partition_table().replace(
        (0x1E9000).to_bytes(4, "little"), (0x1E8000).to_bytes(4, "little")
    )
    table = partition_table.parse(moved)
    for at in made.TABLES_AT:
        other[at : at + len(moved)] = table.build()
    with pytest.raises(RefusedBySafety, match="divides the flash in another way"):
        laid(bytes(other), REPLACE)
    laid(bytes(other), KEEP)


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (Span(0, 176), "boot2 at 0"),
        (Span(0xE000, 0x2000), "partition table"),
        (Span(0x1F8000, 0x1000), "device tree"),
    ],
)
def test_an_application_needs_what_starts_it(span, words):
    broken = bytearray(STOCK)
    broken[span.start : span.end] = b"\xff" * span.size
    identity = identify_dump(bytes(broken))
    if identity is None:  # without its boot header it is no dump of this family by content
        identity = replace(IDENTITY, bootloader="")
    with pytest.raises(RefusedBySafety, match=words):
        laid(RAW, identity=identity)


def test_files_that_are_something_else():
    with pytest.raises(WrongFamily):
        laid(beken_image("BK7231N"))
    with pytest.raises(UnknownImage):
        laid(b"\x12\x34" * 5000)
    damaged = bytearray(made.with_header(RAW))
    damaged[0x2000] ^= 1
    with pytest.raises(DamagedImage):
        laid(bytes(damaged))
    with pytest.raises(DamagedImage):
        laid(made.with_header(RAW)[:0x8000])
    with pytest.raises(ImageTooLarge):
        laid(made.firmware_image(size=0xC8000))


@pytest.mark.corpus
def test_a_real_dump_is_identified_and_takes_an_application():
    data = corpus.dump("bl602-obk-full")
    identity = identify_dump(data)
    assert identity is not None
    assert (identity.flash_size, identity.rf) == (len(data), RfHealth.PRESENT)
    assert identity.bootloader == "boot2, 39,312 bytes"
    layout = layout_for(identity)
    assert [one.span.start for one in layout.of_kind(RegionKind.APP)] == [0x10000]
    ends = [region.span.end for region in layout.regions]
    assert ends == sorted(ends)
    placed = place(RAW, "file", identity, layout, KEEP)
    assert [piece.address for piece in placed.pieces] == [0x10000]
    # written onto itself nothing changes, whether its bootloader is kept or not
    for policy in (KEEP, REPLACE):
        for piece in place(data, "itself", identity, layout, policy).pieces:
            assert piece.data == data[piece.address : piece.span.end]


@pytest.mark.corpus
def test_a_vendor_package_brings_its_application_and_not_its_table():
    data = corpus.dump("bl602-blank-2m")
    placed, _ = laid(data)
    assert [(piece.address, len(piece.data)) for piece in placed.pieces] == [(0x10000, 4784)]
    with pytest.raises(RefusedBySafety, match="divides the flash in another way"):
        laid(data, REPLACE)


# --- releases that are only compressed ------------------------------------------------------------


def xz_of(data, dictionary=32_768):
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 6, "dict_size": dictionary}]
    return lzma.compress(data, lzma.FORMAT_XZ, lzma.CHECK_CRC32, None, filters)


def test_a_compressed_release_ends_in_the_same_place():
    page = made.with_header(RAW)
    plain, _ = laid(page)
    packed, _ = laid(xz_of(page))
    assert [(one.address, one.data) for one in packed.pieces] == [
        (one.address, one.data) for one in plain.pieces
    ]
    assert packed.kind.startswith("bl602 update")
    with pytest.raises(RefusedBySafety, match="application without boot2"):
        laid(xz_of(page), REPLACE)


@pytest.mark.parametrize(
    "content",
    [b"\x12\x34" * 5000, made.stock_flash(), b"BFNP", bytes(5 << 20)],
    ids=["anything", "whole flash", "four bytes", "more than a flash"],
)
def test_other_things_that_are_compressed_are_no_image(content):
    with pytest.raises((UnknownImage, DamagedImage)):
        laid(xz_of(content))


def test_a_compressed_release_that_is_damaged_is_never_placed():
    packed = bytearray(xz_of(made.with_header(RAW)))
    with pytest.raises((UnknownImage, DamagedImage)):
        laid(bytes(packed[:-100]))
    packed[len(packed) // 2] ^= 1
    with pytest.raises((UnknownImage, DamagedImage)):
        laid(bytes(packed))
    page = bytearray(made.with_header(RAW))
    page[0x2000] ^= 1
    with pytest.raises(DamagedImage, match="SHA-256 does not fit"):
        laid(xz_of(bytes(page)))


def test_the_advice_for_an_unknown_file_names_this_chips_releases():
    with pytest.raises(UnknownImage) as caught:
        laid(b"\x12\x34" * 5000)
    assert "OpenBL602_" in caught.value.next_step
    assert "QIO" not in caught.value.next_step
