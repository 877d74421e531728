"""groundwire restore."""

from __future__ import annotations

from pathlib import Path

import click

from groundwire.backup.files import read_input
from groundwire.cli.booting import LOG_PORT_FLAG
from groundwire.cli.changing import FOLDER_FLAG, YES_FLAGS, Change, Conditions, Source
from groundwire.cli.consent import asking_consent
from groundwire.cli.options import FILE, Settings, flagged, module_options
from groundwire.cli.running import Job
from groundwire.errors import UnknownImage
from groundwire.jobs.restore import RestoreRequest, restore_backup
from groundwire.jobs.write import WriteReport


@click.command("restore")
@click.argument("backup", type=FILE)
@click.option(
    "--other-module", is_flag=True, help="Restore although it is not known to be this module's."
)
@click.option(
    "--overwrite-loader",
    is_flag=True,
    help="Overwrite the bootloader that answers on the serial line; a failure leaves the module "
    "to an SPI programmer.",
)
@flagged(LOG_PORT_FLAG, *YES_FLAGS, FOLDER_FLAG)
@module_options
def command(
    settings: Settings,
    backup: Path,
    other_module: bool,
    overwrite_loader: bool,
    **conditions: object,
) -> None:
    """Bring a module back to its backup, radio calibration included, and prove it.

    The backup must be from this chip and, by its MAC, from this module. Where the bootloader in
    flash is what answers on the serial line, it is compared and never overwritten unless told.
    With --log-port the boot is watched.
    """
    restore(
        settings,
        backup,
        Conditions(**conditions),  # type: ignore[arg-type]
        other_module=other_module,
        overwrite_loader=overwrite_loader,
    )


def restore(
    settings: Settings,
    backup: Path,
    conditions: Conditions | None = None,
    *,
    other_module: bool = False,
    overwrite_loader: bool = False,
) -> None:
    """Link, check, plan, ask, write, prove, show."""
    terms = conditions or Conditions()
    data = read_input(backup)
    if not data:
        raise UnknownImage(name=backup.name, size=0, finding="the file is empty")

    def act(job: Job, change: Change) -> WriteReport:
        request = RestoreRequest(
            backup=backup,
            base=terms.base,
            other_module=other_module,
            overwrite_loader=overwrite_loader,
            consent=asking_consent(job, yes=terms.yes),
            only_plan=terms.dry_run,
            on_folder=change.on_folder,
            before_reboot=change.before_reboot,
        )
        return restore_backup(job.session, request)

    Change("restore", settings, Source(backup.name, data), terms, traced=False).run(act)
