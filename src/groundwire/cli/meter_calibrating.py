"""groundwire meter calibrate and convert."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import click

from groundwire.backup.files import check_writable, read_input, write_atomically
from groundwire.cli.meter_constants import system_lines, system_values
from groundwire.cli.meter_options import (
    EPILOG,
    MeterFlags,
    MeterJob,
    chip_options,
    open_board,
    reading_options,
)
from groundwire.cli.meter_shapes import code_of
from groundwire.cli.options import FILE, RangeType, Settings
from groundwire.cli.render import EMULATED, table
from groundwire.cli.shapes import Shape
from groundwire.cli.streams import clean, note
from groundwire.errors import BadArgument, CannotCalibrate, GroundwireError
from groundwire.jobs.meter import MeterOptions, MeterSession, find_channels
from groundwire.jobs.meter_calibrate import (
    READINGS,
    PhaseCheck,
    check_phase,
    creep_of,
    parse_truth,
    points_from,
    points_text,
    solve,
    take_point,
)
from groundwire.meter.bl0942.calibration import Calibration, Fit, Point
from groundwire.meter.bl0942.calibration_file import calibration_text, read_calibration
from groundwire.meter.bl0942.codec import Packet
from groundwire.meter.bl0942.gains import (
    Gains,
)

GUIDE: Final = (
    "Put a resistive load on the clamp: a heater, a kettle or a filament lamp, no motor, no",
    "dimmer. A reference instrument must show its volts, amperes and watts. A large load makes",
    "the constants exact; a second and third load, a tenth of it, test the straight line.",
)
QUESTION: Final = "volts,amperes,watts shown now (- for unknown, nothing to finish): "
PHASE_QUESTION: Final = (
    "phase check: put on a motor or transformer (power factor below 0.95), then its "
    "volts,amperes,watts (nothing to leave it out): "
)
LONGEST_ANSWER: Final = 200


@dataclass(slots=True)
class _Taken:
    points: list[Point] = field(default_factory=list)
    packet: Packet | None = None


# --- calibrate --------------------------------------------------------------------------------


@click.command("calibrate", epilog=EPILOG)
@click.option(
    "--point",
    metavar="V,A,W",
    help="What the reference instrument shows now, - for unknown; left out: you are asked.",
)
@click.option(
    "--points",
    "points_file",
    type=FILE,
    metavar="FILE",
    help="Add to the points kept there, and calibrate with all of them.",
)
@click.option(
    "--reference-error",
    "error_percent",
    type=RangeType(0.001, 20),
    default=1.0,
    show_default=True,
    metavar="PERCENT",
    help="How far the reference instrument may be off, as its maker says.",
)
@click.option("--not-resistive", is_flag=True, help="The loads are no heaters or filament lamps.")
@click.option(
    "-o", "--output", type=FILE, metavar="FILE", help="Keep the constants there, with other chips."
)
@chip_options("calibrate")
def calibrate_command(
    settings: Settings,
    flags: MeterFlags,
    *,
    point: str | None,
    points_file: Path | None,
    error_percent: float,
    not_resistive: bool,
    output: Path | None,
) -> None:
    """Find one chip's constants from known loads, with their uncertainty.

    Guided: asks for what a reference instrument shows under one load after the other. In a script:
    one --point a run, collected with --points. With several chips on the line, name the one with
    --channel. Prints OpenBeken commands, ESPHome references and Tasmota settings.
    """
    error = error_percent / 100
    truth = parse_truth(point, error) if point is not None else None
    kept = _kept_points(points_file)
    with open_board(settings, flags) as job:
        if truth is None and not job.screen.can_ask:
            raise click.UsageError("nobody can be asked here: give --point V,A,W")
        if output is not None and not output.exists():
            check_writable(output, 0)
        options = reading_options(flags, job.tell)
        session = _one_chip(job, options)
        taken = _Taken(kept)
        if truth is not None:
            found, taken.packet = take_point(session, truth)
            taken.points.append(found)
        else:
            _guide(job, session, taken, error)
        if points_file is not None:
            write_atomically(points_file, points_text(taken.points).encode(), replace=True)
        (name,) = session.names
        start = options.gains.get(name, options.default)
        result = solve(
            taken.points, start, resistive=not not_resistive, creep_register=creep_of(session)
        )
        phase = _phase_guided(job, session, result.gains, error) if truth is None else None
        if output is not None:
            write_atomically(output, _merged(output, name, result).encode(), replace=True)
        lines = _calibration_lines(name, result, phase, taken)
        lines += [f"kept in {output}"] if output is not None else []
        lines += [f"  {EMULATED}"] if job.opened.is_emulated else []
        values = _calibration_values(name, result, phase, taken)
        values["file"] = str(output) if output is not None else None
        job.screen.result("meter calibrate", lines, {**job.values(), **values})


def _one_chip(job: MeterJob, options: MeterOptions) -> MeterSession:
    channels = find_channels(job.opened, job.flags.channel, tell=job.tell, stop=job.interrupts.stop)
    if len(channels) != 1:
        raise BadArgument(
            name="channel",
            value=", ".join(channel.name for channel in channels),
            expected="one chip at a time",
        )
    return MeterSession(
        job.opened,
        channels,
        options,
        tell=job.tell,
        stop=job.interrupts.stop,
    )


def _kept_points(path: Path | None) -> list[Point]:
    if path is None or not path.exists():
        return []
    return points_from(read_input(path).decode("utf-8", "replace"), str(path))


def _ask(job: MeterJob, question: str) -> str:
    """What was typed; nothing at the end of the input."""
    job.screen.pause()
    sys.stderr.write(question)
    sys.stderr.flush()
    with job.interrupts.asking():
        return sys.stdin.readline(LONGEST_ANSWER).strip()


def _guide(job: MeterJob, session: MeterSession, taken: _Taken, error: float) -> None:
    """Point after point until nothing is typed; what cannot be used is said, and asked again."""
    job.screen.pause()
    for text in GUIDE:
        note(text)
    while answer := _ask(job, f"load {len(taken.points) + 1}: {QUESTION}"):
        try:
            found, taken.packet = take_point(session, parse_truth(answer, error))
        except (BadArgument, CannotCalibrate) as problem:
            note(f"   {clean(problem.what)}")
            continue
        finally:
            job.screen.pause()
        taken.points.append(found)
        factor = found.power_factor
        if factor is not None:
            note(f"   taken; power factor {factor:.3f}, of a heater 1")


def _phase_guided(
    job: MeterJob, session: MeterSession, gains: Gains, error: float
) -> PhaseCheck | None:
    while answer := _ask(job, PHASE_QUESTION):
        try:
            found, _packet = take_point(session, parse_truth(answer, error), READINGS)
            return check_phase(found, gains)
        except GroundwireError as problem:
            if not isinstance(problem, BadArgument | CannotCalibrate):
                raise
            note(f"   {clean(problem.what)}")
    return None


def _merged(path: Path, name: str, result: Calibration) -> str:
    """The file with this chip's constants, and those of other chips as they were."""
    if not path.exists():
        return calibration_text({name: result})
    text = read_input(path).decode("utf-8", "replace")
    others: dict[str, Calibration | Gains] = dict(read_calibration(text, str(path)))
    if name not in others:
        block = calibration_text({name: result}).split("\n", 1)[1]
        return text.rstrip("\n") + "\n" + block
    return calibration_text({**others, name: result})


