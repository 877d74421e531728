"""Values that must not reach a screen, a log or a traceback by accident."""

from __future__ import annotations

import hashlib
from typing import Generic, TypeVar

T = TypeVar("T", bound=str | bytes)

MASK = "********"


class Secret(Generic[T]):
    """A text or some bytes that show as a mask until somebody says `reveal()`.

    `str()`, `repr()`, f-strings and dataclass representations all give the mask, which does not
    tell the length. Two secrets are equal if their values are.
    """

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value: T = value

    def reveal(self) -> T:
        """The value itself; call this only where the user asked to see it or it must be written."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __str__(self) -> str:
        return MASK if self._value else ""

    def __repr__(self) -> str:
        return f"Secret({MASK if self._value else 'empty'})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def sha256(self) -> str:
        """The SHA-256 of the value as hex digits; a text is taken as UTF-8."""
        value = self._value
        data = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
        return hashlib.sha256(data).hexdigest()
