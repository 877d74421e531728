"""groundwire write."""

from __future__ import annotations

from pathlib import Path

import click

from groundwire.chips.family import BootloaderPolicy
from groundwire.cli.booting import LOG_PORT_FLAG
from groundwire.cli.changing import (
    BACKUP_FLAGS,
    FOLDER_FLAG,
    YES_FLAGS,
    Change,
    Conditions,
    Source,
)
from groundwire.cli.images import BOOTLOADER_FLAG, load_image
from groundwire.cli.options import FILE, Settings, flagged, module_options
from groundwire.cli.provisioning import PROVISION_FLAGS, ProvisionFlags, read_provision
from groundwire.cli.running import Job
from groundwire.jobs.provision import check_provision, provisioned_request
from groundwire.jobs.write import WriteReport, change_flash, image_request


@click.command("write")
@click.argument("image", type=FILE)
@BOOTLOADER_FLAG
@flagged(LOG_PORT_FLAG, *PROVISION_FLAGS, *YES_FLAGS, *BACKUP_FLAGS, FOLDER_FLAG)
@module_options
def command(settings: Settings, image: Path, bootloader: str, **others: object) -> None:
    """Write an image after a backup, and prove the whole flash.

    The kind of image is recognised by its content. The plan is shown and asked about; every
    sector is journalled, so that the same command finishes an interrupted job. With --wifi, --mqtt
    or --template an OpenBeken configuration is written too. With --log-port the boot is watched.
    """
    flags = ProvisionFlags.taken_from(others)
    terms = Conditions(**others)  # type: ignore[arg-type]
    write(settings, image, BootloaderPolicy(bootloader), terms, flags)


def write(
    settings: Settings,
    image: Path,
    policy: BootloaderPolicy = BootloaderPolicy.KEEP,
    conditions: Conditions | None = None,
    flags: ProvisionFlags | None = None,
    *,
    verb: str = "write",
) -> None:
    """Link, back up, plan, ask, write, prove, show."""
    terms = conditions or Conditions()
    data = load_image(image)
    provision = read_provision(settings, verb, flags or ProvisionFlags())
    if provision is not None:
        check_provision(provision, data, image.name)

    def act(job: Job, change: Change) -> WriteReport:
        request = image_request(data, image.name, job.session, policy, terms.base)
        if provision is not None:
            request = provisioned_request(request, provision, data, job.screen.tell)
        return change_flash(job.session, change.conditioned(request, job))

    source = Source(image.name, data)
    Change(verb, settings, source, terms, traced=verb == "free").run(act)
