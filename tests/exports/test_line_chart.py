import math
import re
import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from groundwire.exports.line_chart import HEIGHT, WIDTH, Line, line_chart, nice_range

SVG = "{http://www.w3.org/2000/svg}"


def paths(svg):
    return [one.attrib["d"] for one in ET.fromstring(svg).iter(f"{SVG}path")]


def numbers(path):
    return [float(one) for one in re.findall(r"-?\d+\.\d+", path)]


def test_a_line_goes_from_corner_to_corner():
    svg = line_chart([Line("A", ((0.0, 0.0), (60.0, 50.0), (120.0, 100.0)))], title="t", unit="W")
    (path,) = paths(svg)
    assert path == "M70.0 374.0L505.0 210.0L940.0 46.0"
    texts = [one.text for one in ET.fromstring(svg).iter(f"{SVG}text")]
    assert "100 W" in texts
    assert "0 W" in texts
    assert "A" in texts


def test_a_missing_value_and_a_long_pause_are_gaps():
    points = [(float(at), 1.0) for at in range(10)]
    points[4] = (4.0, None)
    points += [(float(at), 2.0) for at in range(500, 510)]
    assert len(paths(line_chart([Line("A", tuple(points))], title="t", unit=""))) == 3


def test_very_many_points_keep_their_peaks():
    points = tuple((float(at), 1000.0 if at == 77_777 else math.sin(at)) for at in range(100_000))
    svg = line_chart([Line("A", points)], title="t", unit="W")
    assert len(svg) < 60_000
    assert min(numbers(path)[1::2] and min(numbers(path)[1::2]) for path in paths(svg)) == 46.0


def test_names_cannot_break_the_drawing():
    svg = line_chart([Line("<b>&\x1b", ((0.0, 1.0),))], title="</svg>", unit='"')
    texts = [one.text for one in ET.fromstring(svg).iter(f"{SVG}text")]
    assert "</svg>" in texts
    assert "<b>&?" in texts


VALUES = st.none() | st.floats(-1e6, 1e6)


@given(st.lists(st.tuples(st.floats(0, 4e9), VALUES), max_size=40))
def test_any_points_make_a_drawing_within_its_frame(points):
    svg = line_chart([Line("A", tuple(sorted(points, key=lambda p: p[0])))], title="t", unit="V")
    for path in paths(svg):
        spots = numbers(path)
        assert all(0 <= x <= WIDTH for x in spots[::2])
        assert all(0 <= y <= HEIGHT for y in spots[1::2])


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_the_grid_holds_the_values(one, two):
    low, high = sorted((one, two))
    step, bottom, top = nice_range(low, high)
    assert bottom <= low + 1e-6 * abs(low)
    assert top >= high - 1e-6 * abs(high)
    assert 1 <= (top - bottom) / step <= 9
