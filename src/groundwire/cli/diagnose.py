"""groundwire diagnose."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from groundwire.bootlog.facts import LogFacts
from groundwire.bootlog.finding import Diagnosis
from groundwire.cli.diagnosing import diagnosis_lines, diagnosis_shape, sentence
from groundwire.cli.failures import BadCommandLine
from groundwire.cli.interrupts import Interrupts
from groundwire.cli.listening import PORT_FLAGS, Ports, listen, make_setup, the_log
from groundwire.cli.options import FILE, ChipType, NumberType, Settings, flagged, screen_options
from groundwire.cli.screen import Screen, make_screen
from groundwire.errors import InputUnreadable, NoDiagnosis
from groundwire.jobs.diagnose import (
    FileKind,
    Known,
    add_address,
    add_backup,
    add_chip,
    add_folder,
    add_image,
    diagnose_log,
    diagnose_without_log,
    kind_of,
    read_log,
)
from groundwire.jobs.guided import guide

STDIN: Final = Path("-")


@dataclass(frozen=True, slots=True)
class Given:
    """What the flags of the verb name."""

    backup: Path | None = None
    image: Path | None = None
    folder: Path | None = None
    read_at: int | None = None
    address: int | None = None
    ports: Ports = Ports()  # noqa: RUF009 - a frozen value
    guided: bool = False


FILE_FLAGS = (
    click.option("--backup", type=FILE, metavar="FILE", help="The flash of the module, read back."),
    click.option("--image", type=FILE, metavar="FILE", help="The image that was written to it."),
    click.option(
        "--written-at",
        "address",
        type=NumberType(0, 64 << 20),
        metavar="ADDRESS",
        help="Where in the flash another tool wrote that image.",
    ),
    click.option(
        "--folder", type=FILE, metavar="DIR", help="The folder of a write, erase or restore."
    ),
    click.option("-c", "--chip", type=ChipType(), help="The chip of the module."),
    click.option(
        "--read-at",
        type=NumberType(300, 6_000_000),
        metavar="BAUD",
        help="The speed at which the log was recorded, if you know it.",
    ),
)


@click.command("diagnose")
@click.argument("files", type=FILE, nargs=-1)
@flagged(*PORT_FLAGS, *FILE_FLAGS)
@screen_options
def command(
    settings: Settings,
    files: tuple[Path, ...],
    log_port: str | None,
    for_s: float | None,
    guided: bool,
    **given: object,
) -> None:
    """Say in one sentence what is wrong with a module, how sure that is, and what to do next.

    FILES are logs as any terminal program saved them or somebody pasted them (- is standard
    input), images, backups, and folders of jobs: each is recognised by its content.

    Exit status 0: sound, or diagnosed. 10: nothing known fits; the tests that would tell are named.
    """
    ports = Ports(settings.port, log_port, for_s)
    diagnose(settings, files, Given(ports=ports, guided=guided, **given))  # type: ignore[arg-type]


def diagnose(settings: Settings, files: Sequence[Path], given: Given) -> None:
    """Gather what is known, diagnose each log with it, show.

    Raises:
        NoDiagnosis: nothing known fits one of the logs, or what is known without a log.
    """
    check_asked(files, given)
    with make_screen(settings) as screen, Interrupts() as interrupts:
        setup = None
        if given.guided:
            setup = make_setup(given.ports, screen, interrupts, given.image, given.backup)
        logs, known = gather(settings.chip, files, given)
        found: list[Diagnosis] = []
        for path in logs:
            facts = _read(path, given.read_at or 0, interrupts, screen)
            found.append(diagnose_log(facts, known))
            _show(screen, _name(path) if len(logs) > 1 else "", found[-1], known)
        live = given.ports.named
        if live:
            boot, known = listened(settings, given, known, screen, interrupts)
            found.append(boot)
            _show(screen, live[-1] if logs else "", boot, known)
        if not logs and not live:
            found.append(diagnose_without_log(known))
            _show(screen, "", found[-1], known)
        if setup is not None:
            guided = guide(setup, found[-1].facts, known)
            found[-1] = guided.diagnosis
            _show(screen, "after the tests", guided.diagnosis, guided.known)
        end(screen, found, "this log" if logs or live else "what was given")


def check_asked(files: Sequence[Path], given: Given) -> None:
    """Refuse a call that names nothing to look at.

    Raises:
        BadCommandLine: it does.
    """
    message = ""
    if not files and given == Given(read_at=given.read_at, ports=Ports(for_s=given.ports.for_s)):
        message = "nothing to diagnose: name a log, - for standard input, or a port with -p"
    if given.guided and not given.ports.named:
        message = "--guided needs a port: name the one that the module is on with -p"
    if message:
        raise BadCommandLine(message=message, help_command="groundwire diagnose --help")


def listened(
    settings: Settings, given: Given, known: Known, screen: Screen, interrupts: Interrupts
) -> tuple[Diagnosis, Known]:
    """Listen to the ports, and diagnose what the log port said."""
    report = listen(given.ports, screen, interrupts, show=settings.verbosity > 0)
    watched, pins = the_log(report)
    known = known.with_("", read_rate=watched.rate, watched_s=watched.watched_s)
    if pins:
        known = known.with_("", pins=pins)
    return diagnose_log(watched.facts, known), known


def gather(chip: str | None, files: Sequence[Path], given: Given) -> tuple[list[Path], Known]:
    """The files that are logs, and what all others and the flags tell."""
    kinds = [(path, FileKind.LOG if path == STDIN else kind_of(path)) for path in files]
    known = add_chip(Known(), chip) if chip else Known()
    folders = [path for path, kind in kinds if kind == FileKind.FOLDER]
    for folder in [*folders, *([given.folder] if given.folder else [])]:
        known = add_folder(known, folder)
    backups = [path for path, kind in kinds if kind == FileKind.BACKUP]
    for backup in [*backups, *([given.backup] if given.backup else [])]:
        known = add_backup(known, backup)
    images = [path for path, kind in kinds if kind == FileKind.IMAGE]
    for image in [*images, *([given.image] if given.image else [])]:
        known = add_image(known, image)
    if given.address is not None:
        known = add_address(known, given.address)
    return [path for path, kind in kinds if kind == FileKind.LOG], known


def _name(path: Path) -> str:
    return "standard input" if path == STDIN else path.name


def _read(path: Path, read_at: int, interrupts: Interrupts, screen: Screen) -> LogFacts:
    if path == STDIN:
        return read_log(sys.stdin.buffer, read_at, interrupts.stop, screen.tell)
    try:
        with path.open("rb") as file:
            return read_log(file, read_at, interrupts.stop, screen.tell)
    except OSError as error:
        raise InputUnreadable(path=str(path), reason=error.strerror or str(error)) from error


def _show(screen: Screen, name: str, diagnosis: Diagnosis, known: Known) -> None:
    head = [f"{name}:"] if name else []
    shape = diagnosis_shape(name, diagnosis, known)
    screen.show([*head, *diagnosis_lines(diagnosis, known)], shape)


def seen_text(diagnosis: Diagnosis) -> str:
    """How much a diagnosis had to go by."""
    facts = diagnosis.facts
    if not facts.bytes_total:
        return "nothing in it points at a fault"
    return f"{facts.bytes_total} bytes, {facts.lines_total} lines, {facts.boots_total} boots"


def end(screen: Screen, found: Sequence[Diagnosis], subject: str) -> None:
    """The result of the verb, or the error that nothing fits."""
    unknown = next((one for one in found if not one.known), None)
    if unknown is not None:
        raise NoDiagnosis(
            subject=subject,
            seen=seen_text(unknown),
            tests=tuple(test.ask for test in unknown.tests),
        )
    values = {"sentence": sentence(found), "sound": all(one.sound for one in found)}
    screen.result("diagnose", [], {**values, "diagnoses": [list(one.ids()) for one in found]})
