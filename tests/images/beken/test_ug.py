"""The UG wrapper."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beken_images import plain_code
from groundwire.errors import DamagedImage
from groundwire.images.beken import package, ug
from groundwire.images.health import check_health

# Written out from the table in beken-images, section 4.1: content "RBL" sums to 0xE0, the first
# 24 bytes of the header to 0x3D3.
LITERAL = bytes.fromhex("55aa55aa 312e322e3300000000000000 00000003 000000e0 000003d3 aa55aa55")


def test_a_wrapper_by_vector():
    assert sum(b"RBL") == 0xE0
    assert ug.build(b"RBL", "1.2.3") == LITERAL + b"RBL"
    opened = ug.parse(LITERAL + b"RBL")
    assert (opened.version, opened.payload, opened.ok) == ("1.2.3", b"RBL", True)


@pytest.mark.parametrize(
    ("data", "wrong"),
    [
        (LITERAL.replace(b"1.2", b"1.3") + b"RBL", "header_sum_ok"),
        (LITERAL + b"RBM", "payload_sum_ok"),
        (LITERAL + b"RBL.", "size_ok"),
        (LITERAL + b"RB", "size_ok"),
    ],
)
def test_each_sum_is_looked_at(data, wrong):
    opened = ug.parse(data)
    assert getattr(opened, wrong) is False
    assert not opened.ok


def test_the_health_of_a_wrapped_update_counts_every_check():
    data = ug.build(package.pack(plain_code(0x2000, b"BK7231"), "1", 0), "1")
    health = check_health(data)
    assert health.text == "sound"
    assert [check.name for check in health.checks] == [
        "sum of the wrapper's header",
        "size of the wrapper's content",
        "sum of the wrapper's content",
        "checksum of the container",
        "size of the unpacked application",
        "hash of the unpacked application",
    ]
    assert check_health(data[:-1]).text.startswith("damaged at 0x00020")


@given(st.binary(max_size=80))
def test_any_bytes_behind_the_magic_are_a_wrapper_or_damaged(data):
    with contextlib.suppress(DamagedImage):
        assert len(ug.parse(ug.MAGIC + data).payload) <= len(data)
