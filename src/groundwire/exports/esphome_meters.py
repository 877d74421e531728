"""The energy meter of an ESPHome configuration."""

from __future__ import annotations

from typing import Protocol

from groundwire.pins import Meter, MeterChip, PinRole, Role, Wiring

VALUES = ("voltage", "current", "power", "energy")
DIVIDER = 1600
SERIAL_PINS = (10, 11)


class Sheet(Protocol):
    """What this file needs of the draft it writes into."""

    wiring: Wiring
    notes: list[str]
    taken: dict[int, str]

    def add(self, section: str, item: dict[str, object]) -> None: ...
    def take(self, pin: PinRole) -> bool: ...


def add_meter(sheet: Sheet) -> None:
    """The meter's sensor with all its values, or a note on why there is none."""
    meter = sheet.wiring.meter
    if meter is None:
        return
    match meter.chip:
        case MeterChip.BL0937 | MeterChip.HLW8012:
            add_pulse_meter(sheet, meter)
        case MeterChip.BL0942 | MeterChip.HLW8032:
            add_serial_meter(sheet, meter)
        case MeterChip.RN8209C | MeterChip.UNKNOWN:
            sheet.notes.append(f"ESPHome has no component for the meter ({meter.chip.value})")


def named_values(names: tuple[str, ...]) -> dict[str, object]:
    """One named sensor for each value."""
    return {name: {"name": name.capitalize()} for name in names}


def resistance(meter: Meter) -> dict[str, object]:
    """The shunt in ohms, where it is known."""
    return {"current_resistor": meter.shunt_mohm / 1000} if meter.shunt_mohm else {}


def add_pulse_meter(sheet: Sheet, meter: Meter) -> None:
    """BL0937 and HLW8012: three pins and pulses."""
    roles = (Role.METER_SEL, Role.METER_CF, Role.METER_CF1)
    pins = [next(iter(sheet.wiring.with_role(role)), None) for role in roles]
    select, power, current = pins
    if select is None or power is None or current is None:
        sheet.notes.append(f"{meter.chip.value}: one of its three pins is not known")
        return
    if not all(sheet.take(pin) for pin in (select, power, current)):
        return
    # SEL high selects voltage on BL0937 and on HLW8012; the settings' level 1 is the usual wiring,
    # for which ESPHome wants the pin inverted.
    select_pin: object = f"P{select.pin}"
    if not select.inverted:
        select_pin = {"number": f"P{select.pin}", "inverted": True}
    sheet.add(
        "sensor",
        {
            "platform": "hlw8012", "model": meter.chip.value,
            "sel_pin": select_pin, "cf_pin": f"P{power.pin}", "cf1_pin": f"P{current.pin}",
            **resistance(meter), "voltage_divider": DIVIDER, **named_values(VALUES),
            "update_interval": "10s",
        },
    )  # fmt: skip
    sheet.notes.append("calibrate voltage, current and power against a known load")


def add_serial_meter(sheet: Sheet, meter: Meter) -> None:
    """BL0942 and HLW8032: a serial line."""
    places = []
    for role, usual in zip((Role.METER_RX, Role.METER_TX), SERIAL_PINS, strict=True):
        pin = next(iter(sheet.wiring.with_role(role)), None) or PinRole(usual, role)
        if not sheet.take(pin):
            return
        places.append(f"P{pin.pin}")
    uart: dict[str, object] = {
        "id": "meter_uart", "rx_pin": places[0], "tx_pin": places[1],
        "baud_rate": meter.baudrate or 4800,
    }  # fmt: skip
    if meter.chip is MeterChip.HLW8032:
        uart["parity"] = "EVEN"
        sensor = {"platform": "hlw8032", **resistance(meter), **named_values(VALUES[:3])}
    else:
        uart["stop_bits"] = 1
        sensor = {"platform": "bl0942", **named_values((*VALUES, "frequency"))}
    sheet.add("uart", uart)
    sheet.add("sensor", {**sensor, "uart_id": "meter_uart"})
