import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundwire.link.runner import run
from groundwire.meter.bl0942.bus import Bus, Miss, set_ups
from groundwire.meter.bl0942.codec import MODE_AFTER_RESET, Mode
from groundwire.meter.bl0942.emulated_line import Fault
from groundwire.meter.bl0942.emulator import Load
from groundwire.meter.bl0942.energy import Booking
from groundwire.meter.bl0942.gains import Gains
from groundwire.meter.bl0942.monitor import Monitor, Sample
from meter_attribution import WIRINGS, by_line

GAINS = Gains.of_circuit("divider 5 x 390k, shunt 1 mOhm")
POWERS = {"A": 600_000, "B": -400_000, "C": 100_000, "D": 0}


def steady(name):
    watt = POWERS[name]
    load = Load(v_rms=3_653_168, i_rms=2_000_000, watt=watt)
    return lambda _at_s: load


def watched(bench, *, mode=None, **options):
    """A monitor of a line on which every chip has a steady load of its own."""
    line, port, channels = bench
    for index, chip in enumerate(line.chips):
        chip.load_at = steady(chip.name)
        chip.cf_cnt = 50_000 * index
    wanted = set_ups(len(channels), mode) if mode is not None else set_ups(len(channels))
    bus = Bus(channels, set_up=wanted, latency_s=0.08, clock=port.now)
    gains = {channel.name: GAINS for channel in channels}
    return Monitor(bus, gains, **options), line, port


def test_energy_and_direction_of_two_chips():
    monitor, line, port = watched(by_line())
    samples = []
    for _ in range(120):
        port.wait(0.5)
        samples.append(run(monitor.turn(), port))
    assert all(isinstance(sample, Sample) for sample in samples)
    first, last = samples[0], samples[-2]
    expected = 600_000 * (last.at_s - first.at_s) / 419_430.4
    assert last.channel == "A"
    assert last.imported_kwh * GAINS.pulses_per_kwh == pytest.approx(expected, abs=2)
    assert last.exported_kwh == 0
    assert samples[-1].exported_kwh > 0
    assert samples[-1].imported_kwh == 0
    assert last.measurement.active_power_w == pytest.approx(600_000 / GAINS.counts_per_watt)
    assert line.chips[1].mode & Mode.COUNT_ABSOLUTE == 0


def test_a_chip_that_is_not_set_up_is_asked_how_it_counts():
    line, port, channels = by_line()
    for chip in line.chips:
        chip.load_at = steady(chip.name)
    gains = {channel.name: GAINS for channel in channels}
    monitor = Monitor(Bus(channels, clock=port.now), gains)
    for _ in range(40):
        port.wait(0.5)
        run(monitor.turn(), port)
    assert {chip.mode for chip in line.chips} == {MODE_AFTER_RESET}
    assert monitor.states["B"].exported > 5
    assert monitor.states["B"].imported == 0


def test_a_brown_out_is_booked_as_a_restart_and_counting_goes_on():
    monitor, line, port = watched(by_line())
    line.chips[0].cf_cnt = 5_000_000
    before = [run(monitor.turn(), port) for _ in range(6)][-2]
    line.chips[0].reset(line.now_s, 0.2)
    port.wait(1.0)
    outcomes = [run(monitor.turn(), port) for _ in range(20)]
    assert any(isinstance(outcome, Miss) for outcome in outcomes)
    steps = [o.step.booking for o in outcomes if isinstance(o, Sample) and o.channel == "A"]
    assert Booking.RESTARTED in steps
    assert steps[-1] is Booking.COUNTED
    after = [o for o in outcomes if isinstance(o, Sample) and o.channel == "A"][-1]
    assert 0 <= after.imported_kwh - before.imported_kwh < 0.01


def test_a_later_run_goes_on_where_the_first_ended():
    monitor, _line, port = watched(by_line())
    for _ in range(10):
        run(monitor.turn(), port)
    kept = monitor.states
    port.wait(100.0)
    bus = Bus(
        [state.channel for state in monitor.bus.states.values()], set_up=set_ups(2), clock=port.now
    )
    later = Monitor(bus, {"A": GAINS, "B": GAINS}, states=kept)
    sample = run(later.turn(), port)
    assert sample.step.booking is Booking.COUNTED
    assert sample.step.pulses == pytest.approx(600_000 * 100 / 419_430.4, abs=3)


def test_what_the_installation_cannot_draw_is_held_back():
    monitor, line, port = watched(by_line(), most_power_w=100.0)
    run(monitor.turn(), port)
    run(monitor.turn(), port)
    port.wait(100.0)
    assert run(monitor.turn(), port).step.booking is Booking.SUSPECT
    assert monitor.bus.states["A"].check_due_s == 0.0
    assert monitor.states["A"].imported == 0
    assert line.chips[0].cf_cnt > 100


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 1 << 32),
    wiring=st.sampled_from(list(WIRINGS)),
    fault=st.sampled_from(list(Fault)),
)
def test_under_every_fault_energy_is_never_more_than_what_flowed(seed, wiring, fault):
    monitor, line, port = watched(WIRINGS[wiring]({fault: 0.15}, seed=seed))
    for _ in range(40):
        port.wait(0.2)
        run(monitor.turn(), port)
    for name, state in monitor.states.items():
        flowed = abs(POWERS[name]) * line.now_s / 419_430.4
        assert state.imported + state.exported + state.undirected <= flowed + 4
