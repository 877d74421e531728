"""A fact about a module or an image, together with how it was learned."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Evidence:
    """One fact about a module or an image, and how it was learned."""

    fact: str
    value: str
    source: str
