from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwire.openbeken.easyflash import FORMS, Form, find_areas, seal_entry


def status(form: Form, steps: int) -> bytes:
    if form.unit_bits == 1:
        return bytes([0xFF >> steps]) + b"\xff" * 3
    unit = form.unit_bits // 8
    return (bytes(unit * steps)).ljust(form.entry_magic_at, b"\xff")


def entry(form: Form, name: bytes, value: bytes, steps: int, magic: bytes = b"KV40") -> bytes:
    align = max(form.unit_bits // 8, 1)

    def pad(data: bytes) -> bytes:
        return data + b"\xff" * (-len(data) % align)

    tail = (
        bytes([len(name)]) + b"\xff" * 3 + len(value).to_bytes(4, "little") + pad(name) + pad(value)
    )
    size = form.entry_magic_at + 12 + len(tail)
    return (
        status(form, steps)
        + magic
        + size.to_bytes(4, "little")
        + zlib.crc32(tail).to_bytes(4, "little")
        + tail
    )


def area(form: Form, *entries: bytes, magic: bytes = b"EF40") -> bytes:
    head = bytearray(b"\xff" * form.sector_header)
    head[form.area_magic_at : form.area_magic_at + 4] = magic
    return (bytes(head) + b"".join(entries)).ljust(4096, b"\xff")


@pytest.mark.parametrize("form", FORMS)
def test_the_newest_live_record_wins(form):
    flash = b"\xff" * 4096 + area(
        form,
        entry(form, b"k", b"old", 4),
        entry(form, b"k", b"newer", 2),
        entry(form, b"k", b"half", 1),
    )
    (found,) = find_areas(flash)
    assert found.form == form
    assert found.span.start == 4096
    assert [e.live for e in found.entries] == [False, True, False]
    assert all(e.checksum_ok for e in found.entries)
    best = found.get("k")
    assert best is not None
    assert best.content.reveal() == b"newer"
    assert best.value_span.of(flash) == b"newer"


def test_preferences_of_esphome_have_the_same_form():
    form = FORMS[0]
    flash = area(form, entry(form, b"1234567", b"ssid", 2, magic=b"KV00"), magic=b"FDB0")
    (found,) = find_areas(flash)
    assert found.kind == "FlashDB"
    assert [(e.name, e.live, e.checksum_ok) for e in found.entries] == [("1234567", True, True)]


def test_a_damaged_record_is_passed_over():
    form = FORMS[1]
    good, bad = entry(form, b"k", b"good", 2), bytearray(entry(form, b"k", b"evil", 2))
    bad[-1] ^= 1
    (found,) = find_areas(area(form, good, bytes(bad)))
    best = found.get("k")
    assert best is not None
    assert best.content.reveal() == b"good"


@pytest.mark.parametrize("form", FORMS)
def test_a_sealed_record_is_right_again(form):
    flash = bytearray(area(form, entry(form, b"name", b"secret", 2)))
    (found,) = find_areas(bytes(flash))
    seal_entry(flash, found.entries[0], form, b"xxxxxx")
    (again,) = find_areas(bytes(flash))
    assert again.entries[0].checksum_ok
    assert again.entries[0].content.reveal() == b"xxxxxx"


@given(st.sampled_from(FORMS), st.lists(st.binary(max_size=60) | st.just(b"KV40"), max_size=40))
def test_any_bytes_are_read_in_bounds(form, noise):
    for found in find_areas(area(form, *noise)):
        for record in found.entries:
            assert record.value_span.end <= 4096 * 2
