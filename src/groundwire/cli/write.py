"""groundwire write."""

from __future__ import annotations

from pathlib import Path

import click

from groundwire.chips.family import BootloaderPolicy
from groundwire.cli.changing import (
    BACKUP_FLAGS,
    FOLDER_FLAG,
    YES_FLAGS,
    Change,
    Conditions,
    Source,
    flagged,
)
from groundwire.cli.images import BOOTLOADER_FLAG, load_image
from groundwire.cli.options import FILE, Settings, module_options
from groundwire.cli.running import Job
from groundwire.jobs.write import WriteReport, change_flash, image_request


@click.command("write")
@click.argument("image", type=FILE)
@BOOTLOADER_FLAG
@flagged(*YES_FLAGS, *BACKUP_FLAGS, FOLDER_FLAG)
@module_options
def command(settings: Settings, image: Path, bootloader: str, **conditions: object) -> None:
    """Write an image after a backup, and prove the whole flash.

    The kind of image is recognised by its content. The plan is shown and asked about; every
    sector is journalled, so that the same command finishes an interrupted job.
    """
    write(settings, image, BootloaderPolicy(bootloader), Conditions(**conditions))  # type: ignore[arg-type]


def write(
    settings: Settings,
    image: Path,
    policy: BootloaderPolicy = BootloaderPolicy.KEEP,
    conditions: Conditions | None = None,
    verb: str = "write",
    log_port: str | None = None,
) -> None:
    """Link, back up, plan, ask, write, prove, show."""
    terms = conditions or Conditions()
    data = load_image(image)

    def act(job: Job, change: Change) -> WriteReport:
        request = image_request(data, image.name, job.session, policy, terms.base)
        return change_flash(job.session, change.conditioned(request, job))

    source = Source(image.name, data)
    traced = verb == "free"
    Change(verb, settings, source, terms, traced=traced, log_port=log_port).run(act)
