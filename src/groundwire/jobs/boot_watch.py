"""Watching a module boot until it is known whether it came up, and what is wrong where not."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from groundwire.bootlog.diagnose import diagnose
from groundwire.bootlog.evidence import OtherEvidence
from groundwire.bootlog.finding import Diagnosis
from groundwire.bootlog.watch import (
    DEFAULT_RATE,
    Ended,
    Progressing,
    Watched,
    WatchOptions,
    watch,
)
from groundwire.bootlog.which import which_pins
from groundwire.events import Phase, Tell
from groundwire.link.runner import Stop, never_stop, run
from groundwire.wire import Port

LONGEST_S: Final = 60.0
SILENT_S: Final = 15.0
HUNG_S: Final = 12.0  # the watchdog of these chips takes ten seconds
SETTLED_S: Final = 3.0
LOOPS: Final = 3
LOOK_EVERY_S: Final = 0.5
POINT: Final = re.compile(r"\b(Open[A-Z0-9]{4,10}_)[0-9A-F]{8}\b")
POINT_MASK: Final = r"\1xxxxxxxx"
OPENBEKEN: Final = re.compile(r"Open(?:BK|BL|XR|W8|LN|RTL|ESP|TR)")


class Decider:
    """Says when a boot has been watched for long enough.

    That is when it was complete and its network is known, when it has begun again and again, when
    nothing followed for longer than a watchdog takes, or when nothing came at all.
    """

    def __init__(self, silent_s: float = SILENT_S) -> None:
        self._silent_s = silent_s
        self._looked_s = 0.0
        self._complete_s: float | None = None

    def __call__(self, seen: Progressing) -> bool:
        if seen.now_s - self._looked_s < LOOK_EVERY_S:
            return False
        self._looked_s = seen.now_s
        facts = seen.reader.facts()
        if not facts.lines_total:
            return seen.quiet_s >= self._silent_s
        if facts.boot_complete and self._complete_s is None:
            self._complete_s = seen.now_s
        if self._complete_s is not None:
            return bool(facts.access_point) or seen.now_s - self._complete_s >= SETTLED_S
        return facts.boots_total > LOOPS or seen.quiet_s >= HUNG_S


@dataclass(frozen=True, slots=True)
class BootReport:
    """Whether a module came up. `sentence` is for people, and may name its access point."""

    diagnosis: Diagnosis
    watched: Watched
    came_up: bool
    sentence: str
    next_step: str

    @property
    def masked_sentence(self) -> str:
        """The same without the end of the access point's name, which tells modules apart."""
        return POINT.sub(POINT_MASK, self.sentence)


def watch_boot(
    port: Port,
    other: OtherEvidence,
    tell: Tell,
    stop: Stop = never_stop,
    *,
    first_rate: int = DEFAULT_RATE,
    for_s: float = LONGEST_S,
) -> BootReport:
    """Watch a port until it is known whether the module came up.

    Raises:
        LinkError: the port fails.
    """
    tell(Phase("boot", "watching it boot"))
    options = WatchOptions(first_rate=first_rate, for_s=for_s, enough=Decider())
    return boot_report(run(watch(options), port, tell, stop), other)


def boot_report(watched: Watched, other: OtherEvidence) -> BootReport:
    """What a watched boot comes to, with everything else that is known."""
    other = replace(
        other,
        read_rate=watched.rate,
        watched_s=watched.watched_s if watched.ended is not Ended.STOPPED else None,
        pins=which_pins(watched).pins or other.pins,
    )
    diagnosis = diagnose(watched.facts, other)
    came_up = diagnosis.sound and not _is_fault(diagnosis)
    if came_up:
        return BootReport(diagnosis, watched, came_up, up_sentence(diagnosis), "")
    step = diagnosis.findings[0].next_step if diagnosis.known else ""
    step = step or (diagnosis.tests[0].ask if diagnosis.tests else "")
    prefix = "" if diagnosis.known else "whether it came up cannot be told: "
    return BootReport(diagnosis, watched, came_up, prefix + diagnosis.sentence, step)


def _is_fault(diagnosis: Diagnosis) -> bool:
    return any(
        finding.kind == "fault" and not finding.leaves_sound for finding in diagnosis.findings
    )


def up_sentence(diagnosis: Diagnosis) -> str:
    """The firmware that came up, its version and its access point."""
    facts = diagnosis.facts
    name = "OpenBeken" if OPENBEKEN.match(facts.app) else facts.app
    parts = [f"{name} {facts.app_version}".strip()] if name else []
    if facts.access_point:
        parts.append(f"access point {facts.access_point}")
    return "it came up" + (f": {', '.join(parts)}" if parts else "")
