"""Writes down every byte on the line, as JSON lines: time, direction, hex.

The file holds what the flash holds, secrets included, so only its owner may read it. A disk that
fills up ends the trace and nothing else: a job must not stop half-way because of its log.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import IO

from groundwire.errors import OutputUnwritable
from groundwire.wire import Port


class TracingPort:
    """A port that records what passes through it; otherwise the port it was given.

    `failure` says why the trace is incomplete, or is "".
    """

    def __init__(self, port: Port, path: Path, *, head: dict[str, object] | None = None) -> None:
        self._port = port
        self.failure = ""
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            self._file: IO[str] = os.fdopen(handle, "w", encoding="ascii")
        except OSError as error:
            reason = error.strerror or str(error)
            raise OutputUnwritable(path=str(path), reason=reason) from error
        self._write({"trace": "groundwire", "port": port.name, **(head or {})})

    def _write(self, row: dict[str, object]) -> None:
        if self.failure:
            return
        try:
            self._file.write(json.dumps(row) + "\n")
        except OSError as error:
            self.failure = error.strerror or str(error)

    def _note(self, direction: str, data: bytes) -> None:
        if data:
            self._write({"t": round(self._port.now(), 6), "dir": direction, "hex": data.hex()})

    @property
    def name(self) -> str:
        return self._port.name

    @property
    def has_lines(self) -> bool:
        return self._port.has_lines

    @property
    def baudrate(self) -> int:
        return self._port.baudrate

    def now(self) -> float:
        return self._port.now()

    def send(self, data: bytes) -> None:
        self._note("out", data)
        self._port.send(data)

    def receive(self, within_s: float, at_least: int = 1, quiet_s: float | None = None) -> bytes:
        data = self._port.receive(within_s, at_least, quiet_s)
        self._note("in", data)
        return data

    def set_baudrate(self, rate: int) -> None:
        self._write({"t": round(self._port.now(), 6), "baudrate": rate})
        self._port.set_baudrate(rate)

    def set_lines(self, *, dtr: bool | None, rts: bool | None) -> None:
        self._write({"t": round(self._port.now(), 6), "dtr": dtr, "rts": rts})
        self._port.set_lines(dtr=dtr, rts=rts)

    def wait(self, seconds: float) -> None:
        self._port.wait(seconds)

    def close(self) -> None:
        try:
            self._file.close()
        except OSError as error:
            self.failure = self.failure or error.strerror or str(error)
        finally:
            self._port.close()
