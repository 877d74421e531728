from itertools import pairwise

import pytest

from groundwire.errors import BadArgument, NoMeter
from groundwire.events import Notice
from groundwire.jobs.meter import Look, find_channels, find_wiring, parse_channel, set_up_of
from groundwire.meter.bl0942.bus import Miss
from groundwire.meter.bl0942.discover import Verdict
from groundwire.meter.bl0942.emulated_line import Fault
from groundwire.meter.bl0942.exchange import Channel, Loss
from groundwire.meter.bl0942.gains import Gains
from groundwire.meter.bl0942.reading import Doubt
from groundwire.sim.meters import BOARDS, kitchen, load_of, meter_board
from meter_desk import EPOCH_S, MeterDesk, impossible


@pytest.mark.parametrize(
    ("board", "verdict"),
    [
        ("meter-h1", Verdict.H1),
        ("meter-h2", Verdict.H2),
        ("meter-h3", Verdict.H3),
        ("meter-h4", Verdict.H4),
        ("meter-h5", Verdict.H5),
        ("meter-single", Verdict.CANNOT_TELL),
    ],
)
def test_each_emulated_board_is_what_its_name_says(board, verdict):
    assert find_wiring(MeterDesk(board).opened).verdict is verdict


@pytest.mark.parametrize("board", [name for name in BOARDS if name != "meter-h2"])
def test_each_board_that_can_be_read_is_read_without_being_told_how(board):
    desk = MeterDesk(board)
    channels = find_channels(desk.opened)
    session = desk.session(*(f"C{at}={one.name}" for at, one in enumerate(channels)))
    looks = session.read()
    assert len(looks) == len(desk.line.chips)
    assert all(isinstance(look, Look) and look.believable for look in looks)
    said = {spoken.chip for spoken in desk.line.spoken}
    assert said == {chip.name for chip in desk.line.chips}


def test_values_are_those_of_the_load_and_at_the_time_of_day():
    desk = MeterDesk("meter-single")
    (look,) = desk.session("A=TX/0/4800").read()
    measured = look.sample.measurement
    assert measured.voltage_v == pytest.approx(230, rel=0.02)
    assert measured.active_power_w == pytest.approx(2180, rel=0.03)
    assert abs(look.sample.at_s - EPOCH_S) < 5
    assert kitchen(0.0) == kitchen(0.0)


def test_chips_that_cannot_be_separated_are_an_error_with_the_evidence():
    with pytest.raises(NoMeter) as caught:
        find_channels(MeterDesk("meter-h2").opened)
    assert "no software can separate them" in caught.value.what


def test_silence_is_no_meter():
    desk = MeterDesk("meter-single", faults={Fault.NO_ANSWER: 1.0})
    with pytest.raises(NoMeter) as caught:
        find_channels(desk.opened)
    assert str(caught.value) == (
        "no meter chip could be reached: cannot tell\n"
        "  likely   nothing answers on any way: no supply, no common ground, or another chip\n"
        "  next     check supply, ground and both data lines; then look for the wiring again"
    )


# --- names and tags -------------------------------------------------------------------------------


def test_a_channel_as_a_user_writes_it():
    lines = meter_board("meter-h1").lines
    assert parse_channel("A=TX1/0/4800", lines) == Channel("A", 0, 4800, lines[0])
    assert parse_channel("P24/0/9600", lines) == Channel("P24/0/9600", 0, 9600, lines[1])
    assert parse_channel("oven=TX/3/38400", ()) == Channel("oven", 3, 38400, None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A",
        "A=",
        "A=TX1",
        "A=TX1/4/4800",
        "A=TX1/0/1200",
        "A=P8/0/4800",
        "=TX1/0/4800",
        "A" * 99,
    ],
)
def test_a_channel_that_is_none(text):
    with pytest.raises(BadArgument) as caught:
        parse_channel(text, meter_board("meter-h1").lines)
    assert "channel" in caught.value.what


def test_every_way_has_a_tag_of_its_own():
    lines = meter_board("meter-h1").lines
    ways = [
        Channel("x", address, rate, line)
        for line in lines
        for rate in (4800, 9600, 19200, 38400)
        for address in range(4)
    ]
    tags = {set_up_of(way, lines).tag for way in ways}
    assert len(tags) == len(ways)
    assert not tags & set(range(0xFFE0, 0x10000))


