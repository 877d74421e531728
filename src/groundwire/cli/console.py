"""groundwire console."""

from __future__ import annotations

import os
import select
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from groundwire.cli.interrupts import Interrupts
from groundwire.cli.listening import open_plain
from groundwire.cli.options import (
    FILE,
    NumberType,
    PortType,
    SecondsType,
    Settings,
    flagged,
    screen_options,
)
from groundwire.cli.render import table
from groundwire.cli.running import choose_port
from groundwire.cli.screen import make_screen
from groundwire.cli.shapes import Shape
from groundwire.jobs.console import Console, ConsoleOptions, ConsoleReport

LINE_END: Final = b"\r\n"
TYPED_MOST: Final = 4096


@dataclass(frozen=True, slots=True)
class Asked:
    """What the flags of the verb say."""

    log_port: str | None = None
    read_at: int | None = None
    until: str = ""
    for_s: float | None = None
    save: Path | None = None
    send: tuple[str, ...] = ()


LOG_PORT_FLAG: Final = click.option(
    "--log-port",
    type=PortType(),
    metavar="PORT2",
    help="A second adapter on the module's log pin (TX2 on Beken).",
)
READ_AT_FLAG: Final = click.option(
    "-b",
    "--baud",
    "read_at",
    type=NumberType(300, 6_000_000),
    help="The speed of the log; left out, it is found from the bytes.",
)
FLAGS: Final = (
    click.option(
        "-p",
        "--port",
        type=PortType(),
        envvar="GROUNDWIRE_PORT",
        help="The port to listen on; left out, the only adapter present is taken.",
    ),
    LOG_PORT_FLAG,
    READ_AT_FLAG,
    click.option("--until", default="", metavar="PATTERN", help="End when a line matches."),
    click.option(
        "--for", "for_s", type=SecondsType(), metavar="SECONDS", help="End after so long."
    ),
    click.option(
        "--save",
        type=FILE,
        metavar="NAME",
        help="Keep raw bytes, lines and each boot in NAME.raw, NAME.txt, NAME.boot1.txt, …",
    ),
    click.option("--send", multiple=True, metavar="TEXT", help="A line to send first."),
)


@click.command("console")
@flagged(*FLAGS)
@screen_options
def command(settings: Settings, **asked: object) -> None:
    """Show what a module prints: finds the speed by itself, marks each boot, stamps each line.

    Lines typed on a terminal are sent. An adapter that is pulled out may come back. With
    --log-port two ports are watched at once, and the end says which pins each of them is on.
    What a module prints may hold the password of your network: groundwire report masks it.

    Ctrl-C is how it ends, so its exit status is then 0; 3 where --until was not seen in time.
    """
    console(settings, Asked(**asked))  # type: ignore[arg-type]


def console(settings: Settings, asked: Asked) -> None:
    """Open, watch, show the end."""
    with make_screen(settings) as screen, Interrupts(quiet=True) as interrupts:
        first = choose_port(settings, screen.tell)
        ports = (first,) if asked.log_port is None else (first, asked.log_port)
        options = ConsoleOptions(
            ports=ports,
            rate=asked.read_at,
            for_s=asked.for_s,
            until=asked.until,
            save=asked.save,
            send=tuple(text.encode() + LINE_END for text in asked.send),
        )
        job = Console(options, screen.tell, interrupts.stop, open_plain)
        # a terminal in the foreground types to the module; a pipe or a script does not
        keyboard = Keyboard(job) if screen.can_ask else None
        report = job.run(keyboard.idle if keyboard is not None else None)
        screen.result("console", report_lines(ports, report), report_shape(ports, report))


# --- the keyboard ---------------------------------------------------------------------------------


class Keyboard:
    """Lines typed on a terminal, taken between two looks at the ports."""

    def __init__(self, job: Console) -> None:
        self._job = job
        self._handle = sys.stdin.fileno()
        self._is_open = True

    def idle(self, seconds: float) -> None:
        """Wait for so long, and send what was typed meanwhile."""
        if not self._is_open:
            select.select([], [], [], seconds)
            return
        ready, _, _ = select.select([self._handle], [], [], seconds)
        if not ready:
            return
        try:
            typed = os.read(self._handle, TYPED_MOST)
        except OSError:
            typed = b""
        self._is_open = bool(typed)
        if typed:
            self._job.type(typed.rstrip(b"\r\n") + LINE_END)


# --- the end --------------------------------------------------------------------------------------


def report_lines(ports: tuple[str, ...], report: ConsoleReport) -> list[str]:
    """What came on each port, in a few lines."""
    lines: list[str] = []
    for name, watched, which in zip(ports, report.watches, report.which, strict=True):
        facts = watched.facts
        label = f"{watched.source}: {name}" if watched.source else name
        lines.append(label)
        pins = f"{which.pins} ({which.why})" if which.pins else f"unknown: {which.why}"
        lines += table(
            [
                ("speed", f"{watched.rate} baud" if watched.settled else "not found"),
                ("pins", pins),
                ("bytes", str(watched.bytes_total)),
                ("lines", str(facts.lines_total)),
                ("boots", str(facts.boots_total)),
                ("period", f"{facts.period_s:.1f} s" if facts.period_s else ""),
                ("bootloader", facts.bootloader),
                ("application", f"{facts.app} {facts.app_version}".strip()),
                ("access point", facts.access_point),
            ]
        )
    lines += [f"kept: {path}" for path in report.saved]
    return lines


def report_shape(ports: tuple[str, ...], report: ConsoleReport) -> Shape:
    """What came on each port, for programs."""
    rows = [
        {
            "port": name,
            "source": watched.source,
            "baudrate": watched.rate if watched.settled else None,
            "pins": str(which.pins) or None,
            "why": which.why,
            "bytes": watched.bytes_total,
            "lines": watched.facts.lines_total,
            "boots": watched.facts.boots_total,
            "period_s": watched.facts.period_s,
            "ended": watched.ended,
            "watched_s": round(watched.watched_s, 3),
            "facts": watched.facts.as_members(),
        }
        for name, watched, which in zip(ports, report.watches, report.which, strict=True)
    ]
    return {"ports": rows, "saved": list(report.saved)}
