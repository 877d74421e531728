"""Calibrating one chip: points under known loads, kept in a file if wanted, and what they give."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from groundwire.errors import BadArgument, CannotCalibrate, InputUnreadable
from groundwire.events import Notice, Phase, Progress, Severity
from groundwire.jobs.meter import Look, MeterSession
from groundwire.link.runner import run
from groundwire.meter.bl0942.calibration import (
    MOST_POINTS,
    Calibration,
    Point,
    calibrate,
    phase_effect,
    phase_from,
    point_of,
)
from groundwire.meter.bl0942.codec import Packet, Register
from groundwire.meter.bl0942.gains import Gains

READINGS: Final = 15
RENEWED_EVERY_S: Final = 0.85
STEADY_WITHIN: Final = 0.01
MOST_CHARACTERS: Final = 1 << 20
PHASE_POWER_FACTOR: Final = 0.5


@dataclass(frozen=True, slots=True)
class Truth:
    """What a reference instrument shows; None is not measured. `error` is its relative error."""

    voltage_v: float | None
    current_a: float | None
    active_power_w: float | None
    error: float = 0.01


@dataclass(frozen=True, slots=True)
class PhaseCheck:
    """The phase error of the current's transformer, and what it does to a motor's power."""

    phase_deg: float
    power_factor: float
    effect_at_half: float


def parse_truth(text: str, error: float) -> Truth:
    """`VOLTS,AMPERES,WATTS` with `-` for what was not measured.

    Raises:
        BadArgument: it is not of this form, or says nothing.
    """
    expected = "VOLTS,AMPERES,WATTS with - for what was not measured, as 230.1,4.35,1001"
    parts = [part.strip() for part in text.split(",")]
    try:
        values = [None if part == "-" else float(part) for part in parts]
    except ValueError as problem:
        raise BadArgument(name="point", value=text, expected=expected) from problem
    good = all(value is None or (math.isfinite(value) and value != 0) for value in values)
    if len(values) != 3 or not good or values == [None] * 3:
        raise BadArgument(name="point", value=text, expected=expected)
    return Truth(values[0], values[1], values[2], error)


def take_point(
    session: MeterSession, truth: Truth, readings: int = READINGS
) -> tuple[Point, Packet]:
    """Read one steady load many times; the point, and the last packet under that load.

    The session must be of one chip.

    Raises:
        CannotCalibrate: no believable packet with mains voltage came.
    """
    (name,) = session.names
    session.tell(Phase("point", f"Reading {name} {readings} times: keep the load steady"))
    packets: list[Packet] = []
    for outcome in session.rounds(RENEWED_EVERY_S, rounds=readings):
        if isinstance(outcome, Look) and outcome.believable:
            packets.append(outcome.sample.measurement.packet)
        session.tell(Progress("read", min(readings, len(packets)), readings))
    point = point_of(
        packets,
        true_v=truth.voltage_v,
        true_a=truth.current_a,
        true_w=truth.active_power_w,
        reference_error=truth.error,
    )
    watts = [packet.watt for packet in packets]
    if point.watt and (max(watts) - min(watts)) / abs(point.watt) > STEADY_WITHIN:
        spread = (max(watts) - min(watts)) / abs(point.watt)
        text = f"the load was not steady: its power moved by {spread:.1%}"
        session.tell(Notice(text, Severity.WARNING))
    return point, packets[-1]


def creep_of(session: MeterSession) -> int:
    """The chip's no-load threshold register."""
    (name,) = session.names
    procedure = session.bus.read_register(name, Register.WA_CREEP)
    return run(procedure, session.opened.port, session.tell, session.stop)


def solve(
    points: Sequence[Point], start: Gains, *, resistive: bool, creep_register: int
) -> Calibration:
    """What the points give; see `calibrate`."""
    return calibrate(points, start, resistive=resistive, creep_register=creep_register)


def check_phase(point: Point, gains: Gains) -> PhaseCheck:
    """The phase error from a load whose power factor is well below 1, after the calibration.

    Raises:
        CannotCalibrate: volts, amperes or watts of the load are not all known, or no phase error
            explains what is shown.
        BadArgument: its power factor is too near 1 to say anything.
    """
    if point.true_v is None or point.true_a is None or point.true_w is None:
        raise CannotCalibrate(reason="a phase check needs volts, amperes and watts of the load")
    factor = point.true_w / (point.true_v * point.true_a)
    phase = phase_from(point.watt / gains.counts_per_watt / point.true_w, factor)
    return PhaseCheck(phase, factor, phase_effect(PHASE_POWER_FACTOR, phase))


# --- points in a file ---------------------------------------------------------------------------


def points_text(points: Sequence[Point]) -> str:
    """Points as JSON, one a line."""
    return "".join(json.dumps(asdict(point)) + "\n" for point in points)


def points_from(text: str, path: str) -> list[Point]:
    """Points that were kept; raises `InputUnreadable` for anything else."""
    if len(text) > MOST_CHARACTERS or text.count("\n") > MOST_POINTS:
        raise InputUnreadable(path=path, reason="too large for a file of points")
    return [_point_from(line, path) for line in text.splitlines() if line.strip()]


def _point_from(line: str, path: str) -> Point:
    try:
        found: Any = json.loads(line)
        known = {one.name for one in fields(Point)}
        if not isinstance(found, dict) or set(found) != known:
            raise ValueError("other fields than a point has")
        for name, value in found.items():
            may_miss = name.startswith("true_") and value is None
            if not may_miss and not (type(value) in (int, float) and math.isfinite(value)):
                raise ValueError(f"{name} is no number")
    except (ValueError, RecursionError) as problem:
        raise InputUnreadable(path=path, reason=f"not a file of points: {problem}") from problem
    return Point(**found)
