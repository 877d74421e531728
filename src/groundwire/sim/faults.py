"""Faults of a line, drawn from a seed so that a bad run can be run again."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field


@dataclass(slots=True)
class LineFaults:
    """What the line does to bytes; every rate is per bit or per byte and direction.

    `stall_at_byte` delays everything towards the host once by `stall_s`; `unplug_at_byte` makes
    the port vanish when that many bytes have passed in both directions together.
    `lose_replies` names emissions (counted from 0) that never arrive; `echo` bridges TX and RX.
    """

    seed: int = 0
    flips_to_chip: float = 0.0
    flips_to_host: float = 0.0
    drops_to_chip: float = 0.0
    drops_to_host: float = 0.0
    stall_at_byte: int | None = None
    stall_s: float = 3.0
    unplug_at_byte: int | None = None
    lose_replies: frozenset[int] = frozenset()
    echo: bool = False
    deaf: bool = False
    babble: bytes = b""
    _random: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - reproducible noise, no secret

    def _gap(self, rate: float) -> int:
        """How many units pass before the next fault, for a rate per unit."""
        return int(math.log(1.0 - self._random.random()) / math.log(1.0 - rate))

    def _flip(self, data: bytes, rate: float) -> bytes:
        if not rate:
            return data
        bits = len(data) * 8
        at = self._gap(rate)
        if at >= bits:
            return data
        out = bytearray(data)
        while at < bits:
            out[at // 8] ^= 1 << at % 8
            at += 1 + self._gap(rate)
        return bytes(out)

    def _drop(self, data: bytes, rate: float) -> bytes:
        if not rate:
            return data
        at = self._gap(rate)
        if at >= len(data):
            return data
        out = bytearray(data)
        while at < len(out):
            del out[at]
            at += self._gap(rate)
        return bytes(out)

    def to_chip(self, data: bytes) -> bytes:
        """What reaches the chip of what the host sent."""
        return self._drop(self._flip(data, self.flips_to_chip), self.drops_to_chip)

    def to_host(self, data: bytes) -> bytes:
        """What reaches the host of what the chip sent."""
        return self._drop(self._flip(data, self.flips_to_host), self.drops_to_host)
