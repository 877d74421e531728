"""write and free with an OpenBeken configuration: what the module holds afterwards."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli_desk import Desk, Runner
from groundwire.chips.family import Identity, Piece, Placement
from groundwire.errors import UnsupportedHere
from groundwire.jobs.provision import config_place, with_piece
from groundwire.openbeken.search import find_configs
from groundwire.openbeken.view import config_fields
from groundwire.quantities import Span
from groundwire.sim.modules import firmware_image
from stock_dump import stock_dump

PORT = "desk"
PASSWORD = "a secret for the air"
BROKER = "a secret for the broker"
NETWORK = ("--wifi", "home net", "--mqtt", "192.0.2.9", "--mqtt-user", "plug")


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords in the environment."""
    monkeypatch.setenv("GROUNDWIRE_WIFI_PASSWORD", PASSWORD)
    monkeypatch.setenv("GROUNDWIRE_MQTT_PASSWORD", BROKER)


def configured(desk: Desk, chip: str = "BK7231N") -> dict[str, object]:
    """The configuration that the module's firmware would find."""
    (found,) = [one for one in find_configs(desk.flash(PORT), chip) if one.expected_here]
    return config_fields(found.config, show_secrets=True)


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize("verb", ["write", "free"])
def test_the_module_joins_at_its_first_start_with_its_pins(
    verb: str, groundwire: Runner, desk: Desk, image: Path, tmp_path: Path
) -> None:
    before = stock_dump()
    desk.put(PORT, "BK7231N", before)
    flags = ("-p", PORT, "--yes", "--folder", tmp_path / "job")
    ran = groundwire(verb, image, *flags, *NETWORK, "--template", "auto", "--json")
    assert ran.code == 0, ran
    assert ran.result["proven"] is True
    fields = configured(desk)
    wanted = {
        "wifi_ssid": "home net", "wifi_password": PASSWORD, "mqtt_host": "192.0.2.9",
        "mqtt_port": 1883, "mqtt_user": "plug", "mqtt_password": BROKER, "checksum_ok": True,
        "short_name": "obk5E100001",
    }  # fmt: skip
    assert {name: fields[name] for name in wanted} == wanted
    assert fields["pins"] == {
        "P6": "BL0937CF1;0", "P7": "BL0937CF;0", "P8": "WifiLED_n;0", "P10": "Btn;1",
        "P24": "BL0937SEL;0", "P26": "Rel;1",
    }  # fmt: skip
    after = desk.flash(PORT)
    assert after[0x1D0000:0x1D1000] == before[0x1D0000:0x1D1000]  # the radio calibration
    assert after[0x1D2000:] == before[0x1D2000:]
    said = ran.out + ran.err
    assert PASSWORD not in said
    assert BROKER not in said
    assert "at its first start the module joins 'home net', MQTT at 192.0.2.9:1883" in said
    for path in (tmp_path / "job").rglob("*"):
        if path.suffix in {".md", ".json"}:
            assert PASSWORD not in path.read_text(), path


@pytest.mark.usefixtures("secrets")
def test_the_plan_shows_the_sector_and_a_dry_run_writes_nothing(
    groundwire: Runner, desk: Desk, image: Path
) -> None:
    before = stock_dump()
    desk.put(PORT, "BK7231N", before)
    ran = groundwire("write", image, "-p", PORT, "--dry-run", *NETWORK)
    assert ran.code == 0, ran
    assert "1 sectors: OpenBeken configuration" in ran.out
    assert desk.flash(PORT) == before


def test_pins_from_a_template_and_passwords_from_files(
    groundwire: Runner, desk: Desk, image: Path, tmp_path: Path
) -> None:
    desk.put(PORT, "BK7231N")
    template = tmp_path / "t.json"
    content = {"chip": "BK7231N", "flags": "1024", "command": "", "pins": {"14": "Rel;3"}}
    template.write_text(json.dumps(content))
    (tmp_path / "air").write_text(f"{PASSWORD}\r\nsecond line")
    flags = ("-p", PORT, "--yes", "--folder", tmp_path / "job", "--template", template)
    ran = groundwire(
        "write", image, *flags, "--wifi", "n", "--wifi-password-file", tmp_path / "air",
        "--name", "lamp",
    )  # fmt: skip
    assert ran.code == 0, ran
    fields = configured(desk)
    assert fields["wifi_password"] == PASSWORD
    assert fields["pins"] == {"P14": "Rel;3"}
    assert fields["short_name"] == "lamp"


