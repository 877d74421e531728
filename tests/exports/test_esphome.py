from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus import corpus_folder, dump
from groundwire.errors import UnsupportedHere
from groundwire.exports.esphome import write_esphome
from groundwire.exports.yaml_text import Tag, to_yaml
from groundwire.pins import (
    Colour,
    LedChip,
    LedDriver,
    Meter,
    MeterChip,
    PinRole,
    Role,
    SerialMcu,
    Wiring,
)
from groundwire.tuya.roles import read_wiring
from groundwire.tuya.storage import find_store

SECRETS = {
    "wifi_ssid": "a network",
    "wifi_password": "a password",
    "ota_password": "another",
    "api_encryption_key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
}
COLOUR_PINS = dict(zip(Colour, (6, 7, 8, 9, 24, 26, 26), strict=True))


def pwm(*colours: Colour, inverted: bool = False) -> tuple[PinRole, ...]:
    return tuple(
        PinRole(COLOUR_PINS[c], Role.PWM, n, inverted, colour=c) for n, c in enumerate(colours, 1)
    )


RGB = (Colour.RED, Colour.GREEN, Colour.BLUE)
DRIVER_PINS = (PinRole(24, Role.DRIVER_DATA), PinRole(26, Role.DRIVER_CLOCK))
ALL_OUTPUTS = tuple((c, n) for n, c in enumerate((*RGB, Colour.COLD, Colour.WARM)))

SYNTHETIC: dict[str, Wiring] = {
    "nothing": Wiring(),
    "latching relay": Wiring(
        chip="BK7231N", module="CB3S", latch_pulse_ms=60,
        pins=(PinRole(6, Role.LATCH_ON, 1), PinRole(7, Role.LATCH_OFF, 1, inverted=True),
              PinRole(8, Role.LATCH_ON, 2), PinRole(23, Role.BUTTON, 1, inverted=True)),
    ),
    "relay with led": Wiring(
        chip="BK7231T", module="WB2S",
        pins=(PinRole(26, Role.RELAY, 1, inverted=True), PinRole(8, Role.LED, 1, inverted=True),
              PinRole(7, Role.TOGGLE, 1, inverted=True), PinRole(26, Role.LED, 2)),
    ),
    "rgbww": Wiring(chip="BK7231N", pwm_hz=1000, pins=pwm(*RGB, Colour.COLD, Colour.WARM)),
    "rgbw": Wiring(chip="BK7231N", pins=pwm(*RGB, Colour.WARM, inverted=True)),
    "rgb": Wiring(chip="BK7231T", pins=pwm(*RGB)),
    "rgbct": Wiring(chip="BK7231N", pins=pwm(*RGB, Colour.BRIGHTNESS, Colour.TEMPERATURE)),
    "cwww": Wiring(chip="BK7231N", pins=pwm(Colour.COLD, Colour.WARM)),
    "temperature": Wiring(chip="BK7231N", pins=pwm(Colour.BRIGHTNESS, Colour.TEMPERATURE)),
    "single": Wiring(chip="BK7231N", pins=pwm(Colour.COLD)),
    "odd colours": Wiring(chip="BK7231N", pins=pwm(Colour.RED, Colour.COLD)),
    "no pwm pin": Wiring(chip="BK7231N", pins=(PinRole(14, Role.PWM, 1, colour=Colour.COLD),)),
    "bl0942": Wiring(chip="BK7231N", module="CB2S", meter=Meter(MeterChip.BL0942),
                     pins=(PinRole(26, Role.RELAY, 1),)),
    "bl0942 on named pins": Wiring(
        chip="BK7231N", meter=Meter(MeterChip.BL0942, baudrate=9600),
        pins=(PinRole(1, Role.METER_RX), PinRole(0, Role.METER_TX)),
    ),
    "hlw8032": Wiring(chip="BK7231N", meter=Meter(MeterChip.HLW8032, shunt_mohm=1)),
    "hlw8012": Wiring(
        chip="BK7231N", meter=Meter(MeterChip.HLW8012, shunt_mohm=2.0),
        pins=(PinRole(6, Role.METER_SEL, inverted=True), PinRole(7, Role.METER_CF),
              PinRole(8, Role.METER_CF1)),
    ),
    "meter without its pins": Wiring(chip="BK7231N", meter=Meter(MeterChip.BL0937)),
    "rn8209": Wiring(chip="BK7231N", meter=Meter(MeterChip.RN8209C)),
    "tuyamcu": Wiring(chip="BK7231T", serial_mcu=SerialMcu(9600)),
    "infrared": Wiring(
        chip="BK7231N", module="CBU",
        pins=(PinRole(8, Role.IR_RECEIVER), PinRole(7, Role.IR_SENDER), PinRole(26, Role.RF_RECEIVER)),
    ),
    "battery": Wiring(
        chip="BK7231N", module="CBU",
        pins=(PinRole(23, Role.BATTERY_ADC), PinRole(14, Role.BATTERY_SWITCH),
              PinRole(20, Role.INPUT, 1), PinRole(22, Role.BUTTON_ALL, inverted=True),
              PinRole(15, Role.MICROPHONE)),
    ),
    "pixels": Wiring(chip="BK7231N", pixel_count=20,
                     pins=(PinRole(16, Role.PIXELS), PinRole(26, Role.POWER_ENABLE))),
    "pixels elsewhere": Wiring(chip="BK7231N", pins=(PinRole(8, Role.PIXELS),)),
    "t1": Wiring(chip="BK7238", module="T1-2S", pins=(PinRole(26, Role.RELAY, 1),)),
    "7252": Wiring(chip="BK7252", pins=(PinRole(26, Role.RELAY, 1),)),
    **{
        f"driver {chip.value}": Wiring(
            chip="BK7231N", pins=DRIVER_PINS,
            led_driver=LedDriver(chip, ALL_OUTPUTS, colour, 30, 33),
        )
        for chip, colour in ((LedChip.SM2135, 22), (LedChip.SM2235, 4), (LedChip.BP5758D, 12),
                             (LedChip.BP1658CJ, 6), (LedChip.KP18058, 3))
    },
}  # fmt: skip


