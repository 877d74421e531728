r"""One request and its answer on a line that several chips share.

    IDLE -> QUIET -> SEND -> FIRST -> BODY -> IDLE
                               \-> FAIL -> QUARANTINE -> IDLE

An answer is taken only if it came when the chip that was asked could have sent it, alone, and
with a right sum. Whatever else arrives is a loss with a reason. After a loss the line is listened
to until it has been silent for a whole answer, so that a late one cannot meet the next request.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from enum import StrEnum

from groundwire.meter.bl0942.codec import (
    PACKET_SIZE,
    ReadPacket,
    ReadRegister,
    Request,
    WriteRegister,
    checksum,
    encode_request,
    find_packet,
    reply_size,
)
from groundwire.wire import (
    Answer,
    Discard,
    Op,
    Procedure,
    Receive,
    Send,
    SetBaudrate,
    SetLines,
    Wait,
)

# The longest time that bytes may be held back on the way: the usual latency timer of USB adapters,
# a UART of the machine itself, a port at the other end of a network.
LATENCY_USB_S = 0.016
LATENCY_ON_BOARD_S = 0.002
LATENCY_NETWORK_S = 0.100
BITS_PER_BYTE = 10
# Nobody has stated how exact the chip's oscillator is; a UART works up to 5 %.
CLOCK_TOLERANCE = 0.05
ANSWER_AFTER_BITS = 0.5
QUIET_BYTES = 2.4
# One byte that follows without a pause has arrived by then: the answer was longer than it may be.
TRAILING_BYTES = 1.05
MOST_JUNK = 4
FIRST_MARGIN_S = 0.0008
GAP_S = 0.005
QUIET_WITHIN_S = 0.1
BABBLE_WITHIN_S = 1.0
OTHER_CHIP_PAUSE_S = 0.020
AFTER_WRITE_S = 0.001
START_WAIT_S = 0.060


class Loss(StrEnum):
    """Why an answer was not taken."""

    SILENCE = "silence"
    LOW = "line low"
    SHORT = "short"
    BAD_SUM = "bad sum"
    TOO_LONG = "too long"
    EARLY = "early"
    LATE = "late"
    BABBLE = "never quiet"
    OTHER_CHIP = "other chip"
    COUNTER_JUMP = "counter jump"
    RESTARTED = "chip restarted"
    UNCHANGED = "write not taken"


@dataclass(frozen=True, slots=True)
class TransmitLine:
    """A way for requests to leave: its name, and the modem lines that let them through to it."""

    name: str
    select: SetLines


@dataclass(frozen=True, slots=True)
class Channel:
    """How one chip is reached; chips on one line differ in line, address or speed."""

    name: str
    address: int = 0
    baudrate: int = 4800
    line: TransmitLine | None = None


@dataclass(frozen=True, slots=True)
class Catch:
    """What an exchange brought: the answer, or why there is none.

    `junk` counts bytes that arrived with it and belong to no answer.
    """

    loss: Loss | None
    data: bytes
    junk: int = 0


class LineOwner:
    """The one owner of a shared line; every byte that is sent goes through here.

    `latency_s` is the longest time that the adapter and the system may hold bytes back. The
    guarantee that no answer is credited to the wrong chip rests on it: an answer that comes later
    than this is dropped, and one that comes even twice as late still meets nobody's turn.
    `clock` is the port's clock, needed where time passes outside of this owner's procedures.
    """

    def __init__(
        self, latency_s: float = LATENCY_USB_S, clock: Callable[[], float] | None = None
    ) -> None:
        self.latency_s = latency_s
        self._clock = clock
        self._passed_s = 0.0
        self.stray_bytes = 0
        self._clean = False
        self._started = False
        self._channel: Channel | None = None

    @property
    def now_s(self) -> float:
        """Seconds on the port's clock, or the sum of what all operations took."""
        return self._passed_s if self._clock is None else self._clock()

    # --- the procedure ------------------------------------------------------------------------

    def exchange(self, channel: Channel, request: Request) -> Procedure[Catch]:
        """Ask once. The line is quiet when this returns, whatever happened."""
        yield from self._turn_to(channel)
        if not (yield from self._quiet(channel)):
            return Catch(Loss.BABBLE, b"")
        self._clean = False
        data = encode_request(request)
        began_s = self.now_s
        yield from self._do(Send(data))
        sent_s = max(self.now_s, began_s + self._wire_s(channel, len(data)))
        if isinstance(request, WriteRegister):
            yield from self._do(Wait(sent_s - self.now_s + AFTER_WRITE_S))
            self._clean = True
            return Catch(None, b"")
        catch = yield from self._collect(channel, request, sent_s)
        if catch.loss is None:
            wire_s = self._wire_s(channel, len(data) + len(catch.data))
            if self.now_s - began_s < wire_s * (1 - CLOCK_TOLERANCE):
                catch = Catch(Loss.EARLY, catch.data, catch.junk)
        if catch.loss is None:
            catch = yield from self._nothing_behind(channel, catch)
        if catch.loss is None:
            self._clean = True
        else:
            yield from self.quarantine(channel)
        return catch

    def quarantine(self, channel: Channel) -> Procedure[bool]:
        """Listen and drop until a whole late answer would have been over; False if it never is."""
        packet_s = self._wire_s(channel, PACKET_SIZE) * (1 + CLOCK_TOLERANCE)
        quiet_s = packet_s + FIRST_MARGIN_S + self.latency_s
        within_s = quiet_s + BABBLE_WITHIN_S
        answer = yield from self._do(Discard(quiet_s, within_s))
        self.stray_bytes += len(answer.data)
        self._clean = _fell_quiet(answer, within_s)
        return self._clean

    def send_break(self, channel: Channel) -> Procedure[None]:
        """Keep the chip's receiver low for more than 32 bits, which resets its UART part."""
        yield from self._turn_to(channel)
        self._clean = False
        self._channel = None
        yield from self._do(SetBaudrate(channel.baudrate // 4))
        try:
            yield from self._do(Send(b"\x00"))
            yield from self._do(Wait(self._wire_s(channel, 4)))
        finally:
            yield from self._do(SetBaudrate(channel.baudrate))
        yield from self._do(Wait(OTHER_CHIP_PAUSE_S))
        self._channel = channel

    def wait(self, seconds: float) -> Procedure[None]:
        """Let time pass without using the line."""
        yield from self._do(Wait(seconds))

    # --- its states ------------------------------------------------------------------------

    def _do(self, op: Op) -> Generator[Op, Answer, Answer]:
        answer = yield op
        self._passed_s += answer.took_s
        return answer

    def _turn_to(self, channel: Channel) -> Procedure[None]:
        """Speed and transmit line of this channel, and the pause that a shared one needs."""
        if not self._started:
            # The line may carry the rest of an answer that somebody else asked for.
            yield from self._do(Wait(START_WAIT_S + self.latency_s))
            self._started = True
        last = self._channel
        if last == channel:
            return
        # Until all of it is done nothing is certain: a cancelled turn leaves no channel selected.
        self._channel = None
        if channel.line is not None and (last is None or last.line != channel.line):
            yield from self._do(channel.line.select)
        if last is None or last.baudrate != channel.baudrate:
            yield from self._do(SetBaudrate(channel.baudrate))
        if last is None or last.line == channel.line:
            yield from self._do(Wait(OTHER_CHIP_PAUSE_S))
        self._channel = channel

    def _quiet(self, channel: Channel) -> Procedure[bool]:
        """Whether the line is silent; the time for it is spent only where there is doubt."""
        if self._clean:
            stray = yield from self._do(Receive(0.0))
            if not stray.data.strip(b"\x00"):
                return True
            self.stray_bytes += len(stray.data)
        quiet_s = self._wire_s(channel, QUIET_BYTES) + self.latency_s
        within_s = quiet_s + QUIET_WITHIN_S
        answer = yield from self._do(Discard(quiet_s, within_s))
        self.stray_bytes += len(answer.data)
        return _fell_quiet(answer, within_s)

    def _collect(self, channel: Channel, request: Request, sent_s: float) -> Procedure[Catch]:
        """FIRST and BODY: bytes until the answer is whole or its time is over."""
        size = reply_size(request)
        bit_s = 1 / channel.baudrate
        slack_s = self.latency_s + FIRST_MARGIN_S
        first_s = sent_s + (ANSWER_AFTER_BITS + BITS_PER_BYTE) * bit_s + slack_s
        answer_s = (ANSWER_AFTER_BITS + BITS_PER_BYTE * size) * bit_s * (1 + CLOCK_TOLERANCE)
        last_s = sent_s + answer_s + slack_s
        got = bytearray((yield from self._do(Receive(first_s - self.now_s))).data)
        while got:
            at = _find_reply(got, request)
            if at is not None:
                late = self.now_s > last_s + 0.5 * FIRST_MARGIN_S
                return _judged(got, at, size, Loss.LATE if late else None)
            missing = max(1, size - len(got))
            if self.now_s >= last_s or len(got) > size + MOST_JUNK:
                break
            gap_s = GAP_S + self.latency_s
            answer = yield from self._do(Receive(last_s - self.now_s, missing, gap_s))
            got += answer.data
            if len(answer.data) < missing:
                break
        return Catch(_why_none(got, size), bytes(got), len(got))

    def _nothing_behind(self, channel: Channel, catch: Catch) -> Procedure[Catch]:
        """Whether the answer ends where it should; a sagging line may add zeros."""
        more = yield from self._do(Receive(self._wire_s(channel, TRAILING_BYTES)))
        if more.data.strip(b"\x00"):
            return Catch(Loss.TOO_LONG, catch.data, catch.junk + len(more.data))
        return Catch(None, catch.data, catch.junk + len(more.data))

    def _wire_s(self, channel: Channel, size: float) -> float:
        return size * BITS_PER_BYTE / channel.baudrate


def _fell_quiet(answer: Answer, within_s: float) -> bool:
    """Whether a `Discard` ended with silence; a clock may be a hair short of the whole time."""
    return answer.took_s < within_s - 1e-6


def _find_reply(got: bytearray, request: Request) -> int | None:
    """Where the answer starts in what arrived."""
    match request:
        case ReadPacket():
            return find_packet(got, request.address)
        case ReadRegister():
            return _find_register(got, request)
        case WriteRegister():
            return None


def _find_register(got: bytearray, request: ReadRegister) -> int | None:
    """A register has no header, so only the zeros of a sagging line are skipped before it."""
    size = reply_size(request)
    head = encode_request(request)
    for at in range(len(got) - size + 1):
        if checksum(head, bytes(got[at : at + size - 1])) == got[at + size - 1]:
            return at
        if got[at]:
            return None
    return None


def _judged(got: bytearray, at: int, size: int, loss: Loss | None) -> Catch:
    """An answer with a right sum, unless too much stands around it."""
    junk = len(got) - size
    behind = bytes(got[at + size :])
    if loss is None and (at > MOST_JUNK or behind.strip(b"\x00")):
        loss = Loss.TOO_LONG
    return Catch(loss, bytes(got[at : at + size]), junk)


def _why_none(got: bytearray, size: int) -> Loss:
    if not got:
        return Loss.SILENCE
    if not got.strip(b"\x00"):
        return Loss.LOW
    if len(got) < size:
        return Loss.SHORT
    return Loss.BAD_SUM if len(got) <= size + 1 else Loss.TOO_LONG
