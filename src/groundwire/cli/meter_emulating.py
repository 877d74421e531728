"""groundwire meter emulate."""

from __future__ import annotations

import click

from groundwire.cli.interrupts import Interrupts
from groundwire.cli.meter_options import plain_options
from groundwire.cli.options import Settings
from groundwire.cli.render import EMULATED
from groundwire.cli.screen import make_screen
from groundwire.events import Notice
from groundwire.jobs.meter_emulate import serve_board, served_board
from groundwire.link.serve import PtyEndpoint, TcpEndpoint
from groundwire.sim.meters import BOARDS


@click.command("emulate")
@click.argument("board", default="meter-h5")
@click.option(
    "--tcp",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="Serve on a TCP port of this machine (0: any free one) instead of a pty.",
)
@plain_options("emulate")
def emulate_command(settings: Settings, *, board: str, tcp: int | None) -> None:
    """Serve an emulated BOARD (meter-h5, meter-h4, …) on a pty or TCP port until Ctrl-C.

    The name of the port comes first on standard output. Ctrl-C is how it ends, so its exit
    status is then 0. Boards with two transmit lines need modem lines, which no pty has: they are
    read in memory, as -p sim:meter-h1.
    """
    served = served_board(board)
    endpoint = PtyEndpoint() if tcp is None else TcpEndpoint(tcp)
    with make_screen(settings) as screen, Interrupts(quiet=True) as interrupts:
        try:
            shape = {"type": "serving", "port": endpoint.name, "chip": board.lower()}
            screen.show([endpoint.name], shape)
            screen.tell(Notice(f"{BOARDS[board.lower()][0]}; Ctrl-C ends it"))
            serve_board(served, endpoint, interrupts.stop)
        finally:
            endpoint.close()
        values = {"chip": board.lower(), "port": endpoint.name}
        screen.result("meter emulate", [EMULATED], values)
