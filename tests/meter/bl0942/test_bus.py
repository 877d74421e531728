import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundwire.errors import BadArgument, CorruptFrame, NoReply, RegisterUnchanged
from groundwire.link.runner import run
from groundwire.meter.bl0942.bus import Bus, Identity, Miss, Reading, set_ups
from groundwire.meter.bl0942.codec import Register
from groundwire.meter.bl0942.emulated_line import Fault
from groundwire.meter.bl0942.exchange import Channel, Loss
from meter_attribution import FIRST, WIRINGS, by_address, by_line, poll_many

WRONG = {"wrong chip", "stale"}
# How long bytes may be held back must be known to the bus; an answer that begins up to 200 ms
# late is within a quarantine that allows for 80 ms.
LATENCIES_S = {Fault.HELD_BACK: 0.016, Fault.LATE_ANSWER: 0.080}


@pytest.mark.parametrize("wiring", WIRINGS)
def test_every_wiring_that_can_be_told_apart_is_read(wiring):
    verdicts, bus = poll_many(run, WIRINGS[wiring](), 60)
    assert verdicts == {"right": 60}
    assert all(state.readings == state.polls for state in bus.states.values())


@pytest.mark.parametrize("wiring", WIRINGS)
@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name)
@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 1 << 32), rate=st.sampled_from((0.05, 0.3)))
def test_no_packet_is_ever_credited_to_the_wrong_chip(wiring, fault, seed, rate):
    latency_s = LATENCIES_S.get(fault, 0.0)
    bench = WIRINGS[wiring]({fault: rate}, seed=seed)
    verdicts, bus = poll_many(run, bench, 25, latency_s=latency_s)
    assert not WRONG & set(verdicts)
    assert sum(verdicts.values()) == 25
    lost = sum(sum(state.losses.values()) for state in bus.states.values())
    assert lost == sum(count for what, count in verdicts.items() if isinstance(what, Loss))


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 1 << 32),
    wiring=st.sampled_from(list(WIRINGS)),
    faults=st.dictionaries(st.sampled_from(list(Fault)), st.just(0.1), min_size=2, max_size=4),
)
def test_nor_when_faults_come_together(wiring, seed, faults):
    bench = WIRINGS[wiring](faults, seed=seed)
    verdicts, _bus = poll_many(run, bench, 40, latency_s=0.080)
    # An answer that begins later than the quarantine allows for, just when the chip that gave it
    # is asked again and is silent, is its own old packet: no timing tells it from a new one.
    never = {"wrong chip"} if Fault.LATE_ANSWER in faults else WRONG
    assert not never & set(verdicts)


@pytest.mark.parametrize(
    ("fault", "loss"),
    [
        (Fault.NO_ANSWER, Loss.SILENCE),
        (Fault.HUNG_CHIP, Loss.SILENCE),
        (Fault.BROKEN_OFF, Loss.SHORT),
        (Fault.LOST_BYTE, Loss.SHORT),
        (Fault.FLIPPED_BIT, Loss.BAD_SUM),
    ],
    ids=lambda it: it.name,
)
def test_losses_are_counted_by_reason(fault, loss):
    verdicts, bus = poll_many(run, by_line({fault: 0.2}, seed=5), 100)
    assert verdicts[loss] > 0
    assert sum(state.losses[loss] for state in bus.states.values()) == verdicts[loss]


def test_two_aligned_answers_are_lost_and_not_mixed_up():
    """Row 2 with equal clocks: both answer bit by bit at once, the worst case for the sum."""
    bench = by_line({Fault.CROSSTALK: 1.0}, clocks=(0.0, 0.0), seed=2)
    verdicts, _bus = poll_many(run, bench, 200)
    assert verdicts["right"] == 0
    assert not WRONG & set(verdicts)


def test_a_restart_is_noticed_and_the_chip_is_set_up_again():
    line, port, channels = by_line()
    bus = Bus(channels, set_up=set_ups(2))
    before = [run(bus.turn(), port) for _ in channels]
    line.chips[0].reset(line.now_s)
    assert isinstance(run(bus.poll("A"), port), Reading)
    bus.ask_for_check("A")
    missed = run(bus.poll("A"), port)
    assert missed == Miss("A", Loss.RESTARTED, missed.at_s)
    after = run(bus.poll("A"), port)
    assert after.generation == before[0].generation + 1
    assert line.chips[0].word(Register.I_FAST_RMS_TH) == 0xFFFE
    assert bus.states["A"].restarts == 1
    assert run(bus.identify("A"), port) is Identity.SAME


def test_a_packet_of_a_chip_with_another_count_is_dropped_and_the_chip_proven():
    """The answer of B in A's turn at exactly the right moment, which no timing can tell."""
    line, port, channels = by_line()
    bus = Bus(channels, set_up=set_ups(2))
    a, b = line.chips
    b.cf_cnt = 1200
    run(bus.poll("A"), port)
    run(bus.poll("B"), port)
    line.rewire({"TX1": [b], "P24": [b]})
    assert run(bus.poll("A"), port).loss is Loss.COUNTER_JUMP
    assert run(bus.poll("A"), port).loss is Loss.OTHER_CHIP
    line.rewire({"TX1": [a], "P24": [b]})
    outcome = run(bus.poll("A"), port)
    assert outcome.packet.v_rms % 4 == 0


def test_a_restart_without_set_up_begins_a_new_generation_with_the_second_packet():
    line, port, channels = by_line()
    bus = Bus(channels)
    line.chips[0].cf_cnt = 5000
    before = run(bus.poll("A"), port)
    line.chips[0].reset(line.now_s)
    assert run(bus.poll("A"), port).loss is Loss.COUNTER_JUMP
    after = run(bus.poll("A"), port)
    assert (after.packet.cf_cnt, after.generation) == (0, before.generation + 1)


