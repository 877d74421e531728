"""Carries procedures out on a port: the only code that knows both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar, assert_never

from groundwire.errors import Cancelled, GroundwireError
from groundwire.events import (
    Attempt,
    Heard,
    Listening,
    NeedHands,
    Notice,
    Phase,
    Printed,
    Progress,
    Restarted,
    Tell,
    tell_nobody,
)
from groundwire.wire import (
    Answer,
    Discard,
    Op,
    Port,
    Procedure,
    Receive,
    Send,
    SetBaudrate,
    SetLines,
    Wait,
)

T = TypeVar("T")
Stop = Callable[[], bool]
A_LOT: Final = 256


def never_stop() -> bool:
    """The default: nobody asks a procedure to stop."""
    return False


def run(
    procedure: Procedure[T], port: Port, tell: Tell = tell_nobody, stop: Stop = never_stop
) -> T:
    """Run a procedure to its end and give what it returns.

    An error of the port is thrown into the procedure, which may clean up or give it on. When
    `stop` turns true, `Cancelled` is thrown in once, at the next operation.
    """
    cancelled = False
    try:
        op = next(procedure)
        while True:
            if not cancelled and stop():
                cancelled = True
                op = procedure.throw(Cancelled())
                continue
            try:
                answer = _perform(op, port, tell)
            except GroundwireError as error:
                op = procedure.throw(error)
            else:
                op = procedure.send(answer)
    except StopIteration as end:
        result: T = end.value
        return result


def _perform(op: Op, port: Port, tell: Tell) -> Answer:
    started = port.now()
    data = b""
    match op:
        case Send(out):
            port.send(out)
        case Receive(within_s, at_least, quiet_s):
            data = port.receive(within_s, at_least, quiet_s)
        case Discard(quiet_s, within_s):
            data = _discard(port, quiet_s, within_s)
        case SetBaudrate(rate):
            port.set_baudrate(rate)
        case SetLines(dtr, rts):
            port.set_lines(dtr=dtr, rts=rts)
        case Wait(seconds):
            port.wait(seconds)
        case (
            Phase() | Progress() | Notice() | Attempt() | Heard() | NeedHands()
            | Listening() | Restarted() | Printed()
        ):  # fmt: skip
            tell(op)
        case _:
            assert_never(op)
    return Answer(data, port.now() - started)


def _discard(port: Port, quiet_s: float, within_s: float) -> bytes:
    """What arrived until the line fell quiet; a line that babbles ends it after `within_s`."""
    ends = port.now() + within_s
    thrown = bytearray()
    while (left_s := ends - port.now()) > 0:
        at_least = 1 if len(thrown) < A_LOT else A_LOT  # a line that babbles is taken in gulps
        data = port.receive(min(quiet_s, left_s), at_least)
        if not data:
            break
        thrown += data
    return bytes(thrown)
