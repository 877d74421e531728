"""groundwire free."""

from __future__ import annotations

from pathlib import Path

import click

from groundwire.chips.family import BootloaderPolicy
from groundwire.cli.changing import BACKUP_FLAGS, FOLDER_FLAG, YES_FLAGS, Conditions
from groundwire.cli.images import BOOTLOADER_FLAG
from groundwire.cli.options import FILE, Settings, flagged, module_options
from groundwire.cli.provisioning import PROVISION_FLAGS, ProvisionFlags
from groundwire.cli.write import write


@click.command("free")
@click.argument("image", type=FILE)
@BOOTLOADER_FLAG
@flagged(*PROVISION_FLAGS, *YES_FLAGS, *BACKUP_FLAGS, FOLDER_FLAG)
@module_options
def command(settings: Settings, image: Path, bootloader: str, **others: object) -> None:
    """The whole job: identify, back up, plan, write, prove, reboot, report.

    Leaves a folder with backup, manifest, journal, trace, and a report as Markdown and JSON. The
    same command finishes an interrupted job. With --wifi, --mqtt or --template an OpenBeken
    configuration is written too.
    """
    flags = ProvisionFlags.taken_from(others)
    terms = Conditions(**others)  # type: ignore[arg-type]
    write(settings, image, BootloaderPolicy(bootloader), terms, flags, verb="free")
