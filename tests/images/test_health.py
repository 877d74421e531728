"""Verdicts: sound, from another chip, damaged and where, no flash image."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beken_images import application, bootloader, flash_dump, plain_code, qio
from groundwire.images import patterns
from groundwire.images.beken import package
from groundwire.images.findings import Check, Finding
from groundwire.images.health import Expected, Verdict, check_health
from groundwire.images.kinds import Weight
from groundwire.quantities import Span

FLASH = flash_dump()
MAC = bytes.fromhex("02005e100001")


def changed(at, new, flash=FLASH):
    out = bytearray(flash)
    out[at : at + len(new)] = new
    return bytes(out)


def notes(data):
    return [str(f) for f in check_health(data).findings if f.weight is Weight.NOTE]


def test_a_sound_dump_and_what_was_checked():
    health = check_health(FLASH)
    assert (health.verdict, health.text, health.findings) == (Verdict.SOUND, "sound", ())
    assert [check.name for check in health.checks] == [
        "checksum packets of the bootloader",
        "container and hash of the bootloader",
        "entries of the partition table",
        "checksum packets of the application",
        "container and hash of the application",
        "radio calibration",
    ]
    assert all(check.ok for check in health.checks)
    assert health.checks[3].total == 1153


@pytest.mark.parametrize("data", [qio(), application(), bootloader()])
def test_release_files_are_sound(data):
    assert check_health(data).verdict is Verdict.SOUND


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (changed(0x11100, b"\0"), "damaged at 0x110EE..0x11110"),
        (changed(0x0100, b"\0\0"), "damaged at 0x000EE..0x00110"),
        (changed(0x129F30, b"\xa5"), "damaged at 0x129F0A..0x129F70"),
        (changed(0x1D0000, b"XXXX"), "damaged at 0x1D0000..0x1D1000"),
        (changed(0x1D0008, b"\x01"), "damaged at 0x1D0000..0x1D1000"),
        (changed(0x1F0000, bytes(0x4000)), "damaged at 0x1F0000..0x1F4000"),
        (changed(0x180000, bytes(range(256)) * 16 * 20), "damaged at 0x180000..0x194000"),
        (FLASH[:0x1F0000], "damaged at 0x00000..0x1F0000"),
        (FLASH + FLASH, "damaged at 0x200000..0x400000"),
        (FLASH + FLASH[:0x10000], "damaged at 0x00000..0x210000, 0x200000..0x210000"),
        (application(size=0x8000)[:0x4000], "damaged at 0x00000..0x04000"),
        (b"\xff" * 0x11000 + FLASH[0x11000:], "damaged at 0x00000..0x11000"),
    ],
)
def test_damage_is_named_with_its_addresses(data, text):
    health = check_health(data)
    assert health.verdict is Verdict.DAMAGED
    assert health.text == text


def test_a_lost_end_of_the_application_is_damage_though_every_packet_left_is_valid():
    lost = changed(0x11000 + 600 * 34, b"\xff" * (0x129F0A - 0x11000 - 600 * 34))
    assert check_health(lost).text == "damaged at 0x15FB0..0x1A922"


def test_a_container_left_from_a_shorter_application_is_a_note():
    longer = application(size=0xC000)[:-102]
    flash = changed(0x11000, longer)
    assert check_health(flash).verdict is Verdict.SOUND
    assert notes(flash)[0].startswith("0x129F0A..0x129F70: this container is left from something")


def test_a_single_sector_of_zeros_is_no_damage():
    assert check_health(changed(0x1F0000, bytes(4096))).verdict is Verdict.SOUND


def test_many_damaged_places_are_counted_and_the_first_shown():
    flash = FLASH
    for at in range(0x11000, 0x19000, 0x1000):
        flash = changed(at + 40, b"\0\0", flash)
    assert check_health(flash).text.startswith("damaged at 0x11022..0x11044, ")
    assert "more places" in check_health(flash).text


def test_stuck_bits_are_named():
    words = bytes(range(0, 256, 2)) * 1024
    assert patterns.stuck_bits(words) == (1, 0)
    assert patterns.stuck_bits(bytes(byte | 0x80 for byte in words)) == (1, 0x80)
    assert patterns.stuck_bits(bytes(range(256)) * 512) == (0, 0)


def test_a_rotated_dump_is_sound_with_a_note():
    rotated = flash_dump("BK7231T")
    rotated = rotated[0x11000:] + rotated[:0x11000]
    assert check_health(rotated).verdict is Verdict.SOUND
    assert notes(rotated) == [
        "0x00000..0x200000: the dump was read from 0x11000 on and wrapped around at the end"
    ]


def test_an_erased_calibration_is_a_note():
    assert notes(changed(0x1D0000, b"\xff" * 4096)) == [
        "0x1D0000..0x1D1000: the radio calibration is erased: the module had lost its MAC address"
    ]


def test_the_rest_of_a_broken_update_is_a_note_only():
    packed = bytearray(package.pack(plain_code(0x2000, b"BK7231"), "1", 0))
    packed[200] ^= 1
    flash = changed(0x12A000, packed)
    assert check_health(flash).verdict is Verdict.SOUND
    assert notes(flash)[0].startswith("0x12A000..")


@pytest.mark.parametrize(
    ("expected", "texts"),
    [
        (Expected(chip="BK7231N", key_class="tuya", mac=MAC, flash_size=0x200000), []),
        (Expected(chip="BK7231T"), ["made for BK7231N, this module is BK7231T"]),
        (
            Expected(key_class="zero"),
            ["enciphered with the key set tuya, this module has zero"],
        ),
        (Expected(mac=bytes(6)), []),
        (Expected(mac=b"\x02" * 6), ["its MAC address is that of another module"]),
        (Expected(flash_size=0x100000), ["larger than the flash of this module"]),
    ],
)
def test_what_is_sound_may_be_for_another_module(expected, texts):
    if expected.mac == bytes(6):
        expected = Expected()
    health = check_health(FLASH, expected)
    assert [finding.text for finding in health.findings] == texts
    assert health.verdict is (Verdict.OTHER_CHIP if texts else Verdict.SOUND)


def test_parts_of_two_chips_are_sound_but_not_from_this_chip():
    mixed = bootloader("BK7231T") + application("BK7231N")
    assert check_health(mixed).text == "sound but not from this chip"


@pytest.mark.parametrize(
    "data", [b"", b"x", b"\xff" * 0x200000, bytes(4096), b"CFG\5" + bytes(3580), plain_code(0x800)]
)
def test_what_is_no_flash_image(data):
    assert check_health(data).verdict is Verdict.NO_IMAGE


def test_rooms_above_add_their_findings():
    health = check_health(FLASH)
    finding = Finding(Weight.DAMAGE, Span(0x1EE000, 0x1000), "the settings store has no key")
    more = health.extended((finding,), (Check("settings store", 0, 1),))
    assert more.text == "damaged at 0x1EE000..0x1EF000"
    assert not more.checks[-1].ok


@given(
    st.lists(st.tuples(st.integers(0, 0x1FFFFF), st.binary(min_size=1, max_size=99)), max_size=3)
)
@settings(max_examples=15, deadline=None)
def test_any_change_gives_a_verdict(changes):
    flash = FLASH
    for at, new in changes:
        flash = changed(at, new, flash)[: len(FLASH)]
    assert check_health(flash).verdict in {Verdict.SOUND, Verdict.DAMAGED}


# A flipped byte anywhere in code, containers or calibration must be seen.
SEEN = st.one_of(
    st.integers(0, 0x8000),
    st.integers(0x10F9A, 0x11000 + 1153 * 34 - 1),
    st.integers(0x129F0A, 0x129F6F),
)


@given(SEEN, st.integers(0, 7))
@settings(max_examples=40, deadline=None)
def test_every_flipped_bit_in_code_and_containers_is_seen(at, bit):
    flash = bytearray(FLASH)
    flash[at] ^= 1 << bit
    health = check_health(bytes(flash))
    assert health.verdict is Verdict.DAMAGED
    assert any(span.start <= at < span.end for span in health.damaged_spans)
