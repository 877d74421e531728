"""Ctrl-C: the first one asks the job to stop at a safe point, the second one forces it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType

from groundwire.cli.streams import note


class Interrupts:
    """The stop flag of one job, set while it is entered by Ctrl-C, kill and a closing terminal."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._stop = False
        self._asking = False
        self._before: dict[int, object] = {}

    def stop(self) -> bool:
        """Whether the job shall stop; what the session polls."""
        return self._stop

    @contextmanager
    def asking(self) -> Iterator[None]:
        """While a question is open, one Ctrl-C is an answer: nothing has begun."""
        self._asking = True
        try:
            yield
        finally:
            self._asking = False

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self._stop or self._asking:
            raise KeyboardInterrupt
        self._stop = True
        if self._quiet:
            return
        name = signal.Signals(number).name
        note(f"{name}: stopping at the next safe point; once more to force it")

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._before.clear()
