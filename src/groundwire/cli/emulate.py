"""groundwire emulate."""

from __future__ import annotations

from pathlib import Path

import click

from groundwire.backup.files import read_input
from groundwire.chips.registry import family_of
from groundwire.cli.interrupts import Interrupts
from groundwire.cli.options import FILE, ChipType, Settings, screen_options
from groundwire.cli.running import Shown
from groundwire.cli.screen import make_screen
from groundwire.errors import UnknownImage, UnsupportedHere
from groundwire.link.serve import Pace, PtyEndpoint, TcpEndpoint, serve


@click.command("emulate")
@click.argument("chip", type=ChipType())
@click.option("--over", type=FILE, metavar="DUMP", help="The content of its flash.")
@click.option(
    "--tcp",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="Serve on a TCP port of this machine (0: any) instead of a pty.",
)
@click.option("--unpaced", is_flag=True, help="Bytes take no time on the line.")
@screen_options
def command(
    settings: Settings, chip: str, over: Path | None, tcp: int | None, unpaced: bool
) -> None:
    """Serve an emulated CHIP on a pty or a TCP port until Ctrl-C, for any tool to try.

    The name of the port is the first line on standard output.
    """
    emulate(settings._replace_chip(chip), over, tcp, unpaced=unpaced)
