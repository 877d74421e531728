"""From what the user says of adapters to one port with the transmit lines that it can select."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from groundwire.errors import BadArgument
from groundwire.link.discover import find_adapters
from groundwire.link.pace import PacedPort
from groundwire.link.trace import TracingPort
from groundwire.meter.bl0942.codec import BAUDRATES
from groundwire.meter.bl0942.discover import NAMED_PIN
from groundwire.meter.bl0942.exchange import (
    LATENCY_NETWORK_S,
    LATENCY_ON_BOARD_S,
    LATENCY_USB_S,
    TransmitLine,
)
from groundwire.meter.bl0942.ports import JoinedPort, transmit_lines
from groundwire.sim.meters import is_meter, meter_board
from groundwire.wire import Port, SetLines

SIM_PREFIX: Final = "sim:"
FIRST_LINE: Final = "TX1"
ON_BOARD: Final = ("/dev/ttyAMA", "/dev/ttyS", "/dev/serial0", "/dev/serial1")
MOST_LATENCY_S: Final = 2.0


class Select(StrEnum):
    """How modem lines let one adapter's TX through to one of two chips."""

    NONE = "none"
    BOTH = "both"  # asserted RTS lets it through to the first chip, asserted DTR to the second
    RTS = "rts"  # asserted: the first, released: the second
    DTR = "dtr"


@dataclass(frozen=True, slots=True)
class MeterAccess:
    """How the chips are reached. `second_pin` names what the second transmit line is wired to."""

    port: str
    join: str | None = None
    select: Select = Select.NONE
    second_pin: str = NAMED_PIN
    latency_s: float | None = None


@dataclass(frozen=True, slots=True)
class OpenedMeter:
    """A port that leads to chips, the transmit lines it can select, and how late bytes may be."""

    port: Port
    lines: tuple[TransmitLine, ...]
    latency_s: float
    is_emulated: bool = False


def open_meter(
    access: MeterAccess, *, trace: Path | None = None, paced: bool = False
) -> OpenedMeter:
    """Open the port or ports; an emulated board takes real time only if `paced`.

    Raises:
        BadArgument: the parts do not go together, or there is no such board.
        LinkError: a port cannot be opened.
        OutputUnwritable: the trace file cannot be written.
    """
    if access.join is not None and access.select is not Select.NONE:
        raise BadArgument(
            name="select",
            value=access.select.value,
            expected="none with two adapters: the second adapter is the second transmit line",
        )
    opened = _open_board(access, paced=paced) if is_emulated(access.port) else _open_real(access)
    if trace is None:
        return opened
    port = TracingPort(opened.port, trace)
    return OpenedMeter(port, opened.lines, opened.latency_s, opened.is_emulated)


def is_emulated(name: str) -> bool:
    """Whether no hardware is involved."""
    return name.startswith(SIM_PREFIX)


def _open_board(access: MeterAccess, *, paced: bool) -> OpenedMeter:
    name = access.port.removeprefix(SIM_PREFIX)
    if access.join is not None or access.select is not Select.NONE:
        raise BadArgument(
            name="port", value=access.port, expected="a real one: an emulated board has its lines"
        )
    if not is_meter(name):
        raise BadArgument(name="port", value=access.port, expected="sim:meter or sim:meter-h1 …")
    board = meter_board(name)
    port: Port = PacedPort(board.port) if paced else board.port
    return OpenedMeter(port, board.lines, access.latency_s or LATENCY_ON_BOARD_S, is_emulated=True)


def _open_real(access: MeterAccess) -> OpenedMeter:
    # pyserial is slow to import and not needed for emulated boards
    from groundwire.link.port import SerialPort  # noqa: PLC0415

    latency_s = access.latency_s or max(
        latency_of(name) for name in (access.port, access.join or access.port)
    )
    port: Port = SerialPort(access.port, BAUDRATES[0])
    lines = lines_of(access)
    if access.join is not None:
        try:
            port = JoinedPort([port, SerialPort(access.join, BAUDRATES[0])])
        except BaseException:
            port.close()
            raise
    return OpenedMeter(port, lines, latency_s)


def lines_of(access: MeterAccess) -> tuple[TransmitLine, ...]:
    """The transmit lines of an access; none where there is nothing to select."""
    pin = access.second_pin
    if access.join is not None or access.select is Select.BOTH:
        return transmit_lines(FIRST_LINE, pin)
    if access.select is Select.NONE:
        return ()
    by_rts = access.select is Select.RTS
    first = SetLines(dtr=not by_rts, rts=by_rts)
    return TransmitLine(FIRST_LINE, first), TransmitLine(pin, SetLines(dtr=False, rts=False))


def latency_of(name: str) -> float:
    """For how long bytes may be held back on the way from this port, as far as is known."""
    if "://" in name:
        return LATENCY_NETWORK_S
    if name.startswith(ON_BOARD):
        return LATENCY_ON_BOARD_S
    # an adapter whose timer was set higher says so to the system
    told_ms = [
        one.latency_ms or 0 for one in find_adapters() if name in (one.device, one.stable_name)
    ]
    return max([LATENCY_USB_S, *(told / 1000 for told in told_ms)])
