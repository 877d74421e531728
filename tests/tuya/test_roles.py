from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus import corpus_folder, dump
from groundwire.pins import (
    Colour,
    Confidence,
    LedChip,
    MeterChip,
    NoPins,
    PinRole,
    Role,
    Wiring,
)
from groundwire.tuya.device import read_device
from groundwire.tuya.facts import chip_of_module, chip_of_platform, pin_names
from groundwire.tuya.parameters import parse_parameters
from groundwire.tuya.roles import from_parameters, read_wiring
from groundwire.tuya.storage import find_store
from store_builder import PINS, Block, flash, protected_sector


def wiring_of(text: str) -> Wiring:
    parameters = parse_parameters(text)
    assert parameters is not None
    return from_parameters(parameters, confidence=Confidence.CERTAIN)


def one(text: str) -> PinRole:
    (pin,) = wiring_of(text).pins
    return pin


@pytest.mark.parametrize(
    ("text", "role", "channel", "inverted"),
    [
        ("{rl2_pin:26,rl2_lv:1}", Role.RELAY, 2, False),
        ("{rl2_pin:26,rl2_lv:0}", Role.RELAY, 2, True),
        ("{rl2_pin:26}", Role.RELAY, 2, False),
        ("{rl_on1_pin:26,rl_on1_lv:1}", Role.LATCH_ON, 1, False),
        ("{rl_off1_pin:26,rl_off1_lv:0}", Role.LATCH_OFF, 1, True),
        ("{bt1_pin:10,bt1_lv:0}", Role.BUTTON, 1, True),
        ("{bt1_pin:10,bt1_lv:1}", Role.BUTTON, 1, False),
        ("{k2pin_pin:10}", Role.BUTTON, 2, True),
        ("{total_bt_pin:10}", Role.BUTTON_ALL, 0, True),
        ("{onoff1:26}", Role.TOGGLE, 1, True),
        ("{led1_pin:8,led1_lv:0}", Role.LED, 1, True),
        ("{netled1_pin:8}", Role.WIFI_LED, 0, True),
        ("{netled1_pin:8,netled1_lv:1}", Role.WIFI_LED, 0, False),
        ("{wfst:8,wfst_lv:0}", Role.WIFI_LED, 0, True),
        ("{r_pin:8,r_lv:0}", Role.PWM, 1, True),
        ("{door1_magt_pin:26,door1_magt_lv:1}", Role.INPUT, 1, False),
        ("{ir:8,irfunc:1}", Role.IR_RECEIVER, 0, False),
        ("{infre:26}", Role.IR_SENDER, 0, False),
        ("{mosi:16}", Role.PIXELS, 0, False),
        ("{sel_pin_pin:24,sel_pin_lv:0}", Role.METER_SEL, 0, True),
    ],
)  # fmt: skip
def test_what_the_names_mean(text, role, channel, inverted):
    pin = one(text)
    assert (pin.role, pin.channel, pin.inverted) == (role, channel, inverted)


def test_a_receiver_that_is_switched_off_is_none():
    assert wiring_of("{ir:8,irfunc:0,module:CB2S}").pins == ()


def test_how_sure_a_statement_is():
    assert one("{rl1_pin:26}").confidence is Confidence.CERTAIN
    assert one("{reset_pin:26}").confidence is Confidence.LIKELY  # only reported, never seen
    assert one("{ctrl_pin:26}").confidence is Confidence.GUESS  # its meaning varies


@pytest.mark.parametrize(
    ("text", "chip", "shunt"),
    [
        ("{chip_type:0,ele_pin:7,resistor:1}", MeterChip.BL0937, 1.0),
        ("{chip_type:1,ele_pin:7,resistor:2}", MeterChip.HLW8012, 2.0),
        ("{chip_type:2,ele_rx:10}", MeterChip.HLW8032, None),
        ("{chip_type:3,ele_rx:10}", MeterChip.BL0942, None),
        ("{chip_type:4,ele_rx:10}", MeterChip.BL0942, None),
        ("{ele_pin:7,vi_pin:8}", MeterChip.BL0937, None),
        ("{chip_type:99,ele_rx:10}", MeterChip.UNKNOWN, None),
    ],
)
def test_meters(text, chip, shunt):
    meter = wiring_of(text).meter
    assert meter is not None
    assert (meter.chip, meter.shunt_mohm) == (chip, shunt)


