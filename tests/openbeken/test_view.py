from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwire.exports.openbeken_template import write_commands, write_template
from groundwire.openbeken.commands import without_passwords
from groundwire.openbeken.config import Config, PinSetting
from groundwire.openbeken.view import config_fields
from groundwire.openbeken.wiring import read_wiring
from groundwire.secret import Secret

CONFIG = Config(
    signed_checksum=True, wifi_ssid="home", wifi_password=Secret("hidden-one"), mqtt_host="broker",
    mqtt_password=Secret("hidden-two"), web_password=Secret("hidden-three"), flags=1 << 10 | 1 << 37,
    start_command="startDriver BL0942; MqttPassword hidden-four", mac=bytes.fromhex("18de50010203"),
    pins=(PinSetting(26, 1, 1), PinSetting(7, 3, 1, 2), PinSetting(8, 250)), channel_types=((1, 18),),
    static_address=bytes([10, 0, 0, 7, 255, 255, 255, 0, 10, 0, 0, 1, 10, 0, 0, 2]),
)  # fmt: skip


def test_nothing_secret_shows_unless_asked_for():
    text = json.dumps(config_fields(CONFIG))
    assert "hidden" not in text
    assert "hidden" not in write_template(read_wiring(CONFIG))
    assert "hidden" not in write_commands(read_wiring(CONFIG))
    shown = config_fields(CONFIG, show_secrets=True)
    assert shown["wifi_password"] == "hidden-one"
    assert "hidden-four" in str(shown["start_command"])
    assert "hidden-four" in write_template(read_wiring(CONFIG), show_secrets=True)


def test_numbers_have_names():
    fields = config_fields(CONFIG)
    assert fields["pins"] == {"P26": "Rel;1", "P7": "Btn;1;2", "P8": "role 250;0"}
    assert fields["flags"] == {10: "broadcast own state on connect", 37: "fast connect"}
    assert fields["channel_types"] == {1: "Power"}
    assert fields["mac"] == "18:de:50:01:02:03"
    assert fields["static_address"] == {
        "address": "10.0.0.7", "mask": "255.255.255.0", "gateway": "10.0.0.1", "dns": "10.0.0.2",
    }  # fmt: skip
    assert fields["wifi_ssid"] == "home"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Password1 abc def; SSID1 net", "Password1 ********; SSID1 net"),
        ("backlog WebPassword x\nstartDriver NTP", "backlog WebPassword ********\nstartDriver NTP"),
        ("sendGet http://user:pw@host/x", "sendGet http://********@host/x"),
        ("setPinRole 8 Rel", "setPinRole 8 Rel"),
    ],
)
def test_passwords_in_commands(text, shown):
    assert without_passwords(text) == shown


@given(st.text(alphabet="pas \n;:/@x", max_size=300))
def test_any_command_is_masked(text):
    assert isinstance(without_passwords(text), str)


def test_a_long_word_does_not_keep_the_search_busy():
    started = time.perf_counter()
    without_passwords("pass" * 100_000 + " http://" + "a" * 100_000)
    assert time.perf_counter() - started < 5
