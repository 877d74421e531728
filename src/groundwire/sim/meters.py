"""Emulated boards with BL0942 meters, one for each way in which two chips may be wired.

The household on them is made up: one clamp on the supply of a kitchen, one on a branch with a
small solar inverter, so that power comes, goes and flows back.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from groundwire.errors import BadArgument
from groundwire.meter.bl0942.emulated_line import (
    SELECT_FIRST,
    SELECT_SECOND,
    Fault,
    LinePort,
    MeterLine,
)
from groundwire.meter.bl0942.emulator import NO_MAINS, Chip, Load
from groundwire.meter.bl0942.exchange import TransmitLine
from groundwire.meter.bl0942.gains import ESPHOME_DEFAULT

PREFIX: Final = "meter"
KETTLE_EVERY_S: Final = 90.0
KETTLE_ON_S: Final = 30.0
CLOUDS_EVERY_S: Final = 120.0

LoadAt = Callable[[float], Load]


def load_of(voltage_v: float, power_w: float, *, power_factor: float = 1.0) -> Load:
    """What a chip with ESPHome's default constants counts under such a load."""
    gains = ESPHOME_DEFAULT
    current_a = abs(power_w) / power_factor / voltage_v
    return Load(
        v_rms=round(voltage_v * gains.counts_per_volt),
        i_rms=round(current_a * gains.counts_per_ampere),
        watt=round(power_w * gains.counts_per_watt),
        i_fast_rms=round(current_a * gains.counts_per_ampere * 0.363),
    )


def mains_v(at_s: float) -> float:
    """The voltage that all chips of a board share."""
    return 230 + 1.5 * math.sin(at_s / 17) + 0.4 * math.sin(at_s / 1.7)


def kitchen(at_s: float) -> Load:
    """A steady 180 W at power factor 0.9, and a kettle of 2 kW now and then."""
    voltage_v = mains_v(at_s)
    if at_s % KETTLE_EVERY_S < KETTLE_ON_S:
        return load_of(voltage_v, 180 + 2000 * (voltage_v / 230) ** 2, power_factor=0.995)
    return load_of(voltage_v, 180 + 4 * math.sin(at_s / 3), power_factor=0.9)


def solar(at_s: float) -> Load:
    """From 300 W taken to 900 W given back, as clouds pass."""
    power_w = -300 - 600 * math.sin(math.tau * at_s / CLOUDS_EVERY_S)
    return load_of(mains_v(at_s), power_w, power_factor=0.97)


def heater(at_s: float) -> Load:
    """1 kW through a resistor on a mains of exactly 230 V: what a calibration wants."""
    del at_s
    return load_of(230.0, 1000.0)


def motor(at_s: float) -> Load:
    """A motor that takes 1 kW at power factor 0.8, its clamp the wrong way round."""
    del at_s
    return load_of(230.0, -1000.0, power_factor=0.8)


def no_mains(at_s: float) -> Load:
    """A bench supply instead of mains."""
    del at_s
    return NO_MAINS


@dataclass(frozen=True, slots=True)
class MeterBoard:
    """An emulated board: the host's port, and the transmit lines that it can select."""

    line: MeterLine
    port: LinePort
    lines: tuple[TransmitLine, ...]


def _pair(loads: Sequence[LoadAt]) -> list[Chip]:
    return [Chip("A", load_at=loads[0]), Chip("B", clock_error=0.004, load_at=loads[1])]


def _h1(loads: Sequence[LoadAt]) -> dict[str, list[Chip]]:
    one, two = _pair(loads)
    return {"TX1": [one], "P24": [two]}


def _h2(loads: Sequence[LoadAt]) -> dict[str, list[Chip]]:
    return {"TX1": _pair(loads), "P24": []}


def _h3(loads: Sequence[LoadAt]) -> dict[str, list[Chip]]:
    one, two = _pair(loads)
    return {"TX1": [one], "P8": [two]}


def _h4(loads: Sequence[LoadAt]) -> dict[str, list[Chip]]:
    chips = [Chip("A", load_at=loads[0]), Chip("B", strap_fast=True, load_at=loads[1])]
    return {"TX1": chips}


def _h5(loads: Sequence[LoadAt]) -> dict[str, list[Chip]]:
    return {"TX1": [Chip("A", 1, load_at=loads[0]), Chip("B", 2, load_at=loads[1])]}


def _single(loads: Sequence[LoadAt]) -> dict[str, list[Chip]]:
    return {"TX1": [Chip("A", load_at=loads[0])]}


HOUSE: Final = (kitchen, solar)
# name: what it is, its wiring, what is at its clamps
BOARDS: Final[
    Mapping[
        str,
        tuple[str, Callable[[Sequence[LoadAt]], dict[str, list[Chip]]], Sequence[LoadAt]],
    ]
] = {
    "meter": ("two clamps, a transmit line each, the second on P24", _h1, HOUSE),
    "meter-h1": ("two clamps, a transmit line each, the second on P24", _h1, HOUSE),
    "meter-h2": ("two clamps in parallel, alike: not to be separated", _h2, HOUSE),
    "meter-h3": ("two clamps, a transmit line each, the second on P8", _h3, HOUSE),
    "meter-h4": ("two clamps on one pair of wires at 4800 and 9600 baud", _h4, HOUSE),
    "meter-h5": ("two clamps on one pair of wires, addresses 1 and 2", _h5, HOUSE),
    "meter-single": ("one chip", _single, HOUSE),
    "meter-heater": ("one chip with 230 V and 1000 W through a resistor", _single, (heater,)),
    "meter-motor": (
        "one chip, clamp reversed, 1000 W at power factor 0.8",
        _single,
        (motor,),
    ),
    "meter-no-mains": ("two clamps, addresses 1 and 2, no mains", _h5, (no_mains, no_mains)),
}


def is_meter(name: str) -> bool:
    """Whether an emulated board is meant, and not a module."""
    return name.lower() == PREFIX or name.lower().startswith(f"{PREFIX}-")


def meter_board(
    name: str, *, faults: Mapping[Fault, float] | None = None, seed: int = 0
) -> MeterBoard:
    """An emulated board by its name.

    Raises:
        BadArgument: there is no such board.
    """
    row = BOARDS.get(name.lower())
    if row is None:
        raise BadArgument(name="board", value=name, expected="one of " + ", ".join(BOARDS))
    _title, wiring_of, loads = row
    wiring = wiring_of(loads)
    line = MeterLine(wiring, faults=faults, seed=seed)
    if len(wiring) == 1:
        return MeterBoard(line, LinePort(line), ())
    selects = dict(zip((SELECT_FIRST, SELECT_SECOND), wiring, strict=True))
    lines = tuple(TransmitLine(wire, select) for select, wire in selects.items())
    return MeterBoard(line, LinePort(line, selects), lines)
