"""The operations a procedure may yield, and what a port must do to carry them out.

A procedure is a generator: it yields operations and is sent an `Answer` for each. It never sees a
port, a clock or a file. A runner (see `link.runner`) carries the operations out on a `Port`.
Events are operations too: the runner hands them to the job's listener.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Protocol, TypeVar

from groundwire.events import Event

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Send:
    """Put bytes on the line; answered when the last one has left, where the port can tell."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Receive:
    """Wait until `at_least` bytes are there, and take all that are.

    When `within_s` has passed first, or the line was quiet for `quiet_s` after its first byte, the
    answer holds what came, which may be nothing.
    """

    within_s: float
    at_least: int = 1
    quiet_s: float | None = None


@dataclass(frozen=True, slots=True)
class Discard:
    """Throw away what arrives until the line was quiet for `quiet_s`, `within_s` at most.

    The answer holds what was thrown away.
    """

    quiet_s: float
    within_s: float = 1.0


@dataclass(frozen=True, slots=True)
class SetBaudrate:
    """Change the speed of our side of the line."""

    rate: int


@dataclass(frozen=True, slots=True)
class SetLines:
    """Set the modem lines; True is asserted, which means pin low. None leaves a line alone."""

    dtr: bool | None = None
    rts: bool | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Let time pass; bytes that arrive meanwhile are kept."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What an operation brought and how long it took."""

    data: bytes = b""
    took_s: float = 0.0


Op = Send | Receive | Discard | SetBaudrate | SetLines | Wait | Event
Procedure = Generator[Op, Answer, T]


class Port(Protocol):
    """A serial line: a real one, a replayed one or an emulated one.

    Every method may raise `errors.LinkError`. Times are seconds on the port's own clock.
    """

    @property
    def name(self) -> str: ...

    @property
    def has_lines(self) -> bool:
        """Whether DTR and RTS exist; a pty or TCP port has none, which is normal."""
        ...

    @property
    def baudrate(self) -> int: ...

    def now(self) -> float: ...

    def send(self, data: bytes) -> None: ...

    def receive(
        self, within_s: float, at_least: int = 1, quiet_s: float | None = None
    ) -> bytes: ...

    def set_baudrate(self, rate: int) -> None: ...

    def set_lines(self, *, dtr: bool | None, rts: bool | None) -> None: ...

    def wait(self, seconds: float) -> None: ...

    def close(self) -> None: ...
