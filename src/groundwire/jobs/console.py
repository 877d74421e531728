"""The console job: watch one or two ports at once, keep what comes, and tell which is which."""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from groundwire.bootlog.watch import (
    Ended,
    Progressing,
    Watched,
    WatchOptions,
    never_enough,
    watch,
)
from groundwire.bootlog.which import Which, tell_apart
from groundwire.chips.registry import family_of
from groundwire.errors import BadArgument, PatternNotSeen
from groundwire.events import Event, Notice, Severity, Tell
from groundwire.jobs.log_files import LogFiles
from groundwire.jobs.ports import SIM_PREFIX, OpenedPort, open_port
from groundwire.link.discover import find_adapters
from groundwire.link.recording import RecordingPort
from groundwire.link.reopen import ReopeningPort
from groundwire.link.runner import Stop, never_stop, run
from groundwire.wire import Port

OpenPort = Callable[[str], Port]
OpenModule = Callable[[str], OpenedPort]
JOIN_S: Final = 0.1
LONGEST_SENT: Final = 4096
MOST_WAITING: Final = 256
EMULATED_S: Final = 60.0
LONGEST_PATTERN: Final = 500


@dataclass(frozen=True, slots=True)
class ConsoleOptions:
    """What to watch and how.

    `rate` None means: find it out. `save` is the beginning of the names of the files to write.
    `enough` makes, for each port, what decides when enough was seen.
    """

    ports: tuple[str, ...]
    rate: int | None = None
    for_s: float | None = None
    until: str = ""
    save: Path | None = None
    send: tuple[bytes, ...] = ()
    enough: Callable[[], Callable[[Progressing], bool]] | None = None


@dataclass(frozen=True, slots=True)
class ConsoleReport:
    """What came on each port, which pins they are, and the files that were written."""

    watches: tuple[Watched, ...]
    which: tuple[Which, ...]
    saved: tuple[Path, ...]


class Typed:
    """What is to be sent, from any thread; bounded, the oldest goes first."""

    def __init__(self, first: Sequence[bytes] = ()) -> None:
        self._waiting: deque[bytes] = deque(first, maxlen=MOST_WAITING)

    def put(self, data: bytes) -> None:
        """Add bytes."""
        self._waiting.append(data[:LONGEST_SENT])

    def take(self) -> bytes:
        """The next bytes, or none."""
        try:
            return self._waiting.popleft()
        except IndexError:
            return b""


def compile_pattern(text: str) -> re.Pattern[str] | None:
    """The pattern that ends a watch.

    Raises:
        BadArgument: it is no regular expression.
    """
    if not text:
        return None
    try:
        return re.compile(text[:LONGEST_PATTERN])
    except re.error as error:
        raise BadArgument(
            name="pattern", value=text, expected=f"a regular expression ({error})"
        ) from error


# --- watching -------------------------------------------------------------------------------------


@dataclass
class _Watch:
    """One port and what becomes of it."""

    name: str
    port: Port
    files: LogFiles | None
    typed: Typed
    result: Watched | None = None
    failure: BaseException | None = None
    thread: threading.Thread | None = None


