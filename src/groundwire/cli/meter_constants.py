"""groundwire meter convert: the constants of a chip as each firmware writes them."""

from __future__ import annotations

from pathlib import Path

import click

from groundwire.cli.meter_options import plain_options, read_gains
from groundwire.cli.options import FILE, RangeType, Settings
from groundwire.cli.portless import Shown, without_module
from groundwire.cli.render import table
from groundwire.cli.shapes import Shape
from groundwire.errors import BadArgument
from groundwire.meter.bl0942.codec import Packet
from groundwire.meter.bl0942.gains import (
    EsphomeReferences,
    Gains,
    OpenBekenConstants,
    TasmotaSettings,
    openbeken_commands,
    to_esphome,
    to_openbeken,
    to_tasmota,
)

NUMBER = RangeType(min=0, min_open=True, max=1e12)


@click.command("convert")
@click.argument("system", type=click.Choice(["openbeken", "esphome", "tasmota", "circuit", "file"]))
@click.option("--voltage", type=NUMBER, help="Its voltage constant or reference.")
@click.option("--current", type=NUMBER, help="Its current constant or reference.")
@click.option("--power", type=NUMBER, help="Its power constant or reference.")
@click.option("--energy", type=NUMBER, help="ESPHome's energy_reference.")
@click.option("--name", help="The circuit, or the chip in the calibration file.")
@click.option("--calibration", type=FILE, metavar="FILE", help="The calibration file.")
@click.option(
    "--raw",
    metavar="V,I,W",
    help="Raw registers under a steady load, for the commands that OpenBeken takes.",
)
@plain_options("convert")
def convert_command(
    settings: Settings,
    system: str,
    *,
    voltage: float | None,
    current: float | None,
    power: float | None,
    energy: float | None,
    name: str | None,
    calibration: Path | None,
    raw: str | None,
) -> None:
    """Convert constants between OpenBeken, ESPHome and Tasmota.

    SYSTEM is where they come from. All three count register units per volt, ampere and watt, so
    values carry over; Tasmota keeps whole numbers only.
    """
    if system in ("circuit", "file"):
        gains = _gains_named(system, name, calibration)
    else:
        gains = _gains_given(system, voltage, current, power, energy)
    packet = _raw_packet(raw) if raw is not None else None

    def act(_screen: object) -> Shown:
        rows = [
            ("voltage", f"{gains.counts_per_volt:.8g} counts/V"),
            ("current", f"{gains.counts_per_ampere:.8g} counts/A"),
            ("power", f"{gains.counts_per_watt:.8g} counts/W"),
            ("energy", f"{gains.pulses_per_kwh:.8g} pulses/kWh"),
            ("full scale", f"{gains.full_voltage_v:.0f} V, {gains.full_current_a:.1f} A"),
            ("counter wraps", f"after {gains.wrap_kwh:.0f} kWh"),
        ]
        constants = to_openbeken(gains)
        stored = f"{constants.voltage:.8g}, {constants.current:.8g}, {constants.power:.8g}"
        lines = ["constants", *table([*rows, ("OpenBeken stores", stored)])]
        return Shown([*lines, *system_lines(gains, packet)], system_values(gains, packet))

    without_module(settings, "meter convert", act)


def _gains_named(system: str, name: str | None, calibration: Path | None) -> Gains:
    if system == "circuit":
        return Gains.of_circuit(name or "")
    if calibration is None:
        raise click.UsageError("file needs --calibration FILE")
    found = read_gains(calibration)
    if name not in found and not (name is None and len(found) == 1):
        raise BadArgument(name="name", value=name or "", expected="one of " + ", ".join(found))
    return found[name] if name is not None else next(iter(found.values()))


def _gains_given(
    system: str,
    voltage: float | None,
    current: float | None,
    power: float | None,
    energy: float | None,
) -> Gains:
    if system == "esphome":
        return EsphomeReferences(voltage, current, power, energy).gains()
    if energy is not None:
        raise click.UsageError(f"{system} has no energy constant: it follows from power")
    if voltage is None or current is None or power is None:
        raise click.UsageError(f"{system} needs --voltage, --current and --power")
    if system == "openbeken":
        return OpenBekenConstants(voltage, current, power).gains()
    return TasmotaSettings(round(voltage), round(current), round(power)).gains()


def _raw_packet(text: str) -> Packet:
    try:
        v_rms, i_rms, watt = (int(part, 0) for part in text.split(","))
    except ValueError as error:
        raise BadArgument(
            name="raw", value=text, expected="V_RMS,I_RMS,WATT as whole numbers"
        ) from error
    return Packet(i_rms=i_rms, v_rms=v_rms, i_fast_rms=0, watt=watt, cf_cnt=0, freq=0, status=0)


# --- the same constants for each firmware ---


def system_lines(gains: Gains, packet: Packet | None) -> list[str]:
    """The same constants for each firmware."""
    commands = _commands(gains, packet)
    esphome, tasmota = to_esphome(gains), to_tasmota(gains)
    lines = ["OpenBeken (type these while the load of the last point is on, and steady)"]
    lines += [f"  {one}" for one in commands] or [
        "  its commands take what an instrument shows while the load is on: give --raw",
    ]
    lines.append("ESPHome (sensor: - platform: bl0942)")
    lines += [
        f"  {key}: {getattr(esphome, key):.10g}" for key in EsphomeReferences.__dataclass_fields__
    ]
    lines.append("Tasmota")
    lines.append(f"  VoltageCal {tasmota.voltage}")
    lines.append(f"  CurrentCal {tasmota.current}")
    lines.append(f"  PowerCal {tasmota.power}")
    return lines


def _commands(gains: Gains, packet: Packet | None) -> tuple[str, ...]:
    if packet is None:
        return ()
    try:
        return openbeken_commands(gains, packet)
    except BadArgument:
        return ()  # without load there is nothing to tell OpenBeken


def system_values(gains: Gains, packet: Packet | None) -> Shape:
    return {
        "gains": gains,
        "openbeken": {"constants": to_openbeken(gains), "commands": _commands(gains, packet)},
        "esphome": to_esphome(gains),
        "tasmota": to_tasmota(gains),
    }
