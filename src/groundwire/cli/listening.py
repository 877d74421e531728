"""The live side of diagnose: ports that are listened to, and questions that are asked."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from groundwire.backup.files import read_input
from groundwire.bootlog.evidence import Pins
from groundwire.bootlog.watch import Watched
from groundwire.cli.failures import ConsentMissing
from groundwire.cli.interrupts import Interrupts
from groundwire.cli.options import PortType, SecondsType
from groundwire.cli.running import open_named
from groundwire.cli.screen import Screen
from groundwire.cli.streams import clean
from groundwire.events import Event, Printed
from groundwire.jobs.boot_watch import Decider
from groundwire.jobs.console import ConsoleOptions, ConsoleReport, open_log_port, watch_ports
from groundwire.jobs.guided import Setup
from groundwire.jobs.ports import OpenedPort
from groundwire.wire import Port

LISTEN_S: Final = 90.0
SILENT_S: Final = 30.0
YES: Final = ("y", "yes")


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports that were named, and how long to listen."""

    flashing: str | None = None
    log: str | None = None
    for_s: float | None = None

    @property
    def named(self) -> tuple[str, ...]:
        """All that are there, the flashing pins first."""
        return tuple(name for name in (self.flashing, self.log) if name)


PORT_FLAGS: Final = (
    click.option("-p", "--port", type=PortType(), help="Listen to a module on this port."),
    click.option(
        "--log-port",
        type=PortType(),
        metavar="PORT2",
        help="A second adapter, on the log pin (TX2 on Beken); -p is then on the flashing pins.",
    ),
    click.option(
        "--for",
        "for_s",
        type=SecondsType(),
        metavar="SECONDS",
        help="Listen for so long; left out, until enough is known, 90 s at most.",
    ),
    click.option(
        "--guided",
        is_flag=True,
        help="Offer safe tests one by one where the log cannot decide; nothing is written.",
    ),
)


def listen(ports: Ports, screen: Screen, interrupts: Interrupts, *, show: bool) -> ConsoleReport:
    """Listen to the ports until enough is known; the lines are shown where asked for."""

    def tell(event: Event) -> None:
        if show or not isinstance(event, Printed):
            screen.tell(event)

    options = ConsoleOptions(
        ports=ports.named,
        for_s=ports.for_s if ports.for_s is not None else LISTEN_S,
        enough=(lambda: Decider(SILENT_S)) if ports.for_s is None else None,
    )
    return watch_ports(options, tell, interrupts.stop, open_plain)


def open_plain(name: str) -> Port:
    """A port to listen on; where it cannot be opened, the system is asked why."""
    return open_log_port(name, lambda wanted: open_named(wanted, None))


def the_log(report: ConsoleReport) -> tuple[Watched, Pins]:
    """The watch that holds the module's log, and the pins it was on."""
    pairs = list(zip(report.watches, report.which, strict=True))
    best = max(pairs, key=lambda pair: (pair[1].pins is Pins.LOG, pair[0].facts.text_total))
    return best[0], best[1].pins


def make_setup(
    ports: Ports,
    screen: Screen,
    interrupts: Interrupts,
    image: Path | None,
    backup: Path | None,
) -> Setup:
    """What guided tests work with.

    Raises:
        ConsentMissing: nobody is there to be asked.
    """
    if not screen.can_ask:
        raise ConsentMissing(verb="diagnose --guided", reason="standard input is no terminal")
    return Setup(
        ask=_asking(screen, interrupts),
        tell=screen.tell,
        stop=interrupts.stop,
        log=_opener(ports.log or ports.flashing),
        flashing=_opener(ports.flashing),
        image=read_input(image) if image is not None else b"",
        image_name=image.name if image is not None else "",
        backup=read_input(backup) if backup is not None else b"",
    )


def _opener(name: str | None) -> Callable[[], OpenedPort] | None:
    return None if name is None else lambda: open_named(name, None)


def _asking(screen: Screen, interrupts: Interrupts) -> Callable[[str], bool]:
    def ask(question: str) -> bool:
        screen.pause()
        with interrupts.asking():
            sys.stderr.write(clean(f"{question}? [y/N] "))
            sys.stderr.flush()
            return sys.stdin.readline().strip().lower() in YES

    return ask
