"""What `groundwire ports` makes of adapters."""

from __future__ import annotations

import pytest

from cli_desk import Runner
from groundwire.cli import ports
from groundwire.link.discover import Access, Adapter, Holder
from groundwire.tables.usb_adapters import find_usb_adapter

CH340 = Adapter(
    device="/dev/ttyUSB0",
    description="USB Serial \x1b[31m",
    maker="QinHeng",
    serial="S1",
    vid="1a86",
    pid="7523",
    driver="ch341-uart",
    known=find_usb_adapter("1a86", "7523"),
    access=Access(allowed=False, group="dialout", remedy="run: sudo usermod -aG dialout me"),
    holders=(Holder(4711, "minicom"),),
    advice=("mind the jumper",),
)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> None:
    """One adapter that is denied and held, one without a port, brltty running."""
    monkeypatch.setattr(ports, "find_adapters", lambda: (CH340,))
    monkeypatch.setattr(ports, "usb_hints", lambda: ("a CH340 is plugged in but has no port",))
    monkeypatch.setattr(ports, "meddlers", lambda: ("brltty is running",))


def test_the_table(bench: None, groundwire: Runner) -> None:
    ran = groundwire("ports")
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "/dev/ttyUSB0  CH340",
        "    described as     QinHeng USB Serial \\x1b[31m",
        "    USB id           1a86:7523",
        "    serial number    S1",
        "    driver           ch341-uart",
        "    top speed        2000000 baud (datasheet)",
        "    you may open it  no; run: sudo usermod -aG dialout me",
        "    held by          minicom (process 4711)",
        "    note: mind the jumper",
        "warning: a CH340 is plugged in but has no port",
        "warning: brltty is running",
    ]


def test_as_json(bench: None, groundwire: Runner) -> None:
    (adapter,) = groundwire("ports", "--json").result["adapters"]
    assert adapter["holders"] == [{"pid": 4711, "name": "minicom"}]
    assert adapter["access"]["allowed"] is False
    assert adapter["top_rate"] == 2_000_000


def test_none(groundwire: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("find_adapters", "usb_hints", "meddlers"):
        monkeypatch.setattr(ports, name, tuple)
    ran = groundwire("ports")
    assert (ran.code, ran.out) == (0, "no serial adapter is present; plug one in and look again\n")
