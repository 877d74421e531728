from __future__ import annotations

import hashlib
import json

import pytest

from corpus import corpus_folder, dump
from groundwire.openbeken.easyflash import find_areas
from groundwire.openbeken.search import FoundConfig, find_configs
from groundwire.secret import Secret

pytestmark = pytest.mark.corpus

SAME_NAME = ("version", "change_counter", "ota_counter", "wifi_ssid", "mqtt_host",
             "mqtt_client_id", "mqtt_user", "mqtt_port", "webapp_root", "short_name", "long_name",
             "ntp_server", "logger_flags", "mqtt_group", "ping_host", "wifi_ssid2")  # fmt: skip
OTHER_NAME = {
    "wifi_pass": "wifi_password", "mqtt_pass": "mqtt_password", "wifi_pass2": "wifi_password2",
    "web_password": "web_password", "init_command": "start_command", "lfs_size": "files_size",
    "dgr_send": "group_send", "dgr_recv": "group_receive", "dgr_name": "group_name",
    "boot_ok_s": "boot_good_s", "ping_interval": "ping_interval_s",
    "ping_seconds": "ping_restart_s", "mqtt_use_tls": "mqtt_tls",
    "mqtt_verify_cert": "mqtt_verify_certificate", "mqtt_cert_file": "mqtt_certificate_file",
    "disable_web_server": "no_web_server",
}  # fmt: skip


def cases(field: str) -> list[str]:
    try:
        folder = corpus_folder() / "dumps"
    except pytest.skip.Exception:
        return []
    return sorted(
        path.name.removesuffix(".expected.json")
        for path in folder.glob("*.expected.json")
        if field in json.loads(path.read_text())["own"]
    )


def agrees(value: object, want: object) -> bool:
    if isinstance(value, Secret):
        value = value.reveal()
    if isinstance(want, dict) and "sha256" in want:
        data = str(value).encode()
        return len(data) == want["length"] and hashlib.sha256(data).hexdigest() == want["sha256"]
    return value == want


def check(found: FoundConfig, want: dict) -> None:
    config = found.config
    if "offset" in want:
        assert found.span.start == int(want["offset"], 16)
    else:
        assert found.key == want["key"]
        assert found.area is not None
        assert found.area.start == int(want["easyflash_area"], 16)
    assert found.span.size == want["struct_len"]
    assert config.signed_checksum is (want["crc_match"] == "signed")
    assert config.flags == int(want["flags"], 16) | int(want["flags2"], 16) << 32
    wrong = [
        name for name in SAME_NAME if name in want and not agrees(getattr(config, name), want[name])
    ]
    wrong += [
        theirs for theirs, ours in OTHER_NAME.items()
        if theirs in want and not agrees(getattr(config, ours), want[theirs])
    ]  # fmt: skip
    assert not wrong
    assert {str(p.pin): [p.role, p.channel, p.second_channel] for p in config.pins} == want["pins"]
    assert {str(c): v for c, v in config.channel_types} == want["channel_types"]
    assert {str(c): v for c, v in config.start_values} == want["start_values"]
    assert hashlib.sha256(config.mac).hexdigest() == want["mac_sha256"]
    assert config.calibration.hex() == want["cal_hex"]
    assert list(config.button_times) == want["button"]
    assert list(config.led_remap) == want["led_remap"]
    assert list(config.led_correction) == pytest.approx(want["led_corr"])
    address = config.static_address
    assert [".".join(map(str, address[i : i + 4])) for i in (0, 4, 8, 12)] == want["static_ip"]


@pytest.mark.parametrize("name", cases("obk_config"))
def test_every_field_is_what_the_reference_found(name):
    wanted = json.loads((corpus_folder() / "dumps" / f"{name}.expected.json").read_text())["own"]
    found = sorted(find_configs(dump(name)), key=lambda item: item.span.start)
    assert len(found) == len(wanted["obk_config"])
    for item, want in zip(found, wanted["obk_config"], strict=True):
        check(item, want)


@pytest.mark.parametrize("name", cases("bl602"))
def test_every_easyflash_record_is_what_the_reference_found(name):
    wanted = json.loads((corpus_folder() / "dumps" / f"{name}.expected.json").read_text())["own"]
    areas = [area for area in find_areas(dump(name)) if area.entries]
    assert [
        [
            (entry.offset, entry.name, len(entry.content.reveal()), entry.live,
             entry.checksum_ok, entry.content.sha256())
            for entry in area.entries
        ]
        for area in areas
    ] == [
        [
            (int(entry["pos"], 16), entry["key"], entry["length"], entry["live"],
             entry["crc_ok"], entry["sha256"])
            for entry in area["entries"]
        ]
        for area in wanted["bl602"]["easyflash"]
    ]  # fmt: skip


@pytest.mark.parametrize("name", [n for n in cases("tuya_storage") if n not in cases("obk_config")])
def test_no_configuration_is_seen_where_there_is_none(name):
    assert find_configs(dump(name)) == ()
