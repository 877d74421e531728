"""Text fields from files of strangers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwire.images.beken import ug
from groundwire.images.recognise import recognise
from groundwire.images.text import field_text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"app\0\0old junk", "app"),
        (b"", ""),
        (b"\x1b[31mred", "\ufffd[31mred"),
        (b"line\nbreak\x07", "line\ufffdbreak\ufffd"),
        (b"\xff\xfe", "\ufffd\ufffd"),
    ],
)
def test_a_field_is_cut_at_nul_and_safe_to_show(raw, text):
    assert field_text(raw) == text


@given(st.binary(max_size=12))
def test_nothing_from_a_wrapper_reaches_a_terminal_as_a_control_character(version):
    raw = bytearray(ug.build(b"RBL\0".ljust(200, b"\x01"), "1"))
    raw[4:16] = version.ljust(12, b"\0")
    found = recognise(bytes(raw))
    shown = [entry.value for entry in found.evidence] + [str(entry) for entry in found.problems]
    assert all(text.isprintable() for text in shown)
