"""Watching the boot after a change: the flag, the port, the report, the end."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Final

import click

from groundwire.backup.files import write_atomically
from groundwire.bootlog.evidence import OtherEvidence, Pins
from groundwire.bootlog.lines import escape
from groundwire.bootlog.watch import DEFAULT_RATE
from groundwire.chips.family import ChipFamily, Identity, RfHealth
from groundwire.cli.options import PortType
from groundwire.cli.render import table
from groundwire.cli.running import Job, open_named
from groundwire.cli.shapes import Shape
from groundwire.errors import GroundwireError
from groundwire.events import Event, Notice, Printed, Severity
from groundwire.jobs.boot_watch import BootReport, watch_boot
from groundwire.jobs.ports import OpenedPort
from groundwire.link.runner import run
from groundwire.wire import Discard, Port, Procedure

LOG_PORT_FLAG: Final = click.option(
    "--log-port",
    type=PortType(),
    metavar="PORT",
    help="Watch the module boot afterwards: the adapter on its log pin (TX2 on Beken), or the "
    "same port as -p where the module logs there (BL602).",
)
DRAIN_QUIET_S: Final = 0.05
DRAIN_WITHIN_S: Final = 1.0
LINES_KEPT: Final = 5000
BOOT_LOG: Final = "boot.log"
EMULATED_LOG: Final = "sim:log"


class BootWatcher:
    """The port on which the boot is watched, from before the job to its end."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._port: Port | None = None
        self._is_own = False

    def open(self, main: OpenedPort, main_name: str) -> None:
        """Open the port early, so that a wrong name fails before anything is changed."""
        if self._name == main_name:
            self._port = main.port
        elif main.bench is not None:
            self._port, self._is_own = main.log_port(), True
        else:
            self._port, self._is_own = open_named(self._name, None).port, True

    def drain(self) -> None:
        """Forget what the module has printed so far."""
        if self._port is not None and self._is_own:
            run(_drained(), self._port)

    def watch(self, job: Job, folder: Path | None, *, restored: bool) -> BootReport | None:
        """Watch until it is known whether the module came up; a port that fails is a warning.

        The lines go to a file in the folder of the job, and to the screen only where asked for:
        they may hold the password of the network.
        """
        if self._port is None:
            return None
        session = job.session
        other = evidence_of(session.identity, session.family, restored=restored, own=self._is_own)
        rate = DEFAULT_RATE if self._is_own else session.family.log_baudrate
        lines: deque[str] = deque(maxlen=LINES_KEPT)

        def tell(event: Event) -> None:
            if isinstance(event, Printed):
                lines.append(f"[{event.at_s:9.3f}] {escape(event.text)}\n")
                if not job.settings.verbosity:
                    return
            job.screen.tell(event)

        try:
            boot = watch_boot(self._port, other, tell, job.interrupts.stop, first_rate=rate)
            if folder is not None and folder.is_dir():
                write_atomically(folder / BOOT_LOG, "".join(lines).encode(), replace=True)
        except GroundwireError as error:
            text = f"the boot was not watched to its end: {error.what}"
            job.screen.tell(Notice(text, Severity.WARNING))
            return None
        return boot

    def close(self) -> None:
        """Close the port, where it is not that of the job."""
        if self._port is not None and self._is_own:
            self._port.close()


def _drained() -> Procedure[None]:
    yield Discard(DRAIN_QUIET_S, DRAIN_WITHIN_S)


def evidence_of(
    identity: Identity, family: ChipFamily, *, restored: bool, own: bool
) -> OtherEvidence:
    """What a module that was just written to has told of itself."""
    return OtherEvidence(
        link_works=True,
        pins=Pins.LOG if own and family.log_pin else Pins.FLASHING,
        chip=identity.chip,
        family=identity.family,
        chip_key=identity.key_class,
        restored=restored,
        rf_erased=identity.rf is RfHealth.ERASED if identity.rf is not RfHealth.UNKNOWN else None,
    )


def boot_lines(boot: BootReport) -> list[str]:
    """Whether it came up, and what to do where not."""
    lines = [boot.sentence]
    if boot.came_up:
        return lines
    evidence = [str(quote) for finding in boot.diagnosis.findings[:1] for quote in finding.lines]
    rows = [("evidence" if at == 0 else "", text) for at, text in enumerate(evidence[:4])]
    return [*lines, *table([*rows, ("next", boot.next_step)])]


def boot_shape(boot: BootReport | None) -> Shape | None:
    """The same for programs; None where nothing was watched."""
    if boot is None:
        return None
    return {
        "came_up": boot.came_up,
        "sentence": boot.sentence,
        "next_step": boot.next_step,
        "baudrate": boot.watched.rate if boot.watched.settled else None,
        "ended": boot.watched.ended,
        "watched_s": round(boot.watched.watched_s, 3),
        "diagnosis": boot.diagnosis.as_members(),
    }
