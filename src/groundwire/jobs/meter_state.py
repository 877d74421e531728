"""The counting state of a chip as text, to be kept between two runs of a reader."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import Any, Final

from groundwire.meter.bl0942.codec import COUNTER_RANGE
from groundwire.meter.bl0942.counter import Mark
from groundwire.meter.bl0942.energy import EnergyState

LONGEST_STATE: Final = 4096
COUNTS: Final = (
    "imported",
    "exported",
    "undirected",
    "generation",
    "held_back",
    "restarts",
    "wraps",
)


def state_text(state: EnergyState) -> str:
    """The counting state as JSON."""
    return json.dumps(asdict(state))


def state_from(text: str) -> EnergyState:
    """The counting state out of JSON; raises `ValueError` for anything else."""
    if len(text) > LONGEST_STATE:
        raise ValueError("too long")
    found = json.loads(text)
    names = {one.name for one in fields(EnergyState)}
    if not isinstance(found, dict) or set(found) != names:
        raise ValueError("other fields than expected")
    marks = {name: _mark_from(found[name]) for name in ("baseline", "suspect")}
    counts = [found[name] for name in COUNTS]
    if not all(type(value) is int and value >= 0 for value in counts):
        raise ValueError("a count that is none")
    imported, exported, undirected, generation, held_back, restarts, wraps = counts
    return EnergyState(
        imported=imported,
        exported=exported,
        undirected=undirected,
        baseline=marks["baseline"],
        suspect=marks["suspect"],
        generation=generation,
        held_back=held_back,
        restarts=restarts,
        wraps=wraps,
    )


def _mark_from(found: dict[str, Any] | None) -> Mark | None:
    if found is None:
        return None
    count, at_s, backwards = found["count"], found["at_s"], found["backwards"]
    is_one = type(count) is int and type(at_s) in (int, float) and type(backwards) is bool
    if not (is_one and 0 <= count < COUNTER_RANGE):
        raise ValueError("a mark that is none")
    return Mark(count, float(at_s), backwards)
