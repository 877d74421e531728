"""Ctrl-C and kill on a real process at a real pty: stopped, resumable, and then finished."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from groundwire.cli.interrupts import Interrupts
from groundwire.jobs.emulate import EmulateOptions, HelpingHands, make_emulator
from groundwire.link.serve import PtyEndpoint, serve
from groundwire.sim.modules import application, bootloader, radio_sector, stock_flash

ENVIRONMENT = {**os.environ, "PYTHONPATH": ":".join(sys.path)}


def small_flash() -> bytes:
    """A module whose flash is mostly blank, so that little has to pass the line."""
    code = bootloader("BK7231N") + application("BK7231N", b"vendor 1.0.0", size=0x4000, seed=3)
    flash = bytearray(code.ljust(2 << 20, b"\xff"))
    flash[0x1D0000:0x1D1000] = radio_sector()
    return bytes(flash)


@pytest.fixture
def small_image(tmp_path: Path) -> Path:
    """A release image with a small program."""
    path = tmp_path / "small.bin"
    text = b"OpenBK7231N 1.18.300 Aug  2 2026 19:38:04"
    app = application("BK7231N", text, size=0x8000, seed=7)
    path.write_bytes(bootloader("BK7231N") + app)
    return path


class Served:
    """An emulated module on a pty, with its flash at hand."""

    def __init__(self) -> None:
        self.emulator: Any = make_emulator("BK7231N", small_flash())
        self.endpoint = PtyEndpoint()
        self._stop = False
        hands = HelpingHands(self.emulator, EmulateOptions().hands_s)
        self._thread = threading.Thread(
            target=serve, args=(hands, self.endpoint, lambda: self._stop)
        )
        self._thread.start()

    @property
    def flash(self) -> bytes:
        return bytes(self.emulator.flash.data)

    def end(self) -> None:
        self._stop = True
        self._thread.join()
        self.endpoint.close()


@pytest.fixture
def served() -> Iterator[Served]:
    """A module that other processes reach."""
    made = Served()
    yield made
    made.end()


def start(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "groundwire", *map(str, arguments)],
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def stop_when(process: subprocess.Popen[str], wanted: str, number: int) -> list[dict[str, Any]]:
    """Send a signal when a line of JSON contains a text; all lines of standard output."""
    rows = []
    sent = False
    assert process.stdout is not None
    for line in process.stdout:
        rows.append(json.loads(line))
        if wanted in line and not sent:
            sent = True
            process.send_signal(number)
    process.communicate()
    assert sent, rows[-3:]
    return rows


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_write_is_stopped_and_finished_by_the_same_command(
    number: int, served: Served, small_image: Path, tmp_path: Path
) -> None:
    before = served.flash
    image = small_image
    command = ("free", image, "-p", served.endpoint.name, "--yes", "--folder", tmp_path, "--json")
    stopped = start(*command)
    rows = stop_when(stopped, '"action": "write"', number)
    assert stopped.returncode == rows[-1]["exit_code"] == 9, rows[-1]
    assert rows[-1]["error"]["code"] == "stopped.resumable"
    folder = Path(rows[-1]["error"]["fields"]["folder"])
    assert (folder / "backup.bin").read_bytes() == before
    assert "not done" in (folder / "report.md").read_text()
    assert json.loads((folder / "report.json").read_text())["exit_code"] == 9

    again = start(*command)
    out, _ = again.communicate()
    last = json.loads(out.splitlines()[-1])
    assert (again.returncode, last["resumed"]) == (0, True), last
    assert last["folder"] == str(folder)
    data = image.read_bytes()
    assert served.flash[0x11000 : len(data)] == data[0x11000:]
    assert served.flash[len(data) + 0x1000 :] == before[len(data) + 0x1000 :]
    names = {path.name for path in folder.iterdir()}
    assert {"report.md", "report.json", "trace.jsonl", "trace-2.jsonl", "journal.jsonl"} <= names
    assert "done and proven" in (folder / "report.md").read_text()


@pytest.mark.slow
def test_a_killed_write_is_finished_by_the_same_command(
    served: Served, small_image: Path, tmp_path: Path
) -> None:
    flags = ("-p", served.endpoint.name, "--yes", "--folder", tmp_path, "--json")
    killed = start("free", small_image, *flags)
    assert killed.stdout is not None
    for line in killed.stdout:
        if '"action": "write"' in line:
            killed.kill()
            break
    killed.communicate()
    (folder,) = (path for path in tmp_path.iterdir() if path.is_dir())
    assert {"backup.bin", "journal.jsonl", "trace.jsonl"} <= {
        path.name for path in folder.iterdir()
    }
    again = start("free", small_image, *flags)
    last = json.loads(again.communicate()[0].splitlines()[-1])
    assert (again.returncode, last["resumed"], last["folder"]) == (0, True, str(folder)), last
    data = small_image.read_bytes()
    assert served.flash[0x11000 : len(data)] == data[0x11000:]


@pytest.mark.slow
def test_stopping_a_backup_leaves_nothing(served: Served, tmp_path: Path) -> None:
    process = start("backup", "-p", served.endpoint.name, "-o", tmp_path / "b.bin", "--json")
    rows = stop_when(process, '"action": "backup"', signal.SIGINT)
    assert process.returncode == rows[-1]["exit_code"] == 130
    assert list(tmp_path.iterdir()) == []


def test_stopping_while_waiting_for_hands() -> None:
    endpoint = PtyEndpoint()
    process = start("identify", "-p", endpoint.name, "--json")
    rows = stop_when(process, "need-hands", signal.SIGINT)
    endpoint.close()
    assert process.returncode == rows[-1]["exit_code"] == 130
    assert rows[-1]["error"]["what"] == "cancelled"


def test_emulate_ends_well_on_a_signal() -> None:
    process = start("emulate", "bk7231n", "--json")
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())
    assert first["type"] == "serving"
    assert Path(first["port"]).exists()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert json.loads(out.splitlines()[-1])["ok"] is True


def test_an_emulated_line_is_unplugged_and_its_flash_is_kept(tmp_path: Path) -> None:
    saved = tmp_path / "flash.bin"
    process = start(
        "emulate", "bk7231n", "--hands", "0.2", "--unplug-after", "9000", "--save", saved
    )
    assert process.stdout is not None
    port = process.stdout.readline().strip()
    reading = start("read", "0+0x10000", tmp_path / "part", "-p", port, "-b", "115200", "--json")
    out, _ = reading.communicate()
    assert reading.returncode == 3
    assert json.loads(out.splitlines()[-1])["error"]["code"] == "port.unplugged"
    process.communicate()
    assert process.returncode == 0
    assert saved.read_bytes() == stock_flash("BK7231N")
    assert not (tmp_path / "part").exists()


def test_the_first_signal_asks_and_the_second_forces() -> None:
    with Interrupts(quiet=True) as interrupts:
        assert not interrupts.stop()
        signal.raise_signal(signal.SIGINT)
        assert interrupts.stop()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_signal_at_a_question_is_an_answer() -> None:
    with Interrupts() as interrupts:
        with pytest.raises(KeyboardInterrupt), interrupts.asking():
            signal.raise_signal(signal.SIGINT)
        assert not interrupts.stop()


@pytest.mark.slow
def test_a_forced_stop_of_a_write_is_resumable(
    served: Served, small_image: Path, tmp_path: Path
) -> None:
    flags = ("-p", served.endpoint.name, "--yes", "--folder", tmp_path, "--json")
    command = ("write", small_image, *flags)
    process = start(*command)
    assert process.stdout is not None
    rows = []
    for line in process.stdout:
        rows.append(json.loads(line))
        if '"action": "write"' in line:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == rows[-1]["exit_code"] == 9
