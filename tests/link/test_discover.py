"""Adapters as a small made-up system shows them."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from groundwire.errors import PortBusy, PortDenied, PortMissing
from groundwire.link import discover
from groundwire.link.discover import System, explain_opening, find_adapters, meddlers, usb_hints
from groundwire.tables.load import EvidenceKind
from groundwire.tables.usb_adapters import find_usb_adapter, usb_adapters


@dataclass
class Made:
    """A system in a folder."""

    root: Path

    @property
    def system(self) -> System:
        return System(self.root / "sys", self.root / "dev", self.root / "proc")

    def write(self, path: str, text: str) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text + "\n")

    def link(self, path: str, target: str) -> None:
        where = self.root / path
        where.parent.mkdir(parents=True, exist_ok=True)
        where.symlink_to(self.root / target)

    def usb(self, at: str, vid: str, pid: str, **texts: str) -> None:
        self.write(f"sys/devices/usb1/{at}/idVendor", vid)
        self.write(f"sys/devices/usb1/{at}/idProduct", pid)
        for name, text in texts.items():
            self.write(f"sys/devices/usb1/{at}/{name}", text)
        self.link(f"sys/bus/usb/devices/{at}", f"sys/devices/usb1/{at}")
        (self.root / f"sys/devices/usb1/{at}/{at}:1.0").mkdir()

    def tty(self, name: str, at: str, driver: str) -> None:
        folder = f"sys/devices/usb1/{at}/{at}:1.0/{name}"
        (self.root / folder).mkdir(parents=True)
        (self.root / f"sys/drivers/{driver}").mkdir(parents=True, exist_ok=True)
        self.link(f"{folder}/driver", f"sys/drivers/{driver}")
        self.link(f"sys/class/tty/{name}/device", folder)
        self.write(f"dev/{name}", "")

    def process(self, number: int, name: str, *files: str) -> None:
        self.write(f"proc/{number}/comm", name)
        for at, file in enumerate(files):
            self.link(f"proc/{number}/fd/{at}", file)


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """An empty system."""
    found = Made(tmp_path)
    for folder in ("sys/class/tty", "dev", "proc"):
        (tmp_path / folder).mkdir(parents=True)
    return found


def test_a_known_adapter(made: Made) -> None:
    made.usb("1-4", "1a86", "7523", product="USB Serial", manufacturer="QinHeng", serial="S1")
    made.tty("ttyUSB0", "1-4", "ch341-uart")
    made.link("dev/serial/by-id/usb-1a86_USB_Serial-if00-port0", "dev/ttyUSB0")
    (adapter,) = find_adapters(made.system)
    assert adapter.device == str(made.root / "dev/ttyUSB0")
    assert (adapter.description, adapter.maker, adapter.serial) == ("USB Serial", "QinHeng", "S1")
    assert (adapter.vid, adapter.pid, adapter.driver) == ("1a86", "7523", "ch341-uart")
    assert adapter.known is not None
    assert adapter.known.name == "CH340"
    assert adapter.stable_name.endswith("usb-1a86_USB_Serial-if00-port0")
    assert adapter.access.allowed
    assert "brltty" in adapter.advice[0]


def test_ports_are_in_the_order_of_their_numbers(made: Made) -> None:
    made.usb("1-1", "0403", "6001")
    for number in (10, 2, 1):
        made.tty(f"ttyUSB{number}", "1-1", "ftdi_sio")
    names = [Path(one.device).name for one in find_adapters(made.system)]
    assert names == ["ttyUSB1", "ttyUSB2", "ttyUSB10"]


def test_places_without_a_uart_are_left_out(made: Made) -> None:
    for name, kind in (("ttyS0", "4"), ("ttyS1", "0")):
        (made.root / f"sys/devices/{name}").mkdir(parents=True)
        made.link(f"sys/class/tty/{name}/device", f"sys/devices/{name}")
        made.write(f"sys/class/tty/{name}/type", kind)
        made.write(f"dev/{name}", "")
    (made.root / "sys/class/tty/tty0").mkdir()
    (adapter,) = find_adapters(made.system)
    assert adapter.device.endswith("ttyS0")
    assert adapter.vid == ""


def test_a_slow_latency_timer_is_told(made: Made) -> None:
    made.usb("1-1", "0403", "6001")
    made.tty("ttyUSB0", "1-1", "ftdi_sio")
    made.write("sys/devices/usb1/1-1/1-1:1.0/ttyUSB0/latency_timer", "16")
    (adapter,) = find_adapters(made.system)
    assert adapter.latency_ms == 16
    assert "/sys/class/tty/ttyUSB0/device/latency_timer" in adapter.advice[0]


def test_holders_are_found(made: Made) -> None:
    made.usb("1-1", "10c4", "ea60")
    made.tty("ttyUSB0", "1-1", "cp210x")
    made.process(999_001, "minicom", "dev/null", "dev/ttyUSB0")
    made.process(999_002, "bash", "dev/null")
    (adapter,) = find_adapters(made.system)
    assert [str(one) for one in adapter.holders] == ["minicom (process 999001)"]
    busy = explain_opening(PortBusy(port=adapter.device), made.system)
    assert "is in use by minicom (process 999001)" in busy.what


def test_meddlers_are_told(made: Made) -> None:
    assert meddlers(made.system) == ()
    made.process(7, "brltty")
    made.process(8, "ModemManager")
    texts = meddlers(made.system)
    assert "brltty" in texts[0]
    assert "systemctl stop ModemManager" in texts[1]


def test_an_adapter_without_a_port(made: Made) -> None:
    made.usb("1-2", "1a86", "7523")
    made.usb("1-3", "0403", "6001")
    made.tty("ttyUSB0", "1-3", "ftdi_sio")
    (hint,) = usb_hints(made.system)
    assert hint.startswith("a CH340 is plugged in (USB 1-2) but has no port")
    assert "sudo modprobe ch341" in hint
    made.process(7, "brltty")
    (hint,) = usb_hints(made.system)
    assert "brltty took it away" in hint


def test_a_port_of_the_usb_core_counts_as_a_port(made: Made) -> None:
    made.usb("1-2", "1a86", "55d4")
    (made.root / "sys/devices/usb1/1-2/1-2:1.0/tty/ttyACM0").mkdir(parents=True)
    assert usb_hints(made.system) == ()


def test_a_missing_port_names_those_that_are_there(made: Made) -> None:
    made.usb("1-3", "0403", "6001")
    made.tty("ttyUSB0", "1-3", "ftdi_sio")
    error = explain_opening(PortMissing(port="/dev/ttyUSB5"), made.system)
    assert "ttyUSB0" in error.means
    assert "another name" in error.means


def test_a_network_port_is_left_as_it_is(made: Made) -> None:
    error = PortMissing(port="socket://x:1")
    assert explain_opening(error, made.system) is error


def test_a_closed_port_says_which_group(made: Made) -> None:
    port = made.root / "dev/ttyUSB0"
    made.write("dev/ttyUSB0", "")
    port.chmod(0o660)
    error = explain_opening(PortDenied(port=str(port)), made.system)
    assert isinstance(error, PortDenied)
    assert error.group == discover.access_of(port).group != ""


@pytest.mark.skipif(os.geteuid() != 0, reason="must become another user")
@pytest.mark.parametrize(
    ("mode", "remedy"), [(0o660, "usermod -aG"), (0o600, "only its owner may open it")]
)
def test_another_user_is_told_what_to_do(mode: int, remedy: str, tmp_path: Path) -> None:
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == 0 and folder not in (Path("/"), Path("/tmp")):
            folder.chmod(0o755)
    port = tmp_path / "ttyUSB0"
    port.write_text("")
    port.chmod(mode)
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from groundwire.link.discover import access_of\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "access = access_of(Path(sys.argv[1]))\n"
        "print(access.allowed, access.remedy)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(port)], capture_output=True, text=True, check=True
    )
    assert ran.stdout.startswith("False ")
    assert remedy in ran.stdout


def test_hostile_texts_of_a_device_are_bounded(made: Made) -> None:
    made.usb("1-1", "0403", "6001", product="x" * 100_000, serial="\x1b[2J")
    made.tty("ttyUSB0", "1-1", "ftdi_sio")
    made.write("sys/devices/usb1/1-1/1-1:1.0/ttyUSB0/latency_timer", "not a number")
    (adapter,) = find_adapters(made.system)
    assert len(adapter.description) <= 120
    assert adapter.latency_ms is None


def test_a_system_without_anything(tmp_path: Path) -> None:
    nothing = System(tmp_path / "a", tmp_path / "b", tmp_path / "c")
    assert find_adapters(nothing) == ()
    assert usb_hints(nothing) == ()
    assert meddlers(nothing) == ()


def test_this_machine_can_be_looked_at() -> None:
    assert isinstance(find_adapters(), tuple)
    assert isinstance(usb_hints(), tuple)


def test_the_table_of_adapters() -> None:
    rows = usb_adapters()
    ids = [(row.vid, row.pid) for row in rows]
    assert len(set(ids)) == len(ids)
    for row in rows:
        assert len(row.vid) == len(row.pid) == 4
        assert int(row.vid + row.pid, 16) > 0
        assert (row.vid + row.pid).islower() or (row.vid + row.pid).isdigit()
        assert 115_200 <= row.top_rate <= 12_000_000
        assert row.source
        assert row.evidence in EvidenceKind
    assert find_usb_adapter("1A86", "7523") is not None
    assert find_usb_adapter("ffff", "ffff") is None
