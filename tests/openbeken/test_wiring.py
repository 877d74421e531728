from __future__ import annotations

import json

import pytest

from corpus import corpus_folder, dump
from groundwire.openbeken.config import Config, PinSetting
from groundwire.openbeken.facts import role_facts, role_for, role_of_name, role_of_number
from groundwire.openbeken.search import find_configs
from groundwire.openbeken.wiring import read_wiring, to_openbeken
from groundwire.pins import Confidence, LedChip, MeterChip, NoPins, Role


def test_pins_of_a_configuration_in_neutral_words():
    config = Config(
        signed_checksum=True,
        pins=(PinSetting(26, 2, 1), PinSetting(10, 3, 1, 2), PinSetting(24, 7, 2), PinSetting(6, 42),
              PinSetting(7, 200)),
    )  # fmt: skip
    pins = read_wiring(config).pins
    assert [(pin.role, pin.inverted, pin.channel, pin.label) for pin in pins] == [
        (Role.RELAY, True, 1, "Rel_n"), (Role.BUTTON, True, 1, "Btn"), (Role.PWM, False, 2, "PWM"),
        (Role.OTHER, False, 0, "DHT11"), (Role.OTHER, False, 0, "role 200"),
    ]  # fmt: skip
    assert all(pin.confidence is Confidence.CERTAIN for pin in pins)


@pytest.mark.parametrize(
    ("command", "chip"),
    [("startDriver BL0942", MeterChip.BL0942), ("backlog startdriver RN8209; x", MeterChip.RN8209C),
     ("startDriver CSE7766", MeterChip.HLW8032)],
)  # fmt: skip
def test_meters_of_the_start_command(command, chip):
    wiring = read_wiring(Config(start_command=command))
    assert wiring.meter is not None
    assert wiring.meter.chip is chip
    assert to_openbeken(wiring).start_command() == command


def test_a_second_processor_and_a_driver():
    wiring = read_wiring(Config(start_command="startDriver TuyaMCU; tuyaMcu_setBaudRate 115200"))
    assert wiring.serial_mcu is not None
    assert wiring.serial_mcu.baudrate == 115200
    assert wiring.reason is NoPins.SERIAL_MCU
    assert read_wiring(Config()).reason is NoPins.NEVER_CONFIGURED
    driver = read_wiring(Config(pins=(PinSetting(24, 52), PinSetting(26, 53)))).led_driver
    assert driver is not None
    assert driver.chip is LedChip.SM2235


@pytest.mark.parametrize("fact", role_facts()[1:], ids=lambda fact: fact.name)
def test_every_role_survives_the_way_through_neutral_words(fact):
    config = Config(pins=(PinSetting(6, fact.number, 3, 4),))
    settings = to_openbeken(read_wiring(config))
    (pin,) = settings.pins
    if fact.preferred or fact.means is None:
        assert settings.pin_settings() == config.pins
    elif fact.means is not None:
        assert pin.role.means is fact.means


def test_names_and_numbers():
    assert role_of_name("cht8305_sda") is role_of_number(46)
    assert role_of_name("nope") is None
    assert role_of_number(99) is None
    found = role_for(Role.BUTTON, inverted=True)
    assert found is not None
    assert found.name == "Btn"
    assert role_for(Role.MICROPHONE, inverted=False) is None


@pytest.mark.corpus
def test_every_configuration_of_the_dumps_survives():
    for path in sorted((corpus_folder() / "dumps").glob("obk*.expected.json")):
        if not json.loads(path.read_text())["own"].get("obk_config"):
            continue
        for found in find_configs(dump(path.name.removesuffix(".expected.json"))):
            settings = to_openbeken(read_wiring(found.config))
            plain = [pin for pin in found.config.pins if role_of_number(pin.role).preferred]
            assert {pin.pin for pin in found.config.pins} == {pin.pin for pin in settings.pins}
            assert set(plain) <= set(settings.pin_settings())
