"""What a diagnosis is made of."""

from __future__ import annotations

from dataclasses import dataclass

from groundwire.bootlog.facts import LogFacts
from groundwire.bootlog.lines import Line, escape
from groundwire.bootlog.redact import redact
from groundwire.bootlog.signatures import Confidence, GuidedTest, Kind


@dataclass(frozen=True, slots=True)
class Quote:
    """One line of the log as evidence: its number, its time if known, its text masked."""

    number: int
    at_s: float | None
    text: str

    @classmethod
    def of(cls, line: Line) -> Quote:
        """A quote that is safe to show and to post."""
        return cls(line.number, line.at_s, escape(redact(line.text)))

    def __str__(self) -> str:
        time = f" ({self.at_s:.2f} s)" if self.at_s is not None else ""
        return f"line {self.number}{time}: {self.text}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found, in one sentence, with its evidence and the next safe step.

    `because` holds evidence from elsewhere (backup, chip, journal, plan), one sentence each.
    """

    id: str
    number: str
    kind: Kind
    rank: int
    confidence: Confidence
    text: str
    tells_apart: str
    next_step: str
    lines: tuple[Quote, ...] = ()
    because: tuple[str, ...] = ()
    tests: tuple[GuidedTest, ...] = ()
    source: str = ""
    leaves_sound: bool = False

    @property
    def order(self) -> tuple[int, int]:
        """Sorts the surest and then the most fundamental first."""
        return (-self.confidence.order, self.rank)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Ordered findings, most important first. Where nothing fits, `tests` would tell."""

    findings: tuple[Finding, ...]
    tests: tuple[GuidedTest, ...]
    facts: LogFacts

    @property
    def known(self) -> bool:
        """Whether anything fits at all."""
        return bool(self.findings)

    @property
    def sound(self) -> bool:
        """Whether the module starts well, as far as the log shows."""
        return any(finding.kind is Kind.SOUND for finding in self.findings)

    @property
    def sentence(self) -> str:
        """The diagnosis in one sentence."""
        if not self.findings:
            return "I don't know; " + (
                f"{len(self.tests)} tests would tell"
                if self.tests
                else "there is too little to go by"
            )
        top = self.findings[0]
        return f"{top.text} ({top.confidence} confidence)"

    def ids(self) -> tuple[str, ...]:
        """The ids of the findings in order."""
        return tuple(finding.id for finding in self.findings)
