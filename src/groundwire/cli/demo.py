"""groundwire demo."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import click

from groundwire.chips.family import BootloaderPolicy
from groundwire.chips.registry import family_of
from groundwire.cli.booting import EMULATED_LOG
from groundwire.cli.changing import Change, Conditions, Source
from groundwire.cli.options import FILE, ChipType, Settings, screen_options
from groundwire.cli.running import Job
from groundwire.events import Notice
from groundwire.jobs.ports import SIM_PREFIX
from groundwire.jobs.write import WriteReport, change_flash, image_request

DEFAULT_CHIP = "BK7231N"


@click.command("demo")
@click.option(
    "-c", "--chip", type=ChipType(), default=DEFAULT_CHIP, show_default=True, help="Which module."
)
@click.option(
    "--folder",
    type=FILE,
    metavar="DIR",
    help="Where the job's folder is made; left out, a temporary place.",
)
@screen_options
def command(settings: Settings, folder: Path | None) -> None:
    """Run the whole job on an emulated module, in memory: no adapter, no module, no risk.

    The module has made-up vendor content; the image that frees it is made up, too. Everything in
    between is what `groundwire free` does on a port.
    """
    demo(settings, folder)


def demo(settings: Settings, folder: Path | None = None) -> None:
    """Free an emulated module with a synthetic image."""
    from groundwire.sim.modules import firmware_image  # noqa: PLC0415 - slow to import

    chip = settings.chip or DEFAULT_CHIP
    data = firmware_image(chip)
    name = f"Open{chip}_QIO_demo.bin"
    base = folder or Path(tempfile.mkdtemp(prefix="groundwire-demo-"))

    def act(job: Job, change: Change) -> WriteReport:
        job.session.tell(Notice("this module is emulated: no hardware is involved"))
        request = image_request(data, name, job.session, BootloaderPolicy.KEEP, base)
        return change_flash(job.session, change.conditioned(request, job))

    emulated = replace(settings, port=f"{SIM_PREFIX}{chip.lower()}", chip=None)
    # the boot is watched on the second adapter, which stands beside every emulated Beken
    family = family_of(chip)
    log_port = EMULATED_LOG if family is not None and family.log_pin else None
    terms = Conditions(yes=True, folder=base, log_port=log_port)
    Change("demo", emulated, Source(name, data), terms, traced=True).run(act)
