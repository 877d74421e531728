"""A port in memory with an emulated module on it and a clock of its own.

Ten bit times a byte, an adapter that delivers each byte `latency_s` after it arrived, modem lines
wired to the module's reset as the caller says. Nothing waits: time is counted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from groundwire.chips.family import Emission, Emulator
from groundwire.errors import PortFailed, Unplugged
from groundwire.sim.faults import LineFaults
from groundwire.sim.line import as_read

RESET_HELD_S = 0.25


class Wiring(StrEnum):
    """What the adapter's modem lines are connected to; asserted means pin low."""

    NONE = "none"
    RTS_RESET = "rts"
    RTS_RESET_INVERTED = "rts-inverted"
    DTR_RESET = "dtr"
    DTR_RESET_INVERTED = "dtr-inverted"


@dataclass(slots=True)
class _Arriving:
    """Bytes on their way to the host: the first arrives at `first_s`, then every `byte_s`."""

    first_s: float
    byte_s: float
    data: bytes
    taken: int = 0

    @property
    def last_s(self) -> float:
        return self.first_s + self.byte_s * (len(self.data) - 1)


@dataclass(frozen=True, slots=True)
class Adapter:
    """What the emulated USB adapter can do; the default is a good one with 1 ms latency."""

    latency_s: float = 0.001
    top_rate: int = 3_000_000
    wiring: Wiring = Wiring.NONE
    has_lines: bool = True


