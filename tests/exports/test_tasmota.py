from __future__ import annotations

import json

import pytest

from groundwire.errors import UnsupportedHere
from groundwire.exports.tasmota import GPIO_ORDER, contacts, functions, write_tasmota
from groundwire.pins import Meter, MeterChip, PinRole, Role, SerialMcu, Wiring


def test_a_four_gang_switch():
    wiring = Wiring(
        chip="BK7231T", module="WB3S",
        pins=(PinRole(6, Role.RELAY, 1), PinRole(9, Role.RELAY, 2, inverted=True),
              PinRole(24, Role.BUTTON, 1, inverted=True), PinRole(26, Role.WIFI_LED, inverted=True),
              PinRole(20, Role.RELAY, 3), PinRole(14, Role.MICROPHONE)),
    )  # fmt: skip
    template = write_tasmota(wiring, name="switch")
    content = json.loads(template.text)
    assert content["BASE"] == 18
    by_gpio = dict(zip(GPIO_ORDER, content["GPIO"], strict=True))
    assert {gpio: code for gpio, code in by_gpio.items() if code} == {
        13: 224, 4: 257, 12: 32, 14: 576,
    }  # fmt: skip
    assert len(template.notes) == 3


def test_a_second_processor_on_the_serial_pins():
    content = json.loads(write_tasmota(Wiring(module="CB3S", serial_mcu=SerialMcu(9600))).text)
    # As published for real devices: {"GPIO":[0,2272,0,2304,...],"BASE":54}
    assert content["GPIO"][:4] == [0, 2272, 0, 2304]
    assert content["BASE"] == 54


@pytest.mark.parametrize(("chip", "code"), [(MeterChip.BL0937, 2720), (MeterChip.HLW8012, 2688)])
def test_the_two_pulse_meters_differ(chip, code):
    wiring = Wiring(module="CB3S", meter=Meter(chip), pins=(PinRole(7, Role.METER_CF),))
    assert code in json.loads(write_tasmota(wiring).text)["GPIO"]


@pytest.mark.parametrize("module", ["CB2S", "CBU", "", "CBLC9"])
def test_other_shapes_have_no_template(module):
    with pytest.raises(UnsupportedHere) as caught:
        write_tasmota(Wiring(module=module))
    assert "no ESP8266 module has the shape" in str(caught.value)


def test_the_tables():
    assert len({(row.role, row.inverted) for row in functions()}) == len(functions())
    assert set(contacts().values()) <= set(GPIO_ORDER)
    assert len(set(contacts().values())) == len(contacts())
