"""The files of a log that is being watched."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, Final

from groundwire.bootlog.lines import escape
from groundwire.errors import OutputUnwritable
from groundwire.events import Event, Listening, Printed, Restarted

PRIVATE: Final = 0o600
BOOTS_CUT: Final = 100


def _create(path: Path) -> IO[bytes]:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputUnwritable(path=str(path), reason=reason) from error
    return os.fdopen(handle, "wb", buffering=0)


class LogFiles:
    """The files of one port: raw bytes, lines with their times, and each boot by itself.

    Only the owner may read them: a log may hold the password of the network.
    """

    def __init__(self, stem: Path) -> None:
        self._stem = stem
        self.paths: list[Path] = []
        self._raw = self._new(".raw")
        self._text = self._new(".txt")
        self._boot: IO[bytes] | None = None
        self._boots = 0

    def _new(self, ending: str) -> IO[bytes]:
        path = self._stem.with_name(self._stem.name + ending)
        file = _create(path)
        self.paths.append(path)
        return file

    def _put(self, file: IO[bytes], data: bytes) -> None:
        try:
            while data:
                data = data[file.write(data) :]
        except OSError as error:
            reason = error.strerror or str(error)
            raise OutputUnwritable(path=str(self._stem), reason=reason) from error

    def raw(self, data: bytes) -> None:
        """Bytes as they came."""
        self._put(self._raw, data)

    def event(self, event: Event) -> None:
        """A line or a new boot."""
        if isinstance(event, Restarted):
            self._begin_boot()
        if isinstance(event, Printed):
            text = escape(event.text, 2000)
            self._put(self._text, f"[{event.at_s:9.3f}] {text}\n".encode())
            if self._boot is not None:
                self._put(self._boot, f"{text}\n".encode())
        if isinstance(event, Listening):
            self._put(self._text, f"# {event.rate} baud: {escape(event.why)}\n".encode())

    def _begin_boot(self) -> None:
        if self._boot is not None:
            self._boot.close()
            self._boot = None
        self._boots += 1
        if self._boots <= BOOTS_CUT:
            self._boot = self._new(f".boot{self._boots}.txt")

    def close(self) -> None:
        """Close all files."""
        for file in (self._raw, self._text, self._boot):
            if file is not None:
                file.close()