def _fit_text(fit: Fit | None, gain: float, unit: str) -> str:
    if fit is None:
        return f"{gain:.6g} counts/{unit} (not measured: follows from the rest)"
    return f"{gain:.6g} counts/{unit}, ± {fit.uncertainty:.2%} (k = 2, about 95 %)"


def _calibration_lines(
    name: str, result: Calibration, phase: PhaseCheck | None, taken: _Taken
) -> list[str]:
    gains = result.gains
    count = len(taken.points)
    lines = [f"constants of {name} from {count} point{'s' if count != 1 else ''}"]
    lines += table(
        [
            ("voltage", _fit_text(result.voltage, gains.counts_per_volt, "V")),
            ("current", _fit_text(result.current, gains.counts_per_ampere, "A")),
            ("power", _fit_text(result.power, gains.counts_per_watt, "W")),
            ("energy", f"{gains.pulses_per_kwh:.6g} pulses/kWh (follows from power)"),
            ("phase", _phase_text(phase)),
        ]
    )
    lines += [f"  warning: {warned}" for warned in result.warnings]
    return [*lines, *system_lines(gains, taken.packet)]


def _phase_text(phase: PhaseCheck | None) -> str:
    if phase is None:
        return "not checked: resistive loads say nothing of it; 1 degree is 3 % at power factor 0.5"
    return (
        f"{phase.phase_deg:+.2f} degrees, which falsifies the power of a load with power factor "
        f"0.5 by {phase.effect_at_half:+.1%}; no gain corrects it"
    )


def _calibration_values(
    name: str, result: Calibration, phase: PhaseCheck | None, taken: _Taken
) -> Shape:
    fits = {"voltage": result.voltage, "current": result.current, "power": result.power}
    return {
        "chip": name,
        "points": taken.points,
        "uncertainty": {key: fit.uncertainty if fit else None for key, fit in fits.items()},
        "power_factors": result.power_factors,
        "calibration_warnings": [
            {"code": code_of(one), "means": str(one)} for one in result.warnings
        ],
        "phase": phase,
        **system_values(result.gains, taken.packet),
    }
