"""The watch on a bench: speeds, boots, ends, and bytes that are no log."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundwire.bootlog.evidence import Pins
from groundwire.bootlog.ratefinder import Move, RateFinder
from groundwire.bootlog.watch import Ended, WatchOptions, watch
from groundwire.bootlog.which import tell_apart, which_pins
from groundwire.errors import Unplugged
from groundwire.events import Listening, Notice, Printed, Restarted
from groundwire.link.runner import run
from groundwire.sim.bench import Adapter, BenchPort
from groundwire.sim.faults import LineFaults
from talking import APP_N, BL602_TEXT, BOOT_N, LATER_N, Talker, talking

RATE = 115_200.0


def watched(port, **options):
    events = []
    result = run(watch(WatchOptions(**{"for_s": 20.0, **options})), port, events.append)
    return result, events


def texts(events):
    return [one.text for one in events if isinstance(one, Printed)]


def test_lines_boots_and_facts_of_a_good_boot():
    result, events = watched(talking((0.1, BOOT_N, RATE), (0.3, APP_N, RATE), (5, LATER_N, RATE)))
    assert isinstance(events[0], Listening)
    assert texts(events)[0] == "V:BK7231N_1.0.1"
    assert texts(events)[-1] == "ssid:OpenBK7231N_5E100001 key: mode:0"
    assert [one for one in events if isinstance(one, Restarted)] == [
        Restarted(1, pytest.approx(0.1, abs=0.06))
    ]
    assert result.facts.access_point == "OpenBK7231N_5E100001"
    assert (result.settled, result.rate, result.ended) == (True, 115_200, Ended.TIME)
    assert result.watched_s == pytest.approx(20.0)


def test_every_restart_is_told_with_what_was_printed_before():
    port = talking(*((at, BOOT_N + APP_N[:100], RATE) for at in (0.1, 2.1, 4.1)))
    result, events = watched(port)
    restarts = [one for one in events if isinstance(one, Restarted)]
    assert [one.boot for one in restarts] == [1, 2, 3]
    assert [round(one.at_s) for one in restarts] == [0, 2, 4]
    assert restarts[1].last_line == "O"  # the name of the firmware, cut off by the restart
    assert result.facts.period_s == pytest.approx(2.0, abs=0.05)


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (2_000_000.0, BL602_TEXT),
        (921_600.0, BOOT_N + APP_N),
        (9_600.0, BOOT_N + APP_N),
        (57_600.0, BOOT_N + APP_N),
        (230_400.0, BOOT_N + APP_N),
        (74_880.0, BOOT_N + APP_N),
    ],
)
def test_the_speed_is_found_from_the_bytes(rate, text):
    result, events = watched(
        talking(*((0.1 + 3 * turn, text, rate) for turn in range(5))), for_s=16.0
    )
    assert result.settled
    assert result.rate == rate
    assert texts(events)[-1] == text.decode().splitlines()[-1].strip()
    assert all("\ufffd" not in line for line in texts(events))


def test_a_module_that_changes_its_speed_is_followed():
    later = (BOOT_N + APP_N) * 6
    result, events = watched(
        talking((0.1, BOOT_N + APP_N, RATE), (4, later, 230_400.0), (8, later, 230_400.0))
    )
    rates = [one.rate for one in events if isinstance(one, Listening)]
    assert rates[0] == 115_200
    assert rates[-1] == result.rate == 230_400


def test_a_speed_that_was_named_is_not_left():
    result, events = watched(talking((0.1, BL602_TEXT * 5, 2e6)), rate=115_200)
    assert {one.rate for one in events if isinstance(one, Listening)} == {115_200}
    assert result.rate == 115_200


def test_an_adapter_that_cannot_do_a_speed_is_no_end():
    port = BenchPort(
        Talker(*((0.1 + turn, BL602_TEXT, 2e6) for turn in range(9))), Adapter(top_rate=1_000_000)
    )
    result, _ = watched(port)
    assert result.rate <= 1_000_000
    assert not result.facts.has("bl602.boot")


def test_until_a_pattern_even_in_a_line_without_an_end():
    result, events = watched(
        talking((0.1, BOOT_N, RATE), (1, b"go os_addr(0x10000)....", RATE)),
        until=re.compile(r"\.{4}$"),
    )
    assert result.ended is Ended.SEEN
    assert events[-1] == Printed("go os_addr(0x10000)....", result.watched_s, 1, whole=False)


def test_silence_is_told_once():
    result, events = watched(talking(), for_s=40.0)
    assert [one.text for one in events if isinstance(one, Notice)] == [
        "no byte in 10 s: restart the module"
    ]
    assert (result.bytes_total, result.settled) == (0, False)
    assert result.facts.verdict.kind == "silent"


def test_what_is_in_the_outbox_is_sent():
    module = Talker()
    waiting = [b"reboot\r\n"]
    watched(BenchPort(module), outbox=lambda: waiting.pop() if waiting else b"", for_s=1.0)
    assert bytes(module.heard) == b"reboot\r\n"


def test_ctrl_c_keeps_what_was_seen():
    port = talking((0.1, BOOT_N, RATE))
    result = run(watch(WatchOptions()), port, stop=lambda: port.now() > 2)
    assert result.ended is Ended.STOPPED
    assert result.facts.bootloader == "BK7231N_1.0.1"


def test_an_unplugged_port_is_an_error():
    port = BenchPort(Talker((0.1, APP_N, RATE)), faults=LineFaults(unplug_at_byte=100))
    with pytest.raises(Unplugged):
        watched(port)


def test_babble_ends_with_its_time_and_not_before():
    port = BenchPort(Talker(), faults=LineFaults(babble=b"\xa7\x13\xff\x00\x81"))
    result, _ = watched(port, for_s=10.0)
    assert result.watched_s == pytest.approx(10.0)
    assert result.bytes_total > 1000


# --- which pins -------------------------------------------------------------------------------


def heard(*said):
    return watched(talking(*said), for_s=6.0)[0]


def test_pins_are_told_by_what_comes():
    mcu = bytes.fromhex("55aa0000000000ff")
    assert which_pins(heard((0.1, BOOT_N + APP_N, RATE))).pins is Pins.LOG
    assert which_pins(heard((0.1, mcu, RATE), (1, mcu, RATE))).pins is Pins.FLASHING
    assert which_pins(heard((0.1, BL602_TEXT, 2e6), (1, BL602_TEXT, 2e6))).pins is Pins.FLASHING
    assert which_pins(heard((0.1, BOOT_N, RATE))).pins is Pins.LOG
    banner = b"\r\nBK7238_1.0.15\r\nREG:cpsr     spsr     r13      r14\r\n" * 3
    assert which_pins(heard((0.1, banner, RATE))).pins is Pins.FLASHING
    assert which_pins(heard()).pins is Pins.UNKNOWN


def test_of_two_ports_the_silent_one_is_the_other():
    log, silent = heard((0.1, BOOT_N + APP_N, RATE)), heard()
    assert [one.pins for one in tell_apart([silent, log])] == [Pins.FLASHING, Pins.LOG]
    assert [one.pins for one in tell_apart([log, silent])] == [Pins.LOG, Pins.FLASHING]
    assert [one.pins for one in tell_apart([silent, silent])] == [Pins.UNKNOWN, Pins.UNKNOWN]


# --- anything at all --------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.binary(max_size=300), st.booleans()), max_size=40), st.booleans())
def test_the_finder_takes_anything_and_loses_no_text(pieces, fixed):
    finder = RateFinder(115_200, fixed=fixed)
    taken = given_bytes = 0
    for data, pause in pieces:
        given_bytes += len(data)
        for step in (finder.feed(data), finder.pause() if pause else None):
            if step is None:
                continue
            taken += len(step.data) if step.move is Move.TAKE else 0
            assert (step.move is Move.SWITCH) == (step.rate > 0 and step.move is not Move.TAKE)
            if fixed:
                assert step.move is not Move.SWITCH
    assert taken <= given_bytes
    assert len(finder.first) <= 16_384
    if fixed:
        assert taken == given_bytes


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=3000), st.sampled_from([9_600.0, 115_200.0, 2_000_000.0]))
def test_a_watch_of_anything_ends_in_time(data, rate):
    result, events = watched(talking((0.05, data, rate)), for_s=3.0)
    assert result.watched_s == pytest.approx(3.0, abs=0.2)
    for line in texts(events):
        assert "\x1b" not in line
        assert "\n" not in line
