from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwire.exports.drawing import draw
from groundwire.exports.pin_table import part_rows, pin_rows
from groundwire.pins import (
    Colour,
    LedChip,
    LedDriver,
    Meter,
    MeterChip,
    NoPins,
    PinRole,
    Role,
    SerialMcu,
    Wiring,
)
from groundwire.tables.modules import all_modules

SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    return [node.text or "" for node in ET.fromstring(svg).iter(f"{SVG}text")]


@pytest.mark.parametrize("module", all_modules(), ids=lambda module: module.name)
def test_every_module_is_drawn_with_all_its_contacts(module):
    gpio = min(module.gpios)
    svg = draw(Wiring(chip=module.chip, module=module.name, pins=(PinRole(gpio, Role.RELAY, 1),)))
    words = texts(svg)
    pads = ET.fromstring(svg).findall(f"{SVG}rect[@class='pad']")
    assert len(pads) == len(module.pads)
    assert any("relay 1" in word for word in words)
    assert module.name in words


@pytest.mark.parametrize("name", ["CB2S", "CB3S", "CBU", "WB2S", "WB3S", "CB2L", "CBLC5", "WB2L",
                                  "WB3L", "WB8P", "WA2"])  # fmt: skip
def test_the_modules_people_have_are_known(name):
    assert any(module.name == name for module in all_modules())


def test_levels_and_confidence_and_test_pads_show():
    svg = draw(
        Wiring(
            module="CB2S",
            pins=(PinRole(26, Role.RELAY, 1, inverted=True), PinRole(21, Role.OTHER, label="<odd&>"),
                  PinRole(99, Role.LED), PinRole(26, Role.LED)),
            meter=Meter(MeterChip.BL0937), serial_mcu=SerialMcu(9600),
        )
    )  # fmt: skip
    words = texts(svg)
    assert "P26  relay 1 (low) / LED" in words
    assert "P21 (<odd&>): test pad TCSN" in words
    assert "P99 (LED): no contact known" in words
    assert "energy meter BL0937" in words


def test_an_unknown_module_gets_its_pins_as_a_list():
    words = texts(draw(Wiring(module="CBLC9", pins=(PinRole(9, Role.PWM, colour=Colour.COLD),))))
    assert "P9  PWM cold white" in words
    assert any("are not known" in word for word in words)


@given(st.text(), st.lists(st.builds(PinRole, st.integers(0, 70), st.sampled_from(Role),
                                     label=st.text()), max_size=8))  # fmt: skip
def test_any_names_give_well_formed_svg(name, pins):
    assert texts(draw(Wiring(module=name, chip=name, pins=tuple(pins))))


def test_rows_of_the_table():
    wiring = Wiring(
        module="CB2S",
        pins=(PinRole(26, Role.RELAY, 1, source="rl1_pin"), PinRole(8, Role.PWM, 3, inverted=True,
                                                                    colour=Colour.BLUE)),
        meter=Meter(MeterChip.BL0942, 1.0, source="chip_type 4"), pwm_hz=1000,
        led_driver=LedDriver(LedChip.SM2235, ((Colour.RED, 1),)), reason=NoPins.SERIAL_MCU,
        serial_mcu=SerialMcu(9600),
    )  # fmt: skip
    rows = pin_rows(wiring)
    assert [(row.pin, row.pads, row.role, row.active, row.openbeken) for row in rows] == [
        ("P8", "6", "PWM blue", "low", "PWM_n"), ("P26", "11", "relay 1", "high", "Rel"),
    ]  # fmt: skip
    assert dict(part_rows(wiring)) == {
        "energy meter": "BL0942, shunt 1 mOhm (chip_type 4)", "LED driver": "SM2235 red 1",
        "second processor": "TuyaMCU at 9600 baud", "PWM frequency": "1000 Hz",
        "no pins": "a second processor (TuyaMCU) owns the pins",
    }  # fmt: skip
