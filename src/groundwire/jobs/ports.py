"""From what the user calls a port to a port: a real one, or an emulated module in memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from groundwire.chips.registry import families, family_of
from groundwire.errors import BadArgument
from groundwire.events import Event, NeedHands, Tell
from groundwire.link.trace import TracingPort
from groundwire.wire import Port

SIM_PREFIX: Final = "sim:"


@dataclass(frozen=True)
class OpenedPort:
    """A port, and how the job's listener must be wrapped for it."""

    port: Port
    is_emulated: bool
    wrap: Tell | None = None

    def listener(self, tell: Tell) -> Tell:
        """`tell`, and on an emulated module also the hands that reset it when asked."""
        hands = self.wrap
        if hands is None:
            return tell

        def both(event: Event) -> None:
            hands(event)
            tell(event)

        return both


def open_port(name: str, *, trace: Path | None = None) -> OpenedPort:
    """Open `/dev/ttyUSB0`, `socket://host:port`, `rfc2217://…` or `sim:CHIP`.

    Raises:
        BadArgument: `sim:` is followed by a chip that no family knows.
        LinkError: the port cannot be opened.
        OutputUnwritable: the trace file cannot be written.
    """
    if name.startswith(SIM_PREFIX):
        opened = open_emulated(name.removeprefix(SIM_PREFIX))
    else:
        # pyserial is slow to import and not needed for emulated modules
        from groundwire.link.port import SerialPort  # noqa: PLC0415

        opened = OpenedPort(SerialPort(name), is_emulated=False)
    if trace is None:
        return opened
    return OpenedPort(TracingPort(opened.port, trace), opened.is_emulated, opened.wrap)


def open_emulated(chip: str, flash: bytes | None = None) -> OpenedPort:
    """A module in memory, with vendor-like content if none is given, whose hands are ours."""
    from groundwire.sim.bench import Adapter, BenchPort, Wiring  # noqa: PLC0415
    from groundwire.sim.modules import stock_flash  # noqa: PLC0415

    family = family_of(chip)
    if family is None:
        known = ", ".join(part for one in families() for part in one.parts)
        raise BadArgument(name="chip", value=chip, expected=f"one of {known}")
    part = next(one for one in family.parts if one.upper() == chip.upper())
    content = flash if flash is not None else stock_flash(part)
    bench = BenchPort(family.emulator(part, content), Adapter(wiring=Wiring.NONE))

    def hands(event: Event) -> None:
        if isinstance(event, NeedHands) and not bench.hands_are_busy:
            bench.press_reset(after_s=0.5)

    return OpenedPort(bench, is_emulated=True, wrap=hands)
