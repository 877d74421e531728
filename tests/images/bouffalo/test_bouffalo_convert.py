"""BL602 conversions, and a whole flash from its parts."""

from __future__ import annotations

import pytest

from corpus import dump
from groundwire.errors import ConversionRefused, DamagedImage
from groundwire.images.bouffalo import boot_header, partition_table
from groundwire.images.bouffalo.convert import build_whole, with_application
from groundwire.images.bouffalo.partition_table import PartitionTable, Row
from groundwire.images.convert import ConvertOptions, Form, convert, cut, parts_of
from groundwire.images.recognise import ImageKind, recognise
from groundwire.quantities import Span

IMAGE = bytes.fromhex("a14273b00230").ljust(0x800, b"\x13")


def table(firmware_size=0x40000):
    rows = (
        Row(0, 0, 0, "FW", (0x10000, 0), (firmware_size, 0), 0, 0),
        Row(7, 0, 0, "factory", (0x60000, 0), (0x4000, 0), 0, 0),
    )
    return PartitionTable(0, rows, head_ok=True, rows_ok=True).build()


def boot2():
    header, image = boot_header.for_image(bytes(range(64)))
    raw = bytearray(header.build())
    raw[128:132] = (0x2000).to_bytes(4, "little")
    raw[172:176] = boot_header.crc32(raw[:172]).to_bytes(4, "little")
    return bytes(raw).ljust(0x2000, b"\xff") + image


def page():
    return convert(IMAGE, Form.BL602_APP).data


def test_a_raw_image_gets_its_header_and_loses_it():
    assert recognise(IMAGE).kind is ImageKind.BL602_APP
    assert page()[:4] == b"BFNP"
    assert page()[0x1000:] == IMAGE
    assert convert(page(), Form.BL602_RAW).data == IMAGE


def test_an_update_file_holds_the_page():
    update = convert(IMAGE, Form.BL602_OTA).data
    assert recognise(update).kind is ImageKind.BL602_OTA
    assert convert(update, Form.BL602_APP).data == page()


def test_a_whole_flash_from_its_parts():
    flash = build_whole(boot2(), table(), page(), b"\xd0\x0d\xfe\xed")
    found = recognise(flash)
    assert found.kind is ImageKind.BL602_WHOLE
    assert (found.bootloader_valid, found.app_valid, found.problems) == (True, True, ())
    assert parts_of(flash) == {"FW": Span(0x10000, 0x40000), "factory": Span(0x60000, 0x4000)}
    assert cut(flash, "factory")[:4] == b"\xd0\x0d\xfe\xed"
    assert convert(flash, Form.BL602_APP).data == page()


def test_another_application_leaves_all_else_alone():
    flash = build_whole(boot2(), table(), page(), b"tree")
    other = convert(IMAGE + bytes(64), Form.BL602_APP).data
    changed = with_application(flash, other, "other.bin")
    assert changed[:0x10000] == flash[:0x10000]
    assert changed[0x50000:] == flash[0x50000:]
    assert convert(changed, Form.BL602_APP).data == other


def test_an_application_is_put_into_a_whole_flash_by_converting():
    flash = build_whole(boot2(), table(), page(), b"tree")
    other = IMAGE + bytes(64)
    made = convert(other, Form.BL602_WHOLE, ConvertOptions(bootloader=flash)).data
    assert convert(made, Form.BL602_RAW).data == other
    with pytest.raises(ConversionRefused) as caught:
        convert(other, Form.BL602_WHOLE)
    assert caught.value.reason == "the rest of the flash is missing"


def test_what_does_not_fit_is_refused():
    with pytest.raises(ConversionRefused) as caught:
        build_whole(boot2(), table(0x1000), page(), b"")
    assert caught.value.reason == "the application needs 6 KiB, its slot is 0x10000..0x11000"
    with pytest.raises(ConversionRefused) as caught:
        build_whole(boot2() + bytes(0xE000), table(), page(), b"")
    assert caught.value.reason == "it reaches into the partition table"
    with pytest.raises(ConversionRefused) as caught:
        build_whole(boot2(), table(), page(), bytes(0x4001))
    assert caught.value.reason == "it is larger than its 16384 bytes"
    with pytest.raises(DamagedImage):
        build_whole(boot2(), table()[:-1] + b"x", page(), b"")


def test_a_damaged_application_and_a_wrong_form_are_refused():
    with pytest.raises(ConversionRefused) as caught:
        convert(page()[:-1], Form.BL602_RAW)
    assert "cut off" in caught.value.reason
    with pytest.raises(ConversionRefused) as caught:
        convert(page(), Form.QIO)
    assert caught.value.reason == "this is a BL602 file"


@pytest.mark.corpus
def test_the_application_of_a_real_flash_is_cut_out_and_put_back():
    flash = dump("bl602-obk-full")
    out = convert(flash, Form.BL602_APP).data
    slot = partition_table.in_force(flash).row("FW").active_slot
    again = with_application(flash, out, "again")
    assert again[: slot.start + len(out)] == flash[: slot.start + len(out)]
    assert again[slot.end :] == flash[slot.end :]
    raw = convert(flash, Form.BL602_RAW).data
    assert convert(raw, Form.BL602_APP).data[0x1000:] == out[0x1000:]
