"""Whatever a line says, the host side ends in bounded time with a value or one of our errors."""

import random
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundwire.errors import CorruptFrame, GroundwireError, NoReply, RegisterUnchanged
from groundwire.link.runner import run
from groundwire.meter.bl0942.bus import Bus, Miss, Reading, set_ups
from groundwire.meter.bl0942.codec import Packet, Register, encode_packet
from groundwire.meter.bl0942.discover import Verdict, discover, ways_to_try
from groundwire.meter.bl0942.exchange import Channel

SOME = encode_packet(Packet(228_279, 3_653_168, 82_865, 130_272, 7, 20_006, 0x100))


class Babbler:
    """A port that answers with anything at any time, on a clock of its own."""

    name = "babbler"
    has_lines = False
    baudrate = 4800

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.clock_s = 0.0

    def now(self):
        return self.clock_s

    def send(self, data):
        self.clock_s += self.rng.choice((0.0, len(data) / 480, 0.3))

    def receive(self, within_s, at_least=1, quiet_s=None):
        assert within_s >= 0
        assert at_least >= 1
        self.clock_s += within_s * self.rng.choice((0.0, 0.5, 1.0, 1.1)) + 1e-6
        return self.rng.choice(
            (b"", b"\x00", b"\x55", SOME, SOME[: self.rng.randrange(23)], self.rng.randbytes(40))
        )

    def set_baudrate(self, rate):
        assert rate in {1200, 2400, 4800, 9600, 19200, 38400}

    def set_lines(self, *, dtr, rts):
        raise AssertionError("no channel has a line")

    def wait(self, seconds):
        assert seconds >= 0
        self.clock_s += seconds


@settings(max_examples=60)
@given(st.integers(0, 1 << 32), st.booleans())
def test_a_turn_ends_with_a_reading_or_a_miss(seed, with_set_up):
    port = Babbler(seed)
    channels = [Channel("A"), Channel("B", 1)]
    bus = Bus(channels, set_up=set_ups(2) if with_set_up else None)
    for _ in range(12):
        began_s = port.now()
        outcome = run(bus.turn(), port)
        assert isinstance(outcome, Reading | Miss)
        assert port.now() - began_s < 120
    assert sum(state.polls for state in bus.states.values()) == 12
    assert sum(state.readings + sum(state.losses.values()) for state in bus.states.values()) == 12


@settings(max_examples=30)
@given(st.integers(0, 1 << 32))
def test_registers_end_with_a_value_or_one_of_our_errors(seed):
    port = Babbler(seed)
    bus = Bus([Channel("A")])
    with suppress(NoReply, CorruptFrame):
        assert 0 <= run(bus.read_register("A", Register.MODE), port) < 1 << 24
    with suppress(NoReply, CorruptFrame, RegisterUnchanged):
        run(bus.write_register("A", Register.WA_CREEP, 7), port)
    assert port.now() < 60


@settings(max_examples=15)
@given(st.integers(0, 1 << 32))
def test_discovery_ends_with_a_verdict(seed):
    port = Babbler(seed)
    found = run(discover(ways_to_try(), tries=2), port)
    assert found.verdict in Verdict
    assert port.now() < 600


def test_a_port_that_fails_ends_the_turn_with_its_error():
    class Dying(Babbler):
        def send(self, data):
            raise GroundwireError

    with pytest.raises(GroundwireError):
        run(Bus([Channel("A")]).turn(), Dying(1))
