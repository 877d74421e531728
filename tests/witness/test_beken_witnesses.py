"""Two other projects' tools, unchanged but for modem lines, work with the emulated modules.

They were written against real chips by people who never saw this emulator. Each tells what chip it
sees, reads 2 MiB, writes, and verifies what it wrote, over a pty at the pace of the wire. The speed
is one that only a pty can do: a 26 MHz clock over the smallest divisor.
"""

import importlib.util
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from groundwire.chips.beken.emulator import BekenEmulator
from groundwire.chips.beken.options import BekenOptions
from groundwire.chips.nor_flash import FlashTimings, NorFlash
from groundwire.jobs.emulate import HelpingHands
from groundwire.link.serve import Pace, PtyEndpoint, serve
from groundwire.sim.modules import stock_flash

SHIM = Path(__file__).parent / "tool_shim.py"
RATE = "5200000"
WITHIN_S = 60
PATIENCE_S = 0.6  # longer than the pauses that the tools make between two questions
WRITE_AT, WRITE_SIZE = 0x20000, 0xC000
FLASH_IDS = {"BK7231N": "eb6015", "BK7231T": "1c7015", "BK7238": "854215"}
# the work of the flash takes no time, so that the tools' own pace is what is waited for
INSTANT = FlashTimings(0, 0, 0, 0, 0, 0, 0.001, 1e9)
# a busy machine may stop a tool for longer than a loader waits
PATIENT = BekenOptions(idle_restart_s=3.0)

pytestmark = [pytest.mark.witness, pytest.mark.slow]


class Served:
    """A module on a pty, reset whenever a tool asks and hears nothing."""

    def __init__(self, chip):
        self.chip = chip
        self.flash = NorFlash(stock_flash(chip), FLASH_IDS[chip], timings=INSTANT)
        emulator = HelpingHands(BekenEmulator(chip, self.flash, PATIENT), PATIENCE_S)
        self.endpoint = PtyEndpoint()
        self._done = threading.Event()
        self._thread = threading.Thread(
            target=serve,
            args=(emulator, self.endpoint, self._done.is_set, Pace()),
            daemon=True,
        )
        self._thread.start()

    def close(self):
        self._done.set()
        self._thread.join()
        self.endpoint.close()

    def run(self, tool, *words):
        """What a tool says; it must end well."""
        command = [sys.executable, str(SHIM), tool, *words, "-d", self.endpoint.name]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=WITHIN_S, check=False)
        said = ran.stdout + ran.stderr
        assert ran.returncode == 0, said[-3000:]
        return said


@pytest.fixture(params=FLASH_IDS)
def served(request):
    module = Served(request.param)
    yield module
    module.close()


@pytest.fixture(autouse=True)
def tools():
    for name in ("bk7231tools", "ltchiptool"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed: it comes with the test extra")


@pytest.fixture
def new_bytes(tmp_path):
    """A file that differs from what any module holds, and what it holds."""
    data = bytes(range(251)) * (WRITE_SIZE // 251 + 1)
    path = tmp_path / "new.bin"
    path.write_bytes(data[:WRITE_SIZE])
    return path, data[:WRITE_SIZE]


def written(chip, data):
    flash = bytearray(stock_flash(chip))
    flash[WRITE_AT : WRITE_AT + len(data)] = data
    return bytes(flash)


def test_bk7231tools_identifies_reads_writes_and_verifies(served, tmp_path, new_bytes):
    said = served.run("bk7231tools", "chip_info")
    assert "Flash size: 0x200000" in said
    protocol = "BASIC_BEKEN" if served.chip == "BK7231T" else "FULL"
    assert f"Protocol: {protocol}" in said
    if protocol == "FULL":
        assert served.chip in said

    dump = tmp_path / "dump.bin"
    served.run("bk7231tools", "read_flash", "-b", RATE, str(dump))
    assert dump.read_bytes() == stock_flash(served.chip)

    path, data = new_bytes
    served.run("bk7231tools", "write_flash", "-b", RATE, "-s", hex(WRITE_AT), str(path))
    assert bytes(served.flash.data) == written(served.chip, data)


def test_ltchiptool_identifies_reads_writes_and_verifies(served, tmp_path, new_bytes):
    family = served.chip.lower()
    said = served.run("ltchiptool", "flash", "info", family)
    assert "2 MiB" in said
    if served.chip != "BK7231T":
        assert served.chip in said

    dump = tmp_path / "dump.bin"
    served.run("ltchiptool", "flash", "read", family, str(dump), "-b", RATE)
    assert dump.read_bytes() == stock_flash(served.chip)

    path, data = new_bytes
    served.run(
        "ltchiptool", "flash", "write", "-f", family, "-s", hex(WRITE_AT), "-b", RATE, str(path)
    )
    assert bytes(served.flash.data) == written(served.chip, data)
