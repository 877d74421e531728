"""Readings of a meter as lines for people and as objects for programs."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

from groundwire.cli.render import table
from groundwire.cli.shapes import Shape
from groundwire.jobs.meter import ONLY_LINE, Look
from groundwire.meter.bl0942.bus import Miss
from groundwire.meter.bl0942.discover import Discovery, Verdict
from groundwire.meter.bl0942.exchange import Channel
from groundwire.meter.bl0942.reading import Remark

UNKNOWN = "-"


def code_of(member: StrEnum) -> str:
    """A stable word for programs: `power-over-rms`."""
    return member.name.lower().replace("_", "-")


def reason_shapes(members: frozenset[StrEnum]) -> list[Shape]:
    """Doubts or remarks, with what they mean."""
    return [
        {"code": code_of(one), "means": str(one)} for one in sorted(members, key=lambda one: one)
    ]


def clock_text(at_s: float) -> str:
    """A moment of the day in this place."""
    return datetime.fromtimestamp(at_s, UTC).astimezone().strftime("%H:%M:%S")


def look_shape(look: Look) -> Shape:
    """One reading; its values are null where the packet itself is doubted."""
    sample, measured = look.sample, look.sample.measurement
    return {
        "type": "sample",
        "chip": sample.channel,
        "at_s": round(sample.at_s, 3),
        "voltage_v": measured.voltage_v,
        "current_a": measured.current_a,
        "active_power_w": measured.active_power_w,
        "power_factor": measured.power_factor,
        "frequency_hz": measured.frequency_hz,
        "imported_kwh": sample.imported_kwh,
        "exported_kwh": sample.exported_kwh,
        "remarks": reason_shapes(frozenset(measured.remarks)),
        "doubts": reason_shapes(frozenset(look.doubts)),
        "booking": code_of(sample.step.booking),
        "pulses": sample.step.pulses,
    }


def miss_shape(miss: Miss) -> Shape:
    """A turn without a reading."""
    return {
        "type": "miss",
        "chip": miss.channel,
        "at_s": round(miss.at_s, 3),
        "loss": code_of(miss.loss),
        "means": str(miss.loss),
    }


def outcome_shape(outcome: Look | Miss) -> Shape:
    """A reading or a miss."""
    return miss_shape(outcome) if isinstance(outcome, Miss) else look_shape(outcome)


def number_text(value: float | None, digits: int, unit: str) -> str:
    """A value with its unit, or a dash."""
    return UNKNOWN if value is None else f"{value:.{digits}f} {unit}".rstrip()


def values_of(look: Look) -> tuple[str, str, str, str, str]:
    """Voltage, current, power, power factor and frequency, as they are shown."""
    measured = look.sample.measurement
    return (
        number_text(measured.voltage_v, 1, "V"),
        number_text(measured.current_a, 3, "A"),
        number_text(measured.active_power_w, 1, "W"),
        number_text(measured.power_factor, 2, ""),
        number_text(measured.frequency_hz, 2, "Hz"),
    )


def why_text(look: Look) -> str:
    """What must be said of a reading: doubts first, then what is remarkable."""
    remarks = look.sample.measurement.remarks
    told = remarks - {Remark.NO_FREQUENCY} if Remark.NO_MAINS in remarks else remarks
    parts = [f"doubted: {text}" for text in sorted(look.doubts)]
    return "; ".join([*parts, *sorted(str(one) for one in told)])


def look_lines(outcome: Look | Miss) -> list[str]:
    """One chip as a small table."""
    if isinstance(outcome, Miss):
        return [outcome.channel, *table([("no reading", str(outcome.loss))])]
    sample = outcome.sample
    voltage, current, power, factor, frequency = values_of(outcome)
    rows = [
        ("voltage", voltage),
        ("current", current),
        ("active power", power),
        ("power factor", factor),
        ("frequency", frequency),
        ("pulse counter", str(sample.measurement.packet.cf_cnt)),
    ]
    notes = [part for part in why_text(outcome).split("; ") if part]
    marks = ["warning: " if note.startswith("doubted") else "note: " for note in notes]
    return [
        sample.channel,
        *table(rows),
        *(f"  {mark}{note}" for mark, note in zip(marks, notes, strict=True)),
    ]


def row_text(outcome: Look | Miss) -> str:
    """One chip on one line, with the time."""
    if isinstance(outcome, Miss):
        return f"{clock_text(outcome.at_s)}  {outcome.channel:<14}  no reading: {outcome.loss}"
    voltage, current, power, factor, _frequency = values_of(outcome)
    sample = outcome.sample
    energy = f"{sample.imported_kwh:.4f} kWh"
    if sample.exported_kwh:
        energy += f" in, {sample.exported_kwh:.4f} kWh out"
    text = (
        f"{clock_text(sample.at_s)}  {sample.channel:<14}  {voltage:>8}  {current:>9}  "
        f"{power:>10}  {factor:>5}  {energy}"
    )
    why = why_text(outcome)
    return f"{text}  ({why})" if why else text


# --- wiring -----------------------------------------------------------------------------------


def way_text(channel: Channel) -> str:
    """A chip's way as the flag --channel takes it."""
    line = channel.line.name if channel.line else ONLY_LINE
    return f"{line}/{channel.address}/{channel.baudrate}"


def channel_shape(channel: Channel) -> Shape:
    """How one chip is reached."""
    return {
        "name": channel.name,
        "line": channel.line.name if channel.line else None,
        "address": channel.address,
        "baudrate": channel.baudrate,
        "way": way_text(channel),
    }


def discovery_values(found: Discovery) -> Shape:
    """The verdict, the chips and the evidence."""
    return {
        "verdict": code_of(found.verdict),
        "means": str(found.verdict),
        "chips": [
            {"channels": [channel_shape(channel) for channel in chip.channels]}
            for chip in found.chips
        ],
        "evidence": list(found.evidence),
    }


def discovery_lines(found: Discovery, *, second_pin: str | None) -> list[str]:
    """The verdict for people, what it rests on, and how to go on."""
    lines = [f"verdict: {found.verdict}", "evidence"]
    lines += [f"  {text}" for text in found.evidence]
    if second_pin is not None and found.verdict in {Verdict.H1, Verdict.H3}:
        lines.append(f"  the second transmit line is {second_pin} because it was named so")
    if found.chips:
        flags = [
            f"--channel {letter}={way_text(channel)}"
            for letter, channel in zip("ABCDEFGHIJKLMNOP", found.channels, strict=False)
        ]
        lines += ["to read what was found", f"  groundwire meter read {' '.join(flags)}"]
    return lines
