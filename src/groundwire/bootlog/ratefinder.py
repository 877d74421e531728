"""Finds the speed of a line while its bytes arrive. Pure: it is told bytes and pauses.

Bytes wait until they are known to be text; what was read at a wrong speed never reaches a reader.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from groundwire.bootlog.linerate import (
    LIKELY_RATES,
    USUAL_RATES,
    LineKind,
    LineVerdict,
    judge_line,
    readable,
)

ENOUGH_TO_BELIEVE = 32
ENOUGH_TO_DOUBT = 24
ENOUGH_TO_DECIDE = 400
ENOUGH_TO_CHECK = 2048
MCU_FRAMES = 2
MCU_HEADS = (b"\x55\xaa\x00", b"\x55\xaa\x03")


class Move(Enum):
    """What to do next."""

    WAIT = "wait"
    TAKE = "take"
    SWITCH = "switch"


@dataclass(frozen=True, slots=True)
class Step:
    """A move. TAKE carries the bytes that are ready for the reader, SWITCH the new speed.

    `why` is not empty where something was found out that is worth telling.
    """

    move: Move
    data: bytes = b""
    rate: int = 0
    why: str = ""


WAIT = Step(Move.WAIT)


class RateFinder:
    """Feed it what arrives; it says what is text and when to try another speed.

    With `fixed` the speed was named by the user: it is never changed, only doubted aloud.
    """

    def __init__(self, rate: int, *, fixed: bool = False) -> None:
        self.rate = rate
        self.settled = fixed
        self.first = bytearray()
        self.first_rate = rate
        self.mcu_frames = 0
        self._fixed = fixed
        self._window = bytearray()
        self._checked = bytearray()
        self._scores: dict[int, float] = {}
        self._unusable: set[int] = set()

    def feed(self, data: bytes) -> Step:
        """Bytes have arrived."""
        if not self._scores and self.rate == self.first_rate:
            self.first += data[: max(0, 16_384 - len(self.first))]
        self.mcu_frames += sum(data.count(head) for head in MCU_HEADS)
        if self.settled:
            return self._check(data)
        self._window += data
        return self._decide(quiet=False)

    def pause(self) -> Step:
        """The line has been quiet for a while."""
        if self.settled:
            if len(self._checked) >= ENOUGH_TO_DOUBT:
                return self._doubt()
            return WAIT
        return self._decide(quiet=True)

    def refused(self, rate: int) -> Step:
        """The adapter cannot do a speed."""
        self._unusable.add(rate)
        return self._next("the adapter cannot do it")

    # --- settled --------------------------------------------------------------------------------

    def _check(self, data: bytes) -> Step:
        self._checked += data[-ENOUGH_TO_CHECK:]
        if len(self._checked) >= ENOUGH_TO_CHECK:
            doubt = self._doubt()
            if doubt.move is Move.SWITCH:
                return doubt
        return Step(Move.TAKE, data)

    def _doubt(self) -> Step:
        """Whether what has come lately is still text; a module may change its speed as it boots."""
        seen = bytes(self._checked)
        self._checked.clear()
        if self._fixed or self.mcu_frames >= MCU_FRAMES:
            return WAIT
        verdict = judge_line(seen, self.rate)
        wrong = (LineKind.WRONG_RATE, LineKind.SPARSE_NOISE)
        if verdict.kind not in wrong or not verdict.true_rate or verdict.true_rate == self.rate:
            return WAIT
        self.settled = False
        self._scores = {}
        return self._switch(verdict.true_rate, verdict.reason)

    # --- not settled ----------------------------------------------------------------------------

    def _decide(self, *, quiet: bool) -> Step:
        count = len(self._window)
        if not count or (count < ENOUGH_TO_BELIEVE and not quiet):
            return WAIT
        verdict = judge_line(bytes(self._window), self.rate)
        if verdict.kind is LineKind.TEXT:
            return self._settle(
                "known words" if readable(bytes(self._window)) > 1 else "plain text"
            )
        if self.mcu_frames >= MCU_FRAMES:
            return self._settle("frames of a TuyaMCU: these are the flashing pins")
        if count < (ENOUGH_TO_DOUBT if quiet else ENOUGH_TO_DECIDE):
            return WAIT
        if verdict.kind is LineKind.INVERTED:
            return self._settle(f"the line is inverted: {verdict.reason}")
        return self._wrong(verdict)

    def _settle(self, why: str) -> Step:
        data = bytes(self._window)
        self._window.clear()
        self.settled = True
        self._scores = {}
        return Step(Move.TAKE, data, self.rate, why)

    def _wrong(self, verdict: LineVerdict) -> Step:
        self._scores[self.rate] = readable(bytes(self._window))
        known = verdict.true_rate
        tried = known in self._scores or known in self._unusable
        if known in USUAL_RATES and not tried:
            return self._switch(known, verdict.reason)
        return self._next(verdict.reason or "no text", slower=verdict.kind is LineKind.ZEROS)

    def _next(self, why: str, *, slower: bool = False) -> Step:
        """The likeliest speed that has not been tried; slower ones first where that is known."""
        rates = sorted(LIKELY_RATES, key=lambda rate: slower and rate > self.rate)
        for rate in rates:
            if rate not in self._scores and rate not in self._unusable:
                return self._switch(rate, why)
        best = max(self._scores, key=lambda rate: self._scores[rate], default=self.first_rate)
        # nothing gives text: stay at the best, and go on looking at the bytes
        self._scores = {}
        self.settled = True
        return self._switch(best, f"no speed gave text; {why}")

    def _switch(self, rate: int, why: str) -> Step:
        self._window.clear()
        self._checked.clear()
        self.rate = rate
        return Step(Move.SWITCH, rate=rate, why=why)
