from hypothesis import given
from hypothesis import strategies as st

from groundwire.cli.braille import braille_plot


def test_a_rising_line():
    plot = braille_plot([0.0, 1.0, 2.0, 3.0], 2, 1)
    assert plot.rows == ("⣠⠞",)
    assert (plot.lowest, plot.highest) == (0.0, 3.0)


def test_a_step_is_drawn_through_and_a_gap_is_none():
    assert braille_plot([0.0, 3.0], 1, 1).rows == ("⣸",)
    assert braille_plot([3.0, None, 0.0, 0.0], 2, 1).rows == ("⠁⣀",)


def test_nothing_known_is_no_plot():
    assert braille_plot([], 10, 2).rows == ()
    assert braille_plot([None, None], 10, 2).rows == ()


def test_a_steady_value_is_in_the_middle():
    plot = braille_plot([230.0] * 4, 2, 2)
    assert (plot.lowest, plot.highest) == (229.5, 230.5)


@given(st.lists(st.none() | st.floats(-1e9, 1e9), max_size=60))
def test_any_values_fit(values):
    plot = braille_plot(values, 12, 3)
    assert len(plot.rows) in (0, 3)
    assert all(len(row) == 12 for row in plot.rows)
    assert all(0x2800 <= ord(char) <= 0x28FF for row in plot.rows for char in row)
