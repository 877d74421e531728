"""What a job tells its caller while it runs.

Order: a job opens with `Phase`, and everything after a `Phase` belongs to it until the next one.
`Progress` counts up within a phase and never goes back. `Attempt`, `Heard` and `NeedHands` appear
only while linking. `Listening`, `Restarted` and `Printed` appear only while a log is watched: the
first of them is `Listening`, and a `Restarted` stands in front of the first line of its boot.
`Notice` may appear anywhere. Nothing here is printed by the library.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a notice matters to the user."""

    INFO = "info"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Phase:
    """A new part of the job begins; `name` is stable, `title` is for people."""

    name: str
    title: str


@dataclass(frozen=True, slots=True)
class Progress:
    """So many of so many bytes of this action are through."""

    action: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Notice:
    """One fact worth a line on the screen."""

    text: str
    severity: Severity = Severity.INFO


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way into download mode is being tried."""

    way: str
    detail: str


@dataclass(frozen=True, slots=True)
class Heard:
    """What the line says while nobody has linked yet; sent when the finding changes."""

    kind: str
    detail: str
    next_step: str


@dataclass(frozen=True, slots=True)
class NeedHands:
    """A person must act now; `left_s` counts down to the end of the waiting."""

    instruction: str
    left_s: float


@dataclass(frozen=True, slots=True)
class Listening:
    """The log on a port is read at this speed from now on. `source` is the port's label."""

    rate: int
    why: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Restarted:
    """The module on a port begins a boot; `last_line` is what it printed before."""

    boot: int
    at_s: float
    last_line: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Printed:
    """A line that the module printed, masked nowhere: it is not for posting.

    `at_s` counts from the beginning of the watch. `whole` is False where the line has not ended;
    it is told once more if it does.
    """

    text: str
    at_s: float
    boot: int
    source: str = ""
    whole: bool = True


Event = Phase | Progress | Notice | Attempt | Heard | NeedHands | Listening | Restarted | Printed
Tell = Callable[[Event], None]


def tell_nobody(_event: Event) -> None:
    """The default listener: drops every event."""
