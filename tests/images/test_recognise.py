"""Recognising files by their content: kinds, chips, key sets, and what is wrong."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beken_images import application, bootloader, flash_dump, plain_code, qio, rf_sector
from groundwire.images.beken import crc_blocks, package, ug
from groundwire.images.beken.cipher import known_stream, stream_from_words
from groundwire.images.beken.content import unrotated
from groundwire.images.recognise import ImageKind, recognise
from groundwire.quantities import Span

ZERO = known_stream("zero")


def texts(data):
    return [str(problem) for problem in recognise(data).problems]


@pytest.mark.parametrize(
    ("chip", "stream", "chips"),
    [
        ("BK7231N", None, ("BK7231N",)),
        ("BK7231T", None, ("BK7231T",)),
        ("BK7231M", ZERO, ("BK7231M",)),
        ("BK7231U", ZERO, ("BK7231U",)),
        ("BK7252", ZERO, ("BK7252",)),
        ("BK7238", ZERO, ("BK7238",)),
        ("BK7231N", known_stream("uascent"), ("BK7231N",)),
    ],
)
def test_a_dump_names_its_chip_and_key(chip, stream, chips):
    found = recognise(flash_dump(chip, stream))
    assert found.kind is ImageKind.DUMP
    assert found.chips == chips
    assert found.key_class == (stream.name if stream else "tuya")
    assert found.bootloader_valid
    assert found.app_valid
    assert found.version == f"Open{chip} 1.18.300"
    assert found.problems == ()


def test_n_and_m_differ_by_the_key_set_only():
    assert recognise(application("BK7231N")).chips == ("BK7231N", "BL2028N")
    assert recognise(application("BK7231N", ZERO)).chips == ("BK7231M", "BL2028N")


def test_a_loader_alone_lists_every_chip_that_its_content_allows():
    assert recognise(bootloader("BK7238", ZERO)).chips == ("BK7238", "BK7252N")
    assert recognise(bootloader("BK7252", ZERO)).chips == ("BK7231U", "BK7252")


@pytest.mark.parametrize("seed", range(12))
def test_a_key_that_nobody_knows_is_recovered_and_called_other(seed):
    noise = random.Random(seed)
    words = [noise.getrandbits(32) for _ in range(3)]
    stream = stream_from_words("x", (*words, 0x31000000 | noise.getrandbits(20) << 4))
    found = recognise(flash_dump("BK7231T", stream))
    assert (found.kind, found.key_class, found.problems) == (ImageKind.DUMP, "other", ())
    assert (found.app_valid, found.bootloader_valid) == (True, True)
    assert found.version == "OpenBK7231T 1.18.300"


def test_two_unknown_keys_are_told_apart():
    one = stream_from_words("x", (1, 2, 3, 0x31000120))
    two = stream_from_words("x", (1, 2, 5, 0x31000120))
    mixed = bootloader("BK7231T", one) + application("BK7231T", two)
    assert any("different keys" in text for text in texts(mixed))


def test_the_kinds_by_content():
    assert recognise(qio()).kind is ImageKind.QIO
    assert recognise(application()).kind is ImageKind.UA
    assert recognise(bootloader()).kind is ImageKind.BOOTLOADER
    assert recognise(plain_code(0x4000, b"BK7231")).kind is ImageKind.PLAIN_APP
    packed = package.pack(plain_code(0x4000, b"BK7231"), "1", 0)
    assert recognise(packed).kind is ImageKind.RBL
    assert recognise(ug.build(packed, "1")).kind is ImageKind.UG
    assert recognise(b"\xff" * 5000).kind is ImageKind.ERASED
    assert recognise(b"\xff" * 4096 + rf_sector()).kind is ImageKind.SETTINGS_ONLY
    assert recognise(b"CFG\x05".ljust(3584, b"\0")).kind is ImageKind.OBK_CONFIG


def test_a_dump_of_a_flash_of_one_mebibyte_is_told_from_a_short_qio_by_its_calibration():
    short = (bootloader("BK7231T") + application("BK7231T"))[:0xEF000]
    assert recognise(short + b"\xff" * 0x11000).kind is ImageKind.QIO
    found = recognise(short + rf_sector() + b"\xff" * 0x10000)
    assert (found.kind, found.problems) == (ImageKind.DUMP, ())


def test_spans_are_offsets_in_the_file():
    assert recognise(qio()).app == Span.between(0x11000, 0x129F70)
    assert recognise(qio()).bootloader == Span(0, 0x11000)
    assert recognise(application()).app == Span(0, 0x118F70)


def test_a_rotated_dump_is_recognised_and_can_be_turned_back():
    straight = flash_dump("BK7231T")
    rotated = straight[0x11000:] + straight[:0x11000]
    found = recognise(rotated)
    assert found.kind is ImageKind.ROTATED_DUMP
    assert found.app == Span(0, 0x118F70)
    assert found.bootloader == Span(0x200000 - 0x11000, 0x11000)
    assert found.bootloader_valid
    assert texts(rotated) == [
        "0x00000..0x200000: the dump was read from 0x11000 on and wrapped around at the end"
    ]
    assert unrotated(rotated) == straight


def test_a_damaged_packet_is_named_by_its_address():
    data = bytearray(application())
    data[34 * 10 + 5] ^= 1
    found = recognise(bytes(data))
    assert not found.app_valid
    assert str(found.problems[0]) == (
        "0x00154..0x00176: checksum of the application wrong or packets missing"
    )


def test_a_lost_sector_inside_the_code_is_damage_and_not_its_end():
    data = bytearray(flash_dump())
    data[0x14000:0x15000] = b"\xff" * 4096
    found = recognise(bytes(data))
    assert not found.app_valid
    assert found.problems[0].span.start <= 0x14000
    assert found.problems[0].span.end >= 0x15000


@pytest.mark.parametrize("lost", [0x11000, 0x13000])
def test_an_application_without_container_is_still_checked(lost):
    data = bytearray(application(size=0x20000)[:-102])
    data[lost - 0x11000 + 0x1000 : lost - 0x11000 + 0x2000] = b"\xff" * 4096
    assert not recognise(bytes(data)).app_valid


def test_valid_packets_of_another_build_inside_do_not_pass_for_this_application():
    data = bytearray(application())
    other = crc_blocks.add(known_stream("tuya").apply(plain_code(0x400, seed=5), 0x14000))
    at = crc_blocks.physical_address(0x4000)
    data[at : at + len(other)] = other
    found = recognise(bytes(data))
    assert not found.app_valid
    assert found.problems[0].text == "this container does not fit the application: checksum wrong"


def test_the_rest_of_an_older_firmware_behind_the_end_is_not_damage():
    data = bytearray(flash_dump())
    old = crc_blocks.add(plain_code(0x4000, seed=9))
    data[0x40000 : 0x40000 + len(old)] = old
    found = recognise(bytes(data))
    assert found.app_valid
    assert found.problems == ()


def test_an_application_with_loader_of_another_chip_is_a_contradiction():
    mixed = bootloader("BK7231T") + application("BK7231N")
    (problem,) = recognise(mixed).problems
    assert problem.text == (
        "parts of two chips: bootloader and application BK7231T against BK7231N or BL2028N"
    )


def test_an_application_with_another_key_than_the_loader_is_named():
    mixed = bootloader("BK7231N") + application("BK7231N", ZERO)
    assert "0x00000..0x129F70: bootloader and application have different keys: tuya and zero" in (
        texts(mixed)
    )


def test_a_cut_application_says_so():
    cut = application(size=0x8000)[:0x4000]
    assert (
        texts(cut)
        == ["0x00000..0x03FF2: the application reaches the end of the file: the file is cut off"]
        or "cut off" in texts(cut)[-1]
    )


def test_enciphered_code_without_checksums_is_named_as_unbootable():
    code = known_stream("tuya").apply(plain_code(0x4000, b"BK7231"), 0x10000)
    found = recognise(code)
    assert found.kind is ImageKind.PLAIN_APP
    assert not found.app_valid
    assert found.problems[0].text == "enciphered, but without checksums: it cannot boot like this"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "0x00000..0x00000: the file is empty"),
        (b"\0", "0x00000..0x00001: every byte is 0x00: the flash did not answer"),
        (b"\xff" * 9, "0x00000..0x00009: every byte is 0xFF: the flash was erased"),
        (
            b"hello, world",
            "0x00000..0x0000C: no code, container or settings store of a known kind in it",
        ),
    ],
)
def test_files_that_are_no_images(data, text):
    assert texts(data) == [text]


@given(st.binary(max_size=5000))
@settings(max_examples=60, deadline=None)
def test_any_bytes_are_recognised_without_an_error(data):
    found = recognise(data)
    assert found.app is None or found.app.end <= len(data)


PREFIXES = [b"\x55\xaa\x55\xaa", b"RBL\0", b"UF2\n", b"BFNP", b"BL60X_OTA_Ver1.0", b"CFG", b"TLV\0"]


@given(st.sampled_from(PREFIXES), st.binary(max_size=1500))
@settings(max_examples=120, deadline=None)
def test_any_bytes_behind_any_magic_are_recognised_without_an_error(magic, data):
    assert recognise(magic + data).app_valid is False


CUTS = [1, 33, 34, 35, 0x100, 0x8000, 0x10F9A, 0x10FFF, 0x11001, 0x13000, 0x13001]


@pytest.mark.parametrize("size", CUTS)
@pytest.mark.parametrize(
    "whole", [flash_dump("BK7231T"), application("BK7238", ZERO, size=0x20000)], ids=["dump", "ua"]
)
def test_truncated_inside_loader_or_application_there_is_always_a_problem(whole, size):
    assert recognise(whole[:size]).problems


def test_it_is_quick():
    data = flash_dump()
    recognise(data)
    begin = time.process_time()
    recognise(data)
    assert time.process_time() - begin < 0.25  # 0.01 measured; the margin is for a busy machine
