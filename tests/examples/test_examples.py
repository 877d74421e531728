"""The examples run as a reader would run them, on emulated modules."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from groundwire.sim.modules import firmware_image, stock_flash

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(name: str, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, EXAMPLES / name, *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_identify_module() -> None:
    assert "BK7231N with 2 MiB, MAC 02:00:5E:10:00:01" in run("identify_module.py")


def test_back_up_module(tmp_path: Path) -> None:
    backup = tmp_path / "mine.bin"
    shown = run("back_up_module.py", str(backup))
    assert backup.read_bytes() == stock_flash("BK7231T")
    assert shown.startswith("2097152 bytes, SHA-256 ")


def test_plan_without_module(tmp_path: Path) -> None:
    image, dump = tmp_path / "image", tmp_path / "dump"
    image.write_bytes(firmware_image("BK7231N"))
    dump.write_bytes(stock_flash("BK7231N"))
    lines = run("plan_without_module.py", str(image), str(dump)).splitlines()
    assert lines[0] == "0x011000 erase and program: application"
    assert all(int(line.split()[0], 16) < 0x12A000 for line in lines)


def test_every_example_is_run_here() -> None:
    tested = Path(__file__).read_text()
    assert all(path.name in tested for path in EXAMPLES.glob("*.py"))
