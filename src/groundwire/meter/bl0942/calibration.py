"""Gains from known loads: several points, a stated uncertainty, and what spoils a calibration.

# Ref: BL0942 data sheet V1.10 (English), sampling errors by current range.
# Ref: Guide to the expression of uncertainty in measurement (GUM), weighted mean.

Each point gives a gain: counts over true value. Points are weighted by how exact the chip is at
their current. What is random shrinks with more points, what the reference instrument adds does
not. The stated uncertainty is relative, with coverage factor 2 (about 95 %).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from groundwire.errors import BadArgument, CannotCalibrate
from groundwire.meter.bl0942.codec import Packet, Register
from groundwire.meter.bl0942.gains import (
    CREEP_SCALE,
    FULL_CURRENT,
    POWER_OF_RMS,
    Gains,
    power_constant,
)
from groundwire.meter.bl0942.reading import doubts_of, has_mains

COVERAGE = 2.0
# The chip's stated errors: (from this share of full scale, rms, power). Full scale is 30 A at
# 1 mOhm, where the data sheet gives 100 mA to 30 A, 50 to 100 mA and 10 to 50 mA.
CHIP_ERRORS = ((0.1 / 30, 0.002, 0.002), (0.05 / 30, 0.02, 0.004), (0.0, 0.06, 0.006))
SMALL_CURRENT = FULL_CURRENT / 10
RESISTIVE_WITHIN = 0.02
NEAR_CREEP = 10
SPREAD_TOO_LARGE = 2.0
MOST_POINTS = 1000


class Warned(StrEnum):
    """What makes a calibration worse than it looks."""

    NOT_RESISTIVE = "the load is not resistive, or the transformer shifts the phase"
    NEAR_CREEP = "a load near the no-load threshold: the chip rounds it away"
    SMALL_CURRENT = "a current below a tenth of full scale: its rms reading is off by percents"
    REVERSED = "power reads negative: the clamp or shunt is the wrong way round"
    SPREAD = "the points disagree by more than the chip's and the instrument's errors allow"
    POWER_DISAGREES = "the power gain does not follow from voltage and current gain"
    ONE_POINT = "only one point: a straight line was not tested"


@dataclass(frozen=True, slots=True)
class Point:
    """One known load: the packet's counts (or means of several) and what is true.

    `true_*` is None where it was not measured. `reference_error` is the instrument's relative
    error as its maker states it.
    """

    v_rms: float
    i_rms: float
    watt: float
    true_v: float | None = None
    true_a: float | None = None
    true_w: float | None = None
    reference_error: float = 0.01

    @property
    def power_factor(self) -> float | None:
        """From the counts alone: reference and circuit cancel out."""
        apparent = self.v_rms * self.i_rms * POWER_OF_RMS
        return self.watt / apparent if apparent else None


def point_of(
    packets: Sequence[Packet],
    *,
    true_v: float | None = None,
    true_a: float | None = None,
    true_w: float | None = None,
    reference_error: float = 0.01,
) -> Point:
    """The mean of packets read under one steady load; raises where they are of no use."""
    good = [packet for packet in packets if not doubts_of(packet) and has_mains(packet)]
    if not good:
        raise CannotCalibrate(reason="no believable packet with mains voltage was read")
    for name, value in (("true_v", true_v), ("true_a", true_a), ("true_w", true_w)):
        if value is not None and not (math.isfinite(value) and value != 0):
            raise BadArgument(name=name, value=str(value), expected="a number other than zero")
    count = len(good)
    return Point(
        v_rms=sum(packet.v_rms for packet in good) / count,
        i_rms=sum(packet.i_rms for packet in good) / count,
        watt=sum(packet.watt for packet in good) / count,
        true_v=true_v,
        true_a=true_a,
        true_w=true_w,
        reference_error=reference_error,
    )


@dataclass(frozen=True, slots=True)
class Fit:
    """One gain: counts per unit, its relative uncertainty (k = 2), and each point's deviation."""

    gain: float
    uncertainty: float
    deviations: tuple[float, ...]
    spread: float

    @property
    def points(self) -> int:
        return len(self.deviations)


@dataclass(frozen=True, slots=True)
class Calibration:
    """What a set of points gives. A fit is None where no point said anything of it."""

    gains: Gains
    voltage: Fit | None
    current: Fit | None
    power: Fit | None
    power_factors: tuple[float | None, ...]
    warnings: tuple[Warned, ...] = field(default=())


def chip_error(i_rms: float, *, power: bool) -> float:
    """The chip's stated relative error at a current."""
    share = i_rms / FULL_CURRENT
    for least, rms_error, power_error in CHIP_ERRORS:
        if share >= least:
            return power_error if power else rms_error
    return CHIP_ERRORS[-1][2 if power else 1]


def fit_gain(ratios: Sequence[float], chip_errors: Sequence[float], reference_error: float) -> Fit:
    """The weighted mean of counts over true value.

    Stated limits of error are taken as even distributions, so a limit is 1.73 standard errors.
    Where the points scatter more than that explains, the scatter decides.
    """
    limits = [max(error, 1e-6) / math.sqrt(3) for error in chip_errors]
    weights = [1 / (ratio * limit) ** 2 for ratio, limit in zip(ratios, limits, strict=True)]
    total = sum(weights)
    gain = sum(weight * ratio for weight, ratio in zip(weights, ratios, strict=True)) / total
    squares = sum(
        weight * (ratio - gain) ** 2 for weight, ratio in zip(weights, ratios, strict=True)
    )
    spread = math.sqrt(squares / (len(ratios) - 1)) if len(ratios) > 1 else 0.0
    random_part = max(1.0, spread) / math.sqrt(total) / gain
    uncertainty = COVERAGE * math.hypot(random_part, reference_error / math.sqrt(3))
    return Fit(gain, uncertainty, tuple(ratio / gain - 1 for ratio in ratios), spread)


