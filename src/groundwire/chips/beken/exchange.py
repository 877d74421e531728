"""One question and its answer: the only place on the host side that waits for replies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from groundwire.chips.beken.codec import (
    READ4K_REPLY_SIZE,
    SECTOR_SIZE,
    ReplyBuffer,
    decode_reply,
    encode_command,
)
from groundwire.chips.beken.facts import Group
from groundwire.chips.beken.linking import LINK_CHECK, confirm_link
from groundwire.chips.beken.messages import (
    Command,
    LongRefused,
    Read4K,
    Reply,
    SectorErased,
    ShortIncomplete,
    ShortRefused,
    status_meaning,
)
from groundwire.errors import (
    CommandRefused,
    FlashChanged,
    GroundwireError,
    LinkLost,
    NoReply,
    PortFailed,
    ProtocolError,
    WrongReply,
)
from groundwire.quantities import Span
from groundwire.wire import Discard, Procedure, Receive, Send, SetBaudrate, Wait

R = TypeVar("R", bound=Reply)
T = TypeVar("T")

# At one flipped bit in 100,000 a third of all sectors arrive damaged; with twelve tries the whole
# of a flash arrives all the same.
ATTEMPTS: Final = 12
SLACK_S: Final = 0.05  # operating system and adapter, either way
# A reply that pauses for so long has lost bytes. Below the loaders' idle limit, above the 16 ms
# latency timer that many adapters have by default.
PAUSE_S: Final = 0.04
ROM_PARTIAL_FRAME_S: Final = 0.3  # a guess, marked so in PROTOCOL.md: the ROM answers status 5
FILL: Final = b"\xff" * 256
FILL_BYTES: Final = SECTOR_SIZE + 104  # ends any frame that a loader may be waiting for
OTHER_RATES: Final = (115_200, 921_600, 1_500_000, 2_000_000, 460_800, 230_400)
SEARCHES: Final = 6  # through all speeds, about 0.7 s each: an adapter may stall for seconds
RETRIED: Final = (NoReply, ProtocolError)


class Exchange:
    """The state of one conversation: speed, group and how often the line failed us."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.group: Group | None = None
        self.damaged = 0
        self.out_of_step = False

    def wire_s(self, count: int) -> float:
        """How long so many bytes take at the present speed."""
        return count * 10 / self.rate

    def ask_once(self, command: Command, kind: type[R], *, within_s: float) -> Procedure[R]:
        """Send and wait for a reply of the wanted kind; `within_s` is the chip's own time.

        Raises:
            NoReply: nothing that forms a reply arrived in time.
            CorruptFrame: a reply arrived damaged.
            WrongReply: a reply of another kind arrived.
            CommandRefused: the chip answered with a status and nothing else.
        """
        yield Send(encode_command(command))
        reply = yield from self.await_reply(command, kind, within_s=within_s)
        return reply

    def await_reply(self, command: Command, kind: type[R], *, within_s: float) -> Procedure[R]:
        """The waiting half of `ask_once`, for commands that were sent in a bunch."""
        frames = ReplyBuffer()
        size = READ4K_REPLY_SIZE if isinstance(command, Read4K) else 8
        budget_s = within_s + self.wire_s(size) * 1.5 + SLACK_S
        left_s = budget_s
        while (frame := frames.next_frame()) is None:
            if left_s <= 0:
                self.out_of_step = True
                stray = frames.discarded + frames.waiting
                raise NoReply(command=_name(command), within_s=budget_s, stray_bytes=stray)
            missing = max(size - frames.waiting, 1)
            answer = yield Receive(left_s, at_least=missing, quiet_s=PAUSE_S)
            short = len(answer.data) < missing
            left_s = left_s - answer.took_s if answer.data and not short else 0.0
            frames.feed(answer.data)
        return _expect(decode_reply(frame), command, kind)

    def ask(self, command: Command, kind: type[R], *, within_s: float) -> Procedure[R]:
        """`ask_once`, repeated over a line that damages bytes; only for repeatable commands.

        Raises:
            LinkLost: the chip no longer answers anything.
        """
        return (
            yield from self.insist(
                _name(command), lambda: self.ask_once(command, kind, within_s=within_s)
            )
        )

    def insist(self, name: str, attempt: Callable[[], Procedure[T]]) -> Procedure[T]:
        """Repeat an exchange until it works; the same refusal twice is the chip's opinion.

        Raises:
            LinkLost: the chip no longer answers anything.
            LinkError, ProtocolError: the most telling failure of the series.
        """
        failures: list[GroundwireError] = []
        while True:
            try:
                result = yield from attempt()
            except RETRIED as error:
                failures.append(error)
                self.damaged += 1
                yield from self.recover(name)
                if len(failures) >= ATTEMPTS or _refused_twice(failures):
                    raise _most_telling(failures) from error
            else:
                return result

    def recover(self, after: str) -> Procedure[None]:
        """Get back in step after a failed exchange.

        A chip that fell silent may be waiting for the rest of a frame. A boot ROM gives that up by
        itself; a loader does not, and takes whatever comes next as data, so it is fed with what
        changes nothing: FF.

        Raises:
            LinkLost: no LinkCheck is answered at any speed that was in use.
        """
        silent, self.out_of_step = self.out_of_step, False
        if silent and self.group is Group.LOADER:
            yield from self._fill()
        elif silent:
            yield Receive(ROM_PARTIAL_FRAME_S)
        if (yield from confirm_link()):
            return
        yield from self.find_rate(after)

    def _fill(self) -> Procedure[None]:
        for _ in range(0, FILL_BYTES, len(FILL)):
            yield Send(FILL)

    def find_rate(self, after: str) -> Procedure[None]:
        """Look for the chip at every speed it may run at, and bring our side there.

        Raises:
            LinkLost: it answers at none.
        """
        for _ in range(SEARCHES):
            for rate in dict.fromkeys((self.rate, *OTHER_RATES)):
                try:
                    yield SetBaudrate(rate)
                except PortFailed:
                    continue  # a speed that the adapter cannot do was never in use
                if (yield from confirm_link(tries=2)):
                    self.rate = rate
                    return
        yield SetBaudrate(self.rate)
        raise LinkLost(command=after)

    def keep_alive(self) -> Procedure[None]:
        """One LinkCheck; its answer is thrown away."""
        yield Send(LINK_CHECK)
        yield Discard(0.005, within_s=0.02)

    def pause(self, seconds: float) -> Procedure[None]:
        """Let time pass without losing a loader's link."""
        if self.group is not Group.LOADER:
            yield Wait(seconds)
            return
        while seconds > 0:
            yield Wait(min(seconds, 0.02))
            yield from self.keep_alive()
            seconds -= 0.02


