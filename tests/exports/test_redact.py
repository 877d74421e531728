from __future__ import annotations

import base64
import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from littlefs import LittleFS

from corpus import corpus_folder, dump, expected
from groundwire.exports.redact import redact
from groundwire.exports.redact_config import masked_commands
from groundwire.exports.redact_hunt import FAST_CONNECT_KEY, leftovers, worth_hunting
from groundwire.exports.search_bytes import find_all
from groundwire.openbeken.config import PinSetting, config_sector, fresh_config
from groundwire.openbeken.facts import placement_of
from groundwire.openbeken.littlefs import find_file_systems
from groundwire.openbeken.search import find_configs
from groundwire.quantities import Span
from groundwire.secret import Secret
from groundwire.tuya.storage import find_store
from store_builder import PINS, Block, protected_sector, store

SSID, PASSWORD = b"Invented Network", b"invented-password"
PSK = b"0123456789abcdef" * 4
MAC = bytes.fromhex("18de50a1b2c3")
TOKEN = b"inventedtoken99"


def radio() -> bytes:
    head = b"TLV\0" + (0x62).to_bytes(4, "little")
    groups = (0x11111100).to_bytes(4, "little") + (0x5A).to_bytes(4, "little")
    text = (0x11111101).to_bytes(4, "little") + (4).to_bytes(4, "little") + b"TXID"
    mac = (0x11111102).to_bytes(4, "little") + (6).to_bytes(4, "little") + MAC
    return (head + groups + text + mac).ljust(4096, b"\xff")


def record(*, obscured: bool) -> bytes:
    plain = (
        SSID.ljust(33, b"\0") + MAC[::-1] + b"\x04\x06" + PSK + b"\0" + PASSWORD.ljust(65, b"\0")
    )
    if obscured:
        plain = bytes(a ^ FAST_CONNECT_KEY[i % 8] for i, a in enumerate(plain))
    return plain.ljust(4096, b"\xff")


def stock_dump(*, obscured: bool = False) -> bytes:
    """A BK7231N dump with the same secrets in every place where a real one has them."""
    wsm = b'{"ssid":"' + base64.b64encode(SSID) + b'","passwd":"%s","wfb64":1,"stat":3}\0' % TOKEN
    info = b'{"uuid":"invented0uuid","pk":"keyopenproduct00","swv":"1.2.3","token":"%s"}\0' % TOKEN
    blocks = (
        Block(0, {"gw_bi": info, "user_param_key": PINS.encode() + b"\0"}, 4),
        Block(1, {"gw_wsm": wsm, "tuya_seed": bytes(range(200, 232))}, 6, spare={20: TOKEN * 4}),
        Block(1, {"gw_wsm": wsm[::-1]}, 5),
    )
    flash = bytearray(b"\xff" * 0x200000)
    parts = {
        0x11000: b"program code " * 900,
        0x1D0000: radio(),
        0x1D1000: record(obscured=obscured),
        0x1D4000: PINS.encode(),
        0x1D6000: b"log: joined " + SSID + b" as " + MAC.hex(":").encode(),
        0x1ED000: protected_sector({"gw_wsm": wsm}, key=bytes(range(16))),
        0x1EE000: store(*blocks),
    }
    for at, data in parts.items():
        flash[at : at + len(data)] = data
    return bytes(flash)


@pytest.mark.parametrize("obscured", [False, True])
def test_a_stock_dump_keeps_its_pins_and_loses_its_secrets(obscured):
    flash = stock_dump(obscured=obscured)
    result = redact(flash, "BK7231N")
    assert result.proven
    assert len(result.data) == len(flash)
    whats = {item.what for item in result.removed}
    assert {
        "device key",
        "MAC",
        "network name",
        "gw_wsm.ssid",
        "gw_wsm.passwd",
        "tuya_seed",
    } <= whats
    after = find_store(result.data)
    assert after is not None
    assert after.findings == ()
    assert all(sector.sum_ok for sector in after.sectors)
    pins = after.get("user_param_key")
    assert pins is not None
    assert pins.text() == PINS
    info = after.get("gw_bi")
    assert info is not None
    assert info.text() == (
        '{"uuid":"xxxxxxxxxxxxx","pk":"keyopenproduct00","swv":"1.2.3","token":"xxxxxxxxxxxxxxx"}'
    )
    assert result.data[0x11000:0x1D0000] == flash[0x11000:0x1D0000]
    assert result.data[0x1D0000:0x1D0024] == flash[0x1D0000:0x1D0024]
    assert result.data[0x1D0024:0x1D002A] == MAC[:3] + bytes(3)
    assert result.data[0x1D4000:0x1D4010] == PINS.encode()[:16]


def test_the_proof_looks_into_every_place():
    """The same search finds the values in the dump before: it is not blind."""
    flash = stock_dump(obscured=True)
    result = redact(flash, "BK7231N")
    key = find_store(flash).device_key.reveal()
    before = leftovers(flash, result.removed, [key])
    found = {(item.what, item.form) for item in before}
    assert ("network name", "in a fast-connect record, as it is") in found
    assert ("gw_wsm.passwd", "in the enciphered store, as it is") in found
    assert ("gw_wsm.passwd", "in a protected sector, as it is") in found
    assert ("MAC", "hex with colons") in found
    assert ("MAC", "in a fast-connect record, backwards") in found


