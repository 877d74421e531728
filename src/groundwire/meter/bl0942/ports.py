"""Ways to select a transmit line through the modem lines of a port.

A procedure knows only `wire.SetLines`. With one adapter and two OR gates, RTS and DTR let its TX
through to one chip or the other: idle high keeps a chip deaf. With two adapters whose receive
lines are joined, `JoinedPort` makes the same two states select the adapter that sends. Over the
network, or with one chip, there is nothing to select.
"""

from __future__ import annotations

from collections.abc import Sequence

from groundwire.errors import BadArgument, UnsupportedHere
from groundwire.meter.bl0942.exchange import Channel, TransmitLine
from groundwire.wire import Port, SetLines

# Asserted is pin low: an OR gate lets TX through while its other input is low.
BY_RTS = SetLines(dtr=False, rts=True)
BY_DTR = SetLines(dtr=True, rts=False)


def transmit_lines(first: str, second: str) -> tuple[TransmitLine, TransmitLine]:
    """Two named transmit lines: RTS asserted selects the first, DTR asserted the second."""
    return TransmitLine(first, BY_RTS), TransmitLine(second, BY_DTR)


def require_lines(port: Port, channels: Sequence[Channel]) -> None:
    """Raise where channels are told apart by modem lines and the port has none.

    Such a port ignores `SetLines`, so every request would go to the same chip and its packets
    would be credited to all channels.
    """
    if any(channel.line is not None for channel in channels) and not port.has_lines:
        raise UnsupportedHere(
            asked="selecting a chip through RTS and DTR",
            reason=f"{port.name!r} has no modem lines",
            advice="use an adapter with RTS and DTR, or two adapters with joined receive lines",
        )


class JoinedPort:
    """Two adapters as one port: the first receives, and either sends as RTS and DTR say.

    Nothing is received through the second one; what it may hear is dropped with its own buffer.
    """

    def __init__(self, ports: Sequence[Port]) -> None:
        if len(ports) != 2:
            raise BadArgument(name="ports", value=str(len(ports)), expected="two adapters")
        self.ports = tuple(ports)
        self._sender = self.ports[0]

    @property
    def name(self) -> str:
        return " + ".join(port.name for port in self.ports)

    @property
    def has_lines(self) -> bool:
        return True

    @property
    def baudrate(self) -> int:
        return self.ports[0].baudrate

    def now(self) -> float:
        """Seconds on the receiving port's clock."""
        return self.ports[0].now()

    def send(self, data: bytes) -> None:
        """Put bytes on the selected transmit line."""
        self._sender.send(data)

    def receive(self, within_s: float, at_least: int = 1, quiet_s: float | None = None) -> bytes:
        """What the joined receive line brings."""
        return self.ports[0].receive(within_s, at_least, quiet_s)

    def set_baudrate(self, rate: int) -> None:
        """Change the speed of both adapters."""
        for port in self.ports:
            port.set_baudrate(rate)

    def set_lines(self, *, dtr: bool | None, rts: bool | None) -> None:
        """Select the adapter that sends; any other state leaves the last one."""
        state = SetLines(dtr=dtr, rts=rts)
        if state == BY_RTS:
            self._sender = self.ports[0]
        elif state == BY_DTR:
            self._sender = self.ports[1]

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.ports[0].wait(seconds)

    def close(self) -> None:
        """Close both, the second one even if the first fails."""
        try:
            self.ports[0].close()
        finally:
            self.ports[1].close()
