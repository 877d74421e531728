"""Spans, sizes and addresses."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwire.quantities import (
    KIB,
    MIB,
    Span,
    hex_address,
    merge_spans,
    parse_number,
    parse_span,
    size_text,
)

spans = st.builds(Span, st.integers(0, 200), st.integers(0, 60))


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (2, "2 bytes"),
        (1023, "1,023 bytes"),
        (1024, "1 KiB"),
        (1025, "1,025 bytes"),
        (4096, "4 KiB"),
        (MIB - KIB, "1023 KiB"),
        (2 * MIB, "2 MiB"),
        (2 * MIB + 1, "2,097,153 bytes"),
    ],
)
def test_sizes_for_people(size, text):
    assert size_text(size) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0x00000"), (0x11000, "0x11000"), (0x1FFFFF, "0x1FFFFF")]
)
def test_addresses_for_people(value, text):
    assert hex_address(value) == text


def test_a_span_shows_its_exclusive_end():
    assert str(Span(0x11000, 0x1000)) == "0x11000..0x12000"
    assert Span.between(5, 9) == Span(5, 4)
    assert Span(5, 4).end == 9


@pytest.mark.parametrize(("start", "size"), [(-1, 1), (0, -1)])
def test_a_span_is_never_negative(start, size):
    with pytest.raises(ValueError, match="a span cannot be negative"):
        Span(start, size)
    with pytest.raises(ValueError, match="a span cannot be negative"):
        Span.between(5, 4)


@given(spans, spans)
def test_overlap_and_containment_are_those_of_sets(one, other):
    first, second = set(range(one.start, one.end)), set(range(other.start, other.end))
    if one.size and other.size:
        assert one.overlaps(other) is bool(first & second)
        assert one.contains(other) is (second <= first)
    common = one.intersection(other)
    assert (set(range(common.start, common.end)) if common else set()) == first & second


@given(spans, st.integers(1, 20))
def test_units_cover_a_span_without_gaps_and_never_cross_a_multiple(span, unit):
    units = list(span.units(unit))
    assert [at for one in units for at in range(one.start, one.end)] == list(
        range(span.start, span.end)
    )
    assert all(one.start // unit == (one.end - 1) // unit for one in units)


@given(spans, st.integers(1, 20))
def test_widening_gives_the_smallest_aligned_span_around(span, unit):
    wide = span.widened(unit)
    assert wide.is_aligned(unit)
    assert wide.contains(span)
    assert wide.size - span.size < 2 * unit
    assert span.is_aligned(unit) is (wide == span)


@given(st.lists(spans, max_size=8))
def test_merging_keeps_the_addresses_and_leaves_no_neighbours(many):
    merged = merge_spans(many)
    assert {at for span in merged for at in range(span.start, span.end)} == {
        at for span in many for at in range(span.start, span.end)
    }
    assert all(span.size for span in merged)
    assert all(one.end < other.start for one, other in itertools.pairwise(merged))


@given(spans, st.binary(min_size=260, max_size=260))
def test_the_bytes_of_a_span(span, data):
    assert span.of(data) == data[span.start : span.end]
    assert span.of(bytearray(data)) == span.of(memoryview(data)) == span.of(data)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        (" 12 ", 12),
        ("0x11000", 0x11000),
        ("0X1F", 31),
        ("4k", 4096),
        ("4 KiB", 4096),
        ("2M", 2 * MIB),
        ("2mib", 2 * MIB),
        ("0x10K", 16 * KIB),
        ("1_000", 1000),
    ],
)
def test_numbers_as_people_write_them(text, value):
    assert parse_number(text) == value


@pytest.mark.parametrize(
    "text", ["", "k", "-1", "0x", "1.5M", "ten", "1kk", "0x-5", "1 2", "--5", "0b11", "१२x"]
)
def test_what_is_no_number(text):
    with pytest.raises(ValueError):
        parse_number(text)


@given(st.text(max_size=12))
def test_any_text_is_a_number_or_a_value_error(text):
    try:
        assert parse_number(text) >= 0
    except ValueError:
        return


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("0+4K", Span(0, 4096)),
        ("0x11000..0x12000", Span(0x11000, 0x1000)),
        ("1M..2M", Span(MIB, MIB)),
        ("4096 + 4096", Span(4096, 4096)),
    ],
)
def test_spans_as_people_write_them(text, span):
    assert parse_span(text) == span


@pytest.mark.parametrize(
    "text", ["", "5", "5+0", "5+-1", "9..5", "5..5", "..5", "5..", "+5", "1..2..3", "1+2+3", "a+b"]
)
def test_what_is_no_span(text):
    with pytest.raises(ValueError):
        parse_span(text)
