"""A verb that needs no module, and what any verb has to say at its end.

Kept apart from what opens ports, which takes longer to import than most files take to inspect.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from groundwire.cli.options import Settings
from groundwire.cli.screen import Screen, make_screen


@dataclass(frozen=True)
class Shown:
    """What a verb has to say at its end: lines for people, values for programs."""

    lines: Sequence[str]
    values: Mapping[str, object]


def without_module(settings: Settings, verb: str, act: Callable[[Screen], Shown]) -> None:
    """A verb that needs no module."""
    with make_screen(settings) as screen:
        shown = act(screen)
        screen.result(verb, shown.lines, shown.values)