class Console:
    """Watches ports, each in a thread of its own; every event is told under one lock."""

    def __init__(
        self,
        options: ConsoleOptions,
        tell: Tell,
        stop: Stop = never_stop,
        opener: OpenPort | None = None,
    ) -> None:
        self._options = options
        self._until = compile_pattern(options.until)
        self._listener = tell
        self._stop = stop
        self._opener = opener or open_log_port
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._watches: list[_Watch] = []

    def type(self, data: bytes, index: int = 0) -> None:
        """Send bytes on one of the ports."""
        self._watches[index].typed.put(data)

    def run(self, idle: Callable[[float], None] | None = None) -> ConsoleReport:
        """Watch until all is over; `idle` is called meanwhile with the seconds that it may take.

        Raises:
            LinkError: a port cannot be opened, or fails for good.
            OutputUnwritable: what comes cannot be kept.
            PatternNotSeen: the time was over before the pattern came.
        """
        try:
            for index, name in enumerate(self._options.ports):
                self._watches.append(self._open(index, name))
            for one in self._watches:
                one.thread = threading.Thread(target=self._work, args=(one,), daemon=True)
                one.thread.start()
            while any(one.thread and one.thread.is_alive() for one in self._watches):
                if idle is not None:
                    idle(JOIN_S)
                else:
                    self._over.wait(JOIN_S)
                if self._stop():
                    self._over.set()
            return self._report()
        finally:
            self._over.set()
            self._close()

    def _open(self, index: int, name: str) -> _Watch:
        label = self._label(index)
        typed = Typed(self._options.send if index == 0 else ())
        one = _Watch(name, self._opened(name, label), None, typed)
        save = self._options.save
        if save is None:
            return one
        try:
            files = LogFiles(save.with_name(f"{save.name}-{label}") if label else save)
        except BaseException:
            one.port.close()
            raise
        one.files, one.port = files, RecordingPort(one.port, files.raw)
        return one

    def _label(self, index: int) -> str:
        return ("A", "B", "C", "D")[index] if len(self._options.ports) > 1 else ""

    def _opened(self, name: str, label: str) -> Port:
        if "://" in name or name.startswith(SIM_PREFIX):
            return self._opener(name)
        at = f"{label}: " if label else ""
        serial = next((one.serial for one in find_adapters() if one.device == name), "")

        def naming(known: str) -> str:
            """An adapter with a serial number is found under whatever name it comes back."""
            if Path(known).exists() or not serial:
                return known
            found = (one.device for one in find_adapters() if one.serial == serial)
            return next(found, known)

        def changed(text: str) -> None:
            self._tell(Notice(f"{at}{text}", Severity.WARNING))

        return ReopeningPort(name, self._opener, changed, naming)

    def _tell(self, event: Event) -> None:
        with self._lock:
            self._listener(event)

    def _work(self, one: _Watch) -> None:
        def tell(event: Event) -> None:
            if one.files is not None:
                one.files.event(event)
            self._tell(event)

        options = self._options
        for_s = options.for_s
        if for_s is None and one.name.startswith(SIM_PREFIX):
            for_s = EMULATED_S  # its clock runs as fast as we ask
        asked = WatchOptions(
            source=self._label(self._watches.index(one)),
            rate=options.rate or 0,
            for_s=for_s,
            until=self._until,
            outbox=one.typed.take,
            enough=options.enough() if options.enough is not None else never_enough,
        )
        try:
            one.result = run(watch(asked), one.port, tell, self._over.is_set)
        except BaseException as error:  # noqa: BLE001 - handed to the caller in _report
            one.failure = error
        finished = one.result is not None and one.result.ended in (Ended.SEEN, Ended.ENOUGH)
        if one.failure is not None or finished:
            self._over.set()  # the other port has nothing more to wait for

    def _report(self) -> ConsoleReport:
        for one in self._watches:
            if one.failure is not None:
                raise one.failure
        watches = tuple(one.result for one in self._watches if one.result is not None)
        seen = any(one.ended is Ended.SEEN for one in watches)
        if self._until is not None and not seen and not self._stop():
            raise PatternNotSeen(
                pattern=self._options.until,
                watched_s=max((one.watched_s for one in watches), default=0.0),
                lines=sum(one.facts.lines_total for one in watches),
            )
        saved = tuple(path for one in self._watches if one.files for path in one.files.paths)
        return ConsoleReport(watches, tell_apart(watches), saved)

    def _close(self) -> None:
        for one in self._watches:
            if one.thread is not None:
                one.thread.join(timeout=2.0)
            one.port.close()
            if one.files is not None:
                one.files.close()


def open_log_port(name: str, opener: OpenModule = open_port) -> Port:
    """A port to listen on; of an emulated module, the pin that it logs on."""
    opened = opener(name)
    if name.startswith(SIM_PREFIX):
        family = family_of(name.removeprefix(SIM_PREFIX))
        if family is not None and family.log_pin:
            return opened.log_port() or opened.port
    return opened.port


def watch_ports(
    options: ConsoleOptions, tell: Tell, stop: Stop = never_stop, opener: OpenPort | None = None
) -> ConsoleReport:
    """Watch one or two ports until time, pattern or `stop` ends it."""
    return Console(options, tell, stop, opener).run()
