import pytest

from groundwire.errors import Cancelled
from groundwire.link.runner import run
from groundwire.meter.bl0942.codec import ReadPacket, ReadRegister, Register, decode_packet
from groundwire.meter.bl0942.emulated_line import Fault, LinePort, MeterLine
from groundwire.meter.bl0942.emulator import Chip
from groundwire.meter.bl0942.exchange import Channel, LineOwner, Loss
from groundwire.wire import Answer, Discard, Receive, Send
from meter_attribution import by_line

PACKET = bytes.fromhex("55f4910086e433b57d00820600a41a00364e0000010033")
ONE = Channel("A")
ASK = ReadPacket(0)


def play(answers, request=ASK, latency_s=0.0):
    """Run one exchange against written answers from its Send on: (operation, bytes, seconds)."""
    procedure = LineOwner(latency_s).exchange(ONE, request)
    script = list(answers)
    answer = None
    try:
        while True:
            op = procedure.send(answer)
            if len(script) < len(answers) or isinstance(op, Send):
                expected, data, took_s = script.pop(0)
                assert isinstance(op, expected)
                answer = Answer(data, took_s)
            else:
                answer = Answer(b"", 0.01)
    except StopIteration as stop:
        assert script == []
        return stop.value


SENT = (Send, b"", 0.004167)


def test_a_whole_answer_is_taken():
    catch = play([SENT, (Receive, PACKET, 0.048), (Receive, b"", 0.0022)])
    assert (catch.loss, catch.data, catch.junk) == (None, PACKET, 0)


@pytest.mark.parametrize(
    ("answers", "loss"),
    [
        ([(Receive, b"", 0.003)], Loss.SILENCE),
        ([(Receive, b"\x00", 0.003), (Receive, b"", 0.05)], Loss.LOW),
        ([(Receive, PACKET[:10], 0.02), (Receive, b"", 0.03)], Loss.SHORT),
        ([(Receive, PACKET[:22] + b"\x34", 0.048), (Receive, b"", 0.01)], Loss.BAD_SUM),
        ([(Receive, PACKET + b"\x55", 0.048)], Loss.TOO_LONG),
        ([(Receive, PACKET, 0.048), (Receive, b"\x55", 0.0021)], Loss.TOO_LONG),
        ([(Receive, b"12345" + PACKET, 0.048)], Loss.TOO_LONG),
        ([(Receive, PACKET, 0.030)], Loss.EARLY),
        ([(Receive, PACKET, 0.080)], Loss.LATE),
    ],
    ids=lambda it: it.name if isinstance(it, Loss) else "",
)
def test_each_way_to_lose_an_answer_has_its_reason(answers, loss):
    catch = play([SENT, *answers, (Discard, b"", 0.06)])
    assert catch.loss is loss


def test_zeros_of_a_sagging_line_do_no_harm():
    catch = play([SENT, (Receive, b"\x00" + PACKET, 0.0485), (Receive, b"\x00", 0.0021)])
    assert (catch.loss, catch.data, catch.junk) == (None, PACKET, 2)


def test_bytes_held_back_for_longer_than_allowed_are_late_and_within_it_are_not():
    held = [SENT, (Receive, PACKET, 0.060)]
    assert play([*held, (Discard, b"", 0.06)]).loss is Loss.LATE
    assert play([*held, (Receive, b"", 0.0022)], latency_s=0.016).loss is None


def test_a_register_after_a_zero_of_a_sagging_line():
    request = ReadRegister(0, Register.MODE.value)
    reply = bytes.fromhex("00 87 00 00 07")
    catch = play([SENT, (Receive, reply, 0.0085), (Receive, b"", 0.0022)], request)
    assert (catch.loss, catch.data) == (None, reply[1:])


def test_a_poll_takes_no_longer_than_the_line_and_one_byte():
    line, port, channels = by_line()
    owner = LineOwner(0.0)
    run(owner.exchange(channels[0], ASK), port)
    began_s = line.now_s
    run(owner.exchange(channels[0], ASK), port)
    assert line.now_s - began_s == pytest.approx(250.5 / 4800 + 10.6 / 4800, rel=0.01)


def test_a_loss_is_followed_by_silence_of_a_whole_answer():
    line, port, channels = by_line({Fault.NO_ANSWER: 1.0})
    owner = LineOwner(0.0)
    began_s = line.now_s
    assert run(owner.exchange(channels[0], ASK), port).loss is Loss.SILENCE
    assert line.now_s - began_s > 0.060 + 0.005 + 0.0041 + 0.048


def test_asking_while_another_answer_is_under_way_waits_for_its_end():
    """Row 14: a procedure is abandoned after its request, and the next one asks another chip."""
    line, port, channels = by_line()
    owner = LineOwner(0.0)
    abandoned = owner.exchange(channels[0], ASK)
    op = next(abandoned)
    while not isinstance(op, Receive):
        began_s = port.now()
        if isinstance(op, Send):
            port.send(op.data)
        elif not isinstance(op, Discard):
            run(iter_of(op), port)
        op = abandoned.send(Answer(b"", port.now() - began_s))
    abandoned.close()
    catch = run(owner.exchange(channels[1], ASK), port)
    assert catch.loss is None
    assert [spoken.chip for spoken in line.spoken] == ["A", "B"]
    assert catch.data == line.spoken[-1].data
    assert owner.stray_bytes == 23


def iter_of(op):
    """A procedure of one operation."""
    yield op


def test_a_line_that_never_falls_silent_is_reported_and_nothing_is_sent():
    chip = Chip("A")
    line = MeterLine({"TX1": [chip]})
    port = LinePort(line)
    line.drive_receive_line("babbler", b"\x37" * 200, 1 / 4800)
    owner = LineOwner(0.0)
    assert run(owner.exchange(ONE, ASK), port).loss is Loss.BABBLE
    assert owner.stray_bytes > 70
    assert [spoken.chip for spoken in line.spoken] == ["babbler"]


def test_a_break_wakes_a_chip_that_hangs():
    chip = Chip("A")
    port = LinePort(MeterLine({"TX1": [chip]}))
    chip.hung = True
    owner = LineOwner(0.0)
    assert run(owner.exchange(ONE, ASK), port).loss is Loss.SILENCE
    run(owner.send_break(ONE), port)
    catch = run(owner.exchange(ONE, ASK), port)
    assert decode_packet(catch.data).v_rms == 3_653_168
    assert port.baudrate == 4800


def test_a_turn_that_is_cancelled_leaves_no_channel_half_selected():
    line, port, channels = by_line()
    owner = LineOwner(0.0)
    fast = Channel("fast", baudrate=9600, line=channels[1].line)
    run(owner.exchange(channels[0], ASK), port)
    with pytest.raises(Cancelled):
        run(owner.exchange(fast, ASK), port, stop=lambda: port.baudrate == 9600)
    assert port.baudrate == 9600
    assert run(owner.exchange(channels[0], ASK), port).loss is None
    assert line.spoken[-1].chip == "A"


def test_a_break_that_is_cancelled_puts_the_speed_back():
    _line, port, channels = by_line()
    owner = LineOwner(0.0)
    with pytest.raises(Cancelled):
        run(owner.send_break(channels[0]), port, stop=lambda: port.baudrate == 1200)
    assert port.baudrate == 4800
    assert run(owner.exchange(channels[0], ASK), port).loss is None
