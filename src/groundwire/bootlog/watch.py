"""Watching a line: a procedure that finds its speed and tells lines and boots as events."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from groundwire.bootlog.facts import LogFacts
from groundwire.bootlog.lines import Line
from groundwire.bootlog.ratefinder import Move, RateFinder, Step
from groundwire.bootlog.reader import LogReader
from groundwire.errors import Cancelled, PortFailed
from groundwire.events import Listening, Notice, Printed, Restarted
from groundwire.wire import Answer, Discard, Op, Procedure, Receive, Send, SetBaudrate

DEFAULT_RATE: Final = 115_200
SLICE_S: Final = 0.05
BURST_BYTES: Final = 4096
GAP_S: Final = 0.01
PAUSE_S: Final = 0.25
HANGING_S: Final = 1.0
SILENT_S: Final = 10.0
LEAST_LEFT_S: Final = 1e-3
Steps = Generator[Op, Answer, None]


class Ended(StrEnum):
    """Why a watch ended."""

    TIME = "the time was over"
    SEEN = "the pattern was seen"
    ENOUGH = "what was to be found out is known"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Progressing:
    """What a watch has seen so far, for those who decide whether it is enough."""

    reader: LogReader
    now_s: float
    quiet_s: float


def never_enough(_seen: Progressing) -> bool:
    """The default: watch until the time is over."""
    return False


def nothing_to_send() -> bytes:
    """The default: only listen."""
    return b""


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """How to watch. `rate` 0 means: find it out, from `first_rate` on. None is no limit of time.

    `outbox` is asked again and again for bytes to be sent. `enough` is asked whenever the line
    has paused.
    """

    source: str = ""
    rate: int = 0
    first_rate: int = DEFAULT_RATE
    for_s: float | None = None
    until: re.Pattern[str] | None = None
    outbox: Callable[[], bytes] = nothing_to_send
    enough: Callable[[Progressing], bool] = never_enough


@dataclass(frozen=True, slots=True)
class Watched:
    """What came of a watch. `settled` says that text was read, at `rate`."""

    facts: LogFacts
    ended: Ended
    rate: int
    settled: bool
    watched_s: float
    bytes_total: int
    mcu_frames: int
    source: str = ""


def watch(options: WatchOptions) -> Procedure[Watched]:
    """Watch a line until time, pattern or caller end it; Ctrl-C is an end like any other.

    Raises:
        LinkError: the port fails and does not come back.
    """
    watcher = _Watcher(options)
    try:
        ended = yield from watcher.run()
    except Cancelled:
        ended = Ended.STOPPED
    yield from watcher.last_words()
    return watcher.result(ended)


class _Watcher:
    """One watch on its way."""

    def __init__(self, options: WatchOptions) -> None:
        self._options = options
        self._rate = options.rate or options.first_rate
        self._finder = RateFinder(self._rate, fixed=options.rate > 0)
        self._reader = LogReader(read_rate=self._rate)
        self._now_s = 0.0
        self._last_byte_s = 0.0
        self._bytes = 0
        self._boot = 0
        self._last_line = ""
        self._seen = False
        self._read_any = False
        self._said_silent = False
        self._paused = False
        self._hanging = ""

    def run(self) -> Generator[Op, Answer, Ended]:
        yield SetBaudrate(self._rate)
        named = (
            "as named" if self._options.rate else "the usual speed, until the bytes tell another"
        )
        yield Listening(self._rate, named, self._options.source)
        while not self._seen:
            left_s = self._left_s()
            if left_s < LEAST_LEFT_S:
                return Ended.TIME
            if data := self._options.outbox():
                yield Send(data)
            answer = yield Receive(min(SLICE_S, left_s), BURST_BYTES, GAP_S)
            self._now_s += answer.took_s
            if answer.data:
                yield from self._take(answer.data)
            elif (yield from self._rest()):
                return Ended.ENOUGH
        return Ended.SEEN

    def _left_s(self) -> float:
        limit = self._options.for_s
        return SLICE_S if limit is None else limit - self._now_s

    def _take(self, data: bytes) -> Steps:
        self._bytes += len(data)
        self._last_byte_s = self._now_s
        self._paused = False
        yield from self._follow(self._finder.feed(data))
        pending = self._reader.pending
        if pending and self._matches(pending):
            self._seen = True

    def _rest(self) -> Generator[Op, Answer, bool]:
        """The line is quiet: decide on what there is, and ask whether it is enough."""
        quiet_s = self._now_s - self._last_byte_s
        if not self._bytes and quiet_s >= SILENT_S and not self._said_silent:
            self._said_silent = True
            yield Notice(f"{self._label()}no byte in {quiet_s:.0f} s: restart the module")
        if quiet_s < PAUSE_S:
            return False
        if not self._paused:
            self._paused = True
            yield from self._follow(self._finder.pause())
        if quiet_s >= HANGING_S:
            yield from self._tell_pending()
        return self._options.enough(Progressing(self._reader, self._now_s, quiet_s))

    def _label(self) -> str:
        return f"{self._options.source}: " if self._options.source else ""

    # --- what the finder wants ------------------------------------------------------------------

    def _follow(self, step: Step) -> Steps:
        while step.move is Move.SWITCH:
            try:
                yield SetBaudrate(step.rate)
            except PortFailed:
                step = self._finder.refused(step.rate)
                continue
            self._rate = step.rate
            yield Listening(step.rate, step.why, self._options.source)
            yield Discard(GAP_S, SLICE_S)
            return
        if step.move is Move.TAKE:
            if step.why:
                yield Listening(self._rate, step.why, self._options.source)
            yield from self._read(step.data)

    def _read(self, data: bytes) -> Steps:
        if not self._read_any:
            self._read_any = True
            self._reader = LogReader(read_rate=self._rate)
        for line, boot in self._reader.stream(data, self._now_s):
            yield from self._tell(line, boot)

    def _tell(self, line: Line, boot: int) -> Steps:
        at_s = line.at_s if line.at_s is not None else self._now_s
        if boot > self._boot:
            self._boot = boot
            yield Restarted(boot, at_s, self._last_line, self._options.source)
        self._last_line = line.text
        yield Printed(line.text, at_s, boot, self._options.source, whole=line.ended)
        self._seen = self._seen or self._matches(line.text)

    def _matches(self, text: str) -> bool:
        until = self._options.until
        return until is not None and until.search(text) is not None

    # --- the end --------------------------------------------------------------------------------

    def last_words(self) -> Steps:
        """The line that was not ended, and bytes that never became text."""
        if self._read_any:
            yield from self._tell_pending()

    def _tell_pending(self) -> Steps:
        """The line that hangs, once; it is told again as a whole line if it goes on."""
        text = self._reader.pending
        if text and text != self._hanging:
            self._hanging = text
            yield Printed(text, self._now_s, max(self._boot, 1), self._options.source, whole=False)

    def result(self, ended: Ended) -> Watched:
        if not self._read_any:
            # nothing was ever text: what came first, at the speed it was read at, tells most
            self._reader = LogReader(read_rate=self._finder.first_rate)
            self._reader.feed(bytes(self._finder.first))
        return Watched(
            facts=self._reader.finish(),
            ended=ended,
            rate=self._rate,
            settled=self._read_any,
            watched_s=self._now_s,
            bytes_total=self._bytes,
            mcu_frames=self._finder.mcu_frames,
            source=self._options.source,
        )
