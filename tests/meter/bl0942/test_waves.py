import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundwire.meter.bl0942.waves import Receiver, Wave, Wire

BIT_S = 1 / 4800


def listen(*waves, bit_s=BIT_S, push_pull=False):
    wire = Wire(push_pull=push_pull, rng=random.Random(1))
    for wave in waves:
        wire.add(wave)
    return bytes(heard.value for heard in Receiver([wire], bit_s).take(10.0))


def bit_by_bit(wave, bit_s):
    """The same without the short cut for an undisturbed sender."""
    wire = Wire()
    wire.add(wave)
    receiver = Receiver([wire], bit_s)
    return bytes(heard.value for heard in receiver._read_bits([(wire, [wave])], 10.0))


def test_one_sender_is_read_as_sent_and_on_time():
    wire = Wire()
    wire.add(Wave(1.0, BIT_S, b"\x58\xaa"))
    receiver = Receiver([wire], BIT_S)
    assert receiver.take(1.0 + 19.9 * BIT_S) == [(0x58, pytest.approx(1.0 + 10 * BIT_S))]
    assert receiver.take(2.0) == [(0xAA, pytest.approx(1.0 + 20 * BIT_S))]


@given(st.binary(min_size=1, max_size=30), st.floats(-0.029, 0.029))
def test_the_short_cut_hears_what_the_samples_say(data, difference):
    wave = Wave(0.5, BIT_S * (1 + difference), data)
    assert listen(wave) == bit_by_bit(wave, BIT_S) == data


@pytest.mark.parametrize("difference", [-0.045, 0.045])
def test_a_clock_off_by_less_than_five_percent_is_read(difference):
    data = random.Random(3).randbytes(200)
    assert listen(Wave(0.0, BIT_S * (1 + difference), data)) == data


def test_a_clock_off_by_eight_percent_is_not_read():
    data = random.Random(3).randbytes(200)
    assert listen(Wave(0.0, BIT_S * 1.08, data)) != data


def test_two_aligned_senders_on_an_open_drain_line_give_the_and_of_both():
    first = bytes.fromhex("55a3b9009e4c36934300f498ff990000164e0001010076")
    second = bytes.fromhex("554dd503bf513536640 1ba1702b00400204e0000000058".replace(" ", ""))
    heard = listen(Wave(0.0, BIT_S, first), Wave(0.0, BIT_S, second))
    assert heard.hex() == "550191009e403412400 0b01002900000004e0000000050".replace(" ", "")


def test_two_push_pull_senders_give_neither():
    first, second = b"\x55\x0f\xf0\x00", b"\x55\xf0\x0f\xff"
    heard = listen(Wave(0.0, BIT_S, first), Wave(0.0, BIT_S, second), push_pull=True)
    assert heard not in {first, second}
    alone = listen(Wave(0.0, BIT_S, first), Wave(1.0, BIT_S, second), push_pull=True)
    assert alone == first + second


def test_a_long_low_is_one_zero_byte():
    assert listen(Wave.low(0.0, 1.0)) == b"\x00"


def test_a_break_is_measured():
    assert Wave(0.0, 1 / 1200, b"\x00").longest_low_s() == pytest.approx(0.0075)
    assert Wave.low(1.0, 1.25).longest_low_s() == pytest.approx(0.25)


waves = st.builds(
    Wave,
    st.floats(0.0, 0.02),
    st.sampled_from((1 / 4800, 1 / 9600, 1 / 115200)),
    st.binary(min_size=1, max_size=12),
)


@settings(max_examples=60)
@given(st.lists(waves, min_size=1, max_size=4), st.lists(st.floats(0.0, 0.1), max_size=5))
def test_when_the_receiver_is_asked_changes_nothing(senders, moments):
    def wire_of():
        wire = Wire()
        for wave in senders:
            wire.add(wave)
        return wire

    at_once = Receiver([wire_of()], BIT_S).take(1.0)
    receiver = Receiver([wire_of()], BIT_S)
    in_parts = [heard for at_s in [*sorted(moments), 1.0] for heard in receiver.take(at_s)]
    assert [heard.value for heard in in_parts] == [heard.value for heard in at_once]
    assert [heard.at_s for heard in in_parts] == pytest.approx([heard.at_s for heard in at_once])
    assert [heard.at_s for heard in at_once] == sorted(heard.at_s for heard in at_once)
