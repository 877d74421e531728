"""One question and its answer: the only place on the host side that waits for replies."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import Final, TypeVar

from groundwire.chips.bouffalo.codec import encode_command, op_of
from groundwire.chips.bouffalo.facts import LOADER_VERSION
from groundwire.chips.bouffalo.linking import (
    INFO_WITHIN_S,
    LOADER_FORGETS_S,
    ROM_FORGETS_S,
    Info,
    ask_info,
    send_burst,
)
from groundwire.chips.bouffalo.messages import Command
from groundwire.chips.bouffalo.replies import (
    Busy,
    Failed,
    Reply,
    ReplyBuffer,
    decode_reply,
)
from groundwire.chips.bouffalo.status import Status, status_meaning
from groundwire.errors import (
    CommandRefused,
    GroundwireError,
    LinkLost,
    NoReply,
    ProtocolError,
    WrongReply,
)
from groundwire.wire import Discard, Procedure, Receive, Send, SetBaudrate

R = TypeVar("R", bound=Reply)
T = TypeVar("T")

LARGEST_FRAME: Final = 0x4000
SMALLEST_FRAME: Final = 0x400
ATTEMPTS: Final = 8
SLACK_S: Final = 0.05  # operating system and adapter, either way
PAUSE_S: Final = 0.04  # a reply that pauses for so long has lost bytes
BUSY_WITHIN_S: Final = 2.0  # after each PD
QUIET_S: Final = 0.03
QUIET_LIMIT_S: Final = 0.5
REOPENINGS: Final = 3
RETRIED: Final = (NoReply, ProtocolError)


class Stage(Enum):
    """Who answers."""

    ROM = auto()
    LOADER = auto()


class Exchange:
    """The state of one conversation: speed, stage and how often the line failed us.

    `frame` is how many bytes of flash go into one frame now, `guarded` whether the loader is one of
    ours, whose erase has a number of its own.
    """

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.stage = Stage.ROM
        self.damaged = 0
        self.frame = LARGEST_FRAME
        self.guarded = False

    def wire_s(self, count: int) -> float:
        """How long so many bytes take at the present speed."""
        return count * 10 / self.rate

    # --- one exchange --------------------------------------------------------------------------

    def ask_once(
        self, command: Command, kind: type[R], *, within_s: float, size: int = 32
    ) -> Procedure[R]:
        """Send and wait for a reply of the wanted kind.

        `within_s` is the chip's own time, `size` what the reply is expected to take on the wire.
        Each sign of being busy gives it two seconds more, ten times `within_s` in all.

        Raises:
            NoReply: nothing that forms a reply arrived in time.
            CorruptFrame: a reply arrived damaged.
            WrongReply: a reply of another kind arrived.
            CommandRefused: the chip answered with an error number.
        """
        yield Send(encode_command(command))
        op = op_of(command)
        frames = ReplyBuffer(op)
        left_s = within_s + self.wire_s(size) * 1.5 + SLACK_S
        overall_s = 10 * within_s + left_s
        while True:
            frame = frames.next_frame()
            if frame is not None:
                reply = decode_reply(op, frame)
                if not isinstance(reply, Busy):
                    return _expect(reply, command, kind)
                left_s = min(BUSY_WITHIN_S + SLACK_S, overall_s)
                continue
            if left_s <= 0 or overall_s <= 0:
                stray = frames.discarded + frames.waiting
                raise NoReply(command=_name(command), within_s=within_s, stray_bytes=stray)
            missing = frames.wanted
            answer = yield Receive(left_s, at_least=missing, quiet_s=PAUSE_S)
            short = not answer.data or (missing > 1 and len(answer.data) < missing)
            left_s = 0.0 if short else left_s - answer.took_s
            overall_s -= max(answer.took_s, 0.001)
            frames.feed(answer.data)

    def ask(
        self, command: Command, kind: type[R], *, within_s: float, size: int = 32
    ) -> Procedure[R]:
        """`ask_once`, repeated over a line that damages bytes; only for repeatable commands.

        Raises:
            LinkLost: the chip no longer answers anything.
        """
        return (
            yield from self.insist(
                _name(command), lambda: self.ask_once(command, kind, within_s=within_s, size=size)
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
                yield from self.recover(error, name)
                if len(failures) >= ATTEMPTS or _refused_twice(failures):
                    raise _most_telling(failures) from error
            else:
                return result

    def ask_info(self) -> Procedure[Info]:
        """Who answers; the one question that is safe in every state.

        Raises:
            LinkLost: nobody does.
        """
        return (yield from self.insist("GetBootInfo", self._info_once))

    def _info_once(self) -> Procedure[Info]:
        info, heard = yield from ask_info()
        if info is None:
            raise NoReply(command="GetBootInfo", within_s=INFO_WITHIN_S, stray_bytes=len(heard))
        self.stage = Stage.LOADER if info.version == LOADER_VERSION else Stage.ROM
        return info

    def smaller_frames(self) -> None:
        """After a failure: the adapter or the loader may not take large ones."""
        self.frame = max(self.frame // 2, SMALLEST_FRAME)

    # --- getting back in step ------------------------------------------------------------------

    def recover(self, error: GroundwireError, after: str) -> Procedure[None]:
        """Get back in step after a failed exchange.

        A chip that said something has taken the whole command. One that is silent may hold half of
        it, which nothing but its own time limit clears, and then only a burst is understood.

        Raises:
            LinkLost: it does not come back.
        """
        yield Discard(QUIET_S, within_s=QUIET_LIMIT_S)
        silent = isinstance(error, NoReply) and not error.stray_bytes
        if silent or self.stage is Stage.ROM:
            yield from self.open_again(after)

    def open_again(self, after: str) -> Procedure[None]:
        """Let the chip forget the conversation, then open a new one at the same speed.

        Raises:
            LinkLost: nobody answers, or a chip that has restarted meanwhile.
        """
        was = self.stage
        for _ in range(REOPENINGS):
            yield from self.let_forget()
            if (yield from self.open_once()) and self.stage is was:
                return
        raise LinkLost(command=after)

    def let_forget(self) -> Procedure[None]:
        """Be silent for as long as the chip takes to end a conversation by itself."""
        forgets_s = ROM_FORGETS_S if self.stage is Stage.ROM else LOADER_FORGETS_S
        yield Discard(forgets_s, within_s=2 * forgets_s)

    def open_once(self) -> Procedure[bool]:
        """One burst, and whether somebody answers a question after it; finds out which stage.

        The question is asked even where no OK came: that may be all that was lost, and a second
        burst into an open conversation would block it.
        """
        yield from send_burst(self.rate)
        info, _heard = yield from ask_info()
        if info is None:
            return False
        self.stage = Stage.LOADER if info.version == LOADER_VERSION else Stage.ROM
        return True

    def open_at(self, rate: int) -> Procedure[bool]:
        """Open a loader's conversation at another speed; whether it answered there."""
        yield SetBaudrate(rate)
        self.rate = rate
        opened = yield from self.open_once()
        return opened and self.stage is Stage.LOADER


def _name(command: Command) -> str:
    return type(command).__name__


def _expect(reply: Reply, command: Command, kind: type[R]) -> R:
    if isinstance(reply, kind):
        return reply
    if isinstance(reply, Failed):
        raise CommandRefused(
            command=_name(command), status=reply.number, meaning=status_meaning(reply.number)
        )
    raise WrongReply(command=_name(command), asked=kind.__name__, got=type(reply).__name__)


def _refused_twice(failures: list[GroundwireError]) -> bool:
    """Whether the last two failures are the same refusal, and not one that noise causes."""
    last = failures[-2:]
    return (
        len(last) == 2
        and isinstance(last[0], CommandRefused)
        and isinstance(last[1], CommandRefused)
        and last[0].status == last[1].status != Status.CMD_CRC
    )


def _most_telling(failures: list[GroundwireError]) -> GroundwireError:
    """A refusal or a wrong answer says more than silence; of equals the last counts."""
    return max(failures, key=lambda error: (not isinstance(error, NoReply), failures.index(error)))
