"""A real serial port, or one behind TCP or RFC 2217, as the runner wants it."""

from __future__ import annotations

import errno
import time
from typing import Any, NoReturn

import serial

from groundwire.errors import (
    LinkError,
    PortBusy,
    PortDenied,
    PortFailed,
    PortMissing,
    Unplugged,
)

# pyserial renegotiates the whole port when its timeout changes, so one short timeout serves all
# waits; it is below the 1.5 ms beat of link checks.
POLL_S = 0.001
NO_SUCH_LINE = (errno.EINVAL, errno.ENOTTY, errno.EIO, errno.EOPNOTSUPP)


class SerialPort:
    """A port opened through pyserial by name or URL.

    Lines are left released on opening, so that a module whose reset hangs on one is not held.
    """

    def __init__(self, name: str, baudrate: int = 115_200) -> None:
        self._name = name
        try:
            self._serial: Any = serial.serial_for_url(
                name,
                do_not_open=True,
                baudrate=baudrate,
                timeout=POLL_S,
                write_timeout=10.0,
                exclusive=None if "://" in name else True,
            )
            self._serial.dtr = False
            self._serial.rts = False
            self._serial.open()
        except (OSError, ValueError) as error:
            raise opening_error(name, error) from error
        self._has_lines = self._try_lines()
        self._baudrate = baudrate

    def _try_lines(self) -> bool:
        try:
            self._serial.rts = False
            self._serial.dtr = False
        except (OSError, ValueError, AttributeError, NotImplementedError):
            return False
        return not self._name.startswith("socket://")

    @property
    def name(self) -> str:
        return self._name

    @property
    def has_lines(self) -> bool:
        return self._has_lines

    @property
    def baudrate(self) -> int:
        return self._baudrate

    def now(self) -> float:
        return time.monotonic()

    def _failed(self, error: Exception) -> NoReturn:
        raise failing(self._name, error) from error

    def send(self, data: bytes) -> None:
        try:
            self._serial.write(data)
            self._serial.flush()
        except (OSError, ValueError) as error:
            self._failed(error)

    def receive(self, within_s: float, at_least: int = 1, quiet_s: float | None = None) -> bytes:
        ends = time.monotonic() + within_s
        got = bytearray()
        last = 0.0
        try:
            while True:
                waiting = self._serial.in_waiting
                data = self._serial.read(max(waiting, at_least - len(got), 1))
                now = time.monotonic()
                if data:
                    got += data
                    last = now
                    if len(got) >= at_least:
                        return bytes(got)
                elif got and quiet_s is not None and now - last >= quiet_s:
                    return bytes(got)
                if now >= ends:
                    return bytes(got)
        except (
            OSError,
            TypeError,
            ValueError,
        ) as error:  # TypeError: pyserial, port closed by pull
            self._failed(error)

    def set_baudrate(self, rate: int) -> None:
        try:
            self._serial.baudrate = rate
        except (OSError, ValueError) as error:
            self._failed(error)
        self._baudrate = rate

    def set_lines(self, *, dtr: bool | None, rts: bool | None) -> None:
        if not self._has_lines:
            return
        try:
            if dtr is not None:
                self._serial.dtr = dtr
            if rts is not None:
                self._serial.rts = rts
        except (OSError, ValueError) as error:
            if getattr(error, "errno", None) in NO_SUCH_LINE:
                self._has_lines = False
                return
            self._failed(error)

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)

    def close(self) -> None:
        try:
            self._serial.close()
        except OSError:
            return  # it is gone, which is what was wanted


def opening_error(name: str, error: Exception) -> LinkError:
    """The right error for a port that cannot be opened."""
    number = getattr(error, "errno", None)
    text = str(error)
    if number in (errno.EACCES, errno.EPERM) or "Permission denied" in text:
        return PortDenied(port=name)
    if number in (errno.EBUSY, errno.EAGAIN) or "exclusively lock" in text or "busy" in text:
        return PortBusy(port=name)
    if number in (errno.ENOENT, errno.ENODEV, errno.ENXIO) or "could not open port" in text:
        return PortMissing(port=name)
    return PortFailed(port=name, reason=text)


def failing(name: str, error: Exception) -> LinkError:
    """The right error for a port that failed while in use."""
    # pyserial wraps what the system said in an error without a number
    number = getattr(error, "errno", None) or getattr(error.__context__, "errno", None)
    text = str(error)
    gone = number in (errno.EIO, errno.ENODEV, errno.ENXIO, errno.EBADF, errno.ENOENT)
    if gone or "disconnected" in text or isinstance(error, TypeError):
        return Unplugged(port=name)
    return PortFailed(port=name, reason=text)