def test_a_meter_named_only_in_the_code_is_a_guess():
    parameters = parse_parameters("{ele_rx:10,ele_tx:11}")
    assert parameters is not None
    meter = from_parameters(parameters, code=b"..drv_RN8209_init..").meter
    assert meter is not None
    assert (meter.chip, meter.confidence) == (MeterChip.RN8209C, Confidence.GUESS)


def test_no_meter_where_metering_is_off():
    assert wiring_of("{rl1_pin:1,ele_fun_en:0,chip_type:0}").meter is None


@pytest.mark.parametrize(
    ("text", "chip", "currents"),
    [
        ("{dmod:2,iicscl:24,iicsda:26,ehccur:2,wampere:30}", LedChip.SM2135, (20, None, 30)),
        ("{dmod:5,iicscl:24,iicsda:26,cjccur:4,cjwcur:8}", LedChip.BP1658CJ, (4, None, 8)),
        (
            "{dmod:6,iicscl:24,iicsda:26,drgbcur:14,dccur:30,dwcur:25}",
            LedChip.BP5758D,
            (14, 30, 25),
        ),
        ("{dmod:7,iicscl:24,iicsda:26,2235ccur:2,2235wcur:4}", LedChip.SM2235, (2, None, 4)),
        ("{iicscl:24,iicsda:26,kp58wcur:3,kp58ccur:5}", LedChip.KP18058, (5, None, 3)),
        ("{iicscl:24,iicsda:26,drgbcur:14}", LedChip.BP5758D, (14, None, None)),
        ("{dmod:8,iicscl:24,iicsda:9,2235ccur:14,2235wcur:6}", LedChip.SM2235, (14, None, 6)),
    ],
)
def test_led_drivers_by_number_or_by_their_currents(text, chip, currents):
    driver = wiring_of(text[:-1] + ",iicr:2,iicg:1,iicb:0,iicc:4,iicw:3}").led_driver
    assert driver is not None
    assert driver.chip is chip
    assert (driver.colour_current, driver.cold_current, driver.warm_current) == currents
    assert driver.outputs == (
        (Colour.RED, 2), (Colour.GREEN, 1), (Colour.BLUE, 0), (Colour.COLD, 4), (Colour.WARM, 3),
    )  # fmt: skip


def test_brightness_and_temperature_channels():
    colours = [pin.colour for pin in wiring_of("{cwtype:1,c_pin:8,w_pin:7,r_pin:6}").pins]
    assert colours == [Colour.BRIGHTNESS, Colour.TEMPERATURE, Colour.RED]


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("{rl1_pin:6,bt1_pin:6}", "P6 is named twice: rl1_pin and bt1_pin"),
        ("{cmod:rgbcw,c_pin:6,w_pin:8}", "colour mode 'rgbcw', but not all of its colours"),
        ("{rl1_pin:6,ch_num:2}", "2 channels declared, 1 relays with a pin"),
    ],
)
def test_contradictions_are_findings(text, finding):
    assert any(finding in item for item in wiring_of(text).findings)


def settings_store(**values: bytes) -> bytes:
    return flash(Block(0, {name: value + b"\0" for name, value in values.items()}))


WITHOUT_PINS = {
    "mcu": (settings_store(gw_bi=b"{}", baud_cfg=b'{"baud":115200}'), NoPins.SERIAL_MCU),
    "new": (settings_store(gw_bi=b"{}"), NoPins.NEVER_CONFIGURED),
    "in code": (settings_store(gw_bi=b"{}", gw_di=b"{}"), NoPins.IN_CODE),
    "garbled": (settings_store(user_param_key=b"\x01\x02"), NoPins.NOT_UNDERSTOOD),
    "erased store": (flash(), NoPins.ERASED),
    "erased": (b"\xff" * 8192, NoPins.ERASED),
    "protected only": (protected_sector({"a": b"b"}), NoPins.NOT_UNDERSTOOD),
    "nothing": (bytes(8192), NoPins.NO_SETTINGS),
    "no pins in them": (settings_store(user_param_key=b"{module:CB2S,jv:1,crc:1,}"),
                        NoPins.NEVER_CONFIGURED),
}  # fmt: skip


@pytest.mark.parametrize("case", WITHOUT_PINS)
def test_why_there_are_no_pins(case):
    data, reason = WITHOUT_PINS[case]
    wiring = read_device(data).wiring
    assert wiring.reason is reason
    assert wiring.pins == ()


