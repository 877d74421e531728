from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwire.errors import BadArgument
from groundwire.openbeken.config import Config, build_config, config_sector, parse_config
from groundwire.openbeken.facts import placement_of
from groundwire.openbeken.provision import Networks, provisioned
from groundwire.openbeken.wiring import to_openbeken
from groundwire.pins import Meter, MeterChip, PinRole, Role, Wiring
from groundwire.secret import Secret

N = placement_of("BK7231N")
PLUG = to_openbeken(
    Wiring(pins=(PinRole(26, Role.RELAY, 1), PinRole(10, Role.BUTTON, 1, inverted=True)),
           meter=Meter(MeterChip.BL0942))
)  # fmt: skip
HOME = Networks(
    wifi_ssid="home", wifi_password=Secret("correct horse"), mqtt_host="10.0.0.2", mqtt_user="u",
    mqtt_password=Secret("p"), web_password=Secret("w"), name="plug1",
)  # fmt: skip


def test_a_fresh_module_joins_with_its_pins():
    config = provisioned(N, HOME, PLUG, mac=bytes.fromhex("18de50aabbcc"))
    address, sector = config_sector(config, N)
    read = parse_config(sector, 32)
    assert address == 0x1D1000
    assert read is not None
    assert (read.wifi_ssid, read.wifi_password.reveal()) == ("home", "correct horse")
    assert (read.mqtt_host, read.mqtt_port, read.mqtt_user) == ("10.0.0.2", 1883, "u")
    assert (read.short_name, read.long_name, read.mqtt_client_id) == ("plug1", "plug1", "plug1")
    assert {(pin.pin, pin.role, pin.channel) for pin in read.pins} == {(26, 1, 1), (10, 3, 1)}
    assert read.start_command == "startDriver BL0942"
    assert read.web_password.reveal() == "w"


def test_without_pins_the_old_ones_stay():
    old = provisioned(N, HOME, PLUG)
    before = parse_config(config_sector(old, N)[1], 32)
    new = provisioned(N, Networks(wifi_ssid="other", wifi_password=Secret("battery staple")),
                      before=before)  # fmt: skip
    assert new.wifi_ssid == "other"
    assert new.mqtt_host == "10.0.0.2"
    assert new.start_command == "startDriver BL0942"
    assert new.change_counter == old.change_counter + 1


def test_a_damaged_configuration_is_not_built_upon():
    data = bytearray(build_config(Config(mqtt_host="spoilt"), signed=True))
    data[0x300] ^= 1
    config = provisioned(N, HOME, before=parse_config(bytes(data), 32))
    assert config.ntp_server == "217.147.223.78"


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_ports_that_do_not_exist(port):
    with pytest.raises(BadArgument):
        provisioned(N, dataclasses.replace(HOME, mqtt_port=port))


@given(st.text(max_size=40), st.text(max_size=70), st.text(max_size=140))
def test_any_texts_are_refused_or_read_back(ssid, password, host):
    networks = Networks(wifi_ssid=ssid, wifi_password=Secret(password), mqtt_host=host)
    try:
        _, sector = config_sector(provisioned(N, networks), N)
    except BadArgument as error:
        shown = str(error)
    else:
        read = parse_config(sector, 32)
        shown = ""
        assert read is not None
        if ssid:
            assert read.wifi_ssid == ssid
            assert read.wifi_password.reveal() == password
    assert len(password) < 12 or password not in shown
