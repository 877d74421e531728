"""An emulated meter line in the shape in which a server or a bench drives an emulated module.

The other side hears the receive line as a UART at its own speed does: collisions, breaks and
noise included. Only one transmit line is served, as a pty or a TCP port has no lines to select.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from groundwire.meter.bl0942.emulated_line import FOREVER_S, MeterLine
from groundwire.meter.bl0942.waves import BITS_PER_BYTE, Receiver

E = TypeVar("E")
DEFAULT_BAUDRATE = 4800.0


class ServedMeter(Generic[E]):
    """Chips on one pair of wires; `emission` makes what the caller takes (start, data, rate)."""

    def __init__(self, line: MeterLine, emission: Callable[[float, bytes, float], E]) -> None:
        self.line = line
        self._name = next(iter(line.send_wires))
        self._emission = emission
        self._rate = DEFAULT_BAUDRATE
        self._sending_until_s = 0.0
        self._receiver = Receiver([line.receive_wire], 1 / self._rate)

    @property
    def baudrate(self) -> float:
        """The speed that the other side last spoke at."""
        return self._rate

    def power(self, *, on: bool, at_s: float) -> None:
        """Supply of all chips on or off; each comes back with its registers at reset."""
        self.line.advance(at_s)
        for chip in self.line.chips:
            chip.reset(at_s, 0.0 if on else FOREVER_S)

    def hold_reset(self, *, held: bool, at_s: float) -> None:
        """The chips have no reset pin."""
        del held
        self.line.advance(at_s)

    def on_bytes(self, data: bytes, first_s: float, byte_s: float) -> None:
        """Bytes on the transmit line: the first is complete at `first_s`, then every `byte_s`."""
        byte_s = byte_s or BITS_PER_BYTE / self._rate
        # What a busy server hands over late must not run into what comes right behind it.
        self.line.advance(max(first_s - byte_s, self._sending_until_s))
        rate = BITS_PER_BYTE / byte_s
        if abs(rate / self._rate - 1) > 0.001:
            self._rate = rate
            self._receiver.bit_s = 1 / rate
            self._receiver.restart(self.line.now_s)
        self._sending_until_s = self.line.send(self._name, data, rate)

    def advance(self, now_s: float) -> None:
        """Let time pass up to `now_s`."""
        self.line.advance(now_s)

    def next_event_s(self) -> float | None:
        """When something may happen next: at the latest a byte later while anybody speaks."""
        next_s = self.line.next_event_s
        if any(wave.end_s > self.line.now_s for wave in self.line.receive_wire.waves):
            next_s = min(next_s, self.line.now_s + BITS_PER_BYTE / self._rate)
        return None if next_s == FOREVER_S else next_s

    def take_output(self) -> list[E]:
        """What the other side has heard since the last call, byte by byte."""
        byte_s = BITS_PER_BYTE / self._rate
        return [
            self._emission(heard.at_s - byte_s, bytes((heard.value,)), self._rate)
            for heard in self._receiver.take(self.line.now_s)
        ]
