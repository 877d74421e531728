"""The runner: operations carried out in order, errors and cancelling thrown in where they belong."""

import pytest

from contract.module import BoundedBench
from contract.rigs import rig_of
from groundwire.errors import Cancelled, PortFailed, Unplugged
from groundwire.events import Notice, Phase, Progress
from groundwire.link.runner import run
from groundwire.sim.faults import LineFaults
from groundwire.wire import Discard, Receive, Send, SetBaudrate, SetLines, Wait

LINK_CHECK = bytes.fromhex("01e0fc0100")
LINKED = bytes.fromhex("040e0501e0fc0100")


@pytest.fixture
def bench():
    rig = rig_of("BK7231N")
    return BoundedBench(rig.family.emulator("BK7231N", b"\xff" * 0x200000))  # erased: stays linked


def test_operations_are_answered_with_what_they_brought_and_took(bench):
    def procedure():
        yield Wait(0.1)
        answer = yield Send(LINK_CHECK)
        assert answer.data == b""
        assert answer.took_s == pytest.approx(5 * 10 / 115_200)
        answer = yield Receive(0.5, at_least=8)
        assert answer.data == LINKED
        assert 0.0005 < answer.took_s < 0.01
        answer = yield Receive(0.05)
        assert (answer.data, answer.took_s) == (b"", pytest.approx(0.05))
        answer = yield SetBaudrate(921_600)
        assert bench.baudrate == 921_600
        yield SetLines(dtr=True, rts=None)
        return "done"

    assert run(procedure(), bench) == "done"


def test_events_reach_the_listener_in_order(bench):
    events = [Phase("a", "b"), Progress("read", 1, 2), Notice("note")]
    told = []

    def procedure():
        yield events[0]
        yield events[1]
        yield events[2]

    run(procedure(), bench, tell=told.append)
    assert told == events


def test_an_error_of_the_port_is_thrown_into_the_procedure(bench):
    bench.faults = LineFaults(unplug_at_byte=0)

    def gives_on():
        yield Send(b"x")

    def cleans_up():
        try:
            yield Send(b"x")
        except Unplugged:
            return "handled"

    with pytest.raises(Unplugged):
        run(gives_on(), bench)
    assert run(cleans_up(), bench) == "handled"


def test_a_speed_that_the_adapter_cannot_do_is_an_error_there(bench):
    def procedure():
        try:
            yield SetBaudrate(9_000_000)
        except PortFailed as error:
            return error.reason

    assert "9000000" in run(procedure(), bench)
    assert bench.baudrate == 115_200


def test_cancelling_is_thrown_once_and_cleaning_up_may_yield(bench):
    done = []

    def procedure():
        try:
            while True:
                yield Wait(0.01)
        finally:
            yield SetBaudrate(230_400)
            done.append("rate")
            yield Send(b"bye")
            done.append("sent")

    asked = iter([False, False, True, True, True, True, True])
    with pytest.raises(Cancelled):
        run(procedure(), bench, stop=lambda: next(asked))
    assert done == ["rate", "sent"]
    assert bench.baudrate == 230_400


def test_a_procedure_that_is_done_before_the_stop_is_done(bench):
    def procedure():
        return 5
        yield

    assert run(procedure(), bench, stop=lambda: True) == 5


def test_discarding_ends_in_time_on_a_line_that_babbles(bench):
    bench.faults.babble = b"noise that never ends " * 20

    def procedure():
        return (yield Discard(0.02, within_s=0.5))

    answer = run(procedure(), bench)
    assert len(answer.data) == pytest.approx(0.5 * 11_520, rel=0.1)
    assert answer.took_s == pytest.approx(0.5, abs=0.03)


def test_discarding_ends_as_soon_as_the_line_is_quiet(bench):
    def procedure():
        yield Wait(0.1)
        yield Send(LINK_CHECK)
        return (yield Discard(0.02, within_s=1.0))

    answer = run(procedure(), bench)
    assert answer.data == LINKED
    assert answer.took_s < 0.05