@pytest.mark.usefixtures("secrets")
def test_a_second_configuration_keeps_what_the_first_had(
    groundwire: Runner, desk: Desk, image: Path, tmp_path: Path
) -> None:
    desk.put(PORT, "BK7231N", stock_dump())
    flags = ("-p", PORT, "--yes", "--folder", tmp_path / "job")
    assert groundwire("write", image, *flags, *NETWORK, "--template", "auto").code == 0
    assert groundwire("write", image, *flags, "--mqtt", "broker.invalid").code == 0
    fields = configured(desk)
    assert (fields["wifi_password"], fields["mqtt_host"]) == (PASSWORD, "broker.invalid")
    assert len(fields["pins"]) == 6  # type: ignore[arg-type]
    assert fields["change_counter"] == 2


@pytest.mark.usefixtures("secrets")
def test_an_image_with_a_configuration_of_its_own_gets_ours(
    groundwire: Runner, desk: Desk, tmp_path: Path
) -> None:
    data = bytearray(firmware_image("BK7231T").ljust(0x1E2000, b"\xff"))
    data[0x1E1000:0x1E2000] = b"CFG" + bytes(4093)
    path = tmp_path / "with-config.bin"
    path.write_bytes(data)
    desk.put(PORT, "BK7231T")
    ran = groundwire("write", path, "-p", PORT, "--yes", "--folder", tmp_path / "j", *NETWORK)
    assert ran.code == 0, ran
    assert configured(desk, "BK7231T")["wifi_ssid"] == "home net"


@pytest.mark.parametrize(
    ("flags", "code", "text"),
    [
        (("--wifi", "n"), 2, "GROUNDWIRE_WIFI_PASSWORD"),
        (("--mqtt", "h", "--mqtt-user", "u"), 2, "GROUNDWIRE_MQTT_PASSWORD"),
        (("--wifi-open",), 2, "--wifi-open needs --wifi"),
        (("--mqtt-user", "u"), 2, "--mqtt-user needs --mqtt"),
        (("--wifi", "n" * 99, "--wifi-open"), 2, "is not at most 32 bytes"),
        (("--template", "/nowhere/template"), 2, "cannot read"),
        (("--template", "{text}"), 2, "is not JSON"),
        (("--mqtt", "h", "--mqtt-port", "70000"), 2, "not between"),
        (("--template", "auto"), 7, "taking the pins from the backup"),
    ],
)
def test_what_is_refused(
    flags: tuple[str, ...], code: int, text: str, groundwire: Runner, desk: Desk, image: Path,
    tmp_path: Path,
) -> None:  # fmt: skip
    desk.put(PORT, "BK7231N")
    before = desk.flash(PORT)
    words = [word.replace("{text}", __file__) for word in flags]
    ran = groundwire("write", image, "-p", PORT, "--yes", "--folder", tmp_path / "j", *words)
    assert (ran.code, text in ran.err) == (code, True), ran
    assert ("getting the module to answer" in ran.err) is (code == 7)
    assert desk.flash(PORT) == before


@pytest.mark.usefixtures("secrets")
def test_only_openbeken_is_configured_and_only_where_it_has_a_sector(
    groundwire: Runner, desk: Desk, tmp_path: Path
) -> None:
    desk.put(PORT, "BK7231N")
    before = desk.flash(PORT)
    vendor = tmp_path / "vendor.bin"
    vendor.write_bytes(stock_dump())
    flags = ("-p", PORT, "--yes", "--folder", tmp_path / "j", *NETWORK, "--json")
    ran = groundwire("write", vendor, *flags)
    assert (ran.code, ran.result["error"]["code"]) == (6, "image.unknown")
    assert "only OpenBeken reads" in ran.result["error"]["what"]
    assert desk.flash(PORT) == before


def test_a_platform_without_a_sector_for_it_is_refused() -> None:
    identity = Identity("bouffalo", "BL602", "loader", 2 << 20, "test")
    with pytest.raises(UnsupportedHere, match="in a store, not in a flash sector") as failed:
        config_place(identity)
    assert "access point" in failed.value.next_step


def test_a_piece_takes_the_place_of_what_the_image_has_there() -> None:
    image = Piece(0x1000, bytes(range(256)) * 48, "image")
    placement = Placement("x", (image,), ((Span(0x4000, 0x4000), "fills"),))
    made = with_piece(placement, Piece(0x2000, b"c" * 0x1000, "config"))
    assert [(piece.address, len(piece.data), piece.why) for piece in made.pieces] == [
        (0x1000, 0x1000, "image"), (0x2000, 0x1000, "config"), (0x3000, 0x1000, "image"),
    ]  # fmt: skip
    whole = b"".join(piece.data for piece in made.pieces)
    assert whole[:0x1000] + whole[0x2000:] == image.data[:0x1000] + image.data[0x2000:]
    made = with_piece(placement, Piece(0x5000, b"c" * 0x1000, "config"))
    assert made.left_out == ((Span(0x4000, 0x1000), "fills"), (Span(0x6000, 0x2000), "fills"))
