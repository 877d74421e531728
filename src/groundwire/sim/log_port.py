"""A second adapter in memory: on the log pin of the module of a bench, on its clock."""

from __future__ import annotations

from collections import deque

from groundwire.chips.family import Emission
from groundwire.sim.bench import BenchPort
from groundwire.sim.line import as_read


class BenchLogPort:
    """A `wire.Port` that hears what the module prints on its log pin, from when it is made on."""

    def __init__(self, bench: BenchPort) -> None:
        self._bench = bench
        self._rate = 115_200
        self._arriving: deque[tuple[float, bytes]] = deque()
        bench.on_log = self._arrive

    def _arrive(self, emission: Emission) -> None:
        data = as_read(emission.data, emission.baudrate, self._rate)
        ends_s = emission.start_s + len(emission.data) * 10 / emission.baudrate
        self._arriving.append((ends_s, data))

    @property
    def name(self) -> str:
        return "bench log"

    @property
    def has_lines(self) -> bool:
        return False

    @property
    def baudrate(self) -> int:
        return self._rate

    def now(self) -> float:
        return self._bench.now()

    def send(self, data: bytes) -> None:
        """Nobody listens on a log pin."""

    def receive(self, within_s: float, at_least: int = 1, quiet_s: float | None = None) -> bytes:
        deadline = self.now() + within_s
        got = bytearray()
        while True:
            while self._arriving and self._arriving[0][0] <= self.now():
                got += self._arriving.popleft()[1]
            if len(got) >= at_least or (got and quiet_s is not None) or self.now() >= deadline:
                return bytes(got)
            self._pass(deadline)

    def _pass(self, deadline: float) -> None:
        """Let time go on to whatever happens next."""
        times = [deadline]
        happens = self._bench.next_event_s()
        if happens is not None:
            times.append(happens)
        if self._arriving:
            times.append(self._arriving[0][0])
        self._bench.wait(max(min(times) - self.now(), 1e-6))

    def set_baudrate(self, rate: int) -> None:
        self._rate = rate

    def set_lines(self, *, dtr: bool | None, rts: bool | None) -> None:
        """It has none."""

    def wait(self, seconds: float) -> None:
        self._bench.wait(seconds)

    def close(self) -> None:
        """Listen no more."""
        self._bench.on_log = None
