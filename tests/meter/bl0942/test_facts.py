import pytest

from groundwire.errors import InternalError
from groundwire.meter.bl0942 import facts
from groundwire.meter.bl0942.codec import Register


def test_every_register_has_a_row_and_every_row_a_register():
    assert {register.value: register.name for register in Register} == {
        number: row.name for number, row in facts.registers().items()
    }


def test_reset_values_fit_their_widths():
    for row in facts.registers().values():
        assert 0 <= row.reset <= row.mask
        assert row.to_word(row.to_value(row.reset)) == row.reset


def test_signed_registers_are_the_waves_and_the_power():
    signed = {row.name for row in facts.registers().values() if row.signed}
    assert signed == {"I_WAVE", "V_WAVE", "WATT"}
    assert facts.registers()[0x01].to_value(0x80000) == -524288
    assert facts.registers()[0x06].to_value(0xFFFFFF) == -1


def test_every_circuit_has_plausible_resistors_and_a_source():
    for row in facts.circuits().values():
        assert 0 < row.divider_low_ohm < row.divider_high_ohm
        assert 0 < row.shunt_ohm < 1
        assert row.source


@pytest.mark.parametrize(
    "change",
    [{"source": ""}, {"evidence": "guessed"}, {"colour": "red"}],
    ids=["no source", "unknown evidence", "unknown key"],
)
def test_a_bad_row_is_our_defect(change):
    row = {
        "name": "X",
        "divider_low_ohm": 1.0,
        "divider_high_ohm": 2.0,
        "shunt_ohm": 0.001,
        "evidence": "measured",
        "source": "here",
    }
    with pytest.raises(InternalError):
        facts._row(facts.CircuitFact, row | change)
