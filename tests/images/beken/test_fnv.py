"""The vectorised FNV-1a against published values and against the plain loop."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwire.framing.crc import fnv1a_32
from groundwire.images.beken.fnv import fnv1a_32_fast


# From the test suite of the hash's authors (isthe.com, test_fnv.c).
@pytest.mark.parametrize(
    ("data", "value"),
    [(b"", 0x811C9DC5), (b"a", 0xE40C292C), (b"foobar", 0xBF9CF968)],
)
def test_published_values(data, value):
    assert fnv1a_32_fast(data) == value


@given(st.binary(max_size=300), st.integers(0, 60))
def test_the_same_as_the_plain_loop(data, repeat):
    assert fnv1a_32_fast(data * repeat) == fnv1a_32(data * repeat)
