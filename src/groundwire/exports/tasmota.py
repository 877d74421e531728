"""A Tasmota template for the ESP8266 module that takes the place of a Beken one.

Tasmota does not run on Beken chips. CB3S, WB3S and their kin have the footprint of an ESP-12, so
a template follows for the module that people solder in instead; other shapes have none.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache

from groundwire.errors import UnsupportedHere
from groundwire.pins import MeterChip, PinRole, Role, Wiring
from groundwire.tables.load import EvidenceKind, load_rows
from groundwire.tables.modules import Module, Shape, module_named

GPIO_ORDER = (0, 1, 2, 3, 4, 5, 9, 10, 12, 13, 14, 15, 16, 17)
HLW8012_CF = 2688
TUYA_TX, TUYA_RX = 2272, 2304
GENERIC, TUYA_MCU = 18, 54
NAME_LIMIT = 40
MOST_CHANNELS = 8


@dataclass(frozen=True, slots=True)
class FunctionRow:
    """The number of a GPIO function."""

    role: Role
    code: int
    evidence: EvidenceKind
    source: str
    inverted: bool = False
    channels: bool = False


@dataclass(frozen=True, slots=True)
class ContactRow:
    """The GPIO of an ESP-12 on a contact."""

    number: str
    gpio: int
    evidence: EvidenceKind
    source: str


@dataclass(frozen=True, slots=True)
class TasmotaTemplate:
    """The template as text, and what could not be expressed."""

    text: str
    notes: tuple[str, ...]


@cache
def functions() -> tuple[FunctionRow, ...]:
    """All GPIO functions."""
    return load_rows("groundwire.exports", "tasmota.toml", "function", FunctionRow)


@cache
def contacts() -> dict[str, int]:
    """The ESP8266 GPIO on each contact of the ESP-12 footprint."""
    rows = load_rows("groundwire.exports", "tasmota.toml", "contact", ContactRow)
    return {row.number: row.gpio for row in rows}


def write_tasmota(wiring: Wiring, *, name: str = "") -> TasmotaTemplate:
    """The template; raises `UnsupportedHere` for a module without an ESP8266 of its shape."""
    module = module_named(wiring.module)
    if module is None or module.shape is not Shape.ESP12:
        raise UnsupportedHere(
            asked="a Tasmota template",
            reason=f"no ESP8266 module has the shape of {wiring.module or 'this module'}",
            advice="use OpenBeken or ESPHome, which run on this chip",
        )
    codes: dict[int, int] = {}
    notes = []
    if wiring.serial_mcu is not None:
        codes |= {1: TUYA_TX, 3: TUYA_RX}
    for pin in wiring.pins:
        gpio = esp_gpio(module, pin.pin)
        code = code_of(pin, wiring)
        if gpio is None or code is None or gpio in codes:
            notes.append(f"P{pin.pin} ({pin.role.value}) has no place in the template")
        else:
            codes[gpio] = code
    template = {
        "NAME": (name or wiring.module)[:NAME_LIMIT],
        "GPIO": [codes.get(gpio, 0) for gpio in GPIO_ORDER],
        "FLAG": 0,
        "BASE": TUYA_MCU if wiring.serial_mcu is not None else GENERIC,
    }
    notes.append(f"for an ESP-12 in the place of the {wiring.module}")
    return TasmotaTemplate(json.dumps(template, separators=(",", ":")), tuple(notes))


def esp_gpio(module: Module, pin: int) -> int | None:
    """The ESP8266 GPIO on the contact of a Beken GPIO."""
    places = (contacts().get(pad.number) for pad in module.pads if pad.gpio == pin)
    return next((gpio for gpio in places if gpio is not None), None)


def code_of(pin: PinRole, wiring: Wiring) -> int | None:
    """The number of the function, its channel added."""
    meter = wiring.meter.chip if wiring.meter is not None else None
    if pin.role is Role.METER_CF and meter is MeterChip.HLW8012:
        return HLW8012_CF
    rows = [row for row in functions() if row.role is pin.role]
    exact = [row for row in rows if row.inverted == pin.inverted] or rows
    if not exact:
        return None
    row = exact[0]
    channel = max(pin.channel, 1) - 1 if row.channels else 0
    return row.code + channel if channel < MOST_CHANNELS else None
