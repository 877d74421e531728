import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwire.meter.bl0942.codec import MODE_AFTER_RESET, Register, decode_packet
from groundwire.meter.bl0942.emulator import NO_MAINS, Chip, Load

BYTE_S = 10 / 4800


def say(chip, text, at_s=0.0, gap_s=0.0):
    """All bytes at the speed of the line; the replies they cause."""
    replies = []
    for index, value in enumerate(bytes.fromhex(text)):
        reply = chip.on_byte(value, at_s + (index + 1) * BYTE_S + index * gap_s)
        if reply is not None:
            replies.append(reply)
    return replies


def ask(chip, text, at_s=0.0):
    (reply,) = say(chip, text, at_s)
    return reply.data.hex(" ")


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        ("58 19", "87 00 00 07"),
        ("58 14", "0b 00 00 88"),
        ("58 15", "ff ff 00 94"),
        ("58 16", "01 00 00 90"),
        ("58 17", "03 00 00 8d"),
        ("58 18", "24 00 00 6b"),
        ("58 1a", "02 00 00 8b"),
        ("58 1d", "00 00 00 8a"),
    ],
)
def test_registers_after_a_reset(request_, answer):
    assert ask(Chip("A"), request_) == answer


def test_without_mains_the_packet_is_the_one_of_a_reset():
    chip = Chip("A", load_at=lambda _: NO_MAINS)
    # Vector reset_defaults, with the no-load bit that a running chip also sets.
    assert ask(chip, "58 aa") == (
        "55 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 20 4e 00 02 03 00 df"
    )
    chip.load_at = lambda _: Load(v_rms=0x7FFFF)
    assert decode_packet(bytes.fromhex(ask(chip, "58 aa", 1.0))).freq == 20000


def test_the_answer_starts_half_a_bit_after_the_request():
    (reply,) = say(Chip("A"), "58 aa")
    assert reply.start_s == pytest.approx(2 * BYTE_S + 0.5 / 4800)


def test_writes_need_the_key_and_are_never_answered():
    chip = Chip("A")
    assert say(chip, "a8 15 fe ff 00 45") == []
    assert ask(chip, "58 15", 0.1) == "ff ff 00 94"
    say(chip, "a8 1d 55 00 00 e5", 0.2)
    assert ask(chip, "58 1d", 0.3) == "01 00 00 89"
    say(chip, "a8 15 fe ff 00 45", 0.4)
    say(chip, "a8 1d 00 00 00 3a", 0.5)
    say(chip, "a8 15 fd ff 00 46", 0.6)
    assert chip.word(Register.I_FAST_RMS_TH) == 0xFFFE


def test_a_wrong_sum_or_address_is_met_with_silence():
    chip = Chip("A")
    say(chip, "a8 1d 55 00 00 e4")
    assert ask(chip, "58 1d", 0.1) == "00 00 00 8a"
    assert say(chip, "59 aa", 0.2) == []
    assert say(chip, "00 ff 33", 0.3) == []
    assert ask(chip, "58 19", 0.4) == "87 00 00 07"


@pytest.mark.parametrize(("gap_s", "answers"), [(0.0110, 1), (0.0125, 0)])
def test_a_packet_request_may_pause_for_less_than_12_ms(gap_s, answers):
    assert len(say(Chip("A"), "58 aa", gap_s=gap_s)) == answers


@pytest.mark.parametrize(("gap_s", "answers"), [(0.0050, 1), (0.0060, 0)])
def test_a_register_request_may_pause_for_less_than_6_ms(gap_s, answers):
    assert len(say(Chip("A"), "58 19", gap_s=gap_s)) == answers


def test_a_request_that_broke_off_is_forgotten_after_16_ms():
    chip = Chip("A")
    say(chip, "a8 19")
    assert ask(chip, "58 19", 0.05) == "87 00 00 07"


def test_a_soft_reset_forgets_mode_and_energy():
    chip = Chip("A")
    chip.cf_cnt = 1200
    say(chip, "a8 1d 55 00 00 e5")
    say(chip, "a8 19 8f 00 00 af", 0.1)
    assert chip.mode == 0x8F
    say(chip, "a8 1c 5a 5a 5a 2d", 0.2)
    assert (chip.mode, chip.cf_cnt) == (MODE_AFTER_RESET, 0)


def test_energy_is_counted_absolutely_or_with_its_sign():
    chip = Chip("A", load_at=lambda _: Load(watt=-419_431))
    ask(chip, "58 aa", 0.0)
    assert decode_packet(bytes.fromhex(ask(chip, "58 aa", 60.0))).cf_cnt == 60
    say(chip, "a8 1d 55 00 00 e5", 61.0)
    say(chip, "a8 19 07 00 00 37", 61.1)
    chip.cf_cnt = 10
    assert decode_packet(bytes.fromhex(ask(chip, "58 aa", 82.2))).cf_cnt == 0xFFFFFF - 11


def test_a_load_below_the_threshold_is_not_seen():
    chip = Chip("A", load_at=lambda _: Load(watt=133, i_rms=900, i_fast_rms=47_440))
    packet = decode_packet(bytes.fromhex(ask(chip, "58 aa", 1000.0)))
    assert (packet.watt, packet.i_rms, packet.cf_cnt, packet.i_fast_rms) == (0, 0, 0, 47_440)
    chip.load_at = lambda _: Load(watt=135, i_rms=900)
    assert decode_packet(bytes.fromhex(ask(chip, "58 aa", 1001.0))).watt == 135


def test_a_hung_chip_is_silent_until_a_break():
    chip = Chip("A")
    chip.hung = True
    assert say(chip, "58 aa") == []
    chip.on_break()
    assert len(say(chip, "58 aa", 0.1)) == 1


@given(st.binary(max_size=60))
def test_nothing_that_is_said_to_a_chip_makes_it_fail(data):
    chip = Chip("A", address=1)
    for index, value in enumerate(data):
        reply = chip.on_byte(value, index * BYTE_S)
        assert reply is None or len(reply.data) in {4, 23}