def program() -> str:
    found = os.environ.get("GROUNDWIRE_ESPHOME") or shutil.which("esphome")
    if not found:
        pytest.skip("no esphome: set GROUNDWIRE_ESPHOME to its program")
    return found


def assert_valid(text: str, folder) -> None:
    path = folder / "device.yaml"
    path.write_text(text, encoding="utf-8")
    lines = [f'{name}: "{value}"' for name, value in SECRETS.items()]
    (folder / "secrets.yaml").write_text("\n".join(lines))
    done = subprocess.run(
        [program(), "config", str(path)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


@pytest.mark.witness
@pytest.mark.parametrize("case", SYNTHETIC)
def test_esphome_itself_accepts_every_kind_of_part(case, tmp_path):
    assert_valid(write_esphome(SYNTHETIC[case], name=case).text, tmp_path)


@pytest.mark.witness
@pytest.mark.corpus
@pytest.mark.slow
def test_esphome_itself_accepts_the_file_of_every_dump(tmp_path):
    for path in sorted((corpus_folder() / "dumps").glob("[ntq]-*.bin.xz")):
        store = find_store(dump(path.name.removesuffix(".bin.xz")))
        file = write_esphome(read_wiring(store), name=path.name.split(".")[0])
        assert_valid(file.text, tmp_path)


@pytest.mark.parametrize("case", SYNTHETIC)
def test_no_pin_is_used_twice_and_every_secret_is_named(case):
    file = write_esphome(SYNTHETIC[case])
    body = file.text.split("\n\n", 1)[1]
    pins = re.findall(r"(?:number|pin): (P\d+)", body)
    assert len(pins) == len(set(pins))
    assert set(file.secrets) == set(SECRETS)


def test_a_plug_with_a_meter_comes_out_whole():
    wiring = Wiring(
        chip="BK7231N", module="CB2S", meter=Meter(MeterChip.BL0937, shunt_mohm=1),
        pins=(PinRole(26, Role.RELAY, 1), PinRole(10, Role.BUTTON, 1, inverted=True),
              PinRole(8, Role.WIFI_LED, inverted=True), PinRole(24, Role.METER_SEL),
              PinRole(7, Role.METER_CF), PinRole(6, Role.METER_CF1)),
    )  # fmt: skip
    file = write_esphome(wiring, name="Plug 1")
    assert file.board == "cb2s"
    assert "  name: plug-1\n" in file.text
    assert "on_press:\n      - switch.toggle: relay_1\n" in file.text
    assert "model: BL0937" in file.text
    assert "sel_pin:\n      number: P24\n      inverted: true" in file.text
    assert file.notes == ("calibrate voltage, current and power against a known load",)


def test_a_module_that_lacks_a_pin_gets_the_generic_board():
    file = write_esphome(Wiring(chip="BK7231N", module="CB2S", pins=(PinRole(28, Role.RELAY, 1),)))
    assert file.board == "generic-bk7231n-qfn32-tuya"


@pytest.mark.parametrize("chip", ["BL602", "LN882H", "BK7258", "x\nwifi:"])
def test_a_chip_without_a_board_is_refused(chip):
    with pytest.raises(UnsupportedHere):
        write_esphome(Wiring(chip=chip, pins=(PinRole(26, Role.RELAY, 1),)))


def test_names_from_a_module_cannot_break_out_of_the_file():
    wiring = Wiring(chip="BK7231N", module='a"\nwifi: evil\n b', pins=(
        PinRole(6, Role.BUTTON, 1, label='"\nota: {}'),))  # fmt: skip
    lines = write_esphome(wiring).text.splitlines()
    assert sum(line.startswith("wifi:") for line in lines) == 1
    assert sum(line.startswith("ota:") for line in lines) == 1


@given(
    st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), st.text(max_size=20), max_size=5)
)
def test_any_text_stays_on_its_line(tree):
    assert to_yaml(tree).count("\n") == max(len(tree), 1)


def test_tags_and_words_with_a_meaning():
    text = to_yaml({"a": Tag("!secret x"), "b": "on", "c": True, "d": "1k", "e": [{"f": 1}, "g"]})
    assert text == 'a: !secret x\nb: "on"\nc: true\nd: "1k"\ne:\n  - f: 1\n  - g\n'


PINS = st.builds(
    PinRole, st.integers(0, 40), st.sampled_from(Role), st.integers(0, 6), st.booleans(),
    colour=st.none() | st.sampled_from(Colour), label=st.text(max_size=5),
)  # fmt: skip


@given(st.lists(PINS, max_size=12).map(tuple), st.sampled_from([None, *MeterChip]), st.booleans())
def test_any_wiring_gives_a_file(pins, meter, mcu):
    wiring = Wiring(
        chip="BK7231N", pins=pins, meter=Meter(meter) if meter else None,
        serial_mcu=SerialMcu(9600) if mcu else None,
    )  # fmt: skip
    body = write_esphome(wiring).text.split("\n\n", 1)[1]
    found = re.findall(r"(?:number|pin): (P\d+)$", body, re.MULTILINE)
    assert len(found) == len(set(found))
