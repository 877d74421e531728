"""From what the user calls a port to a port: a real one, or an emulated module in memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from groundwire.chips.family import Emulator
from groundwire.chips.nor_flash import NorFlash
from groundwire.chips.registry import families, family_of
from groundwire.errors import BadArgument
from groundwire.events import Event, NeedHands, Tell
from groundwire.jobs.loader import kept_loader
from groundwire.link.trace import TracingPort
from groundwire.sim.bench import Adapter, BenchPort
from groundwire.sim.boot_text import boot_text
from groundwire.sim.bouffalo import stand_in_loader
from groundwire.sim.faults import LineFaults
from groundwire.sim.log_port import BenchLogPort
from groundwire.sim.modules import stock_flash
from groundwire.wire import Port

SIM_PREFIX: Final = "sim:"
HANDS_AFTER_S: Final = 0.5


@dataclass(frozen=True)
class OpenedPort:
    """A port; `bench` is its emulated module, or None for a real one."""

    port: Port
    bench: BenchPort | None = None

    @property
    def loader(self) -> bytes:
        """The RAM loader to use on it: the kept one, or a stand-in for an emulated module."""
        return stand_in_loader() if self.is_emulated else kept_loader()

    @property
    def is_emulated(self) -> bool:
        """Whether no hardware is involved."""
        return self.bench is not None

    def log_port(self) -> Port | None:
        """A second adapter on the log pin of an emulated module; None for a real one."""
        return BenchLogPort(self.bench) if self.bench is not None else None

    def listener(self, tell: Tell) -> Tell:
        """`tell`, and for an emulated module also the hands that reset it when asked."""
        bench = self.bench
        if bench is None:
            return tell

        def with_hands(event: Event) -> None:
            if isinstance(event, NeedHands) and not bench.hands_are_busy:
                bench.press_reset(HANDS_AFTER_S)
            tell(event)

        return with_hands


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

        opened = OpenedPort(SerialPort(name))
    if trace is None:
        return opened
    return OpenedPort(TracingPort(opened.port, trace), opened.bench)


def part_name(chip: str) -> str:
    """The house's spelling of a chip name.

    Raises:
        BadArgument: no family knows such a chip.
    """
    family = family_of(chip)
    if family is None:
        known = ", ".join(part for one in families() for part in one.parts)
        raise BadArgument(name="chip", value=chip, expected=f"one of {known}")
    return next(part for part in family.parts if part.upper() == chip.upper())


def made_emulator(part: str, flash: bytes | NorFlash) -> Emulator:
    """An emulated module; one whose firmware logs on a pin of its own does so.

    Raises:
        BadArgument: no family knows such a chip.
    """
    family = family_of(part)
    if family is None:
        raise BadArgument(name="chip", value=part, expected="a chip that a family knows")
    if family.log_pin:
        return family.emulator(part, flash, boot_text=boot_text(part))
    return family.emulator(part, flash)


def open_emulated(
    chip: str,
    flash: bytes | NorFlash | None = None,
    *,
    faults: LineFaults | None = None,
    adapter: Adapter | None = None,
) -> OpenedPort:
    """A module in memory, with vendor-like content if none is given.

    Raises:
        BadArgument: no family knows such a chip.
    """
    part = part_name(chip)
    emulator = made_emulator(part, stock_flash(part) if flash is None else flash)
    bench = BenchPort(emulator, adapter, faults)
    return OpenedPort(bench, bench)
