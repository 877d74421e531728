from __future__ import annotations

import dataclasses
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwire.errors import BadArgument, UnsupportedHere
from groundwire.openbeken.checksum import crc8
from groundwire.openbeken.config import (
    Config,
    PinSetting,
    build_config,
    config_sector,
    fresh_config,
    parse_config,
)
from groundwire.openbeken.facts import placement_of, placements
from groundwire.openbeken.layout import FULL_SIZE, PIN_COUNTS, SHORT_SIZE, layout_for
from groundwire.openbeken.search import find_configs
from groundwire.secret import Secret

EMPTY = Config(version=5)


def test_checksums_of_the_published_vectors():
    assert crc8(b"123456789", signed=True) == 0x63
    assert crc8(b"123456789", signed=False) == 0xA1


@pytest.mark.parametrize(
    ("ssid", "signed", "checksum"),
    [("", True, 0x31), ("", False, 0x2B), ("test", True, 0xFF), ("test", False, 0xD9)],
)
def test_structures_of_the_published_vectors(ssid, signed, checksum):
    data = build_config(dataclasses.replace(EMPTY, wifi_ssid=ssid), signed=signed)
    assert data[:8] == b"CFG" + bytes([checksum]) + b"\x05\0\0\0"
    assert len(data) == FULL_SIZE
    assert data[0x14:0x18] == ssid.encode().ljust(4, b"\0")


@pytest.mark.parametrize(
    ("pin_count", "expected"),
    [
        (32, {"log_to_file_s": 0x45E, "group_send": 0x460, "group_name": 0x468,
              "ntp_server": 0x478, "calibration": 0x498, "button_times": 0x4B8,
              "files_size": 0x4BC, "logger_flags": 0x4C0, "static_address": 0x527,
              "led_remap": 0x537}),
        (48, {"log_to_file_s": 0x48E, "group_send": 0x490, "ntp_server": 0x4A8,
              "logger_flags": 0x4F0, "static_address": 0x527}),
        (50, {"log_to_file_s": 0x494, "group_send": 0x498, "ntp_server": 0x4B0,
              "logger_flags": 0x4F8, "static_address": 0x527}),
        (64, {"log_to_file_s": 0x4BE, "group_send": 0x4C0, "ntp_server": 0x4D8,
              "files_size": 0x51C, "logger_flags": 0x520, "static_address": 0x525,
              "led_remap": 0x535}),
    ],
)  # fmt: skip
def test_the_tables_of_every_pin_count_lie_where_the_firmware_has_them(pin_count, expected):
    layout = layout_for(pin_count, FULL_SIZE)
    places = {field.name: field.offset for field in layout.fields}
    assert {name: places[name] for name in expected} == expected
    taken = sorted((field.offset, field.end) for field in layout.fields)
    assert all(a_end <= b_start for (_, a_end), (b_start, _) in itertools.pairwise(taken))


def test_a_fresh_configuration_joins_and_reads_back():
    placement = placement_of("bk7231n")
    assert placement is not None
    config = dataclasses.replace(
        fresh_config(placement, bytes.fromhex("18de50aabbcc")),
        wifi_ssid="home",
        wifi_password=Secret("correct horse"),
        mqtt_host="10.0.0.2",
        pins=(PinSetting(26, 1, 1), PinSetting(24, 3, 1, 2)),
    )
    address, sector = config_sector(config, placement)
    assert address == 0x1D1000
    assert len(sector) == 4096
    assert sector[FULL_SIZE:] == b"\xff" * (4096 - FULL_SIZE)
    read = parse_config(sector, 32)
    assert read is not None
    assert read.signed_checksum is True
    assert read.long_name == "OpenBK7231N_50AABBCC"
    assert dataclasses.replace(read, original=config.original) == dataclasses.replace(
        config, pins=tuple(sorted(config.pins, key=lambda pin: pin.pin))
    )


def test_a_rewrite_keeps_every_byte_it_does_not_change():
    old = bytearray(build_config(dataclasses.replace(EMPTY, wifi_ssid="a"), signed=True))
    old[0x530:0x537] = b"unknown"[:7]
    old[0xCC0:0xCC4] = b"\x01\x02\x03\x04"
    old[0x16:0x20] = b"after-nul!"
    old[3] = crc8(bytes(old[4:]), signed=True)
    read = parse_config(bytes(old))
    assert read is not None
    new = build_config(dataclasses.replace(read, mqtt_host="broker"), signed=True)
    changed = [at for at in range(FULL_SIZE) if new[at] != old[at]]
    assert changed[0] == 3
    assert all(0x94 <= at < 0x9A for at in changed[1:])


