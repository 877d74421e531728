"""A port whose virtual time is held back to real time, for emulated lines that people look at."""

from __future__ import annotations

import time

from groundwire.wire import Port


class PacedPort:
    """The port it was given; no operation ends before its time has passed on a real clock."""

    def __init__(self, port: Port) -> None:
        self._port = port
        self._ahead_s = port.now() - time.monotonic()

    def _catch_up(self) -> None:
        early_s = self._port.now() - self._ahead_s - time.monotonic()
        if early_s > 0:
            time.sleep(early_s)

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
        """Seconds on the port's own clock."""
        return self._port.now()

    def send(self, data: bytes) -> None:
        self._port.send(data)
        self._catch_up()

    def receive(self, within_s: float, at_least: int = 1, quiet_s: float | None = None) -> bytes:
        data = self._port.receive(within_s, at_least, quiet_s)
        self._catch_up()
        return data

    def set_baudrate(self, rate: int) -> None:
        self._port.set_baudrate(rate)

    def set_lines(self, *, dtr: bool | None, rts: bool | None) -> None:
        self._port.set_lines(dtr=dtr, rts=rts)

    def wait(self, seconds: float) -> None:
        self._port.wait(seconds)
        self._catch_up()

    def close(self) -> None:
        self._port.close()
