"""groundwire free."""

from __future__ import annotations

from pathlib import Path

import click

from groundwire.chips.family import BootloaderPolicy
from groundwire.cli.booting import LOG_PORT_FLAG
from groundwire.cli.changing import BACKUP_FLAGS, FOLDER_FLAG, YES_FLAGS, Conditions
from groundwire.cli.images import BOOTLOADER_FLAG
from groundwire.cli.options import FILE, Settings, flagged, module_options
from groundwire.cli.provisioning import PROVISION_FLAGS, ProvisionFlags
from groundwire.cli.write import write


@click.command("free")
@click.argument("image", type=FILE)
@BOOTLOADER_FLAG
@flagged(LOG_PORT_FLAG, *PROVISION_FLAGS, *YES_FLAGS, *BACKUP_FLAGS, FOLDER_FLAG)
@module_options
def command(settings: Settings, image: Path, bootloader: str, **others: object) -> None:
    """The whole job: identify, back up, plan, write, prove, reboot, report.

    Leaves a folder with backup, manifest, journal, trace, and a report as Markdown and JSON. The
    same command finishes an interrupted job. With --wifi, --mqtt or --template an OpenBeken
    configuration is written too. With --log-port the boot is watched, and the report says what
    came up, or why not; exit status 10 where it was not seen to come up.
    """
    flags = ProvisionFlags.taken_from(others)
    terms = Conditions(**others)  # type: ignore[arg-type]
    policy = BootloaderPolicy(bootloader)
    write(settings, image, policy, terms, flags, verb="free")
