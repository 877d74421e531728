"""The pages about two clamps say what the code says."""

import subprocess
import sys
from pathlib import Path

from firmware_build import FIRMWARE

from groundwire.meter.bl0942 import bus

REPOSITORY = FIRMWARE.parent


def test_openbeken_page_is_current():
    script = REPOSITORY / "scripts" / "generate_openbeken_page.py"
    subprocess.run([sys.executable, script, "--check"], check=True)


def test_every_example_is_in_the_page():
    page = (REPOSITORY / "docs/two-clamps.md").read_text()
    examples = sorted(path.name for path in (FIRMWARE / "esphome/examples").glob("*.yaml"))
    assert len(examples) == 5
    assert [name for name in examples if name not in page] == []


def test_safety_comes_first():
    page = (REPOSITORY / "docs/two-clamps.md").read_text()
    assert page.index("mains potential") < page.index("## What to solder")


def test_both_sides_of_the_bus_use_the_same_words_and_numbers():
    """The Python bus and the component are one design: a change of one has to be made in the other."""
    component = FIRMWARE / "esphome/components/shared_uart"
    line = (component / "line.cpp").read_text()
    ours = {loss.value for loss in bus.Loss}
    missing = {word for word in ours if f'"{word}"' not in line}
    assert missing == set()
    assert f"FIRST_TAG = 0x{bus.FIRST_TAG:X}" in (component / "chip.h").read_text()
    channel = (component / "channel.cpp").read_text()
    assert f"BREAK_AFTER = {bus.BREAK_AFTER};" in channel
    assert f"REST_AFTER = {bus.REST_AFTER};" in channel
    assert f"REST_MS = {bus.REST_S * 1000:.0f};" in channel
    assert f"CHECK_EVERY_MS = {bus.CHECK_EVERY_S * 1000:.0f};" in channel


def test_nothing_of_esphome_is_copied():
    ours = {path.name for path in Path(FIRMWARE).rglob("*.cpp")}
    assert not ours & {"bl0942.cpp", "uart_component.cpp", "application.cpp"}
