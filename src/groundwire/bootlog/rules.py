"""The predicates that signatures of the table name with an @.

A predicate looks at the facts of a log and at the other evidence and gives a `Match`, or None. It
says what it found in `detail` where the plain meaning of the signature is not enough, and lowers
or raises the confidence of the row where the evidence is weaker or stronger than usual.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from groundwire.bootlog.evidence import OtherEvidence
from groundwire.bootlog.facts import LogFacts
from groundwire.bootlog.lines import Line
from groundwire.bootlog.signatures import Confidence


@dataclass(frozen=True, slots=True)
class Match:
    """Why a predicate holds."""

    lines: tuple[Line, ...] = ()
    detail: str = ""
    confidence: Confidence | None = None
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """What a diagnosis looks at."""

    facts: LogFacts
    other: OtherEvidence

    @property
    def is_text(self) -> bool:
        """Whether the bytes were read as text at all."""
        return self.facts.verdict.kind == "text"

    @property
    def silence_s(self) -> float | None:
        """How long the line was watched after the last line came, where both are known."""
        last = self.facts.last
        if last is None or last.last.at_s is None or self.other.watched_s is None:
            return None
        return max(0.0, self.other.watched_s - last.last.at_s)

    def hung(self, *lines: Line) -> Match | None:
        """A match for an end that nothing follows, unless too little time has passed to say so."""
        silence_s = self.silence_s
        if silence_s is None:
            return Match(lines)
        if silence_s < TOO_EARLY_S:
            return None
        sure = Confidence.HIGH if silence_s >= SURE_SILENCE_S else None
        return Match(lines, f"and nothing for {silence_s:.0f} s", sure)


TOO_EARLY_S = 3.0
SURE_SILENCE_S = 30.0
"""An erased or broken application has restarted long before; the watchdog takes ten seconds."""

Predicate = Callable[[Case, str], Match | None]
"""Called with the case and what follows the predicate's name in the table."""


def counted(number: int, one: str, many: str) -> str:
    """A number with its noun."""
    return f"{number} {one if number == 1 else many}"


def when(condition: object, *lines: Line | None, detail: str = "") -> Match | None:
    """A match with the lines that exist, where the condition holds."""
    if not condition:
        return None
    return Match(tuple(line for line in lines if line is not None), detail)