class BenchPort:
    """A `wire.Port` whose other end is an emulated module."""

    def __init__(
        self,
        emulator: Emulator,
        adapter: Adapter | None = None,
        faults: LineFaults | None = None,
        *,
        powered: bool = True,
    ) -> None:
        self.emulator = emulator
        self.adapter = adapter or Adapter()
        self.faults = faults or LineFaults()
        self.on_log: Callable[[Emission], None] | None = None
        self.bytes_out = 0
        self.bytes_in = 0
        self._emissions = 0
        self._rate = 115_200
        self._now = 0.0
        self._arriving: deque[_Arriving] = deque()
        self._agenda: list[tuple[float, Callable[[float], None]]] = []
        self._dtr = self._rts = False
        self._held = False
        self._unplugged = False
        self._stall_ends_s: float | None = None
        self._babble_s = 0.0
        if powered:
            emulator.power(on=True, at_s=0.0)

    # --- the port -------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        return "bench"

    @property
    def has_lines(self) -> bool:
        return self.adapter.has_lines

    @property
    def baudrate(self) -> int:
        return self._rate

    def now(self) -> float:
        return self._now

    def send(self, data: bytes) -> None:
        self._check_plugged(len(data))
        byte_s = 10 / self._rate
        self._settle(self._now)
        first_s = self._now + byte_s
        self.bytes_out += len(data)
        if self.faults.echo:
            self._arriving.append(_Arriving(first_s, byte_s, data))
        if not self.faults.deaf:
            # 0: the chip is measuring the speed of what arrives, so it reads it as it was sent
            read_at = self.emulator.baudrate or self._rate
            seen = self.faults.to_chip(as_read(data, self._rate, read_at))
            if seen:
                self.emulator.on_bytes(seen, first_s, byte_s)
        self._now += byte_s * len(data)
        self._settle(self._now)

    def receive(self, within_s: float, at_least: int = 1, quiet_s: float | None = None) -> bytes:
        self._check_plugged(0)
        deadline = self._now + within_s
        while True:
            wake = min(deadline, self._time_of(at_least), self._quiet_time(quiet_s))
            wake = max(wake, self._now)
            happens = self.next_event_s()
            if happens is not None and happens < wake:
                self._settle(max(happens, self._now))
                continue
            self._settle(wake)
            if max(self._time_of(at_least), self._now) < wake:  # something arrived just now
                continue
            self._now = wake
            data = self._take()
            self._check_plugged(len(data))
            return data

    def set_baudrate(self, rate: int) -> None:
        if rate > self.adapter.top_rate:
            raise PortFailed(port=self.name, reason=f"the adapter cannot do {rate} baud")
        self._rate = rate

    def set_lines(self, *, dtr: bool | None, rts: bool | None) -> None:
        self._check_plugged(0)
        if not self.adapter.has_lines:
            return
        self._dtr = self._dtr if dtr is None else dtr
        self._rts = self._rts if rts is None else rts
        held = {
            Wiring.NONE: False,
            Wiring.RTS_RESET: self._rts,
            Wiring.RTS_RESET_INVERTED: not self._rts,
            Wiring.DTR_RESET: self._dtr,
            Wiring.DTR_RESET_INVERTED: not self._dtr,
        }[self.adapter.wiring]
        if held != self._held:
            self._held = held
            self._settle(self._now)
            self.emulator.hold_reset(held=held, at_s=self._now)

    def wait(self, seconds: float) -> None:
        self._settle(self._now + seconds)
        self._now += seconds

    def close(self) -> None:
        """Nothing to close."""

    # --- hands ----------------------------------------------------------------------------------

    def press_reset(self, after_s: float = 1.0) -> None:
        """Somebody will pull CEN to ground after so long, and let go a quarter second later."""
        at = self._now + after_s
        self._plan(at, lambda now: self.emulator.hold_reset(held=True, at_s=now))
        self._plan(at + RESET_HELD_S, lambda now: self.emulator.hold_reset(held=False, at_s=now))

    def power_cycle(self, after_s: float = 0.0, off_s: float = 1.0) -> None:
        """Somebody will take the supply away and give it back."""
        at = self._now + after_s
        self._plan(at, lambda now: self.emulator.power(on=False, at_s=now))
        self._plan(at + off_s, lambda now: self.emulator.power(on=True, at_s=now))

    @property
    def hands_are_busy(self) -> bool:
        """Whether something was asked of the hands and is not finished."""
        return bool(self._agenda)

    def replug(self) -> None:
        """The adapter is back; what was on its way is gone."""
        self._unplugged = False
        self.faults.unplug_at_byte = None
        self._arriving.clear()

    # --- inside ---------------------------------------------------------------------------------

    def _plan(self, at_s: float, act: Callable[[float], None]) -> None:
        self._agenda.append((at_s, act))
        self._agenda.sort(key=lambda item: item[0])

    def _check_plugged(self, count: int) -> None:
        limit = self.faults.unplug_at_byte
        if limit is not None and self.bytes_in + self.bytes_out + count >= limit:
            self._unplugged = True
        if self._unplugged:
            raise Unplugged(port=self.name)

    def next_event_s(self) -> float | None:
        """When the module or the hands will next do something, if they will."""
        times = [at for at, _act in self._agenda[:1]]
        own = self.emulator.next_event_s()
        if own is not None:
            times.append(own)
        if self.faults.babble:
            times.append(self._babble_s)  # or a long wait would hear pauses in it
        return min(times) if times else None

    def _settle(self, now: float) -> None:
        """Let everything happen that happens up to `now`."""
        while self._agenda and self._agenda[0][0] <= now:
            at, act = self._agenda.pop(0)
            self.emulator.advance(at)
            act(at)
        self.emulator.advance(now)
        for emission in self.emulator.take_output():
            if emission.on_log_pin:
                if self.on_log is not None:
                    self.on_log(emission)
                continue
            self._emissions += 1
            if self._emissions - 1 in self.faults.lose_replies:
                continue
            read = self.faults.to_host(as_read(emission.data, emission.baudrate, self._rate))
            self._arrive(emission.start_s, 10 / emission.baudrate, read)
        if self.faults.babble:
            self._babble(now)

    def _babble(self, now: float) -> None:
        byte_s = 10 / self._rate
        while self._babble_s <= now + 0.1:
            start = max(self._babble_s, now)
            self._arrive(start, byte_s, self.faults.babble)
            self._babble_s = start + byte_s * len(self.faults.babble)

    def _arrive(self, start_s: float, byte_s: float, data: bytes) -> None:
        if not data:
            return
        limit = self.faults.stall_at_byte
        first_s = start_s + byte_s
        if limit is not None and self._stall_ends_s is None and self.bytes_in + len(data) >= limit:
            self._stall_ends_s = first_s + self.faults.stall_s
        if self._stall_ends_s is not None:
            first_s = max(first_s, self._stall_ends_s)
        self._arriving.append(_Arriving(first_s, byte_s, data))
        if len(self._arriving) > 1 and self._arriving[-2].first_s > first_s:
            self._arriving = deque(sorted(self._arriving, key=lambda item: item.first_s))

    def _time_of(self, count: int) -> float:
        """When the `count`-th byte will be there for the host, as far as is known."""
        for piece in self._arriving:
            held = len(piece.data) - piece.taken
            if count <= held:
                index = piece.taken + count - 1
                return piece.first_s + piece.byte_s * index + self.adapter.latency_s
            count -= held
        return float("inf")

    def _quiet_time(self, quiet_s: float | None) -> float:
        if quiet_s is None or not self._arriving:
            return float("inf")
        last = self._arriving[0].last_s
        for piece in self._arriving:
            if piece.first_s - last > quiet_s:
                break
            last = max(last, piece.last_s)
        return last + self.adapter.latency_s + quiet_s

    def _take(self) -> bytes:
        out = bytearray()
        while self._arriving:
            piece = self._arriving[0]
            passed = self._now - self.adapter.latency_s - piece.first_s
            arrived = int(passed / piece.byte_s + 1 + 1e-6) if passed > -1e-12 else 0
            ready = min(max(arrived, 0), len(piece.data))
            out += piece.data[piece.taken : ready]
            piece.taken = max(piece.taken, ready)
            if piece.taken < len(piece.data):
                break
            self._arriving.popleft()
        self.bytes_in += len(out)
        return bytes(out)
