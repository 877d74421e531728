"""A serial line at the level of bits: who drives it when, and what a receiver makes of it.

Drivers are open drain: the line is low while anyone pulls it low. A receiver looks for a falling
edge on an idle line, samples in the middle of each bit counted from that edge, and starts anew
with the next edge, so clock differences do not add up from byte to byte. A framing error is not
reported, as the drivers of the usual systems do not report it either. A break gives one byte 0x00.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

BITS_PER_BYTE = 10
# Twice the largest clock difference at which the bit-level receiver was ever seen to fail is far
# above this; below it, a single undisturbed sender is read without looking at its bits.
_SAFE_CLOCK_DIFFERENCE = 0.03
_INSTANT_S = 1e-9


class Heard(NamedTuple):
    """One received byte and the moment its stop bit had passed."""

    value: int
    at_s: float


@dataclass(eq=False, slots=True)
class Wave:
    """What one sender does to a line from `start_s` on: frames of ten bits, or one long low."""

    start_s: float
    bit_s: float
    data: bytes
    low_until_s: float = 0.0
    end_s: float = field(init=False)
    _bits: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.end_s = self.low_until_s or self.start_s + len(self.data) * BITS_PER_BYTE * self.bit_s

    @classmethod
    def low(cls, start_s: float, end_s: float) -> Wave:
        """The line pulled low for a while; the end may be moved later."""
        return cls(start_s, 1.0, b"", low_until_s=end_s)

    @property
    def is_frames(self) -> bool:
        return not self.low_until_s

    @property
    def last_low_s(self) -> float:
        """From when on this sender can no longer pull the line low: a frame ends with a high."""
        return self.end_s - self.bit_s if self.is_frames else self.end_s

    def bits(self) -> int:
        """All bits in order of time, the first one lowest."""
        if not self._bits:
            for index, byte in enumerate(self.data):
                self._bits |= (byte << 1 | 1 << 9) << BITS_PER_BYTE * index
        return self._bits

    def level(self, at_s: float) -> int | None:
        """0 or 1 while the sender drives the line, None before and after."""
        if not self.start_s <= at_s < self.end_s:
            return None
        if not self.is_frames:
            return 0
        return self.bits() >> int((at_s - self.start_s) / self.bit_s) & 1

    def falls(self, from_s: float) -> list[float]:
        """When this sender pulls the line low, as far as it is not before `from_s`."""
        if not self.is_frames:
            return [self.start_s] if self.start_s >= from_s else []
        bits = self.bits()
        first = max(0, int((from_s - self.start_s) / self.bit_s))
        previous = 1 if first == 0 else bits >> first - 1 & 1
        found = []
        for index in range(first, len(self.data) * BITS_PER_BYTE):
            bit = bits >> index & 1
            if previous and not bit and (at_s := self.start_s + index * self.bit_s) >= from_s:
                found.append(at_s)
            previous = bit
        return found

    def longest_low_s(self) -> float:
        """The longest time for which this sender alone keeps the line low."""
        if not self.is_frames:
            return self.end_s - self.start_s
        text = f"{self.bits():b}"
        # The lowest bit is the first start bit and always present, the highest is a stop bit.
        return max((len(run) for run in text.split("1")), default=0) * self.bit_s


class Wire:
    """One conductor and everything that is being done to it."""

    def __init__(self, *, push_pull: bool = False, rng: random.Random | None = None) -> None:
        self.waves: list[Wave] = []
        self.push_pull = push_pull
        self._rng = rng or random.Random(0)

    def add(self, wave: Wave) -> None:
        """Let a sender begin; waves may overlap."""
        self.waves.append(wave)

    def forget_before(self, at_s: float) -> None:
        """Drop what ended long ago."""
        if len(self.waves) > 8:
            self.waves = [wave for wave in self.waves if wave.end_s > at_s]

    def level(self, at_s: float, waves: Sequence[Wave]) -> int:
        """What a receiver reads: low wins, or chance decides between fighting outputs."""
        high = False
        low = False
        for wave in waves:
            level = wave.level(at_s)
            if level == 0:
                if not self.push_pull:
                    return 0
                low = True
            elif level == 1:
                high = True
        if low and high:
            return self._rng.getrandbits(1)
        return 0 if low else 1


_Driven = tuple[Wire, list[Wave]]


class Receiver:
    """A UART receiver on one or more wires that are joined at its pin."""

    def __init__(self, wires: Sequence[Wire], bit_s: float) -> None:
        self.wires = tuple(wires)
        self.bit_s = bit_s
        self.free_from_s = 0.0
        self._following: Wave | None = None

    def take(self, until_s: float) -> list[Heard]:
        """All bytes complete by then that were not handed out before, in order."""
        heard: list[Heard] = []
        while True:
            limit = self.free_from_s + _INSTANT_S
            active = [
                (wire, waves)
                for wire in self.wires
                if (waves := [wave for wave in wire.waves if wave.last_low_s > limit])
            ]
            if not active:
                return heard
            wave = active[0][1][0]
            if len(active) == 1 and len(active[0][1]) == 1 and self._readable(wave):
                more = self._read_frames(wave, until_s)
            else:
                self._following = None
                more = self._read_bits(active, until_s)
            if not more:
                return heard
            heard += more

    def restart(self, at_s: float) -> None:
        """Forget everything before this moment, as after a change of speed or a reset."""
        self.free_from_s = max(self.free_from_s, at_s)
        self._following = None

    def _readable(self, wave: Wave) -> bool:
        """Whether the bytes of this wave, the only one, can be taken without sampling bits."""
        return (
            wave.is_frames
            and abs(wave.bit_s / self.bit_s - 1) <= _SAFE_CLOCK_DIFFERENCE
            and (wave is self._following or wave.start_s >= self.free_from_s - _INSTANT_S)
        )

    def _read_frames(self, wave: Wave, until_s: float) -> list[Heard]:
        byte_s = BITS_PER_BYTE * wave.bit_s
        first = max(0, round((self.free_from_s - wave.start_s) / byte_s))
        last = min(len(wave.data), int((until_s - wave.start_s + _INSTANT_S) / byte_s))
        if last <= first:
            return []
        self._following = wave
        self.free_from_s = wave.start_s + last * byte_s
        start_s = wave.start_s
        return [
            Heard(wave.data[index], start_s + (index + 1) * byte_s) for index in range(first, last)
        ]

    def _read_bits(self, active: Sequence[_Driven], until_s: float) -> list[Heard]:
        heard = []
        falls = {
            at_s
            for _wire, waves in active
            for wave in waves
            for at_s in wave.falls(self.free_from_s)
        }
        for edge_s in sorted(falls):
            if edge_s < self.free_from_s - _INSTANT_S or not _is_fall(edge_s, active):
                continue
            done_s = edge_s + BITS_PER_BYTE * self.bit_s
            if done_s > until_s + _INSTANT_S:
                break
            samples = [
                _level(edge_s + (index + 0.5) * self.bit_s, active)
                for index in range(BITS_PER_BYTE)
            ]
            if samples[0]:
                self.free_from_s = edge_s + 0.5 * self.bit_s
                continue
            self.free_from_s = done_s - 0.5 * self.bit_s
            heard.append(Heard(sum(bit << at for at, bit in enumerate(samples[1:9])), done_s))
        return heard


def _is_fall(at_s: float, active: Sequence[_Driven]) -> bool:
    return bool(_level(at_s - _INSTANT_S, active)) and not _level(at_s + _INSTANT_S, active)


def _level(at_s: float, active: Sequence[_Driven]) -> int:
    return min(wire.level(at_s, waves) for wire, waves in active)