def calibrate(
    points: Sequence[Point], start: Gains, *, resistive: bool, creep_register: int | None = None
) -> Calibration:
    """New gains from known loads; what no point speaks of is kept, or follows from the rest.

    `resistive` says that the loads are heaters or filament lamps, which is what a calibration of
    power needs. `creep_register` is the chip's WA_CREEP, its reset value if not given.
    """
    if not 0 < len(points) <= MOST_POINTS:
        raise CannotCalibrate(reason=f"{len(points)} points, at least 1 and at most {MOST_POINTS}")
    error = max(point.reference_error for point in points)
    large = [point for point in points if point.i_rms >= SMALL_CURRENT]
    voltage = _fit_of([(p.v_rms, p.true_v, 0.002) for p in points], error)
    current = _fit_of(
        [(p.i_rms, p.true_a, chip_error(p.i_rms, power=False)) for p in large or points], error
    )
    power = _fit_of(
        [(abs(p.watt), p.true_w, chip_error(p.i_rms, power=True)) for p in points], error
    )
    if voltage is None and current is None and power is None:
        raise CannotCalibrate(reason="no point has a true value and a reading that is not zero")
    creep = Register.WA_CREEP.fact.reset if creep_register is None else creep_register
    gains = _gains_of(start, voltage, current, power)
    warnings = {
        Warned.ONE_POINT: len(points) == 1,
        Warned.REVERSED: any(point.watt < 0 for point in points),
        Warned.NEAR_CREEP: any(abs(p.watt) < NEAR_CREEP * creep * CREEP_SCALE for p in points),
        Warned.SMALL_CURRENT: bool(current) and not large,
        Warned.NOT_RESISTIVE: resistive and any(map(_not_resistive, points)),
        Warned.SPREAD: any(
            fit and fit.spread > SPREAD_TOO_LARGE for fit in (voltage, current, power)
        ),
        Warned.POWER_DISAGREES: _power_disagrees(voltage, current, power),
    }
    return Calibration(
        gains=gains,
        voltage=voltage,
        current=current,
        power=power,
        power_factors=tuple(point.power_factor for point in points),
        warnings=tuple(warned for warned, holds in warnings.items() if holds),
    )


def _fit_of(rows: Sequence[tuple[float, float | None, float]], error: float) -> Fit | None:
    usable = [(raw / abs(true), chip) for raw, true, chip in rows if true and raw > 0]
    if not usable:
        return None
    return fit_gain([ratio for ratio, _ in usable], [chip for _, chip in usable], error)


def _gains_of(start: Gains, voltage: Fit | None, current: Fit | None, power: Fit | None) -> Gains:
    volts = voltage.gain if voltage else start.counts_per_volt
    amperes = current.gain if current else start.counts_per_ampere
    if power:
        return Gains.of(volts, amperes, power.gain)
    # Both gains are multiplied by how far each of the others moved, as the maker's note does it.
    moved = volts / start.counts_per_volt * amperes / start.counts_per_ampere
    return Gains.of(volts, amperes, start.counts_per_watt * moved)


def _not_resistive(point: Point) -> bool:
    factor = point.power_factor
    if factor is None or point.i_rms < SMALL_CURRENT:
        return False
    return abs(abs(factor) - 1) > RESISTIVE_WITHIN


def _power_disagrees(voltage: Fit | None, current: Fit | None, power: Fit | None) -> bool:
    if not (voltage and current and power):
        return False
    expected = power_constant(voltage.gain, current.gain)
    allowed = math.hypot(voltage.uncertainty, current.uncertainty, power.uncertainty)
    return abs(power.gain / expected - 1) > allowed


# --- phase ---------------------------------------------------------------------------


def phase_effect(power_factor: float, phase_deg: float, *, inductive: bool = True) -> float:
    """How much a phase error falsifies the power of a load, relative to the true power.

    `phase_deg` is by how much the current's transformer leads. No gain can correct it.
    """
    if not 0 < power_factor <= 1:
        raise BadArgument(name="power_factor", value=str(power_factor), expected="in 0..1, above 0")
    angle = math.acos(power_factor) * (1 if inductive else -1)
    return math.cos(angle - math.radians(phase_deg)) / math.cos(angle) - 1


def phase_from(shown_over_true: float, power_factor: float, *, inductive: bool = True) -> float:
    """The phase error in degrees from a load of known power factor, after a resistive calibration.

    A resistive load says nothing of it: at power factor 1 a degree changes the power by 0.02 %.
    """
    if not 0 < power_factor <= 0.95:
        raise BadArgument(
            name="power_factor", value=str(power_factor), expected="a load well below 1, as 0.5"
        )
    shown = shown_over_true * power_factor
    if not -1 <= shown <= 1:
        raise CannotCalibrate(reason="no phase error explains such a difference: check the gain")
    angle = math.acos(power_factor)
    sign = 1 if inductive else -1
    return math.degrees(sign * (angle - math.acos(shown)))


def corrected_power(active_power_w: float, reactive_power_var: float, phase_deg: float) -> float:
    """The power without the phase error.

    Both powers are as the meter shows them. The sign of the reactive power (positive for an
    inductive load) must be known from elsewhere: the chip does not tell it.
    """
    phase = math.radians(phase_deg)
    return active_power_w * math.cos(phase) - reactive_power_var * math.sin(phase)
