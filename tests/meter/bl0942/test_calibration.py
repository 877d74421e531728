import math
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwire.errors import BadArgument, CannotCalibrate
from groundwire.meter.bl0942.calibration import (
    Point,
    Warned,
    calibrate,
    chip_error,
    corrected_power,
    fit_gain,
    phase_effect,
    phase_from,
    point_of,
)
from groundwire.meter.bl0942.codec import decode_packet
from groundwire.meter.bl0942.gains import ESPHOME_DEFAULT, FULL_CURRENT, Gains

TRUE = Gains.of(15_900.0, 250_000.0)
PACKET = decode_packet(bytes.fromhex("554dd503bf51353664" + "01ba1702b00400204e0000000058"))


def heater(current_a, voltage_v=230.0, error=0.0, power_factor=1.0, reference_error=0.005):
    """A load as the chip would count it, with the same relative error in all three."""
    return Point(
        v_rms=voltage_v * TRUE.counts_per_volt,
        i_rms=current_a * TRUE.counts_per_ampere * (1 + error),
        watt=voltage_v * current_a * power_factor * TRUE.counts_per_watt * (1 + error),
        true_v=voltage_v,
        true_a=current_a,
        true_w=voltage_v * current_a * power_factor,
        reference_error=reference_error,
    )


def test_several_heaters_give_the_true_gains():
    result = calibrate([heater(4.0), heater(8.0), heater(16.0)], ESPHOME_DEFAULT, resistive=True)
    assert result.warnings == ()
    assert result.gains.counts_per_volt == pytest.approx(TRUE.counts_per_volt)
    assert result.gains.counts_per_ampere == pytest.approx(TRUE.counts_per_ampere)
    assert result.gains.counts_per_watt == pytest.approx(TRUE.counts_per_watt)
    assert result.gains.pulses_per_kwh == pytest.approx(TRUE.pulses_per_kwh)
    assert result.power_factors == pytest.approx((1.0, 1.0, 1.0))


def test_the_instrument_limits_the_uncertainty_however_many_points_there_are():
    few = calibrate([heater(4.0)] * 2, ESPHOME_DEFAULT, resistive=True).power
    many = calibrate([heater(4.0)] * 200, ESPHOME_DEFAULT, resistive=True).power
    assert many.uncertainty < few.uncertainty
    assert many.uncertainty == pytest.approx(2 * 0.005 / math.sqrt(3), rel=0.01)


def test_the_stated_uncertainty_covers_the_truth_about_nineteen_times_in_twenty():
    rng = random.Random(7)
    covered = 0
    for _ in range(400):
        points = [
            heater(a, error=rng.uniform(-0.002, 0.002), reference_error=0.0) for a in (3, 6, 12)
        ]
        fit = calibrate(points, ESPHOME_DEFAULT, resistive=True).power
        covered += abs(fit.gain / TRUE.counts_per_watt - 1) <= fit.uncertainty
    assert 0.93 <= covered / 400 <= 1.0


def test_points_that_scatter_widen_the_uncertainty_and_are_said():
    points = [heater(4.0, error=0.0), heater(8.0, error=0.03), heater(12.0, error=-0.03)]
    result = calibrate(points, ESPHOME_DEFAULT, resistive=True)
    assert Warned.SPREAD in result.warnings
    assert result.power.uncertainty > 0.03
    assert result.power.deviations == pytest.approx((0.0, 0.03, -0.03), abs=0.002)


@pytest.mark.parametrize(
    ("point", "warned"),
    [
        (heater(8.0, power_factor=0.9), Warned.NOT_RESISTIVE),
        (heater(0.001), Warned.NEAR_CREEP),
        (heater(1.0), Warned.SMALL_CURRENT),
        (replace(heater(8.0), watt=-heater(8.0).watt), Warned.REVERSED),
        (replace(heater(8.0), watt=heater(8.0).watt * 1.1), Warned.POWER_DISAGREES),
        (heater(8.0), Warned.ONE_POINT),
    ],
    ids=lambda it: it.name if isinstance(it, Warned) else "",
)
def test_what_spoils_a_calibration_is_said(point, warned):
    assert warned in calibrate([point], ESPHOME_DEFAULT, resistive=True).warnings


