"""The 24-bit pulse counter: which steps between two readings a load can have made.

The counter cannot itself tell a wrap from a restart, nor the chip from its neighbour. How many
pulses the input can make in the time that has passed, can.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from groundwire.meter.bl0942.codec import COUNTER_RANGE
from groundwire.meter.bl0942.gains import FULL_POWER, HEADROOM, PULSE_COUNTS_S

MOST_PULSES_PER_S = FULL_POWER * HEADROOM / PULSE_COUNTS_S
# One pulse was almost complete at the last reading, one counter may be read just after another.
SPARE_PULSES = 2


@dataclass(frozen=True, slots=True)
class Mark:
    """A counter value, when it was read, and which way power flowed."""

    count: int
    at_s: float
    backwards: bool = False


def most_pulses(earlier: Mark, later: Mark, per_s: float = MOST_PULSES_PER_S) -> int:
    """How far the counter can have moved; all of its range where the time is not known."""
    passed_s = later.at_s - earlier.at_s
    if passed_s <= 0:
        return SPARE_PULSES
    if not math.isfinite(passed_s):
        return COUNTER_RANGE
    return min(COUNTER_RANGE, math.ceil(passed_s * per_s) + SPARE_PULSES)


def possible_step(
    earlier: Mark, later: Mark, *, signed: bool, per_s: float = MOST_PULSES_PER_S
) -> int | None:
    """The pulses between two marks, over a wrap too, or None where no load can have made them."""
    pulses = (later.count - earlier.count) % COUNTER_RANGE
    if signed and pulses >= COUNTER_RANGE // 2:
        pulses -= COUNTER_RANGE
    return pulses if abs(pulses) <= most_pulses(earlier, later, per_s) else None
