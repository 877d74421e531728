"""The examples and the host builds are valid to the packaged ESPHome, and generate code."""

import pytest
from firmware_build import FIRMWARE, BuildError

pytestmark = pytest.mark.witness

BOARDS = sorted(
    path.relative_to(FIRMWARE).as_posix() for path in FIRMWARE.glob("esphome/examples/*.yaml")
)
HOSTS = sorted(
    path.relative_to(FIRMWARE).as_posix() for path in FIRMWARE.glob("tests/configs/host-*.yaml")
)


@pytest.mark.parametrize("path", BOARDS + HOSTS)
def test_configuration_is_valid(workshop, path):
    workshop.config(path)


@pytest.mark.slow
@pytest.mark.parametrize("path", [path for path in BOARDS if "esp32" not in path] + HOSTS)
def test_code_is_generated(workshop, path):
    main = (workshop.generate(path) / "main.cpp").read_text()
    assert main.count("shared_uart::Channel(") == 2
    assert "bl0942::BL0942()" in main


def test_examples_turn_the_reboot_pattern_off(workshop):
    board = (FIRMWARE / "esphome/examples/common/ct02.yaml").read_text()
    assert 'LT_AUTO_DOWNLOAD_REBOOT: "0"' in board


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (
            "pin: ${second_pin}",
            "pin: ${second_pin}\n      baud_rate: 19200",
            "up to 9600 baud only",
        ),
        (
            "pin: ${second_pin}",
            "pin:\n        number: ${second_pin}\n        mode: {output: true, open_drain: true}",
            "open drain does not work",
        ),
        ("pin: ${second_pin}", "pin: ${second_pin}\n      tx_uart_id: line", "sender"),
    ],
)
def test_what_cannot_work_is_refused(workshop, old, new, reason):
    text = (FIRMWARE / "esphome/examples/two-clamps-h1.yaml").read_text()
    path = "esphome/examples/refused.yaml"
    (workshop.folder / "firmware" / path).write_text(text.replace(old, new))
    with pytest.raises(BuildError, match=reason):
        workshop.config(path)


def test_reboot_pattern_left_on_is_warned_of(workshop):
    examples = workshop.folder / "firmware/esphome/examples"
    board = (examples / "common/ct02.yaml").read_text()
    (examples / "common/reboots.yaml").write_text(
        board.replace('LT_AUTO_DOWNLOAD_REBOOT: "0"', 'LT_AUTO_DOWNLOAD_REBOOT: "1"')
    )
    text = (examples / "two-clamps-h1.yaml").read_text().replace("ct02.yaml", "reboots.yaml")
    (examples / "reboots.yaml").write_text(text)
    assert "209 W" in workshop.say("config", "esphome/examples/reboots.yaml")
