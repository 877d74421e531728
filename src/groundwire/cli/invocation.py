"""What is known of a call before it is parsed; light, because every call imports it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(slots=True)
class Invocation:
    """What must be known of a call before and after its parsing, to end it well."""

    verb: str = ""
    is_json: bool = False
    verbosity: int = 0
    trace: Path | None = None

    @classmethod
    def of(cls, arguments: Sequence[str], verbs: Sequence[str]) -> Invocation:
        """What the bare words say; used where parsing fails before a verb is reached."""
        flags = list(arguments)
        if "--" in flags:
            flags = flags[: flags.index("--")]
        verb = next((word for word in flags if word in verbs), "")
        verbosity = sum(
            word.count("v") for word in flags if word[:2] == "-v" and not word.strip("-v")
        )
        return cls(verb=verb, is_json="--json" in flags, verbosity=verbosity)