def test_chips_keep_their_tags_whichever_of_them_a_run_reads():
    """Tags by order would make the second run see the first chip's tag at the second chip."""
    desk = MeterDesk()
    assert isinstance(desk.session("B=TX/2/4800").read()[0], Look)
    tags = desk.tags()
    for names in (("A=TX/1/4800", "B=TX/2/4800"), ("B=TX/2/4800", "A=TX/1/4800")):
        assert all(isinstance(one, Look) for one in desk.session(*names).read())
    assert desk.tags()["B"] == tags["B"]


def test_read_only_writes_nothing():
    desk = MeterDesk()
    assert all(isinstance(one, Look) for one in desk.session(sets_up=False).read())
    assert set(desk.tags().values()) == {0xFFFF}


# --- rounds ---------------------------------------------------------------------------------------


def test_rounds_keep_their_pace():
    desk = MeterDesk()
    looks = list(desk.session().rounds(2.0, for_s=20.0))
    assert [look.sample.channel for look in looks] == ["A", "B"] * 10
    times = [look.sample.at_s for look in looks if look.sample.channel == "A"]
    steps = [b - a for a, b in pairwise(times[1:])]
    assert steps == pytest.approx([2.0] * len(steps), abs=0.01)


def test_a_chip_that_dies_costs_its_neighbour_nothing():
    desk = MeterDesk()
    session = desk.session()
    session.read()
    desk.chip("B").off_until_s = float("inf")
    outcomes = list(session.rounds(1.0, for_s=120.0))
    alive = [one for one in outcomes if isinstance(one, Look)]
    lost = [one for one in outcomes if isinstance(one, Miss)]
    assert len(alive) >= 100
    assert {one.channel for one in lost} == {"B"}
    assert len(lost) < 15
    told = [event.text for event in desk.events if isinstance(event, Notice)]
    assert told.count("B: no reading: silence") == 1


def test_a_board_that_is_dead_as_a_whole_can_still_be_stopped():
    desk = MeterDesk()
    session = desk.session()
    desk.line.faults = {Fault.NO_ANSWER: 1.0}
    rounds = session.rounds(1.0)
    for _ in range(25):
        assert next(rounds).loss is Loss.SILENCE
    session.stop = lambda: True
    assert list(rounds) == []


def test_stopping_ends_the_rounds_between_two_readings():
    desk = MeterDesk()
    session = desk.session()
    seen = []
    session.stop = lambda: len(seen) >= 3
    for look in session.rounds(1.0):
        seen.append(look)
    assert len(seen) == 3


# --- doubts ---------------------------------------------------------------------------------------


def test_chips_that_disagree_on_the_same_mains_are_both_doubted():
    desk = MeterDesk()
    desk.chip("B").load_at = lambda _at_s: load_of(190.0, 500.0)
    looks = desk.session().read()
    latest = {look.sample.channel: look for look in looks}
    assert latest["B"].doubts == {Doubt.VOLTAGE_JUMP}
    assert any("voltage differs from the other chip's" in event.text for event in desk.events)


def test_a_doubt_is_told_once_and_again_after_it_was_gone():
    desk = MeterDesk("meter-single")
    session = desk.session("A=TX/0/4800")
    good, bad = (lambda _: load_of(230.0, 500.0)), impossible
    for load, times in ((good, 3), (bad, 3), (good, 3), (bad, 3)):
        desk.chip("A").load_at = load
        looks = list(session.rounds(1.0, rounds=times))
        assert looks[-1].believable is (load is good)
        if load is bad:
            assert looks[-1].sample.measurement.active_power_w is None
    told = [event.text for event in desk.events if "doubted" in getattr(event, "text", "")]
    assert len(told) == 2


def test_own_constants_are_used():
    desk = MeterDesk("meter-heater")
    gains = Gains.of(15883.34116 / 2, 251065.6814)
    (look,) = desk.session("A=TX/0/4800", gains={"A": gains}).read()
    assert look.sample.measurement.voltage_v == pytest.approx(460.0, abs=0.01)
