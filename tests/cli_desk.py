"""A command line in this process, and a desk with emulated modules that keep their flash."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from groundwire.cli import running
from groundwire.cli.main import entry
from groundwire.jobs import ports
from groundwire.jobs.emulate import make_emulator
from groundwire.jobs.ports import OpenedPort
from groundwire.link.trace import TracingPort
from groundwire.sim.bench import Adapter, BenchPort, Wiring
from groundwire.sim.faults import LineFaults
from groundwire.sim.modules import firmware_image, stock_flash


@dataclass(frozen=True)
class Ran:
    """One run of the command line."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Standard output as JSON lines; anything else on it is a failure."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def result(self) -> dict[str, Any]:
        """The last line, which must be the result and agree with the exit status."""
        last = self.lines[-1]
        assert last["type"] == "result"
        assert last["exit_code"] == self.code
        assert last["ok"] is (self.code == 0)
        assert [line["type"] for line in self.lines].count("result") == 1
        return last


Runner = Callable[..., Ran]


@pytest.fixture
def groundwire(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Runner:
    """Run the command line with these arguments."""
    for name in ("GROUNDWIRE_PORT", "GROUNDWIRE_BAUD", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: object) -> Ran:
        capsys.readouterr()
        code = entry([str(one) for one in arguments])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return Ran(code, captured.out, captured.err)

    return run


@dataclass
class Desk:
    """Modules by port name; each keeps its flash from one command to the next."""

    benches: dict[str, BenchPort] = field(default_factory=dict)

    def put(self, name: str, chip: str, flash: bytes | None = None) -> BenchPort:
        """A module on a port of this name, with hands that reset it when asked."""
        content = flash if flash is not None else stock_flash(chip)
        bench = BenchPort(make_emulator(chip, content), Adapter(wiring=Wiring.NONE))
        self.benches[name] = bench
        return bench

    def flash(self, name: str) -> bytes:
        """What the module on this port holds."""
        emulator: Any = self.benches[name].emulator
        return bytes(emulator.flash.data)

    def faults(self, name: str, faults: LineFaults) -> None:
        """From now on the line does this to bytes."""
        self.benches[name].faults = faults

    def open(self, name: str, *, trace: Path | None = None) -> OpenedPort:
        """What takes the place of `open_port`."""
        if name not in self.benches:
            return ports.open_port(name, trace=trace)
        bench = self.benches[name]
        return OpenedPort(bench if trace is None else TracingPort(bench, trace), bench)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    """An empty desk that the command line opens its ports on."""
    found = Desk()
    monkeypatch.setattr(running, "open_port", found.open)
    return found


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A release image for a BK7231N."""
    path = tmp_path / "release.bin"
    path.write_bytes(firmware_image("BK7231N"))
    return path
