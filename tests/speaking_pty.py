"""A real pseudo terminal with a module behind it that speaks at one speed, as a cable would carry it."""

from __future__ import annotations

import os
import pty
import termios
import time
import tty
from pathlib import Path

from groundwire.link.serve import RATES
from groundwire.sim.line import as_read


class SpeakingPty:
    """`path` is a link that stays the same when the adapter is pulled out and put back."""

    def __init__(self, path: Path, rate: int = 115_200) -> None:
        self.path = path
        self.rate = rate
        self.master = self.slave = -1
        self.plug()

    def plug(self) -> None:
        self.master, self.slave = pty.openpty()
        tty.setraw(self.slave)
        self.path.unlink(missing_ok=True)
        self.path.symlink_to(os.ttyname(self.slave))

    def unplug(self) -> None:
        self.path.unlink()
        os.close(self.slave)
        os.close(self.master)
        self.master = self.slave = -1

    def listening_at(self) -> int:
        return RATES.get(termios.tcgetattr(self.slave)[5], 0)

    def wait_for_listener(self, seconds: float = 10.0) -> None:
        """Until somebody has opened the port: the lock of pyserial tells."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            if str(self.path.readlink()) in _opened_by_me(exclude=self.slave):
                time.sleep(0.05)
                return
            time.sleep(0.01)
        raise AssertionError("nobody listens")

    def say(self, data: bytes) -> None:
        """Line by line, each as it is read at the speed that is set just then."""
        for line in data.splitlines(keepends=True):
            os.write(self.master, as_read(line, self.rate, self.listening_at() or self.rate))

    def heard(self) -> bytes:
        os.set_blocking(self.master, False)
        try:
            return os.read(self.master, 4096)
        except BlockingIOError:
            return b""
        finally:
            os.set_blocking(self.master, True)

    def close(self) -> None:
        if self.master >= 0:
            self.unplug()


def _opened_by_me(exclude: int) -> set[str]:
    found = set()
    for handle in Path("/proc/self/fd").iterdir():
        if int(handle.name) == exclude:
            continue
        try:
            found.add(str(handle.readlink()))
        except OSError:
            continue
    return found
