"""Serves an emulated module on a pty or a TCP port, so that any tool can be tried against it."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import socket
import termios
import time
import tty
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from groundwire.chips.family import Emulator
from groundwire.errors import PortFailed

LONGEST_NAP_S: Final = 0.05
READ_SIZE: Final = 65_536
# What a chip that measures the speed of what arrives takes it for, where nobody can tell.
MEASURED_RATE: Final = 2_000_000
# Rates that a terminal can be set to, by the system's own codes.
RATES: Final = {
    getattr(termios, f"B{rate}"): rate
    for rate in (
        9600, 19200, 38400, 57600, 115200, 230400, 460800, 500000, 921600,
        1000000, 1152000, 1500000, 2000000, 2500000, 3000000,
    )
    if hasattr(termios, f"B{rate}")
}  # fmt: skip


class Endpoint(Protocol):
    """The outside of an emulated module."""

    def fileno(self) -> int: ...

    def read(self) -> bytes: ...

    def write(self, data: bytes) -> None: ...

    def rate(self) -> int | None:
        """The speed that the other side has set, where that can be seen."""
        ...

    def close(self) -> None: ...


class PtyEndpoint:
    """A pseudo terminal; `name` is what another program opens.

    With `waits=False` bytes that nobody reads are lost instead of holding up the module.
    """

    def __init__(self, *, waits: bool = True) -> None:
        try:
            self._master, self._slave = pty.openpty()
            tty.setraw(self._slave)
            os.set_blocking(self._master, waits)
        except (OSError, termios.error) as error:
            raise PortFailed(port="pty", reason=str(error)) from error
        self.name = os.ttyname(self._slave)

    def fileno(self) -> int:
        return self._master

    def read(self) -> bytes:
        return os.read(self._master, READ_SIZE)

    def write(self, data: bytes) -> None:
        os.write(self._master, data)

    def rate(self) -> int | None:
        with contextlib.suppress(termios.error):
            return RATES.get(termios.tcgetattr(self._slave)[5])
        return None

    def close(self) -> None:
        os.close(self._master)
        os.close(self._slave)


class TcpEndpoint:
    """A TCP port on this machine; one client at a time, the next one takes over."""

    def __init__(self, port: int = 0) -> None:
        try:
            self._listener = socket.create_server(("127.0.0.1", port))
        except OSError as error:
            raise PortFailed(port=f"TCP port {port}", reason=str(error.strerror)) from error
        self._client: socket.socket | None = None
        self.name = f"socket://127.0.0.1:{self._listener.getsockname()[1]}"

    def fileno(self) -> int:
        return (self._client or self._listener).fileno()

    def read(self) -> bytes:
        if self._client is None:
            self._client, _address = self._listener.accept()
            self._client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return b""
        with contextlib.suppress(ConnectionError):
            data = self._client.recv(READ_SIZE)
            if data:
                return data
        self._drop()
        return b""

    def write(self, data: bytes) -> None:
        if self._client is None:
            return
        try:
            self._client.sendall(data)
        except OSError:
            self._drop()

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def rate(self) -> int | None:
        return None

    def close(self) -> None:
        self._drop()
        self._listener.close()


@dataclass(frozen=True, slots=True)
class Pace:
    """Whether bytes take their time on the line; without, only the chip's own times count."""

    wire: bool = True


def serve(
    emulator: Emulator,
    endpoint: Endpoint,
    stop: Callable[[], bool],
    pace: Pace | None = None,
    log: Endpoint | None = None,
) -> None:
    """Let a module live on an endpoint until `stop` turns true.

    What it prints on its log pin goes to `log`, if there is one.
    """
    paced = (pace or Pace()).wire
    started = time.monotonic()
    waiting: deque[tuple[float, bytes]] = deque()
    printed: deque[tuple[float, bytes]] = deque()
    free_s = 0.0
    emulator.power(on=True, at_s=0.0)
    while not stop():
        now = time.monotonic() - started
        emulator.advance(now)
        _collect(emulator, waiting, printed, paced=paced)
        _deliver(endpoint, waiting, now)
        if log is not None:
            with contextlib.suppress(BlockingIOError):  # nobody reads: then it is lost, as on a pin
                _deliver(log, printed, now)
        else:
            printed.clear()
        nap_s = LONGEST_NAP_S
        due = [pieces[0][0] for pieces in (waiting, printed) if pieces]
        for at in (emulator.next_event_s(), *due):
            if at is not None:
                nap_s = min(nap_s, max(at - now, 0.0))
        readable, _, _ = select.select([endpoint], [], [], nap_s)
        if readable:
            free_s = _hear(emulator, endpoint, time.monotonic() - started, free_s, paced=paced)


def _hear(
    emulator: Emulator, endpoint: Endpoint, now: float, free_s: float, *, paced: bool
) -> float:
    """Put what arrived on the line to the chip, behind what is still on it.

    `free_s` is when the line will have carried everything so far; the new time is returned. A
    program may hand over a frame in pieces much faster than the line takes them.
    """
    try:
        data = endpoint.read()
    except OSError:
        return free_s  # a pty whose other side is closed; it may be opened again
    if not data:
        return free_s
    byte_s = 10 / (endpoint.rate() or emulator.baudrate or MEASURED_RATE) if paced else 0.0
    emulator.advance(now)
    first_s = max(now, free_s) + byte_s
    emulator.on_bytes(data, first_s, byte_s)
    return first_s + byte_s * (len(data) - 1)


def _collect(
    emulator: Emulator,
    waiting: deque[tuple[float, bytes]],
    printed: deque[tuple[float, bytes]],
    *,
    paced: bool,
) -> None:
    """Cut what the chip sends into pieces that are due about a millisecond apart."""
    for emission in emulator.take_output():
        pieces = printed if emission.on_log_pin else waiting
        byte_s = 10 / emission.baudrate if paced else 0.0
        piece = max(int(0.001 / byte_s), 1) if byte_s else len(emission.data)
        for at in range(0, len(emission.data), max(piece, 1)):
            part = emission.data[at : at + piece]
            pieces.append((emission.start_s + (at + len(part)) * byte_s, part))


def _deliver(endpoint: Endpoint, waiting: deque[tuple[float, bytes]], now: float) -> None:
    while waiting and waiting[0][0] <= now:
        endpoint.write(waiting.popleft()[1])
