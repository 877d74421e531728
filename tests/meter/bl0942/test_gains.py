import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwire.errors import BadArgument
from groundwire.meter.bl0942.codec import decode_packet
from groundwire.meter.bl0942.facts import circuits
from groundwire.meter.bl0942.gains import (
    ESPHOME_DEFAULT,
    OPENBEKEN_DEFAULT,
    TASMOTA_DEFAULT,
    EsphomeReferences,
    Gains,
    OpenBekenConstants,
    TasmotaSettings,
    openbeken_commands,
    power_constant,
    power_factor_of,
    to_esphome,
    to_openbeken,
    to_tasmota,
)
from groundwire.meter.bl0942.reading import frequency_hz

VECTORS = json.loads(Path(__file__).with_name("bl0942-vectors.json").read_text(encoding="utf-8"))
BULB = decode_packet(bytes.fromhex("55a3b9009e4c36934300f498ff990000164e0001010076"))
NOTE = decode_packet(
    bytes.fromhex("554dd503bf513536640 1ba1702b00400204e0000000058".replace(" ", ""))
)


def close(value):
    return pytest.approx(value, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize(
    "row", [pytest.param(row, id=row["name"]) for row in VECTORS["calibration_conversions"]]
)
def test_circuit_vectors(row):
    gains = Gains.of_resistors(
        row["divider_low_ohm"], row["divider_high_ohm"], row["effective_shunt_ohm"]
    )
    assert gains.counts_per_volt == close(row["counts_per_volt"])
    assert gains.counts_per_ampere == close(row["counts_per_ampere"])
    assert gains.counts_per_watt == close(row["counts_per_watt"])
    assert gains.pulses_per_kwh == close(row["pulses_per_kwh"])
    assert gains.creep_w(0x0B) == pytest.approx(row["creep_default_w"], rel=1e-5)
    assert gains.full_current_a == pytest.approx(row["max_current_a_30mv"], rel=1e-5)
    assert gains.wrap_kwh == pytest.approx(row["cf_wrap_kwh"], rel=1e-5)
    references = EsphomeReferences(row["counts_per_volt"], row["counts_per_ampere"])
    assert references.gains().counts_per_watt == close(row["esphome_power_from_v_and_i"])


@pytest.mark.parametrize(
    "row", [pytest.param(row, id=row["name"]) for row in VECTORS["packets_good"]]
)
def test_units_as_esphome_and_openbeken_decode_them(row):
    packet = decode_packet(bytes.fromhex(row["packet"]), row["address"])
    for gains, expected in (
        (ESPHOME_DEFAULT, row["esphome_default"]),
        (OPENBEKEN_DEFAULT, row["openbeken_default"]),
    ):
        assert packet.v_rms / gains.counts_per_volt == close(expected["voltage_v"])
        assert packet.i_rms / gains.counts_per_ampere == close(expected["current_a"])
        assert packet.watt / gains.counts_per_watt == close(expected["power_w"])
    kwh = packet.cf_cnt / ESPHOME_DEFAULT.pulses_per_kwh
    assert kwh == close(row["esphome_default"]["energy_kwh"])
    assert OPENBEKEN_DEFAULT.wh_per_pulse == close(row["openbeken_default"]["wh_per_cf_pulse"])
    hertz = row["esphome_default"]["frequency_hz"]
    if hertz and packet.v_rms > 0x7FFFF and not packet.status & 0x200:
        assert frequency_hz(packet) == close(hertz)


def test_the_example_of_the_application_note():
    gains = Gains.of_circuit("divider 5 x 390k, shunt 1 mOhm")
    assert NOTE.v_rms / gains.counts_per_volt == pytest.approx(220.0, rel=1e-5)
    assert NOTE.i_rms / gains.counts_per_ampere == pytest.approx(1.0, rel=1e-5)
    assert NOTE.watt / gains.counts_per_watt == pytest.approx(220.0, rel=1e-4)
    assert NOTE.cf_cnt / gains.pulses_per_kwh == pytest.approx(0.2243, abs=1e-4)


def test_the_power_factor_needs_no_calibration():
    assert power_factor_of(NOTE) == pytest.approx(1.0, abs=1e-3)
    assert power_factor_of(BULB) == pytest.approx(-0.9984, abs=1e-4)


def test_defaults_of_the_others_match_their_circuit():
    circuit = Gains.of_circuit("divider 3 x 680k, shunt 1 mOhm")
    for default in (OPENBEKEN_DEFAULT, TASMOTA_DEFAULT):
        assert default.counts_per_volt == pytest.approx(circuit.counts_per_volt, rel=4e-4)
        assert default.counts_per_watt == pytest.approx(circuit.counts_per_watt, rel=4e-3)
    assert ESPHOME_DEFAULT.counts_per_volt == pytest.approx(
        Gains.of_circuit("divider 5 x 390k, shunt 1 mOhm").counts_per_volt, rel=1e-6
    )


def test_esphome_derives_what_is_left_out_as_its_setup_does():
    assert EsphomeReferences().gains() == ESPHOME_DEFAULT
    only_voltage = EsphomeReferences(voltage_reference=15000.0).gains()
    assert only_voltage.counts_per_watt == close(power_constant(15000.0, 251065.6814))
    assert only_voltage.pulses_per_kwh == close(only_voltage.counts_per_watt * 3600000 / 419430.4)
    power_only = EsphomeReferences(power_reference=600.0).gains()
    assert power_only.pulses_per_kwh == close(600 * 3600000 / 419430.4)
    assert EsphomeReferences(energy_reference=5000.0).gains().counts_per_watt == 623.0270705


def test_openbeken_commands_name_what_a_true_instrument_would_show():
    commands = openbeken_commands(OPENBEKEN_DEFAULT, BULB)
    assert commands == ("VoltageSet 234.3006", "CurrentSet 0.1891764", "PowerSet -44.11371")
    for command, raw, constant in zip(
        commands, (BULB.v_rms, BULB.i_rms, BULB.watt), (15188, 251210, 598), strict=True
    ):
        assert raw / float(command.split()[1]) == pytest.approx(constant, rel=1e-6)


def test_openbeken_refuses_a_reading_of_nothing():
    idle = decode_packet(bytes.fromhex("550000004a5a3850b900000000000000264e00220100d6"))
    with pytest.raises(BadArgument) as caught:
        openbeken_commands(OPENBEKEN_DEFAULT, idle)
    assert caught.value.what == "CurrentSet: '0' is not possible without voltage and load"


constants = st.floats(1.0, 1e7)
some_gains = st.builds(Gains.of, constants, constants, constants)


@given(some_gains)
def test_there_and_back_changes_nothing(gains):
    assert to_esphome(gains).gains() == gains
    assert to_openbeken(gains).gains() == gains
    whole = to_tasmota(to_tasmota(gains).gains())
    assert whole == to_tasmota(gains)


def test_tasmota_takes_whole_numbers():
    assert to_tasmota(OPENBEKEN_DEFAULT) == TasmotaSettings(15188, 251210, 598)
    assert OpenBekenConstants(1.0, 2.0, 3.0).gains() == Gains.of(1.0, 2.0, 3.0)


@given(st.floats(0.01, 4.9))
def test_the_creep_register_is_the_nearest(power_w):
    gains = Gains.of_circuit("divider 5 x 390k, shunt 1 mOhm")
    register = gains.creep_register(power_w)
    assert gains.creep_w(register) == pytest.approx(power_w, abs=gains.creep_w(1) / 2 + 1e-9)


def test_creep_of_one_watt_is_the_value_of_the_vector():
    assert ESPHOME_DEFAULT.creep_register(1.0) == 0x33
    assert ESPHOME_DEFAULT.creep_register(1e9) == 0xFF


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_a_gain_is_a_number_above_zero(value):
    with pytest.raises(BadArgument):
        Gains(value, 1.0, 1.0, 1.0)


def test_an_unknown_circuit_is_refused_with_the_known_ones():
    with pytest.raises(BadArgument) as caught:
        Gains.of_circuit("x")
    assert all(name in caught.value.what for name in circuits())