@pytest.mark.parametrize(
    "coded",
    [
        TOKEN, TOKEN[::-1], TOKEN.hex().encode(), TOKEN.hex().upper().encode(),
        TOKEN.decode().encode("utf-16-le"), base64.b64encode(TOKEN), base64.b64encode(b"a" + TOKEN),
        base64.b64encode(b"ab" + TOKEN + b"tail"),
    ],
)  # fmt: skip
def test_a_value_is_found_in_every_form(coded):
    removed = worth_hunting([("token", Secret(TOKEN))])
    assert leftovers(b"\xff" * 5000 + coded + b"\xff" * 99, removed)
    flash = bytearray(stock_dump())
    flash[0x150000 : 0x150000 + len(coded)] = coded
    assert redact(bytes(flash)).proven


def test_code_is_never_written_but_reported():
    flash = bytearray(stock_dump())
    flash[0x20000 : 0x20000 + len(TOKEN)] = TOKEN
    result = redact(bytes(flash), code=(Span.between(0x11000, 0x1D0000),))
    assert [(item.what, item.offset) for item in result.leftovers] == [("gw_wsm.passwd", 0x20000)]
    assert not result.proven


def test_an_openbeken_dump_keeps_its_pins_and_loses_its_secrets():
    placement = placement_of("BK7231N")
    config = dataclasses.replace(
        fresh_config(placement, MAC), wifi_ssid=SSID.decode(), wifi_password=Secret(PASSWORD.decode()),
        mqtt_host="broker.invented.example", mqtt_user="inventeduser", mac=MAC,
        mqtt_password=Secret("inventedmqtt"), pins=(PinSetting(26, 1, 1),),
        start_command=f"startDriver BL0942; MqttPassword {TOKEN.decode()}",
    )  # fmt: skip
    fs = LittleFS(block_size=4096, block_count=8, read_size=1, prog_size=1, cache_size=16,
                  lookahead_size=16, disk_version=0x20000)  # fmt: skip
    for text in (f"Password1 {PASSWORD.decode()}x\n", f"addEvent 1\nMqttHost {TOKEN.decode()}\n"):
        with fs.open("autoexec.bat", "w") as file:
            file.write(text)
    flash = bytearray(b"\xff" * 0x200000)
    address, sector = config_sector(config, placement)
    flash[address : address + 4096] = sector
    flash[0x1C8000:0x1D0000] = bytes(fs.context.buffer)
    result = redact(bytes(flash), "BK7231N")
    assert result.proven
    (found,) = find_configs(result.data, "BK7231N")
    assert found.config.checksum_ok
    assert found.config.pins == config.pins
    assert found.config.start_command == f"startDriver BL0942; MqttPassword {'x' * len(TOKEN)}"
    assert found.config.mqtt_user == "x" * 12
    (system,) = find_file_systems(result.data)
    assert system.get("autoexec.bat") == b"addEvent 1\nMqttHost " + b"x" * len(TOKEN) + b"\n"
    assert PASSWORD not in result.data


def test_commands_keep_their_length():
    text = "SSID1 my net; startDriver NTP\nsendGet http://10.1.2.3/x y"
    masked = masked_commands(text)
    assert len(masked) == len(text)
    assert masked.startswith("SSID1 xxxxxx; startDriver NTP\nsendGet xxx")


def test_removed_values_do_not_show():
    assert TOKEN.decode() not in repr(redact(stock_dump()))


@given(
    st.binary(min_size=10, max_size=300), st.lists(st.binary(min_size=4, max_size=9), max_size=9)
)
def test_the_search_finds_what_a_plain_search_finds(data, patterns):
    wanted = [data[3:8], *patterns]
    found = set(find_all(data, wanted))
    assert found == {
        (at, pattern)
        for pattern in set(wanted)
        for at in range(len(data))
        if data.startswith(pattern, at)
    }


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 0x20000), st.binary(max_size=30)), max_size=6))
def test_any_damage_still_gives_a_result(patches):
    flash = bytearray(stock_dump()[0x1D0000:])
    for start, data in patches:
        flash[start : start + len(data)] = data
    result = redact(bytes(flash[:0x30000]))
    assert len(result.data) == 0x30000


@pytest.mark.corpus
@pytest.mark.slow
def test_every_dump_is_proven_free_of_its_secrets_and_shows_the_same_pins():
    for path in sorted((corpus_folder() / "dumps").glob("*.bin.xz")):
        name = path.name.removesuffix(".bin.xz")
        flash = dump(name)
        chip = expected(name)["declared_chip"] or ""
        result = redact(flash, chip)
        assert result.proven, (name, result.leftovers[:3])
        before, after = find_store(flash), find_store(result.data)
        if before is not None:
            assert after is not None
            assert after.findings == (), name
            assert {v.name for v in after.values} == {v.name for v in before.values}
            assert pins_of(before) == pins_of(after), name
        for old, new in zip(
            find_configs(flash, chip), find_configs(result.data, chip), strict=True
        ):
            assert new.config.pins == old.config.pins
            assert new.config.checksum_ok == old.config.checksum_ok
        files = [(f.path, f.size) for s in find_file_systems(flash) for f in s.files]
        assert files == [(f.path, f.size) for s in find_file_systems(result.data) for f in s.files]


def pins_of(store_found):
    value = store_found.get("user_param_key")
    return value.text() if value is not None else None
