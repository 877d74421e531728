"""Finding known phrases in lines that a noisy wire, another task or a forum has damaged.

A phrase of n characters is still recognised with about n/7 characters changed, lost or added. The
search is Wu and Manber's bit-parallel one; a phrase with k errors still holds one of its k+1 parts
unharmed, so most lines are ruled out by plain substring tests.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

CHARS_PER_ERROR = 7
MAX_ERRORS = 4


def default_slack(phrase: str) -> int:
    """How many damaged characters a phrase of this length bears."""
    return min(MAX_ERRORS, len(phrase) // CHARS_PER_ERROR) if len(phrase) >= 10 else 0


def errors_in(phrase: str, text: str, slack: int) -> int | None:
    """The fewest edits that make `phrase` a substring of `text`, or None above `slack`."""
    if phrase in text:
        return 0
    masks: dict[str, int] = {}
    for position, char in enumerate(phrase):
        masks[char] = masks.get(char, 0) | 1 << position
    goal = 1 << (len(phrase) - 1)
    states = [(1 << errors) - 1 for errors in range(slack + 1)]
    best: int | None = None
    for char in text:
        mask = masks.get(char, 0)
        before = states[0]
        states[0] = (before << 1 | 1) & mask
        for errors in range(1, slack + 1):
            kept = states[errors]
            states[errors] = (
                ((kept << 1 | 1) & mask) | before | (before << 1) | (states[errors - 1] << 1) | 1
            )
            before = kept
        for errors in range(slack + 1 if best is None else best):
            if states[errors] & goal:
                best = errors
                break
    return best


def _parts(phrase: str, count: int) -> tuple[str, ...]:
    step = len(phrase) / count
    return tuple(phrase[round(i * step) : round((i + 1) * step)] for i in range(count))


@dataclass(frozen=True, slots=True)
class Phrase:
    """One phrase of a mark, with the parts of which an approximate match keeps at least one."""

    mark: str
    text: str
    slack: int
    parts: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", _parts(self.text, self.slack + 1))

    def errors(self, line: str) -> int | None:
        """The damage of this phrase in `line`, or None where it is not there."""
        for part in self.parts:
            if part in line:
                return errors_in(self.text, line, self.slack)
        return None


class PhraseBook:
    """All phrases of a table."""

    def __init__(self, phrases: Iterable[Phrase]) -> None:
        self._phrases = tuple(phrases)

    def find(self, line: str) -> dict[str, int]:
        """The marks in `line`, each with the damage of its best phrase."""
        found: dict[str, int] = {}
        for phrase in self._phrases:
            errors = phrase.errors(line)
            if errors is not None and errors < found.get(phrase.mark, MAX_ERRORS + 1):
                found[phrase.mark] = errors
        return found
