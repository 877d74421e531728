import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundwire.meter.bl0942.codec import COUNTER_RANGE, decode_packet
from groundwire.meter.bl0942.counter import MOST_PULSES_PER_S
from groundwire.meter.bl0942.energy import Booking, Ledger
from groundwire.meter.bl0942.gains import OPENBEKEN_DEFAULT

VECTORS = json.loads(Path(__file__).with_name("bl0942-vectors.json").read_text(encoding="utf-8"))
PACKET = decode_packet(bytes.fromhex("554dd503bf51353664" + "01ba1702b00400204e0000000058"))


def at(count, watt=137_146, status=0):
    return replace(PACKET, cf_cnt=count % COUNTER_RANGE, watt=watt, status=status)


def book(ledger, *readings):
    """(count, seconds) one after the other; what became of each."""
    return [ledger.add(at(count), at_s).booking for count, at_s in readings]


@pytest.mark.parametrize("row", VECTORS["cf_cnt_sequences"], ids=lambda row: row["why"])
@pytest.mark.parametrize("signed", [True, False])
def test_counter_vectors(row, signed):
    ledger = Ledger(signed=signed)
    ledger.add(at(row["prev"]), 0.0)
    step = ledger.add(at(row["cur"]), 1.0)
    if "reset" in row["why"]:
        assert step.booking is Booking.SUSPECT
        assert ledger.state.imported == 0
    else:
        assert step.pulses == row["openbeken_delta"]
        assert ledger.state.imported == row["openbeken_delta"]
        energy_wh = ledger.state.imported_kwh(OPENBEKEN_DEFAULT) * 1000
        assert energy_wh == pytest.approx(row["openbeken_energy_wh"], rel=1e-6)


def test_the_3268_kwh_trap():
    """One packet of another chip: 1200 between two of 153. OpenBeken adds 3268 kWh."""
    ledger = Ledger(signed=False)
    bookings = book(ledger, (153, 0.0), (1200, 1.0), (153, 2.0), (154, 3.0))
    assert bookings == [Booking.FIRST, Booking.SUSPECT, Booking.COUNTED, Booking.COUNTED]
    assert ledger.state.imported == 1
    assert ledger.state.held_back == 1


def test_a_brown_out_books_nothing_and_counting_goes_on():
    ledger = Ledger(signed=False)
    bookings = book(ledger, (1200, 0.0), (0, 1.0), (1, 2.0), (2, 3.0))
    assert bookings == [Booking.FIRST, Booking.SUSPECT, Booking.RESTARTED, Booking.COUNTED]
    assert ledger.state.imported == 1
    assert ledger.state.restarts == 1


def test_a_wrap_is_told_apart_from_a_restart():
    ledger = Ledger(signed=False)
    bookings = book(ledger, (0xFFFFFC, 0.0), (0xFFFFFE, 1.0), (3, 2.0))
    assert bookings == [Booking.FIRST, Booking.COUNTED, Booking.WRAPPED]
    assert (ledger.state.imported, ledger.state.wraps) == (7, 1)


def test_a_restart_that_the_reader_found_needs_no_second_look():
    ledger = Ledger(signed=True)
    ledger.add(at(100), 0.0, generation=1)
    assert ledger.add(at(103), 1.0, generation=2).booking is Booking.RESTARTED
    assert ledger.add(at(104), 2.0, generation=2).pulses == 1
    assert ledger.state.imported == 1


def test_export_counts_down_with_a_sign():
    ledger = Ledger(signed=True)
    ledger.add(at(5), 0.0)
    step = ledger.add(at(-3, watt=-26_380), 2.0)
    assert (step.booking, step.pulses) == (Booking.WRAPPED, -8)
    assert (ledger.state.imported, ledger.state.exported) == (0, 8)


def test_export_of_a_chip_that_counts_absolutely_goes_by_the_sign_of_the_power():
    ledger = Ledger(signed=False)
    ledger.add(at(10, watt=-26_380), 0.0)
    assert ledger.add(at(14, watt=-26_380), 1.0).pulses == -4
    assert ledger.add(at(17, watt=0, status=0x103), 2.0).pulses == -3
    assert ledger.add(at(19, watt=26_380), 3.0).pulses == 2
    state = ledger.state
    assert (state.imported, state.exported, state.undirected) == (0, 7, 2)


def test_a_doubted_packet_is_not_looked_at():
    ledger = Ledger(signed=False)
    ledger.add(at(10), 0.0)
    assert ledger.add(at(11, watt=8_000_000), 1.0).booking is Booking.DOUBTED
    assert ledger.state.baseline.count == 10


def test_after_a_gap_that_may_hold_a_whole_wrap_nothing_is_booked():
    ledger = Ledger(signed=False)
    ledger.add(at(10), 0.0)
    assert ledger.add(at(500_000), 86_400.0).booking is Booking.COUNTED
    assert ledger.add(at(900_000), 86_400.0 * 10).booking is Booking.GAP
    assert ledger.state.imported == 499_990


def test_a_clock_that_runs_backwards_does_no_harm():
    ledger = Ledger(signed=False)
    assert book(ledger, (10, 100.0), (12, 50.0), (400, 51.0))[1:] == [
        Booking.COUNTED,
        Booking.SUSPECT,
    ]


def test_the_state_can_be_kept_and_continued():
    first = Ledger(signed=True)
    book(first, (1, 0.0), (9, 1.0))
    second = Ledger(signed=True, state=first.state)
    second.add(at(12), 2.0)
    assert second.state.imported == 11
    assert second.state.undirected_kwh(OPENBEKEN_DEFAULT) == 0


readings = st.lists(
    st.tuples(st.integers(0, COUNTER_RANGE - 1), st.floats(0.0, 100_000.0), st.integers(0, 2)),
    min_size=2,
    max_size=20,
)


@settings(max_examples=80)
@given(readings, st.booleans())
def test_whatever_is_read_adds_no_more_than_the_input_could_take(rows, signed):
    ledger = Ledger(signed=signed)
    now_s, total_s = 0.0, 0.0
    for count, passed_s, generation in rows:
        now_s += passed_s
        total_s += passed_s
        ledger.add(at(count), now_s, generation)
    state = ledger.state
    booked = state.imported + state.exported + state.undirected
    assert booked <= total_s * MOST_PULSES_PER_S + 3 * len(rows)


@settings(max_examples=50)
@given(
    st.integers(0, COUNTER_RANGE - 1),
    st.lists(st.integers(-11, 11), min_size=1, max_size=50),
    st.data(),
)
def test_a_true_count_is_booked_to_the_pulse_whatever_foreign_packets_come_between(
    start, steps, data
):
    """Foreign packets single and far away, as a foreign chip's are; the truth is not disturbed."""
    ledger = Ledger(signed=True)
    count, now_s = start, 0.0
    ledger.add(at(count), now_s)
    for step in steps:
        count, now_s = count + step, now_s + 1.0
        ledger.add(at(count), now_s)
        if data.draw(st.booleans()):
            foreign = count + data.draw(st.integers(1000, COUNTER_RANGE - 1000))
            assert ledger.add(at(foreign), now_s).booking is Booking.SUSPECT
    state = ledger.state
    assert state.imported == sum(step for step in steps if step > 0)
    assert state.exported == -sum(step for step in steps if step < 0)
