"""A wiring as rows that people can read."""

from __future__ import annotations

from dataclasses import dataclass

from groundwire.openbeken.wiring import to_openbeken
from groundwire.pins import PinRole, Wiring
from groundwire.tables.modules import Module, module_named


@dataclass(frozen=True, slots=True)
class PinRow:
    """One line of the table; `pads` are the contacts of the module that lead to the pin."""

    pin: str
    pads: str
    role: str
    active: str
    openbeken: str
    source: str
    confidence: str


def pin_rows(wiring: Wiring) -> tuple[PinRow, ...]:
    """All pins, by number; two statements about one pin give two rows."""
    module = module_named(wiring.module)
    names = {pin.pin: pin.role.name for pin in to_openbeken(wiring).pins}
    ordered = sorted(wiring.pins, key=lambda pin: pin.pin)
    return tuple(
        PinRow(
            pin=f"P{pin.pin}",
            pads=pads_of(module, pin.pin),
            role=describe(pin),
            active="low" if pin.inverted else "high",
            openbeken=names.get(pin.pin, ""),
            source=pin.source,
            confidence=pin.confidence.value,
        )
        for pin in ordered
    )


def pads_of(module: Module | None, gpio: int) -> str:
    """The contacts of a GPIO, or "" where the module or its contact is not known."""
    if module is None:
        return ""
    return ", ".join(pad.number for pad in (*module.pads, *module.points) if pad.gpio == gpio)


def describe(pin: PinRole) -> str:
    """Role, colour and channel in words."""
    words = [pin.label if pin.label and pin.role.value == "other" else pin.role.value]
    if pin.colour is not None:
        words.append(pin.colour.value)
    elif pin.channel:
        words.append(str(pin.channel))
    if pin.second_channel:
        words.append(f"and {pin.second_channel}")
    return " ".join(words)


def part_rows(wiring: Wiring) -> tuple[tuple[str, str], ...]:
    """What hangs on the module besides single pins: name and description."""
    rows: list[tuple[str, str]] = []
    if wiring.meter is not None:
        meter = wiring.meter
        shunt = f", shunt {meter.shunt_mohm:g} mOhm" if meter.shunt_mohm else ""
        rows.append(("energy meter", f"{meter.chip.value}{shunt} ({meter.source})"))
    if wiring.led_driver is not None:
        outputs = ", ".join(f"{colour.value} {number}" for colour, number in
                            wiring.led_driver.outputs)  # fmt: skip
        rows.append(("LED driver", f"{wiring.led_driver.chip.value} {outputs}".strip()))
    if wiring.serial_mcu is not None:
        rows.append(("second processor", f"TuyaMCU at {wiring.serial_mcu.baudrate} baud"))
    if wiring.pwm_hz is not None:
        rows.append(("PWM frequency", f"{wiring.pwm_hz} Hz"))
    if wiring.reason is not None:
        rows.append(("no pins", wiring.reason.value))
    return tuple(rows)
