"""Conversions: what comes out is recognised as what it should be, and what is refused, and why."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beken_images import application, bootloader, flash_dump, plain_code, qio
from corpus import dump
from groundwire.errors import ConversionRefused, DamagedImage, GroundwireError
from groundwire.images.beken.cipher import known_stream
from groundwire.images.beken.content import read_content
from groundwire.images.convert import ConvertOptions, Form, convert, cut, join, parts_of
from groundwire.images.recognise import ImageKind, recognise
from groundwire.quantities import Span

ZERO = known_stream("zero")


def made(data, form, **options):
    return convert(data, form, ConvertOptions(**options)).data


def refusal(data, form, **options):
    with pytest.raises(ConversionRefused) as caught:
        convert(data, form, ConvertOptions(**options), name="file.bin")
    return caught.value.reason


def rotated(flash):
    return flash[0x11000:] + flash[:0x11000]


def test_qio_to_ua_and_back_is_the_same():
    assert made(qio(), Form.UA) == application()
    assert made(application(), Form.QIO, bootloader=bootloader()) == qio()


def test_a_dump_becomes_a_qio_without_calibration():
    assert made(flash_dump(), Form.QIO) == qio()
    assert made(rotated(flash_dump("BK7231T")), Form.QIO) == qio("BK7231T")


def test_a_rotated_dump_is_turned_back():
    assert made(rotated(flash_dump("BK7231T")), Form.DUMP) == flash_dump("BK7231T")


def test_checksums_and_cipher_off_and_on():
    code = plain_code(0x9000, b"BK7231", b"OpenBK7231N 1.18.300 Aug  2 2026 19:38:04")
    plain = made(application(), Form.PLAIN)
    assert plain[: len(code)] == code
    assert made(application(), Form.ENCIPHERED) == known_stream("tuya").apply(plain, 0x10000)
    assert made(plain, Form.UA, chip="BK7231N", version="1.00", packed_at=1_600_000_000) == (
        application()
    )
    assert made(plain, Form.QIO, bootloader=bootloader(), packed_at=1_600_000_000) == qio()


def test_an_n_application_without_cipher_is_one_for_m():
    assert recognise(made(application(), Form.UA, key="zero")).chips[0] == "BK7231M"
    assert recognise(made(application(), Form.UA, chip="BK7231M")).key_class == "zero"


def test_a_key_can_be_given_by_its_words():
    tuya = made(application(), Form.UA, key="510FB093 A3CBEADC 5993A17E C7ADEB03")
    assert tuya == application()
    own = made(application(), Form.UA, key="0123456789ABCDEF0F1E2D3C31415920")
    assert recognise(own).key_class == "other"


def test_update_files_are_made_and_opened():
    packed = made(application(), Form.RBL)
    assert recognise(packed).kind is ImageKind.RBL
    wrapped = made(packed, Form.UG)
    assert recognise(wrapped).kind is ImageKind.UG
    assert made(wrapped, Form.UA, chip="BK7231N") == application()


TWO_CHIPS = (
    "the result would not boot: 0x00000..0x129F70: parts of two chips: "
    "bootloader and application BK7231T against BK7231N or BL2028N"
)


@pytest.mark.parametrize(
    ("data", "form", "options", "reason"),
    [
        (application("BK7231T"), Form.UA, {"key": "zero"},
         "no BK7231T with the key set 'zero' is known, it would not start"),
        (application(), Form.UA, {"chip": "BK7231T"},
         "it is for BK7231N or BL2028N, not for BK7231T"),
        (application(), Form.UA, {"key": "secret"}, "'secret' is no key"),
        (application(), Form.QIO, {}, "there is no bootloader in it"),
        (application(), Form.QIO, {"bootloader": application()}, "there is no bootloader in it"),
        (application(), Form.QIO, {"bootloader": bootloader()[:0x8000]},
         "its bootloader is damaged or incomplete"),
        (application(), Form.QIO, {"bootloader": bootloader("BK7231T")},
         TWO_CHIPS),
        (application("BK7238", ZERO), Form.QIO, {"bootloader": bootloader("BK7231N")},
         "the application needs 1156 KiB, the bootloader's table has 0x11000..0x129F70"),
        (qio(), Form.DUMP, {},
         "a qio does not hold the radio calibration and settings of a module"),
        (flash_dump()[:0x1E0000], Form.DUMP, {}, "it is cut: 1920 KiB"),
        (bootloader(), Form.UA, {}, "it holds no application that can be deciphered"),
        (plain_code(0x1000), Form.UA, {},
         "it does not say which key set it is for (BK7231T or BK7231U or BK7231Q or BK7252)"),
        (b"hello", Form.UA, {}, "it is unknown"),
        (qio(), Form.BL602_APP, {}, "this is a Beken file"),
    ],
)  # fmt: skip
def test_what_would_not_boot_is_refused_with_the_reason(data, form, options, reason):
    assert refusal(data, form, **options) == reason


def test_a_damaged_application_is_refused_with_its_place():
    data = bytearray(qio())
    data[0x11000 + 34 * 20] ^= 1
    assert refusal(bytes(data), Form.UA) == "its application is damaged at 0x112A8..0x112CA"


def test_an_update_that_is_too_large_is_refused():
    noise = random.Random(3).randbytes(0xB0000)
    code = plain_code(0x1000, b"BK7231") + noise
    assert refusal(code, Form.UG).endswith("an update has room for 664 KiB")


def test_the_text_of_a_refusal():
    with pytest.raises(ConversionRefused) as caught:
        convert(application(), Form.QIO, name="ua.bin")
    assert str(caught.value) == (
        "'ua.bin' is not made into qio: there is no bootloader in it\n"
        "  likely   the result would not boot, or would lose what the module needs\n"
        "  next     give a file that holds one for this chip"
    )


# --- cut and join ---------------------------------------------------------------------------------


def test_cutting_and_joining_gives_the_image_back():
    flash = flash_dump()
    parts = parts_of(flash)
    assert parts["app"] == Span.between(0x11000, 0x129F70)
    assert set(parts) == {"bootloader", "app", "download", "rf"}
    pieces = [(parts[name].start, cut(flash, name)) for name in ("bootloader", "app")]
    assert join(pieces).data == qio()
    pieces.append((parts["rf"].start, cut(flash, "rf")))
    joined = join([*pieces, (0x1FF000, b"\xff" * 0x1000)])
    assert joined.data == flash
    assert joined.form is Form.DUMP


def test_a_part_that_is_not_there():
    with pytest.raises(ConversionRefused) as caught:
        cut(qio(), "rf")
    assert caught.value.reason == "there is no such part in it"
    assert caught.value.advice == "its parts are: app, bootloader"


@pytest.mark.parametrize(
    ("pieces", "reason"),
    [
        ([], "there are none"),
        ([(0, b"ab"), (1, b"c")], "0x00000..0x00002 and 0x00001..0x00002 overlap"),
        ([(1 << 40, b"x")], "1,099,511,627,777 bytes is no flash"),
        ([(0, bootloader())], "it would not boot: it is bootloader"),
        ([(0, bytes(64))], "it would not boot: 0x00000..0x00040: every byte is 0x00: the flash did not answer"),
    ],
)  # fmt: skip
def test_pieces_that_make_no_image(pieces, reason):
    with pytest.raises(ConversionRefused) as caught:
        join(pieces)
    assert caught.value.reason == reason


# --- anything at all ------------------------------------------------------------------------------

DAMAGED = bytearray(qio())


@given(st.integers(0, len(DAMAGED) - 1), st.integers(1, 255), st.sampled_from(Form))
@settings(max_examples=20, deadline=None)
def test_a_changed_byte_never_fails_but_with_an_error_of_ours(at, change, form):
    data = bytearray(DAMAGED)
    data[at] ^= change
    try:
        result = convert(bytes(data), form)
    except GroundwireError:
        return
    assert result.data


@given(st.binary(max_size=2000), st.sampled_from(Form))
@settings(max_examples=40, deadline=None)
def test_anything_is_refused_or_converted(data, form):
    with pytest.raises((ConversionRefused, DamagedImage)):
        convert(data, form)


# --- real files -----------------------------------------------------------------------------------

# One of each kind: with and without container, rotated, after an update, cut to a short file.
REAL = ["n-arlec-razer-rgb", "n-lspa9-clone1", "t-led-moon-kobi", "t-woox-r5111"]
REAL += ["q-moes-relay-wa2", "obk-n-cfg-pwm3700", "obk-t-qio", "obk-7238-qio", "obk-7252-qio"]


@pytest.mark.corpus
@pytest.mark.parametrize("name", REAL)
def test_real_files_are_cut_and_joined_without_a_change(name):
    data = dump(name)
    content = read_content(data)
    whole = convert(data, Form.QIO).data
    assert content.flash.startswith(whole)
    ua = convert(data, Form.UA).data
    assert convert(ua, Form.QIO, ConvertOptions(bootloader=data)).data == whole
    found = recognise(whole)
    assert (found.kind, found.app_valid, found.bootloader_valid) == (ImageKind.QIO, True, True)


@pytest.mark.corpus
@pytest.mark.parametrize("name", ["obk-n-qio", "obk-7238-qio", "obk-7252-qio", "n-lspa9-clone1"])
def test_real_applications_survive_losing_and_getting_back_cipher_and_checksums(name):
    data = dump(name)
    ua = convert(data, Form.UA).data
    plain = convert(data, Form.PLAIN).data
    found = recognise(data)
    header = read_content(data).app.container.header
    again = convert(
        plain,
        Form.UA,
        ConvertOptions(chip=found.chips[0], version=header.version, packed_at=header.packed_at),
    ).data
    # Some packers leave old text behind the NUL of the header's strings; all else is the same.
    assert again[:-102] == ua[:-102]
    assert recognise(again).app_valid


@pytest.mark.parametrize("version", ["é" * 30, "\x1b[0m", "x" * 100])
def test_any_version_text_ends_up_in_a_header(version):
    packed = made(application(), Form.RBL, version=version, packed_at=1 << 40)
    assert recognise(made(packed, Form.UG)).app_valid
