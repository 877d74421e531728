"""What a UART reads at another speed than the sender's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwire.sim.line import as_read


@given(st.binary(max_size=60), st.sampled_from([1.0, 0.98, 1.02]))
def test_a_small_difference_does_not_matter(data, factor):
    assert as_read(data, 115_200, 115_200 * factor) == data


@given(st.binary(max_size=40), st.floats(1200, 3e6), st.floats(1200, 3e6))
def test_any_two_speeds_give_bytes_in_bounded_number(data, sent_at, read_at):
    got = as_read(data, sent_at, read_at)
    assert len(got) <= len(data) * 10 * max(read_at / sent_at, 1) / 9 + 2


@pytest.mark.parametrize(
    ("data", "read_at", "seen"),
    [
        (b"\x00", 230_400, b"\x00\x00"),  # 18 low half bits: two bytes, the second cut by the stop
        (b"\xff", 57_600, b"\xff"),
        (b"\x55", 57_600, None),
    ],
)
def test_wrong_speeds_by_hand(data, read_at, seen):
    got = as_read(data, 115_200, read_at)
    if seen is None:
        assert got != data
    else:
        assert got[: len(seen)] == seen[: len(got)]
        assert got


def test_text_at_a_wrong_speed_is_no_text():
    text = b"Starting the firmware now, please stand by\r\n" * 4
    for rate in (9600, 57_600, 230_400, 921_600):
        assert as_read(text, 115_200, rate) != text