def _name(command: Command) -> str:
    return type(command).__name__


def _expect(reply: Reply, command: Command, kind: type[R]) -> R:
    if isinstance(reply, kind):
        return reply
    if isinstance(command, Read4K) and isinstance(reply, SectorErased):
        # one flipped bit makes Erase4K of Read4K, and the chip says that it has done so
        raise FlashChanged(span=Span(reply.address, SECTOR_SIZE))
    if isinstance(reply, LongRefused | ShortRefused):
        raise CommandRefused(
            command=_name(command), status=reply.status, meaning=status_meaning(reply.status)
        )
    if isinstance(reply, ShortIncomplete):
        raise CommandRefused(command=_name(command), status=5, meaning=status_meaning(5))
    raise WrongReply(command=_name(command), asked=kind.__name__, got=type(reply).__name__)


def _refused_twice(failures: list[GroundwireError]) -> bool:
    """Whether the last two failures are the same refusal: damage seldom repeats itself."""
    last = failures[-2:]
    return (
        len(last) == 2
        and isinstance(last[0], CommandRefused)
        and isinstance(last[1], CommandRefused)
        and last[0].status == last[1].status
    )


def _most_telling(failures: list[GroundwireError]) -> GroundwireError:
    """A refusal or a wrong answer says more than silence; of equals the last counts."""
    return max(failures, key=lambda error: (not isinstance(error, NoReply), failures.index(error)))
