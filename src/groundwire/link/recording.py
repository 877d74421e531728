"""A port that keeps a copy of what it receives."""

from __future__ import annotations

from collections.abc import Callable

from groundwire.wire import Port


class RecordingPort:
    """A port that hands on a copy of every byte that is received."""

    def __init__(self, port: Port, keep: Callable[[bytes], None]) -> None:
        self._port = port
        self._keep = keep

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
        self._port.send(data)

    def receive(self, within_s: float, at_least: int = 1, quiet_s: float | None = None) -> bytes:
        data = self._port.receive(within_s, at_least, quiet_s)
        if data:
            self._keep(data)
        return data

    def set_baudrate(self, rate: int) -> None:
        self._port.set_baudrate(rate)

    def set_lines(self, *, dtr: bool | None, rts: bool | None) -> None:
        self._port.set_lines(dtr=dtr, rts=rts)

    def wait(self, seconds: float) -> None:
        self._port.wait(seconds)

    def close(self) -> None:
        self._port.close()
