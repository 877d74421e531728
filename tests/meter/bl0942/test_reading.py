import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwire.meter.bl0942.codec import Packet, decode_packet
from groundwire.meter.bl0942.gains import ESPHOME_DEFAULT
from groundwire.meter.bl0942.reading import Doubt, Remark, compare_mains, doubts_of, measure

VECTORS = json.loads(Path(__file__).with_name("bl0942-vectors.json").read_text(encoding="utf-8"))
GOOD = {row["name"]: row for row in VECTORS["packets_good"]}
BAD = {row["name"]: row for row in VECTORS["packets_bad"]}


def packet_of(name, key="packet", table=GOOD):
    return decode_packet(bytes.fromhex(table[name][key]), table[name].get("address", 0))


@pytest.mark.parametrize(
    "name", [name for name in GOOD if name.startswith(("captured", "appnote"))]
)
def test_what_real_chips_sent_is_believed(name):
    measurement = measure(packet_of(name), ESPHOME_DEFAULT)
    assert measurement.doubts == frozenset()
    assert measurement.voltage_v == pytest.approx(GOOD[name]["esphome_default"]["voltage_v"])
    assert measurement.frequency_hz == pytest.approx(GOOD[name]["esphome_default"]["frequency_hz"])


def test_a_chip_without_mains_has_no_frequency():
    measurement = measure(packet_of("reset_defaults"), ESPHOME_DEFAULT)
    assert measurement.believable
    assert measurement.voltage_v == 0.0
    assert measurement.frequency_hz is None
    assert measurement.remarks == {Remark.NO_MAINS, Remark.NO_FREQUENCY}


def test_a_frequency_of_zero_is_no_frequency():
    assert measure(packet_of("all_zero"), ESPHOME_DEFAULT).frequency_hz is None


def test_power_that_flows_back_is_said():
    measurement = measure(packet_of("captured_40w_bulb_1"), ESPHOME_DEFAULT)
    assert measurement.active_power_w == pytest.approx(-42.3416594)
    assert measurement.remarks == {Remark.EXPORT}
    assert measurement.power_factor == pytest.approx(-0.998, abs=1e-3)


def test_no_load_is_said():
    assert Remark.NO_LOAD in measure(packet_of("captured_idle_plug"), ESPHOME_DEFAULT).remarks


@pytest.mark.parametrize(
    ("name", "doubts"),
    [
        ("all_max", {Doubt.VOLTAGE, Doubt.CURRENT, Doubt.POWER}),
        ("min_power", {Doubt.POWER, Doubt.POWER_OVER_RMS}),
        ("minus_one_lsb", set()),
        ("payload_contains_header_bytes", set()),
    ],
)
def test_values_at_the_edges(name, doubts):
    assert doubts_of(packet_of(name)) == doubts


def test_swapped_bytes_pass_the_sum_and_not_the_plausibility():
    packet = packet_of("swapped_bytes", "bytes", BAD)
    measurement = measure(packet, ESPHOME_DEFAULT)
    assert measurement.doubts == {Doubt.POWER_OVER_RMS}
    assert measurement.voltage_v is None
    assert measurement.current_a is None
    assert measurement.active_power_w is None
    assert measurement.power_factor is None


def test_reserved_bits_give_a_damaged_packet_away():
    good = packet_of("captured_3w_a")
    assert doubts_of(replace(good, freq=good.freq | 1 << 16)) >= {Doubt.RESERVED_BITS}
    assert doubts_of(replace(good, status=good.status | 1 << 10)) == {Doubt.RESERVED_BITS}
    assert doubts_of(replace(good, freq=30_000)) == {Doubt.FREQUENCY}


def test_chips_on_one_mains_must_agree():
    one = measure(packet_of("captured_3w_a"), ESPHOME_DEFAULT)
    two = measure(packet_of("captured_3w_b"), ESPHOME_DEFAULT)
    assert compare_mains({"A": one, "B": two}) == {}
    far = measure(packet_of("captured_idle_plug"), ESPHOME_DEFAULT)
    found = compare_mains({"A": one, "B": two, "C": far})
    assert found["C"] == {Doubt.VOLTAGE_JUMP}
    other = measure(replace(one.packet, freq=16_667), ESPHOME_DEFAULT)
    assert compare_mains({"A": one, "B": other})["A"] == {Doubt.FREQUENCY_JUMP}


word = st.integers(0, 0xFFFFFF)


@given(
    st.builds(Packet, word, word, word, st.integers(-(1 << 23), (1 << 23) - 1), word, word, word)
)
def test_a_doubted_packet_yields_no_value_and_a_believed_one_is_within_the_inputs(packet):
    measurement = measure(packet, ESPHOME_DEFAULT)
    values = (measurement.voltage_v, measurement.current_a, measurement.active_power_w)
    if measurement.doubts:
        assert values == (None, None, None)
        assert measurement.frequency_hz is None
    else:
        assert measurement.voltage_v < 330
        assert measurement.current_a < 37
        assert abs(measurement.active_power_w) < 10_000
        assert measurement.frequency_hz is None or 45 <= measurement.frequency_hz <= 66