def test_a_motor_is_no_error_where_no_heater_was_promised():
    points = [heater(8.0, power_factor=0.6), heater(9.0, power_factor=0.6)]
    assert calibrate(points, ESPHOME_DEFAULT, resistive=False).warnings == ()


def test_small_currents_do_not_spoil_the_current_gain_of_large_ones():
    result = calibrate([heater(0.5, error=0.05), heater(10.0)], ESPHOME_DEFAULT, resistive=True)
    assert result.current.points == 1
    assert result.gains.counts_per_ampere == pytest.approx(TRUE.counts_per_ampere)


def test_power_follows_from_the_others_where_it_was_not_measured():
    point = replace(heater(8.0), true_w=None)
    result = calibrate([point], Gains.of(15_883.0, 251_000.0), resistive=True)
    assert result.power is None
    assert result.gains.counts_per_watt == pytest.approx(TRUE.counts_per_watt)


def test_a_reversed_clamp_still_gives_a_positive_gain():
    point = replace(heater(8.0), watt=-heater(8.0).watt)
    result = calibrate([point], ESPHOME_DEFAULT, resistive=True)
    assert result.gains.counts_per_watt == pytest.approx(TRUE.counts_per_watt)


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        ([], "0 points, at least 1 and at most 1000"),
        ([Point(1, 1, 1)], "no point has a true value and a reading that is not zero"),
    ],
)
def test_nothing_follows_from_nothing(points, reason):
    with pytest.raises(CannotCalibrate) as caught:
        calibrate(points, ESPHOME_DEFAULT, resistive=True)
    assert str(caught.value) == (
        f"no calibration follows from that: {reason}\n"
        "  next     measure a resistive load of at least a tenth of the meter's range"
    )


def test_a_point_is_the_mean_of_the_packets_that_can_be_true():
    wrong = replace(PACKET, watt=8_000_000)
    point = point_of([PACKET, replace(PACKET, watt=PACKET.watt + 2), wrong], true_v=220.0)
    assert point.watt == PACKET.watt + 1
    assert point.true_v == 220.0
    with pytest.raises(CannotCalibrate):
        point_of([wrong], true_v=220.0)
    with pytest.raises(BadArgument):
        point_of([PACKET], true_v=0.0)


def test_the_chips_errors_by_current():
    milliampere = FULL_CURRENT / 30_000
    assert chip_error(200 * milliampere, power=True) == 0.002
    assert chip_error(60 * milliampere, power=True) == 0.004
    assert chip_error(60 * milliampere, power=False) == 0.02
    assert chip_error(5 * milliampere, power=False) == 0.06


def test_a_phase_error_shows_at_half_the_power_factor_and_not_at_one():
    assert phase_effect(1.0, 1.0) == pytest.approx(-0.00015, abs=1e-5)
    assert phase_effect(0.5, 1.0) == pytest.approx(0.0301, abs=1e-4)
    assert phase_effect(0.5, 1.0, inductive=False) == pytest.approx(-0.0304, abs=1e-4)


@given(st.floats(-5.0, 5.0), st.floats(0.2, 0.9), st.booleans())
def test_the_phase_error_is_found_and_corrected(phase_deg, power_factor, inductive):
    effect = phase_effect(power_factor, phase_deg, inductive=inductive)
    found = phase_from(1 + effect, power_factor, inductive=inductive)
    assert found == pytest.approx(phase_deg, abs=1e-6)
    angle = math.acos(power_factor) * (1 if inductive else -1) - math.radians(phase_deg)
    shown_w, shown_var = math.cos(angle), math.sin(angle)
    assert corrected_power(shown_w, shown_var, phase_deg) == pytest.approx(power_factor)


@pytest.mark.parametrize("factor", [0.0, 1.0, -0.5])
def test_a_phase_needs_a_load_that_is_not_resistive(factor):
    with pytest.raises(BadArgument):
        phase_from(1.0, factor)


@given(
    st.lists(st.floats(1.0, 1e6), min_size=1, max_size=20),
    st.floats(0.0, 0.1),
    st.floats(0.0, 0.1),
)
def test_a_fit_lies_among_its_points(ratios, chip, reference):
    fit = fit_gain(ratios, [chip] * len(ratios), reference)
    assert min(ratios) * 0.999999 <= fit.gain <= max(ratios) * 1.000001
    assert fit.uncertainty >= 0
