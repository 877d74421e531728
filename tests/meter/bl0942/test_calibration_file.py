import tomllib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwire.errors import BadArgument, InputUnreadable
from groundwire.meter.bl0942.calibration import Point, calibrate
from groundwire.meter.bl0942.calibration_file import calibration_text, read_calibration
from groundwire.meter.bl0942.gains import ESPHOME_DEFAULT, Gains

HEAD = 'format = "groundwire bl0942 calibration 1"\n'


def test_the_text_of_a_calibration():
    point = Point(3_653_168, 2_000_000, 1_141_551, true_v=230.0, true_a=8.0, true_w=1840.0)
    text = calibration_text({"A": calibrate([point], ESPHOME_DEFAULT, resistive=True)})
    row = tomllib.loads(text)["chip"][0]
    assert row["counts_per_volt"] == pytest.approx(15883.339)
    assert row["power_uncertainty"] == pytest.approx(0.0118, abs=1e-4)
    assert row["warnings"] == ["only one point: a straight line was not tested"]


numbers = st.floats(1e-3, 1e9)
names = st.text(min_size=1, max_size=64).filter(str.isprintable)


@given(st.dictionaries(names, st.builds(Gains, numbers, numbers, numbers, numbers), max_size=8))
def test_there_and_back(chips):
    text = calibration_text(chips)
    if chips:
        assert read_calibration(text) == chips
    else:
        with pytest.raises(InputUnreadable):
            read_calibration(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x = [", "not TOML"),
        ("x = 1", "not a file of the kind"),
        (HEAD + "chip = 3", "not a file of the kind"),
        (HEAD + "chip = [3]", "a chip without a name"),
        (HEAD + '[[chip]]\nname = "A"\ncounts_per_volt = 1.0', "'A': a gain is missing"),
        (HEAD + "#" * 70_000, "more than 65536 characters"),
    ],
)
def test_anything_else_is_refused(text, reason):
    with pytest.raises(InputUnreadable) as caught:
        read_calibration(text, "meter.toml")
    assert reason in caught.value.what
    assert "meter.toml" in caught.value.what


def test_a_name_must_be_printable():
    with pytest.raises(BadArgument):
        calibration_text({"a\nb": ESPHOME_DEFAULT})


@given(st.one_of(st.text(), st.text().map(lambda text: HEAD + text)))
def test_garbage_gives_gains_or_our_error(text):
    with suppress(InputUnreadable):
        assert isinstance(read_calibration(text), dict)