@pytest.mark.parametrize(
    "change",
    [
        {"wifi_ssid": "x" * 64},
        {"mqtt_password": Secret("x" * 128)},
        {"mqtt_port": 1 << 40},
        {"mac": b"123"},
        {"pins": (PinSetting(32, 1),)},
        {"pins": (PinSetting(1, 256),)},
        {"start_values": ((64, 1),)},
        {"start_values": ((0, 40000),)},
        {"long_name": "nul\0inside"},
    ],
)
def test_what_does_not_fit_is_refused(change):
    with pytest.raises(BadArgument):
        build_config(dataclasses.replace(EMPTY, **change), signed=True)


@pytest.mark.parametrize("password", ["short", "x" * 65, "g" * 64])
def test_a_password_no_network_can_have_is_refused_and_not_shown(password):
    placement = placement_of("BK7231T")
    assert placement is not None
    config = dataclasses.replace(
        fresh_config(placement), wifi_ssid="n", wifi_password=Secret(password)
    )
    with pytest.raises(BadArgument) as caught:
        config_sector(config, placement)
    assert password not in str(caught.value)


def test_platforms_without_a_sector_of_their_own_are_refused():
    placement = placement_of("BL602")
    assert placement is not None
    with pytest.raises(UnsupportedHere):
        config_sector(fresh_config(placement), placement)


def test_passwords_do_not_show_in_the_representation():
    config = dataclasses.replace(EMPTY, wifi_password=Secret("hunter22"))
    assert "hunter22" not in repr(config)
    assert "hunter22" not in f"{config}"


def test_a_wrong_checksum_is_a_finding():
    data = bytearray(build_config(EMPTY, signed=True))
    data[0x100] ^= 1
    config = parse_config(bytes(data))
    assert config is not None
    assert not config.checksum_ok
    assert "its checksum is wrong" in config.findings[0]


def test_a_configuration_of_another_platform_is_pointed_out():
    flash = bytearray(b"\xff" * 0x200000)
    flash[0x1E1000 : 0x1E1000 + FULL_SIZE] = build_config(EMPTY, signed=True)
    (found,) = find_configs(bytes(flash), "BK7231N")
    assert found.expected_here is False
    assert "another platform" in found.config.findings[-1]
    (found,) = find_configs(bytes(flash), "BK7231T")
    assert found.expected_here is True


def test_the_unaligned_place_of_w800_is_looked_at():
    flash = bytearray(b"\xff" * 0x200000)
    config = dataclasses.replace(EMPTY, pin_count=48, ntp_server="pool.ntp.org")
    flash[0x1F0303 : 0x1F0303 + FULL_SIZE] = build_config(config, signed=False)
    (found,) = find_configs(bytes(flash), "W800")
    assert found.config.signed_checksum is False
    assert found.config.ntp_server == "pool.ntp.org"


def test_every_platform_row_is_loaded():
    rows = placements()
    assert len({row.platform for row in rows}) == len(rows)
    assert {row.pin_count for row in rows} == set(PIN_COUNTS)


TEXTS = st.text(
    st.characters(blacklist_characters="\0\\", blacklist_categories=("Cs",)), max_size=7
)


@given(
    st.sampled_from(PIN_COUNTS), st.sampled_from([3, 4, 5]), st.booleans(), TEXTS, TEXTS,
    st.dictionaries(st.integers(0, 31), st.tuples(*[st.integers(1, 255)] * 3), max_size=8),
    st.dictionaries(st.integers(0, 63), st.integers(-32768, 32767).filter(bool), max_size=4),
    st.integers(0, 2**64 - 1),
)  # fmt: skip
def test_what_is_built_is_read_back(pin_count, version, signed, name, command, pins, starts, flags):
    config = Config(
        version=version, pin_count=pin_count, long_name=name, start_command=command, flags=flags,
        pins=tuple(PinSetting(pin, *row) for pin, row in sorted(pins.items())),
        start_values=tuple(sorted(starts.items())),
    )  # fmt: skip
    data = build_config(config, signed=signed)
    assert len(data) == (SHORT_SIZE if version == 3 else FULL_SIZE)
    read = parse_config(data, pin_count)
    assert read is not None
    assert read.checksum_ok
    same = dataclasses.replace(read, original=config.original, signed_checksum=None)
    assert same == config


@given(st.binary(max_size=200), st.integers(0, 2**32 - 1), st.integers(0, 4000))
def test_any_bytes_are_read_in_bounds(noise, version, size):
    data = (b"CFG\0" + version.to_bytes(4, "little") + noise * 20)[:size]
    config = parse_config(data)
    if config is not None:
        again = build_config(config, signed=True)
        assert len(again) == config.size
