"""groundwire identify."""

from __future__ import annotations

import click

from groundwire.cli.options import Settings, module_options
from groundwire.cli.portless import Shown
from groundwire.cli.render import EMULATED, identity_lines
from groundwire.cli.running import Job, with_module
from groundwire.cli.shapes import identity_shape, layout_shape


@click.command("identify")
@module_options
def command(settings: Settings) -> None:
    """Tell all that can be known of the module without writing to it.

    Nothing has to be said about the chip: family, chip, flash size, key class, bootloader, MAC
    and the state of the radio calibration are found out. -v tells how each was learned.
    """
    identify(settings)


def identify(settings: Settings) -> None:
    """Link, identify, show."""

    def act(job: Job) -> Shown:
        identity = job.session.identity
        lines = identity_lines(identity, verbose=settings.verbosity > 0)
        if job.is_emulated:
            lines.append(f"  {EMULATED}")
        values = {
            "identity": identity_shape(identity),
            "layout": layout_shape(job.session.layout),
        }
        return Shown(lines, values)

    # one look needs no speed, and a BL602 without its RAM loader has no other
    with_module(settings, "identify", act, climb=False)
