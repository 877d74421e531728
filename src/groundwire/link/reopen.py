"""A port that outlives its adapter: pulled out, it waits and is opened again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from groundwire.errors import LinkError, PortBusy, PortDenied, PortMissing, Unplugged
from groundwire.wire import Port

RETRY_S: Final = 0.25
Opener = Callable[[str], Port]
Changed = Callable[[str], None]
Naming = Callable[[str], str]


def same_name(name: str) -> str:
    """The default: an adapter comes back under the name it had."""
    return name


class ReopeningPort:
    """A `wire.Port` that answers with silence while its adapter is away.

    `changed` is told in words when the adapter goes and comes; `naming` gives the name under
    which to look for it, since an adapter may come back under another.
    """

    def __init__(
        self, name: str, opener: Opener, changed: Changed, naming: Naming = same_name
    ) -> None:
        self._name = name
        self._opener = opener
        self._changed = changed
        self._naming = naming
        self._port: Port | None = opener(name)
        self._rate = self._port.baudrate
        self._tried_s = 0.0

    @property
    def name(self) -> str:
        return self._name

    @property
    def has_lines(self) -> bool:
        return self._port is not None and self._port.has_lines

    @property
    def baudrate(self) -> int:
        return self._rate

    def now(self) -> float:
        return self._port.now() if self._port is not None else time.monotonic()

    def send(self, data: bytes) -> None:
        """Put bytes on the line; while the adapter is away they are lost, and that is told."""
        if self._port is None:
            self._changed(f"{len(data)} bytes were not sent: the adapter is away")
            return
        try:
            self._port.send(data)
        except LinkError as error:
            self._lost(error)

    def receive(self, within_s: float, at_least: int = 1, quiet_s: float | None = None) -> bytes:
        if self._port is None:
            self._look(within_s)
            return b""
        try:
            return self._port.receive(within_s, at_least, quiet_s)
        except LinkError as error:
            self._lost(error)
            return b""

    def set_baudrate(self, rate: int) -> None:
        if self._port is not None:
            self._port.set_baudrate(rate)
        self._rate = rate

    def set_lines(self, *, dtr: bool | None, rts: bool | None) -> None:
        if self._port is not None:
            self._port.set_lines(dtr=dtr, rts=rts)

    def wait(self, seconds: float) -> None:
        if self._port is not None:
            self._port.wait(seconds)
        else:
            time.sleep(seconds)

    def close(self) -> None:
        if self._port is not None:
            self._port.close()

    def _lost(self, error: LinkError) -> None:
        if not isinstance(error, Unplugged | PortMissing):
            raise error
        if self._port is not None:
            self._port.close()
            self._port = None
        self._changed("unplugged; waiting for it to come back")

    def _look(self, within_s: float) -> None:
        """Wait, and open the port again if it is there."""
        time.sleep(min(within_s, RETRY_S))
        now = time.monotonic()
        if now - self._tried_s < RETRY_S:
            return
        self._tried_s = now
        name = self._naming(self._name)
        try:
            port = self._opener(name)
            port.set_baudrate(self._rate)
        except (PortMissing, PortBusy, PortDenied, Unplugged):
            return  # rights and locks of a new device settle a moment after it appears
        self._port = port
        self._name = name
        self._changed(f"{name} is back")
