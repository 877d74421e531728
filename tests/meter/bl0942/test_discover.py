import pytest

from groundwire.errors import BadArgument
from groundwire.events import Phase
from groundwire.link.runner import run
from groundwire.meter.bl0942.bus import Bus, Reading
from groundwire.meter.bl0942.codec import Register
from groundwire.meter.bl0942.discover import Verdict, discover, ways_to_try
from groundwire.meter.bl0942.emulated_line import (
    SELECT_FIRST,
    SELECT_SECOND,
    Fault,
    LinePort,
    MeterLine,
)
from groundwire.meter.bl0942.emulator import NO_MAINS, Chip
from groundwire.meter.bl0942.exchange import Channel, TransmitLine
from meter_attribution import load_of


def chip(name, index, address=0, **options):
    return Chip(name, address, load_at=load_of(index), **options)


def board(wiring, **options):
    """A board and the lines that the host can drive."""
    line = MeterLine(wiring, **options)
    selects = dict(zip((SELECT_FIRST, SELECT_SECOND), wiring, strict=False))
    lines = [TransmitLine(name, select) for select, name in selects.items()]
    return line, LinePort(line, selects), lines


def h1(**options):
    return board({"TX1": [chip("A", 0)], "P24": [chip("B", 1, clock_error=0.005)]}, **options)


def h3(**options):
    return board({"TX1": [chip("A", 0)], "P8": [chip("B", 1)]}, **options)


def h4(**options):
    return board({"TX1": [chip("A", 0), chip("B", 1, strap_fast=True)], "P24": []}, **options)


def h5(**options):
    return board({"TX1": [chip("A", 0, 1), chip("B", 1, 3)], "P24": []}, **options)


def h2(**options):
    return board({"TX1": [chip("A", 0), chip("B", 1)], "P24": []}, **options)


@pytest.mark.parametrize(
    ("make", "verdict"),
    [(h1, Verdict.H1), (h3, Verdict.H3), (h4, Verdict.H4), (h5, Verdict.H5)],
)
@pytest.mark.parametrize("faults", [{}, {Fault.FLIPPED_BIT: 0.05}, {Fault.SAGGING_LINE: 1.0}])
def test_each_wiring_is_found_and_its_channels_work(make, verdict, faults):
    line, port, lines = make(faults=faults, seed=4)
    found = run(discover(ways_to_try(lines)), port)
    assert found.verdict is verdict
    assert len(found.chips) == 2
    assert {one.word(Register.I_FAST_RMS_TH) for one in line.chips} == {0xFFFF}
    line.faults = {}
    bus = Bus(found.channels)
    readings = [run(bus.turn(), port) for _ in found.channels]
    assert all(isinstance(reading, Reading) for reading in readings)
    assert sorted(spoken.chip for spoken in list(line.spoken)[-2:]) == ["A", "B"]


@pytest.mark.parametrize("clock_error", [0.0, 0.01])
def test_chips_in_parallel_are_recognised_and_not_made_up_to_be_one(clock_error):
    line, port, lines = h2()
    line.chips[1].clock_error = clock_error
    found = run(discover(ways_to_try(lines)), port)
    assert found.verdict is Verdict.H2
    assert found.chips == ()
    assert any("two chips send the same bits at once" in text for text in found.evidence)


def test_a_line_that_damages_everything_is_not_taken_for_chips_in_parallel():
    _line, port, lines = board({"TX1": [chip("A", 0)], "P24": []}, faults={Fault.FLIPPED_BIT: 1.0})
    found = run(discover(ways_to_try(lines)), port)
    assert found.verdict is Verdict.CANNOT_TELL
    assert "no way gives good packets: chips in parallel, or a line that damages bytes" in (
        found.evidence
    )


def test_two_chips_that_say_the_same_bits_cannot_be_told_from_one():
    chips = [Chip(name, load_at=lambda _: NO_MAINS) for name in "AB"]
    _line, port, lines = board({"TX1": chips, "P24": []})
    found = run(discover(ways_to_try(lines)), port)
    assert found.verdict is Verdict.CANNOT_TELL
    assert len(found.chips) == 1
    assert any("in parallel with exactly the same bits" in text for text in found.evidence)


def test_silence_is_told_as_silence():
    _line, port, lines = board({"TX1": [], "P24": []})
    found = run(discover(ways_to_try(lines)), port)
    assert found.verdict is Verdict.CANNOT_TELL
    assert found.evidence == (
        "nothing answers on any way: no supply, no common ground, or another chip",
    )


def test_a_chip_reached_two_ways_is_one_chip():
    one = chip("A", 0)
    line, port, lines = board({"TX1": [one], "P24": [one]})
    found = run(discover(ways_to_try(lines)), port)
    assert found.verdict is Verdict.CANNOT_TELL
    assert [channel.line.name for channel in found.chips[0].channels] == ["TX1", "P24"]
    assert line.chips == (one,)


def test_tags_of_an_earlier_day_do_not_make_two_chips_one():
    """Crossed tags: writing the first one again through the other way must prove nothing."""
    line, port, lines = h1()
    for one, tag in zip(line.chips, (0xFFFD, 0xFFFE), strict=True):
        one._words[Register.I_FAST_RMS_TH] = tag
    found = run(discover(ways_to_try(lines)), port)
    assert found.verdict is Verdict.H1
    assert [one.word(Register.I_FAST_RMS_TH) for one in line.chips] == [0xFFFD, 0xFFFE]


def test_events_come_in_their_order():
    _line, port, lines = h1()
    events = []
    found = run(discover(ways_to_try(lines), tries=2), port, events.append)
    assert found.verdict is Verdict.H1
    assert events[0] == Phase("ask", "Asking every way there is")
    assert [event.done for event in events[1:-1]] == list(range(1, 19))
    assert events[-1].name == "tags"


def test_the_ways_of_the_procedure():
    ways = ways_to_try((TransmitLine("TX1", SELECT_FIRST), TransmitLine("P24", SELECT_SECOND)))
    assert ways[0] == Channel("TX1/0/4800", 0, 4800, TransmitLine("TX1", SELECT_FIRST))
    assert [way.address for way in ways[:4]] == [0, 1, 2, 3]
    assert {way.baudrate for way in ways[:16]} == {4800, 9600, 19200, 38400}
    assert [(way.address, way.baudrate) for way in ways[16:]] == [(0, 4800), (0, 9600)]


def test_nothing_to_try_is_refused():
    with pytest.raises(BadArgument):
        run(discover([]), None)