def test_the_speed_of_a_second_processor_must_make_sense():
    for text, baudrate in ((b'{"baud":115200}', 115200), (b'{"baud":-1}', 9600), (b"[", 9600)):
        mcu = read_device(settings_store(baud_cfg=text)).wiring.serial_mcu
        assert mcu is not None
        assert mcu.baudrate == baudrate


def test_a_default_in_the_code_is_used_last_and_says_so():
    code = b"\0" + PINS.encode() + b"\0"
    wiring = read_device(settings_store(gw_bi=b"{}"), code).wiring
    assert [pin.confidence for pin in wiring.pins] == [Confidence.GUESS]
    assert "not this device's own" in wiring.source
    own = read_device(settings_store(user_param_key=b"{rl1_pin:8,crc:0,}"), code)
    assert [pin.pin for pin in own.wiring.pins] == [8]
    assert own.code_defaults[0].parameters.text == PINS


def test_a_copy_beside_an_erased_store_is_used():
    data = bytearray(flash())
    data[0x1D4000 : 0x1D4000 + len(PINS)] = PINS.encode()
    device = read_device(bytes(data))
    assert [pin.pin for pin in device.wiring.pins] == [26]
    assert device.wiring.source == "copy of the settings beside the store"
    assert [pin.confidence for pin in device.wiring.pins] == [Confidence.LIKELY]


def test_a_device_shows_what_may_be_shown():
    info = b'{"pk":"keyopen","swv":"1.2.3","id":"hidden-id","bv":"40.00"}'
    device = read_device(settings_store(gw_di=info, gw_bi=b'{"auth_key":"hidden"}',
                                        em_sys_env=b"bk7231n", rcs=b"hidden"))  # fmt: skip
    assert device.product_key == "keyopen"
    assert device.versions == {"application": "1.2.3", "baseline": "40.00"}
    assert device.wiring.chip == "BK7231N"
    assert "hidden" not in repr(device)
    assert {value.name: value.masked for value in device.values} == {
        "gw_di": True, "gw_bi": True, "em_sys_env": False, "rcs": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("module", "chip"),
    [("CB2S", "BK7231N"), ("wb3s", "BK7231T"), ("WBR3", "RTL8720CF"), ("WA2", "BK7231Q"),
     ("T1-2S", "BK7238"), ("T34", "BK7231N"), ("wb2l-m1", "BK7231N"), ("", ""), ("X", ""), ("T", "")],
)  # fmt: skip
def test_chips_of_modules(module, chip):
    assert chip_of_module(module) == chip


@pytest.mark.parametrize(
    ("name", "chip"), [("bk7231n", "BK7231N"), ("BK7231S_2M", "BK7231T"), ("bk7231", "BK7231Q"),
                       ("T1", "BK7238"), ("", ""), ("esp32", "")],
)  # fmt: skip
def test_chips_of_platforms(name, chip):
    assert chip_of_platform(name) == chip


def test_no_name_is_in_the_table_twice():
    names = [item.fact.name for item in pin_names()]
    assert len(set(names)) == len(names)


@given(st.dictionaries(st.sampled_from([item.fact.name.replace("{n}", "1") for item in pin_names()]
                                       + ["chip_type", "dmod", "ch_num", "LedNum", "cwtype"]),
                       st.integers(-5, 400), min_size=1))  # fmt: skip
def test_any_numbers_give_a_wiring(values):
    text = "{" + ",".join(f"{name}:{value}" for name, value in values.items()) + "}"
    for pin in wiring_of(text).pins:
        assert 0 <= pin.pin < 64


@pytest.mark.corpus
def test_every_dump_has_pins_or_a_reason():
    for path in sorted((corpus_folder() / "dumps").glob("*.expected.json")):
        own = json.loads(path.read_text())["own"]
        data = dump(path.name.removesuffix(".expected.json"))
        wiring = read_wiring(find_store(data), flash=data)
        assert bool(wiring.pins) != (wiring.reason is not None), path.name
        assert bool(wiring.pins) == bool(own.get("user_param_key")), path.name
        assert all(pin.confidence is not Confidence.CERTAIN or pin.source for pin in wiring.pins)


@pytest.mark.corpus
def test_copies_beside_the_store_are_the_settings_of_the_store():
    compared = 0
    for path in sorted((corpus_folder() / "dumps").glob("[nt]-*.expected.json")):
        device = read_device(dump(path.name.removesuffix(".expected.json")))
        if device.copies and device.store is not None:
            own = device.store.get("user_param_key")
            assert own is not None
            assert own.text() in {copy.parameters.text for copy in device.copies}, path.name
            compared += 1
    assert compared
