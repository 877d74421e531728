"""groundwire backup."""

from __future__ import annotations

import datetime
from pathlib import Path

import click

from groundwire.cli.options import FILE, Settings, module_options
from groundwire.cli.portless import Shown
from groundwire.cli.render import backup_lines, identity_lines
from groundwire.cli.running import Job, with_module
from groundwire.cli.shapes import identity_shape
from groundwire.jobs.backup import backup_name, take_backup


@click.command("backup")
@click.option(
    "-o",
    "--output",
    type=FILE,
    metavar="FILE",
    help="Where to; left out, a name of chip, MAC and time in this folder.",
)
@module_options
def command(settings: Settings, output: Path | None) -> None:
    """Read the whole flash, prove every byte, and keep it.

    Every byte is confirmed by the chip's own checksum. A flash that is blank, silent or repeats
    itself is refused as a backup. The file bears its name only when it is complete; its manifest
    lies beside it.
    """
    backup(settings, output)


def backup(settings: Settings, output: Path | None = None) -> None:
    """Link, back up, show."""

    def act(job: Job) -> Shown:
        identity = job.session.identity
        now = datetime.datetime.now().astimezone()
        path = output or Path(f"{backup_name(identity, now)}.bin")
        taken = take_backup(job.session, path)
        values = {
            "identity": identity_shape(identity),
            "file": str(path),
            "size": len(taken.data),
            "manifest": taken.manifest,
        }
        return Shown([*identity_lines(identity), *backup_lines(taken)], values)

    with_module(settings, "backup", act)
