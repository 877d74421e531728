"""What a health check finds: where, what, and how much it weighs."""

from __future__ import annotations

from dataclasses import dataclass

from groundwire.images.kinds import Weight
from groundwire.quantities import Span


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding; the span is in offsets of the file."""

    weight: Weight
    span: Span
    text: str

    def __str__(self) -> str:
        return f"{self.span}: {self.text}"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked, how many of its parts hold, and of how many."""

    name: str
    good: int
    total: int

    @property
    def ok(self) -> bool:
        return self.good == self.total
