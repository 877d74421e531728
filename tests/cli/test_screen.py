"""What each kind of screen makes of the events of a job."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import select
import subprocess
import sys
from pathlib import Path

import pytest

from groundwire.cli.options import Settings
from groundwire.cli.screen import JsonScreen, PlainScreen, make_screen
from groundwire.events import (
    Attempt,
    Event,
    Heard,
    NeedHands,
    Notice,
    Phase,
    Progress,
    Severity,
)

EVENTS: list[Event] = [
    Phase("link", "getting the module to answer"),
    Attempt("lines", "pulsing RTS"),
    NeedHands("pull CEN", 60.0),
    NeedHands("pull CEN", 59.0),
    NeedHands("pull CEN", 49.0),
    Heard("boot text", "text '\x1b[31m[bold]x'", "hold CEN"),
    Notice("careful", Severity.WARNING),
    Phase("backup", "reading"),
    *(Progress("backup", done, 100) for done in range(0, 101, 5)),
]


def test_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with PlainScreen() as screen:
        for event in EVENTS:
            screen.tell(event)
        screen.result("x", ["done \x1b[1m"], {})
    captured = capsys.readouterr()
    assert captured.err.splitlines() == [
        "-- getting the module to answer",
        "   trying: pulsing RTS",
        "   >> pull CEN",
        "   waiting, 60 s left",
        "   waiting, 49 s left",
        "   heard: text '\\x1b[31m[bold]x'",
        "          hold CEN",
        "   warning: careful",
        "-- reading",
        "   backup: 25 %",
        "   backup: 50 %",
        "   backup: 75 %",
        "   backup: 100 %",
    ]
    assert captured.out == "done \\x1b[1m\n"


def test_json_lines_are_one_for_each_event(capsys: pytest.CaptureFixture[str]) -> None:
    with JsonScreen() as screen:
        for event in EVENTS:
            screen.tell(event)
        screen.result("x", ["ignored"], {"a": 1})
    captured = capsys.readouterr()
    rows = [json.loads(line) for line in captured.out.splitlines()]
    assert len(rows) == len(EVENTS) + 1
    assert rows[5] == {
        "type": "heard",
        "kind": "boot text",
        "detail": "text '\x1b[31m[bold]x'",
        "next_step": "hold CEN",
    }
    assert rows[-1] == {"type": "result", "ok": True, "exit_code": 0, "verb": "x", "a": 1}
    assert captured.out.isascii()
    assert "\x1b" not in captured.out
    assert captured.err == ""


def test_without_a_terminal_lines_are_plain() -> None:
    assert isinstance(make_screen(Settings()), PlainScreen)
    assert isinstance(make_screen(Settings(is_json=True)), JsonScreen)


def on_terminal(environment: dict[str, str], *arguments: str) -> str:
    """What a command shows on a terminal."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "groundwire", *arguments],
        stdin=slave, stdout=slave, stderr=slave,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": ":".join(sys.path), **environment},
    )  # fmt: skip
    os.close(slave)
    out = b""
    with contextlib.suppress(OSError):  # EIO: the other side is closed
        while process.poll() is None or select.select([master], [], [], 0.1)[0]:
            if select.select([master], [], [], 0.1)[0]:
                out += os.read(master, 65536)
    process.wait()
    os.close(master)
    assert process.returncode == 0, out
    return out.decode()


COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize(
    ("environment", "flags", "coloured"),
    [
        ({"TERM": "xterm"}, (), True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, (), False),
        ({"TERM": "xterm"}, ("--no-color",), False),
        ({"TERM": "dumb"}, (), False),
    ],
)
def test_a_terminal_is_coloured_only_where_it_may_be(
    environment: dict[str, str], flags: tuple[str, ...], coloured: bool, tmp_path: Path
) -> None:
    shown = on_terminal(environment, "demo", "--folder", str(tmp_path), *flags)
    assert bool(COLOUR.search(shown)) is coloured
    plain = COLOUR.sub("", shown)
    assert "0x00000 |bbbbbbbbbbbbbbbbb####" in plain
    assert "done, and proven" in plain
    assert "no hardware was involved" in plain
    if environment["TERM"] == "dumb":
        assert "\x1b" not in shown