def test_a_restart_is_noticed_by_the_routine_check():
    line, port, channels = by_line()
    bus = Bus(channels, set_up=set_ups(2))
    run(bus.poll("A"), port)
    line.chips[0].reset(line.now_s)
    run(bus.line.wait(301.0), port)
    assert run(bus.poll("A"), port).loss is Loss.RESTARTED


def test_after_two_losses_in_a_row_the_chip_is_proven_before_it_is_believed():
    line, port, channels = by_line()
    bus = Bus(channels, set_up=set_ups(2))
    run(bus.poll("A"), port)
    line.faults = {Fault.NO_ANSWER: 1.0}
    assert [run(bus.poll("A"), port).loss for _ in range(2)] == [Loss.SILENCE] * 2
    line.faults = {}
    line.chips[0].reset(line.now_s)
    assert run(bus.poll("A"), port).loss is Loss.RESTARTED


def test_one_damaged_register_that_passes_the_sum_does_not_condemn_a_chip():
    line, port, channels = by_line()
    bus = Bus(channels, set_up=set_ups(2))
    run(bus.poll("A"), port)
    chip = line.chips[0]
    words, lies = chip._words, [0xFFFD]

    def read_once_wrong(number, at_s):
        return lies.pop() if lies else type(chip)._read(chip, number, at_s)

    chip._read = read_once_wrong
    assert run(bus.identify("A"), port) is Identity.SAME
    assert words[Register.I_FAST_RMS_TH] == 0xFFFE


def test_swapped_wires_are_noticed_by_the_tags():
    line, port, channels = by_line()
    bus = Bus(channels, set_up=set_ups(2))
    for _ in channels:
        run(bus.turn(), port)
    line.rewire({"TX1": line.hears["P24"], "P24": line.hears["TX1"]})
    bus.ask_for_check("A")
    assert run(bus.poll("A"), port).loss is Loss.OTHER_CHIP


def test_a_dead_chip_costs_its_neighbour_little_and_rests_after_ten_failures():
    line, port, channels = by_line()
    bus = Bus(channels, set_up=set_ups(2))
    for _ in channels:
        run(bus.turn(), port)
    line.chips[1].off_until_s = 1e9
    outcomes = [run(bus.turn(), port) for _ in range(200)]
    dead = bus.states["B"]
    assert dead.losses == {Loss.SILENCE: 10}
    assert dead.breaks == 2
    assert sum(isinstance(outcome, Reading) for outcome in outcomes) == 190
    assert not bus.line_is_dead
    run(bus.line.wait(60.0), port)
    line.chips[1].off_until_s = 0.0
    names = [run(bus.turn(), port).channel for _ in range(3)]
    assert "B" in names
    assert dead.failures == 0


def test_a_stuck_line_is_told_apart_from_a_dead_chip():
    line, port, channels = by_line()
    bus = Bus(channels)
    for chip in line.chips:
        chip.off_until_s = 1e9
    for _ in range(6):
        assert isinstance(run(bus.turn(), port), Miss)
    assert bus.line_is_dead


def test_reading_without_set_up_writes_nothing():
    line, port, channels = by_line()
    bus = Bus(channels)
    for _ in range(4):
        assert isinstance(run(bus.turn(), port), Reading)
    assert [chip.mode for chip in line.chips] == [0x87, 0x87]


def test_a_write_is_proven_by_reading_back():
    line, port, channels = by_line()
    bus = Bus(channels)
    run(bus.write_register("A", Register.WA_CREEP, 0x33), port)
    assert run(bus.read_register("A", Register.WA_CREEP), port) == 0x33
    assert line.chips[0].word(Register.USR_WRPROT) == 0
    assert line.chips[1].word(Register.WA_CREEP) == 0x0B


def test_a_write_that_is_not_taken_is_an_error():
    line, port, channels = by_line()
    line.chips[0]._write = lambda *_: None
    with pytest.raises(RegisterUnchanged) as caught:
        run(Bus(channels).write_register("A", Register.WA_CREEP, 0x33), port)
    assert str(caught.value) == (
        "WA_CREEP was set to 0x33 and reads 0xB\n"
        "  likely   writes do not reach the chip, or another program sets it up as well\n"
        "  next     check the transmit wire to the chip, and stop other programs that read it"
    )


def test_silence_and_damage_are_two_errors():
    line, port, channels = by_line()
    bus = Bus(channels)
    line.faults = {Fault.NO_ANSWER: 1.0}
    with pytest.raises(NoReply):
        run(bus.read_register("A", Register.MODE), port)
    line.faults = {Fault.FLIPPED_BIT: 1.0}
    with pytest.raises(CorruptFrame):
        run(bus.read_register("A", Register.MODE), port)


@pytest.mark.parametrize(
    "channels",
    [[], [Channel("A"), Channel("B")], [Channel("A"), Channel("A", 1)]],
    ids=["none", "same way twice", "same name twice"],
)
def test_channels_that_cannot_be_told_apart_are_refused(channels):
    with pytest.raises(BadArgument):
        Bus(channels)


def test_addressed_chips_get_the_pause_they_need():
    line, port, channels = by_address(count=2)
    bus = Bus(channels)
    run(bus.turn(), port)
    began_s = line.now_s
    run(bus.turn(), port)
    assert line.now_s - began_s > 0.020 + 250.5 / 4800
    assert FIRST.name == "TX1"
