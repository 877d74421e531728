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

    def as_members(self) -> dict[str, object]:
        """The finding as plain values."""
        return {
            "id": self.id,
            "number": self.number,
            "kind": str(self.kind),
            "confidence": str(self.confidence),
            "text": self.text,
            "evidence": [
                {"line": quote.number, "at_s": quote.at_s, "text": quote.text}
                for quote in self.lines
            ],
            "because": list(self.because),
            "tells_apart": self.tells_apart,
            "next_step": self.next_step,
            "tests": [test.name for test in self.tests],
            "source": self.source,
        }

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

    def as_members(self) -> dict[str, object]:
        """The diagnosis as plain values, for JSON."""
        return {
            "sentence": self.sentence,
            "findings": [finding.as_members() for finding in self.findings],
            "tests": [
                {"name": test.name, "ask": test.ask, "tells": test.tells} for test in self.tests
            ],
            "facts": self.facts.as_members(),
            "boots": self.facts.boots_total,
            "period_s": self.facts.period_s,
        }

    def ids(self) -> tuple[str, ...]:
        """The ids of the findings in order."""
        return tuple(finding.id for finding in self.findings)
